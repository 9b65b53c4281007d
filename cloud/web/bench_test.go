package web

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"testing"

	"lotkeeper/scripts/bench/measure"
)

// BenchmarkP18OwnerPage: what a phone must fetch before the owner page shows: the page, its script and what that imports,
// and their styles, as built into this program. There is no floor: the goal is a size.
func BenchmarkP18OwnerPage(b *testing.B) {
	const most = 150_000
	files, err := fs.Sub(built, "dist")
	if err != nil {
		b.Fatal(err)
	}
	text, err := fs.ReadFile(files, "manifest.json")
	if err != nil {
		b.Fatal("the front end is not built: make web")
	}
	var manifest map[string]struct {
		File    string   `json:"file"`
		Imports []string `json:"imports"`
		CSS     []string `json:"css"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		b.Fatal(err)
	}
	load := map[string]bool{"pay/index.html": true}
	var walk func(key string)
	walk = func(key string) {
		c, ok := manifest[key]
		if !ok {
			b.Fatalf("the manifest has no %s", key)
		}
		if load[c.File] {
			return
		}
		load[c.File] = true
		for _, f := range c.CSS {
			load[f] = true
		}
		for _, k := range c.Imports {
			walk(k)
		}
	}
	walk("pay/index.html")
	total := 0
	for f := range load {
		body, err := fs.ReadFile(files, f)
		if err != nil {
			b.Fatal(err)
		}
		var n counter
		z := gzip.NewWriter(&n)
		if _, err := z.Write(body); err != nil {
			b.Fatal(err)
		}
		if err := z.Close(); err != nil {
			b.Fatal(err)
		}
		total += int(n)
	}
	if len(load) < 3 {
		b.Fatalf("only %v were found", load)
	}
	ratio := float64(total) / most
	measure.Report(b, measure.Result{
		ID: "P18", Name: "owner page, first load, gzip", Value: float64(total) / 1000, Unit: "kB", Floor: most / 1000,
		Ratio: ratio, Min: ratio, Max: ratio, Rounds: 1, Goal: "<150 kB", Met: total < most,
	})
}

// counter counts what is written.
type counter int

var _ io.Writer = (*counter)(nil)

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

package driver_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
)

type link struct {
	TCP string `json:"tcp"`
}

type settings struct {
	link
	Poll   driver.Duration `json:"poll"`
	Inputs map[string]int  `json:"inputs"`
	hidden int
}

func TestDecode(t *testing.T) {
	var s struct {
		Link link `json:"link"`
		settings
	}
	var f driver.Faults
	f.Decode(json.RawMessage(`{"tcp":"h:1","poll":"50ms","inputs":{"a":1},"link":{"tcp":"x","udp":"y"},"hidden":1,"poll2":3}`), &s)
	err := f.Err()
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`"udp"`, `"hidden"`, `"poll2"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
	if s.TCP != "h:1" || time.Duration(s.Poll) != 50*time.Millisecond || s.Inputs["a"] != 1 || s.hidden != 0 {
		t.Errorf("decoded %+v", s)
	}
	if len(f) != 3 {
		t.Errorf("%d faults, want 3: %v", len(f), err)
	}
}

// FuzzDecode: no settings document makes an adapter's decoder panic.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"tcp":"h:1","poll":"50ms"}`))
	f.Add([]byte(`{"poll":5,"inputs":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s settings
		var faults driver.Faults
		faults.Decode(b, &s)
		blank := len(bytes.TrimSpace(b)) == 0 // stands for {}
		if faults.Err() == nil && !blank && !json.Valid(b) {
			t.Fatalf("%q is accepted", b)
		}
	})
}

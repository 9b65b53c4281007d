package tariff_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/oracle"
)

var (
	stays = flag.Int("stays", 1500, "how many random stays are compared with the oracle")
	first = flag.Int("stays-first", 0, "the first of them: one that failed is replayed with -stays-first N -stays 1")
	seed  = flag.Uint64("stays-seed", 1, "which ones")
)

// TestOracle compares the engine with a second one that was written apart and goes second by second, on random tariffs
// of every setting. Stay n of a seed is the same each time. make fuzz compares a million.
func TestOracle(t *testing.T) {
	shards := runtime.GOMAXPROCS(0)
	refused := make([]int, shards)
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(strconv.Itoa(shard), func(t *testing.T) {
				t.Parallel()
				failed := 0
				for n := *first + shard; n < *first+*stays && failed < 5; n += shards {
					tf, cal, stay, ctx := oracle.Draw(rand.New(rand.NewPCG(*seed, uint64(n))).IntN)
					if tf.Validate() != nil {
						refused[shard]++ // fractions that have no common denominator
						continue
					}
					if fault := differs(t, tf, cal, stay, ctx); fault != "" {
						t.Errorf("stay %d of seed %d: %s\n%s\n%s", n, *seed, fault, written(t, tf), written(t, []any{cal, stay, ctx}))
						failed++
					}
				}
			})
		}
	})
	all := 0
	for _, n := range refused {
		all += n
	}
	if all*100 > *stays {
		t.Errorf("%d of %d tariffs were refused", all, *stays)
	}
}

// TestOnceDifferent holds stays on which engine and oracle once differed; testdata/mismatches has them written out, so
// that they stay when the generator changes.
func TestOnceDifferent(t *testing.T) {
	files, err := filepath.Glob("testdata/mismatches/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				Tariff   tariff.Tariff     `json:"tariff"`
				Calendar calendar.Calendar `json:"calendar"`
				Stay     tariff.Stay       `json:"stay"`
				Context  tariff.Context    `json:"context"`
			}
			if err := json.Unmarshal(text, &c); err != nil {
				t.Fatal(err)
			}
			if fault := differs(t, c.Tariff, c.Calendar, c.Stay, c.Context); fault != "" {
				t.Error(fault)
			}
		})
	}
}

// differs prices a stay by the engine, as bill and as quote, and by the oracle; empty if all agree.
func differs(t *testing.T, tf tariff.Tariff, cal calendar.Calendar, stay tariff.Stay, ctx tariff.Context) string {
	t.Helper()
	got, err := tariff.Rate(tf, cal, stay, ctx)
	if err != nil {
		return err.Error()
	}
	want, err := oracle.Rate(tf, cal, stay, ctx)
	if err != nil {
		return "the oracle: " + err.Error()
	}
	same := got.Gross == want.Gross && got.Free == want.Free && got.Paid == want.Paid && got.Due == want.Due && slices.Contains(got.Flags, tariff.FlagMaxStay) == want.MaxStay
	if !same {
		return fmt.Sprintf("got gross %d free %d paid %d due %d %v, the oracle %+v\n%s", got.Gross, got.Free, got.Paid, got.Due, got.Flags, want, lines(got))
	}
	quote, err := quoted(tf, cal, stay, ctx)
	if err != nil || quote.Gross != got.Gross || quote.Free != got.Free || quote.Paid != got.Paid || quote.Due != got.Due {
		return fmt.Sprintf("the quote is %+v (%v), the bill %+v", quote, err, got)
	}
	return ""
}

func written(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

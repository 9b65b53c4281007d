package tariff_test

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/oracle"
)

var (
	stays = flag.Int("stays", 1500, "how many random stays are compared with the oracle")
	seed  = flag.Uint64("stays-seed", 1, "which ones")
)

// TestOracle compares the engine with a second one that was written apart and goes second by second, on random tariffs
// of every setting. Stay n of a seed is the same each time. make fuzz compares a million.
func TestOracle(t *testing.T) {
	refused, failed := 0, 0
	for n := range *stays {
		tf, cal, stay, ctx := oracle.Draw(rand.New(rand.NewPCG(*seed, uint64(n))).IntN)
		if tf.Validate() != nil {
			refused++ // fractions that have no common denominator
			continue
		}
		got, err := tariff.Rate(tf, cal, stay, ctx)
		if err != nil {
			t.Fatalf("stay %d of seed %d: %v", n, *seed, err)
		}
		want, err := oracle.Rate(tf, cal, stay, ctx)
		if err != nil {
			t.Fatalf("stay %d of seed %d: the oracle: %v", n, *seed, err)
		}
		same := got.Gross == want.Gross && got.Free == want.Free && got.Paid == want.Paid && got.Due == want.Due && slices.Contains(got.Flags, tariff.FlagMaxStay) == want.MaxStay
		if !same {
			t.Errorf("stay %d of seed %d: got gross %d free %d paid %d due %d %v, the oracle %+v\n%s\n%s\n%s", n, *seed,
				got.Gross, got.Free, got.Paid, got.Due, got.Flags, want, written(t, tf), written(t, []any{cal, stay, ctx}), lines(got))
			if failed++; failed == 5 {
				t.Fatal("and so on")
			}
		}
		quote, err := quoted(tf, cal, stay, ctx)
		if err != nil || quote.Gross != got.Gross || quote.Free != got.Free || quote.Paid != got.Paid || quote.Due != got.Due {
			t.Fatalf("stay %d of seed %d: the quote is %+v (%v), the bill %+v", n, *seed, quote, err, got)
		}
	}
	if refused*100 > *stays {
		t.Errorf("%d of %d tariffs were refused", refused, *stays)
	}
}

func written(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

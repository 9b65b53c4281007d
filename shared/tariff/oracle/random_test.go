package oracle

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// TestDraws rates what is drawn, and looks at what holds of every bill.
func TestDraws(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const draws = 600
	zero, worst, start := 0, time.Duration(0), time.Now()
	for range draws {
		drawn, cal, stay, context := Draw(random.IntN)
		text, err := json.Marshal(drawn)
		if err != nil {
			t.Fatal(err)
		}
		if err := cal.Validate(); err != nil {
			t.Fatal(err)
		}
		again, err := tariff.Decode(text)
		if err != nil || !reflect.DeepEqual(drawn, again) {
			t.Fatalf("%s reads back otherwise: %v", text, err)
		}
		began := time.Now()
		got, err := Rate(drawn, cal, stay, context)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(began))
		if got.Due != got.Gross-got.Free-got.Paid || min(got.Gross, got.Free, got.Paid, got.Due) < 0 {
			t.Errorf("%+v: %s, %+v, %+v", got, text, stay, context)
		}
		if got.Gross == 0 {
			zero++
		}
	}
	t.Logf("%s each, %s at most; %d of %d cost nothing", time.Since(start)/draws, worst, zero, draws)
}

// TestDrawnHours compares with a formula: under the simplest tariff a stay costs its begun hours.
func TestDrawnHours(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		drawn, cal, stay, _ := Draw(random.IntN)
		simple := tariff.Tariff{TZ: drawn.TZ, Plans: []tariff.Plan{{Bands: []tariff.Band{{ID: "a", Steps: []tariff.Step{{Unit: 3600, Price: money.Whole(7)}}}}}}}
		got, err := Rate(simple, cal, stay, tariff.Context{})
		if err != nil {
			t.Fatal(err)
		}
		seconds := floorSecond(stay.Exit) - ceilSecond(stay.Entry)
		if want := money.Amount((seconds + 3599) / 3600 * 7); got.Gross != want {
			t.Errorf("%+v: %d, want %d", stay, got.Gross, want)
		}
	}
}

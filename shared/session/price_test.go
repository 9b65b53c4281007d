package session

import (
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// terms are one tariff for everybody.
type terms struct {
	t        tariff.Tariff
	entitled []string
}

func (x terms) Tariff(fact.TariffRef) (tariff.Tariff, bool) { return x.t, true }
func (x terms) TariffFor(string, time.Time) (fact.TariffRef, bool) {
	return fact.TariffRef{ID: x.t.ID, Version: x.t.Version}, true
}
func (x terms) Days() calendar.Calendar { return calendar.Calendar{} }
func (x terms) RightsOf(plate.Plate, time.Time, time.Time, []fact.RightUse) []tariff.Right {
	return nil
}
func (x terms) EntitlementsOf(plate.Plate, time.Time) []string {
	return x.entitled
}

// TestEntitledPlatesHaveAPriceOfTheirOwn, and the bill says why.
func TestEntitledPlatesHaveAPriceOfTheirOwn(t *testing.T) {
	half, err := tariff.Decode([]byte(`{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[
		{"id":"disabled","entitlements":["disabled"],"multiplier":"1/2","multiplier_name":{"zh":"残疾人半价","en":"Disabled: half price"},"bands":[{"id":"b","steps":[{"unit":"1h","price":500}]}]},
		{"id":"all","bands":[{"id":"b","steps":[{"unit":"1h","price":500}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p := newPen(0)
	p.through(fact.Entry, "粤B12345")
	b := NewBook()
	b.Add(p.out...)
	for _, c := range []struct {
		entitled []string
		want     int64
		lines    int
	}{{nil, 1000, 1}, {[]string{"disabled"}, 500, 2}} {
		bill, err := Price(only(t, b), noon.Add(2*time.Hour), terms{half, c.entitled})
		if err != nil {
			t.Fatal(err)
		}
		if int64(bill.Due) != c.want || len(bill.Lines) != c.lines {
			t.Errorf("entitled to %v: due %d with %+v, want %d", c.entitled, int64(bill.Due), bill.Lines, c.want)
		}
	}
}

// TestEarlierVisitsCount: who comes back soon goes on with the visit before, and a maximum for the day is for all visits.
func TestEarlierVisitsCount(t *testing.T) {
	three, err := tariff.Decode([]byte(`{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY",
		"reentry":{"within":"1h"},
		"plans":[{"id":"p","position":"stay","bands":[{"id":"b","steps":[{"up_to":"3h","price":0},{"unit":"1h","price":300}]}],"shared_caps":[{"amount":1000,"window":"day"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p := newPen(0)
	in := p.through(fact.Entry, "粤B12345")
	p.at = noon.Add(4 * time.Hour)
	out := p.through(fact.Exit, "粤B12345")
	p.bill(in, out, 300, 0)
	p.at = noon.Add(4*time.Hour + 30*time.Minute)
	again := p.through(fact.Entry, "粤B12345")
	p.at = noon.Add(4*time.Hour + 40*time.Minute)
	p.through(fact.Entry, "粤B54321") // somebody else

	b := NewBook()
	b.Add(p.out...)
	for _, s := range b.Sessions() {
		if s.ID != again {
			if len(s.Before) != 0 {
				t.Errorf("session %s of %s has earlier visits: %+v", s.ID, s.Plate.Text, s.Before)
			}
			continue
		}
		if len(s.Before) != 1 || s.Before[0].Gross != 300 || !s.Before[0].Entry.Equal(noon) || s.Before[0].ID != in.String() {
			t.Fatalf("earlier visits: %+v", s.Before)
		}
		for after, want := range map[time.Duration]int64{
			5*time.Hour + 30*time.Minute: 600, // 5.5 h from the first entry: 3 units, less the one that is paid
			12 * time.Hour:               700, // 9 units, but with the 300 of before at most 1000
		} {
			bill, err := Price(s, noon.Add(after), terms{t: three})
			if err != nil {
				t.Fatal(err)
			}
			if int64(bill.Due) != want {
				t.Errorf("%s after the first entry: due %d, want %d: %+v", after, int64(bill.Due), want, bill.Lines)
			}
		}
	}
}

package traffic

import (
	"log/slog"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/plate"
)

// TestJudge is the table of what an arm may rise for.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	parse := func(s string) plate.Plate {
		p, err := plate.Parse(s, plate.ColourBlue)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	visitor, permit := parse("粤B12345"), parse("粤B8L66Q")
	for _, c := range []struct {
		name   string
		entry  bool
		car    *Car
		button bool
		asked  bool
		gone   time.Duration // since the car has left; 0: it stands there
		wrong  int
	}{
		{name: "entry, a car", entry: true, car: &Car{Plate: visitor}},
		{name: "entry, nobody", entry: true, wrong: 1},
		{name: "exit, nobody", wrong: 1},
		{name: "exit, unpaid", car: &Car{Plate: visitor, EnteredAt: now.Add(-time.Hour)}, wrong: 1},
		{name: "exit, paid", car: &Car{Plate: visitor, EnteredAt: now.Add(-time.Hour), Settled: "phone"}},
		{name: "exit, within the free time", car: &Car{Plate: visitor, EnteredAt: now.Add(-15 * time.Second)}},
		{name: "exit, just beyond it", car: &Car{Plate: visitor, EnteredAt: now.Add(-24 * time.Second)}, wrong: 1},
		{name: "exit, a permit", car: &Car{Plate: permit, Kind: Permit, EnteredAt: now.Add(-time.Hour)}},
		{name: "exit, a permit that came before lotsim started", car: &Car{Plate: permit, Kind: LongStay, EnteredAt: now.Add(-5 * time.Hour)}},
		{name: "exit, a stranger", car: &Car{Plate: visitor}, wrong: 1},
		{name: "exit, no plate", car: &Car{Kind: Unlicensed, EnteredAt: now.Add(-time.Hour)}, wrong: 1},
		{name: "exit, the button in the cabinet", button: true},
		{name: "exit, somebody was asked", asked: true},
		{name: "exit, paid and just backed out", car: &Car{Plate: visitor, Settled: "cash"}, gone: 200 * time.Millisecond},
		{name: "exit, paid and long gone", car: &Car{Plate: visitor, Settled: "cash"}, gone: 3 * time.Second, wrong: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := sim.Env{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
			w, err := New(Config{Traffic: Settings{Permits: []string{"粤B8L66Q"}, FreeFor: 20 * time.Second, Mischief: &Mischief{}}}, Options{Env: env})
			if err != nil {
				t.Fatal(err)
			}
			l := sim.NewLane(sim.LaneConfig{Name: "lane", Entry: c.entry}, env)
			w.Add(l)
			switch {
			case c.gone > 0:
				w.gone["lane"] = departure{c.car, now.Add(-c.gone)}
			case c.car != nil:
				w.here["lane"] = c.car
			}
			if c.asked {
				if err := w.Asked("lane"); err != nil {
					t.Fatal(err)
				}
			}
			w.Rose(sim.Rise{Lane: l, At: now, Button: c.button})
			if r, wrong := w.Report(); r.WronglyOpened != c.wrong {
				t.Errorf("wrongly opened %d, want %d: %+v", r.WronglyOpened, c.wrong, wrong)
			}
		})
	}
}

// TestSameSeedSameCars: the same seed makes the same cars, another seed others.
func TestSameSeedSameCars(t *testing.T) {
	plates := func(seed uint64) (out []string) {
		m, err := newMaker(seed, Settings{Regulars: 8, Permits: []string{"粤B8L66Q"}, Mischief: &Mischief{Misread: 10, Unlicensed: 10, Cash: 30}})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			c := m.next(func(plate.Plate) bool { return false })
			out = append(out, c.Plate.Text+" "+string(c.Kind)+" "+c.Pays)
		}
		return out
	}
	a, b, c := plates(1), plates(1), plates(2)
	same := 0
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("car %d is %q and %q from one seed", i, a[i], b[i])
		}
		if a[i] == c[i] {
			same++
		}
	}
	if same > 20 {
		t.Errorf("%d of 100 cars are the same from two seeds", same)
	}
}

func TestConfusablePlatesAreSimilar(t *testing.T) {
	m, err := newMaker(3, Settings{})
	if err == nil {
		for range 500 {
			p := m.plate()
			if q := confusable(p); q != p && !plate.Similar(p, q) {
				t.Errorf("%s is misread as %s, which is not similar", p.Text, q.Text)
			}
		}
		return
	}
	t.Fatal(err)
}

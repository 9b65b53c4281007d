package simulation

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// perHour: 15 minutes free, then so much an hour, at most so much a day; after a payment 15 minutes to leave.
const perHour = `{"id": "per-hour", "version": %d, "name": {"zh": "按小时收费", "en": "By the hour"}, "tz": "Asia/Shanghai", "currency": "CNY",
  "grace_after_payment": 900, "plans": [{"id": "all", "free": {"up_to": 900, "then": "whole"},
  "bands": [{"id": "always", "name": {"zh": "全天", "en": "All day"}, "steps": [{"unit": 3600, "price": %d}]}],
  "caps": [{"amount": 4000, "window": "block", "length": 86400}]}]}`

func version(n, price int) tariff.Tariff {
	t, err := tariff.Decode(json.RawMessage(fmt.Sprintf(perHour, n, price)))
	if err != nil {
		panic("simulation: " + err.Error()) // the text above is a tariff
	}
	return t
}

// firstConfig is what the lot is told at first.
func (w *World) firstConfig() wire.Config {
	c := wire.Config{
		Lot: Lot, Number: 1, Issued: epoch, Name: tariff.Text{ZH: "河滨", EN: "Riverside"}, TZ: "Asia/Shanghai", Currency: "CNY", Capacity: 1000,
		Tariffs:  []tariff.Tariff{version(1, 500)},
		Rules:    []wire.TariffRule{{Tariff: fact.TariffRef{ID: "per-hour", Version: 1}}},
		Calendar: calendar.Calendar{},
		Policy:   wire.Policy{NoEntry: "hold", JournalX: "hold"},
	}
	if w.plan.Free {
		c.Policy.NoEntry = "open"
	}
	if w.plan.Brave {
		c.Policy.JournalX = "open"
	}
	joiner, joins := w.joiner()
	for i := range w.plan.Booths {
		if !joins || i != joiner {
			c.Booths = append(c.Booths, wire.Booth{ID: boothID(i), Voter: i < 3})
		}
	}
	for _, l := range w.plan.Lanes {
		n := l.Booth
		if joins && n == joiner {
			n = 0 // until the booth has joined, another drives its lanes
		}
		c.Lanes = append(c.Lanes, wire.Lane{ID: l.ID, Dir: l.Dir, Booth: boothID(n)})
	}
	return c
}

// joiner is the booth that joins in the middle of the run, if one does.
func (w *World) joiner() (int, bool) {
	if len(w.spells[Member]) == 0 || w.plan.Booths < 2 {
		return 0, false
	}
	return w.plan.Booths - 1, true
}

func (w *World) sign(c wire.Config) wire.Signed {
	s, err := wire.SignConfig(c, w.issuer)
	w.must(err)
	return s
}

// enrolled is the configuration that a booth's identity was issued with.
func (w *World) enrolled(b *booth) wire.Config {
	if b.lives > 1 || b.later {
		return w.config
	}
	return w.firstConfig()
}

// publish puts an edited configuration, one number up, in force: booths hear of it from the cloud or from each other.
func (w *World) publish(edit func(*wire.Config)) {
	c := w.config
	c.Tariffs, c.Rules, c.Lanes, c.Booths = slices.Clone(c.Tariffs), slices.Clone(c.Rules), slices.Clone(c.Lanes), slices.Clone(c.Booths)
	edit(&c)
	c.Number++
	w.config = c
	w.note("config", c.Number)
	s := w.sign(c)
	for _, b := range w.booths {
		if b.member() {
			w.carry(cloudNode, b.n, func() { b.heard(func(p *process) { p.configure(s) }) })
		}
	}
}

// moments are the faults that strike once.
func (w *World) moments() {
	for _, s := range w.plan.Faults {
		do := w.moment(s)
		if do != nil {
			w.after(s.From, do)
		}
	}
}

func (w *World) moment(s Spell) func() {
	switch s.Kind {
	case Broker:
		return func() {
			w.fire(Broker)
			w.cloud.brokerBack = w.now + between(w.luck, time.Second, time.Minute)
		}
	case DiskLost:
		return func() {
			b := w.booths[s.Target%len(w.booths)]
			if b.proc != nil && !w.healed {
				w.fire(DiskLost)
				b.loseDisk()
			}
		}
	case ClockJump:
		return func() { w.fire(ClockJump) }
	case ClockDrift:
		return func() { w.fire(ClockDrift) }
	case CloudRestored:
		w.after(s.From, func() { w.cloud.backup = w.cloud.database.copy() })
		w.after(s.From+between(w.luck, 10*time.Minute, 3*time.Hour), w.cloud.restore)
	case TariffChange:
		return func() { w.changeTariff() }
	case Member:
		return func() { w.join() }
	case StaleRead:
		return func() { w.staleReads(s) }
	}
	return nil
}

func (w *World) changeTariff() {
	if w.healed {
		return
	}
	w.fire(TariffChange)
	n := len(w.config.Tariffs) + 1
	from := w.wall().Add(between(w.luck, 0, 2*time.Hour))
	w.publish(func(c *wire.Config) {
		c.Tariffs = append(c.Tariffs, version(n, 500+n*100))
		c.Rules = append([]wire.TariffRule{{From: from, Tariff: fact.TariffRef{ID: "per-hour", Version: n}}}, c.Rules...)
	})
}

// join brings a new booth into the lot, which takes over its lanes.
func (w *World) join() {
	n, joins := w.joiner()
	if !joins || !w.booths[n].later {
		return
	}
	w.fire(Member)
	b := w.booths[n]
	b.later = false
	w.publish(func(c *wire.Config) {
		c.Booths = append(c.Booths, wire.Booth{ID: b.id})
		for i, l := range w.plan.Lanes {
			if l.Booth == n {
				c.Lanes[i].Booth = b.id
			}
		}
	})
	b.boot()
}

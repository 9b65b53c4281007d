package tariff

import (
	"cmp"
	"slices"
	"time"

	"lotkeeper/shared/calendar"
)

// Probe is a stay worth looking at when a tariff is verified, and why.
type Probe struct {
	Name Text
	Stay Stay
}

// Probes are the stays from an entry on at which a tariff is most likely to be other than meant: no time, each limit and
// a second past it, both sides of each boundary of the first two days, midnight, a change of clocks within a year. The
// tariff must be one that Validate accepts; else there are none.
func Probes(t Tariff, cal calendar.Calendar, class string, entry time.Time) []Probe {
	r, err := Compile(t, cal)
	if err != nil {
		return nil
	}
	stay := Stay{Entry: entry, Class: class}
	w := newWalker(r)
	p := w.planOf(&stay, entry.Unix())
	if p == nil {
		return nil
	}
	x := prober{w: w, p: p, stay: stay, seen: map[int64]bool{}}
	x.add(0, Text{"零时长", "No time"})
	x.limits()
	x.boundaries()
	x.clocks()
	slices.SortStableFunc(x.out, func(a, b Probe) int { return cmp.Compare(a.Stay.Exit.Unix(), b.Stay.Exit.Unix()) })
	return x.out
}

type prober struct {
	w    *walker
	p    *plan
	stay Stay
	seen map[int64]bool
	out  []Probe
}

func (x *prober) add(seconds int64, name Text) {
	if seconds < 0 || seconds > maxStay || x.seen[seconds] {
		return
	}
	x.seen[seconds] = true
	stay := x.stay
	stay.Exit = stay.Entry.Add(time.Duration(seconds) * time.Second)
	x.out = append(x.out, Probe{name, stay})
}

// limit adds a length and a second past it.
func (x *prober) limit(seconds int64, name Text) {
	x.add(seconds, name)
	x.add(seconds+1, Text{name.ZH + "过1秒", name.EN + ", and a second"})
}

func (x *prober) limits() {
	src := x.p.src
	if f := src.Free; f != nil {
		x.limit(int64(f.UpTo), Text{"免费时长", "Free time"})
	}
	for i := range src.Bands {
		b := &src.Bands[i]
		for j := range b.Steps {
			s := &b.Steps[j]
			name := b.Name.or(same(b.ID))
			if s.UpTo > 0 {
				n := s.UpTo.text()
				x.limit(int64(s.UpTo), Text{name.ZH + "阶梯" + n.ZH, name.EN + ", step to " + n.EN})
			}
			if s.Unit > 0 && j == 0 {
				n := s.Unit.text()
				x.limit(int64(s.Unit), Text{name.ZH + "一个单位" + n.ZH, name.EN + ", a unit of " + n.EN})
			}
		}
	}
	if m := src.MaxStay; m != nil {
		x.limit(int64(m.Length), Text{"最长停放", "Longest stay"})
	}
	if c := src.Cycle; c != nil && c.Kind == CycleBlock {
		x.limit(int64(c.Length), Text{"一个计费周期", "A cycle"})
	}
	x.limit(day, Text{"24小时", "24 hours"})
	x.limit(2*day, Text{"48小时", "48 hours"})
}

// boundaries adds both sides of where bands change in the first two days, and the midnights.
func (x *prober) boundaries() {
	from := firstSecond(x.stay.Entry)
	for u := from; u < from+2*day; {
		end, _ := x.w.stretch(x.p, u, from+2*day, 0)
		if end < from+2*day {
			clock := time.Unix(end, 0).In(x.w.r.loc).Format("15:04")
			x.around(end-from, Text{"时段交界" + clock, "Boundary at " + clock})
		}
		u = end
	}
	midnight := []start{{}}
	for u, n := from, 0; n < 2; n++ {
		u = x.w.line.next(u, midnight)
		x.around(u-from, Text{"午夜", "Midnight"})
	}
}

func (x *prober) around(seconds int64, name Text) {
	x.add(seconds-1, Text{name.ZH + "前1秒", name.EN + ", a second before"})
	x.limit(seconds, name)
}

// clocks adds the next change of clocks, if the place has one within a year.
func (x *prober) clocks() {
	from := firstSecond(x.stay.Entry)
	x.w.line.look(from)
	if at := x.w.line.changes; at < from+366*day {
		x.around(at-from, Text{"夏令时切换", "Change of clocks"})
	}
}

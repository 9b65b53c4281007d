package simulation

import (
	"fmt"
	"time"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// car is a vehicle with its driver, and what truly became of it.
type car struct {
	w     *World
	plan  *CarPlan
	trips []*trip
}

// trip is one stay as it truly was.
type trip struct {
	car     *car
	stay    *Stay
	began   bool
	entered time.Duration // when it stood at the entry, the last time before it went in
	in      bool
	left    time.Duration // when it stood at the exit, the last time before it went out
	done    bool
	exited  time.Duration
	taints  map[string]bool
	backIn  bool // has still to back out of the entry
	backOut bool
}

// visit is a car at a lane.
type visit struct {
	*trip
	site    *site
	stoodAt time.Duration
	moving  bool
	tries   int  // how often it tried to pay by phone
	cash    bool // gave up on the phone
	helped  time.Duration
	taking  int
	given   *lane.Ask // cash that the booth has not answered for
}

func newCar(w *World, p *CarPlan) *car {
	c := &car{w: w, plan: p}
	for i := range p.Stays {
		s := &p.Stays[i]
		c.trips = append(c.trips, &trip{car: c, stay: s, taints: map[string]bool{}, backIn: s.BackIn, backOut: s.BackOut})
	}
	w.truth.cars = append(w.truth.cars, c)
	return c
}

func (c *car) begin() {
	for i, t := range c.trips {
		c.w.after(t.stay.Enter, func() { c.set(i) })
	}
}

// set sends the car on a trip, once the one before is over.
func (c *car) set(i int) {
	if i > 0 && !c.trips[i-1].done {
		c.w.after(15*time.Minute, func() { c.set(i) })
		return
	}
	t := c.trips[i]
	t.began = true
	t.goTo(t.stay.In)
}

func (t *trip) goTo(n int) {
	s := t.car.w.lanes[n]
	s.come(&visit{trip: t, site: s})
}

// taint notes why a trip is not one that must be billed to the second.
func (v *visit) taint(why string) {
	if v != nil {
		v.taints[why] = true
	}
}

func (v *visit) backsOut() bool {
	if v.site.plan.Dir == fact.Entry {
		return v.backIn
	}
	return v.backOut
}

// backed comes again in some minutes: later than a second reading of one passage could be.
func (v *visit) backed() {
	w := v.car.w
	v.backIn = v.backIn && v.site.plan.Dir == fact.Exit
	v.backOut = v.backOut && v.site.plan.Dir == fact.Entry
	w.after(between(w.luck, 4*time.Minute, 10*time.Minute), func() { v.goTo(v.site.n) })
}

// passed says that the car is through.
func (v *visit) passed() {
	w := v.car.w
	w.note("passed", v.site.plan.ID, " ", v.car.plan.N)
	if b := v.site.booth(); b.skew().Abs() > 2*time.Second {
		v.taint("clock")
	}
	if v.site.k == nil {
		v.taint("crash")
	}
	if v.site.plan.Dir == fact.Exit {
		v.left, v.done, v.exited = v.stoodAt, true, w.now
		return
	}
	v.in, v.entered = true, v.stoodAt
	t, s := v.trip, v.stay
	if s.Prepay > 0 {
		w.after(s.For-s.Prepay, func() { w.bank.pay(t, 3) })
	}
	if s.Twice {
		w.after(max(0, s.For-4*time.Minute), func() { w.bank.pay(t, 3); w.bank.pay(t, 3) })
	}
	w.after(s.For, func() { t.goTo(s.Out) })
}

// wait is a driver before a barrier that does not rise.
func (v *visit) wait() {
	w := v.car.w
	w.after(between(w.luck, 4*time.Second, 7*time.Second), func() {
		if v.site.front != v {
			return
		}
		v.wait() // first: a booth may die of what is done
		v.site.up()
		v.act()
	})
}

// act does what the driver or the operator does about it.
func (v *visit) act() {
	w, k := v.car.w, v.site.k
	stood := w.now - v.stoodAt
	switch {
	case v.moving || v.site.arm == driver.ArmUp:
	case stood > 3*time.Hour:
		v.site.crank()
	case k == nil || w.now < v.site.darkUntil:
		v.taint("crash")
	case k.state.NoJournal:
		v.taint("journal")
		v.help(5*time.Minute, v.press)
	case k.state.Car.Phase == lane.Held && k.state.Car.Reason == lane.ReasonUnpaid:
		v.settle(k)
	case k.state.Car.Phase == lane.Held:
		if v.backsOut() { // it cannot get in or out anyway: it backs out now
			v.site.back(v)
			return
		}
		v.help(40*time.Second, func() { v.solve(k) })
	case k.state.Car.Phase == lane.Arrived && stood > 15*time.Second:
		v.help(30*time.Second, func() { v.name(k) })
	case stood > 3*time.Minute:
		v.help(time.Minute, v.press)
	}
}

// help has the operator do something, no more often than so.
func (v *visit) help(every time.Duration, do func()) {
	if w := v.car.w; w.now-v.helped >= every {
		v.helped = w.now
		do()
	}
}

// press presses the button in the cabinet.
func (v *visit) press() {
	v.taint("button")
	v.site.tell(lane.Sensed{Input: driver.ManualOpen, On: true})
	v.site.tell(lane.Sensed{Input: driver.ManualOpen, On: false})
}

// settle pays, one way or another.
func (v *visit) settle(k *control) {
	w := v.car.w
	switch {
	case v.backOut:
		v.site.back(v)
	case v.stay.Refuse && v.car.plan.N%2 == 0:
		v.help(20*time.Second, func() { w.people.seat(v, k) })
	case v.stay.Refuse:
		v.help(30*time.Second, func() { v.letGo(k, v.car.plan.N%4 == 1) })
	case v.stay.Cash || v.cash:
		v.help(20*time.Second, func() { v.takeCash(k) })
	case v.tries >= 5:
		v.cash = true
	default:
		v.help(25*time.Second, func() {
			v.tries++
			w.bank.pay(v.trip, 1)
		})
	}
}

// token is of the car that the operator sees at the lane.
func (v *visit) token(k *control) wire.Token { return k.state.Token() }

func (v *visit) letGo(k *control, waive bool) {
	w := v.car.w
	w.report.Situations["opened by hand"]++
	k.ask(lane.Ask{Want: lane.WantOpen, Token: v.token(k), By: "operator", Note: "simulated", Waive: waive}, func(r lane.Reply) {
		w.note("opened by hand", r.Verdict)
	})
}

func (v *visit) takeCash(k *control) {
	w := v.car.w
	due := k.state.Car.Found.Bill
	if v.given == nil {
		if due == nil || due.Due <= 0 {
			return
		}
		v.taking++
		v.given = &lane.Ask{
			Want: lane.WantCash, By: "operator", Amount: due.Due, Action: fmt.Sprintf("cash-%d-%d-%d", v.car.plan.N, v.stay.Enter, v.taking),
		}
	}
	// The same money keeps its number until the booth has answered for it.
	a := *v.given
	a.Token = v.token(k)
	k.ask(a, func(r lane.Reply) {
		w.note("cash", r.Verdict)
		v.given = nil
		if r.Verdict == lane.Done {
			w.truth.cash[a.Action] = a.Amount
			w.report.Situations["paid cash"]++
		}
	})
}

// solve helps a car whose session is not known: by the candidate that is truly its own, by its true plate, or by hand.
func (v *visit) solve(k *control) {
	w := v.car.w
	c := &k.state.Car
	for _, x := range c.Found.Similar {
		if x.Plate.Text == v.car.plan.Plate.Text {
			w.report.Situations["matched by a person"]++
			k.ask(lane.Ask{Want: lane.WantMatch, Token: v.token(k), By: "operator", Session: x.Session}, func(lane.Reply) {})
			return
		}
	}
	if c.Plate.Text != v.car.plan.Plate.Text {
		v.name(k)
		return
	}
	v.letGo(k, false)
}

// name tells the lane the true plate of the car before it.
func (v *visit) name(k *control) {
	w := v.car.w
	v.taint("named")
	w.report.Situations["plate corrected"]++
	k.ask(lane.Ask{Want: lane.WantCorrect, Token: v.token(k), By: "operator", Plate: v.car.plan.Plate}, func(r lane.Reply) {
		w.note("corrected", r.Verdict)
	})
}

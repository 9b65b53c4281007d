package clock

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// machine is a machine whose clock can be set, in a world where the time is true.
type machine struct {
	truth time.Duration // since noon
	off   time.Duration // the system's clock less the true time
	lag   float64       // by which the monotonic clock is slow
}

func (m *machine) system() time.Time   { return noon.Add(m.truth + m.off) }
func (m *machine) mono() time.Duration { return m.truth - time.Duration(float64(m.truth)*m.lag) }
func (m *machine) now() time.Time      { return noon.Add(m.truth) }

// desk is a booth's clock and its watch, asked every second.
type desk struct {
	*machine
	t     *testing.T
	clock *Clock
	watch *Watch
	facts []Look // those with a fact
	last  Look
	cloud bool
	trip  time.Duration
}

func newDesk(t *testing.T, off time.Duration) *desk {
	m := &machine{off: off}
	c := New("boot", m.system, m.mono)
	return &desk{machine: m, t: t, clock: c, watch: NewWatch(c), trip: 40 * time.Millisecond}
}

// pass lets time pass, with a look every second; everything that is to be recorded is.
func (d *desk) pass(long time.Duration) {
	for end := d.truth + long; d.truth < end; {
		if d.cloud {
			asked := d.clock.Now()
			d.truth += d.trip
			at := d.now() // the cloud answers at the worst moment: the other way takes no time
			d.watch.Hear(Cloud, "cloud", at, asked, d.clock.Now())
		}
		d.truth += time.Second - map[bool]time.Duration{true: d.trip}[d.cloud]
		d.last = d.watch.Look()
		if len(d.last.Facts) > 0 {
			d.facts = append(d.facts, d.last)
			d.watch.Done(d.last)
		}
	}
}

func (d *desk) peer(name string, off time.Duration) {
	asked := d.clock.Now()
	d.watch.Hear(Peer, name, d.now().Add(off), asked, asked.Add(10*time.Millisecond))
}

// off is the booth's time less the true one.
func (d *desk) offNow() time.Duration { return d.clock.Now().Sub(d.now()) }

// TestSystemClockJumpsEightHours: the failure table's row. Somebody sets the system's clock; the booth's time and its
// durations go on, with the cloud and without.
func TestSystemClockJumpsEightHours(t *testing.T) {
	for name, jump := range map[string]time.Duration{"ahead": 8 * time.Hour, "back": -8 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 0)
			d.cloud = true
			d.pass(time.Minute)
			before := d.clock.Read()
			d.machine.off = jump
			d.pass(time.Minute)
			d.cloud = false
			d.pass(time.Hour)
			r := d.clock.Read()
			if lasted := r.Wall.Sub(before.Wall); lasted != 61*time.Minute || r.Mono-before.Mono != lasted || r.Boot != "boot" {
				t.Errorf("%v passed, %v by the monotonic clock, run %s; want 61m", lasted, r.Mono-before.Mono, r.Boot)
			}
			if d.last.System != jump || d.last.Suspect != "" || len(d.facts) != 0 {
				t.Errorf("look %+v with %d facts; want the system's clock off by %v and nothing else", d.last, len(d.facts), jump)
			}
			d.machine.off = 0
			d.pass(time.Second)
			if d.last.System != 0 {
				t.Errorf("system %v after it was set right", d.last.System)
			}
		})
	}
}

// TestBoothThatStartedEightHoursOff is set by the cloud, and what it had stamped is corrected.
func TestBoothThatStartedEightHoursOff(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 8 * time.Hour, "behind": -8 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, off)
			d.pass(10 * time.Minute)
			if d.last.Suspect != "" || d.offNow() != off {
				t.Fatalf("alone: %+v, off by %v", d.last, d.offNow())
			}
			d.cloud = true
			d.pass(time.Second)
			if d.last.Suspect == "" || d.offNow() != off {
				t.Errorf("after one answer: %+v, off by %v; want a suspicion and no more", d.last, d.offNow())
			}
			d.pass(5 * time.Second)
			if len(d.facts) != 1 {
				t.Fatalf("%d facts", len(d.facts))
			}
			f := d.facts[0].Facts[0]
			if wrong := time.Duration(f.OffsetMS)*time.Millisecond + off; f.Boot != "boot" || f.Source != "booth" || wrong.Abs() > time.Duration(f.ErrorMS)*time.Millisecond || f.ErrorMS > 100 || f.Basis != "cloud" {
				t.Errorf("fact %+v, want -(%v)", f, off)
			}
			if o := d.offNow(); o.Abs() > d.trip || d.clock.Boot() != "boot-1" || d.last.Suspect != "" {
				t.Errorf("off by %v, run %s, look %+v", o, d.clock.Boot(), d.last)
			}
			// The time server sets the system's clock right as well: that is no news any more.
			d.machine.off = 0
			d.pass(time.Minute)
			if d.last.System != 0 || len(d.facts) != 1 || d.last.Suspect != "" {
				t.Errorf("afterwards %+v, %d facts", d.last, len(d.facts))
			}
		})
	}
}

// TestClockThatDriftsAway was right at first: what it stamped is off by something between nothing and all of it.
func TestClockThatDriftsAway(t *testing.T) {
	d := newDesk(t, 0)
	d.lag = 100e-6
	d.cloud = true
	d.pass(7 * time.Hour)
	if len(d.facts) != 1 {
		t.Fatalf("%d facts", len(d.facts))
	}
	f := d.facts[0].Facts[0]
	if f.OffsetMS < 900 || f.OffsetMS > 1200 || f.ErrorMS < 900 || f.ErrorMS > 1300 {
		t.Errorf("fact %+v, want 1 s ± 1 s", f)
	}
	if o := d.offNow(); o.Abs() > Limit+d.trip {
		t.Errorf("off by %v", o)
	}
}

// TestTwoBoothsThatDifferAreInDoubtUntilTheCloudSpeaks: neither is set, both say how far they may be off, and take it back.
func TestTwoBoothsThatDifferAreInDoubtUntilTheCloudSpeaks(t *testing.T) {
	d := newDesk(t, 0)
	for range 30 {
		d.peer("booth-b", -5*time.Minute)
		d.pass(time.Second)
	}
	if d.last.Suspect == "" || d.offNow() != 0 || len(d.facts) != 1 || d.facts[0].Facts[0].ErrorMS < 299_000 || d.facts[0].Facts[0].OffsetMS != 0 {
		t.Fatalf("look %+v, off %v, facts %+v", d.last, d.offNow(), d.facts)
	}
	d.cloud = true
	for range 10 {
		d.peer("booth-b", -5*time.Minute)
		d.pass(time.Second)
	}
	if d.last.Suspect != "" || len(d.facts) != 2 || d.facts[1].Facts[0].ErrorMS > 100 || d.clock.Boot() != "boot" {
		t.Errorf("with the cloud: look %+v, facts %+v", d.last, d.facts)
	}
}

func TestMostBoothsAreRight(t *testing.T) {
	d := newDesk(t, time.Hour)
	for range 6 {
		d.peer("booth-b", 0)
		d.peer("booth-c", 30*time.Millisecond)
		d.pass(time.Second)
	}
	if o := d.offNow(); o.Abs() > 100*time.Millisecond || len(d.facts) != 1 || d.facts[0].Facts[0].Basis != "peer" {
		t.Errorf("off by %v, facts %+v", o, d.facts)
	}
	d = newDesk(t, 0)
	for range 6 {
		d.peer("booth-b", 0)
		d.peer("booth-c", time.Hour)
		d.pass(time.Second)
	}
	if d.offNow() != 0 || d.last.Suspect != "" {
		t.Errorf("one of three is wrong, and it is not this one: off %v, look %+v", d.offNow(), d.last)
	}
}

func TestTheMachinesClockHasNoBattery(t *testing.T) {
	d := newDesk(t, -56*365*24*time.Hour)
	last := noon.Add(-10 * time.Minute) // the power was away for so long
	if behind := d.clock.Floor(last); behind <= 0 || d.offNow() != -10*time.Minute {
		t.Fatalf("moved by %v, off by %v", behind, d.offNow())
	}
	d.pass(time.Minute)
	if d.last.Suspect == "" || d.last.System != 0 || len(d.facts) != 0 {
		t.Errorf("look %+v, facts %v", d.last, d.facts)
	}
	d.machine.off = 0 // a time server is reached, and the cloud
	d.cloud = true
	d.pass(10 * time.Second)
	if d.last.Suspect != "" || d.last.System != 0 || d.offNow().Abs() > d.trip {
		t.Errorf("look %+v, off by %v", d.last, d.offNow())
	}
	if d.clock.Floor(noon.Add(-time.Hour)) != 0 {
		t.Error("a time that is past moved the clock")
	}
}

// TestTheClockOfTheRunBeforeWasAhead: somebody sets the machine's clock right and starts the agent anew. It goes on from
// the last fact, eight hours ahead, until the cloud says so; then what the run before stamped is corrected as well.
func TestTheClockOfTheRunBeforeWasAhead(t *testing.T) {
	d := newDesk(t, 0)
	if d.clock.Floor(noon.Add(8*time.Hour)) != 8*time.Hour {
		t.Fatal("the clock went back behind the booth's last fact")
	}
	d.watch.GoOn("before")
	d.pass(time.Minute)
	if d.last.Suspect == "" {
		t.Error("nobody is told")
	}
	d.cloud = true
	d.pass(10 * time.Second)
	if len(d.facts) != 1 || len(d.facts[0].Facts) != 2 || d.offNow().Abs() > d.trip {
		t.Fatalf("facts %+v, off by %v", d.facts, d.offNow())
	}
	before := d.facts[0].Facts[1]
	if off := time.Duration(before.OffsetMS) * time.Millisecond; before.Boot != "before" || (off+8*time.Hour).Abs() > time.Second || before.ErrorMS < awayFor.Milliseconds() {
		t.Errorf("about the run before: %+v", before)
	}

	// It was behind, because the machine's clock has no battery: the run before was right, and stays as it is.
	d = newDesk(t, -24*time.Hour)
	d.clock.Floor(noon.Add(-time.Hour))
	d.watch.GoOn("before")
	d.cloud = true
	d.pass(10 * time.Second)
	if len(d.facts) != 1 || len(d.facts[0].Facts) != 1 || d.facts[0].Facts[0].Boot != "boot" {
		t.Errorf("facts %+v", d.facts)
	}
}

// TestAClockNobodyHasConfirmedIsInDoubtWhenTheSystemsIsSet: it may well be that the time server was right.
func TestAClockNobodyHasConfirmedIsInDoubtWhenTheSystemsIsSet(t *testing.T) {
	d := newDesk(t, -3*time.Hour)
	d.pass(time.Minute)
	d.machine.off = 0
	d.pass(time.Minute)
	if d.last.Suspect == "" || d.last.System != 3*time.Hour || len(d.facts) != 1 || d.facts[0].Facts[0].ErrorMS != 3*3600*1000 {
		t.Errorf("look %+v, facts %+v", d.last, d.facts)
	}
}

func TestAnswersThatSayNothing(t *testing.T) {
	d := newDesk(t, 0)
	for range 10 {
		now := d.clock.Now()
		d.watch.Hear(Cloud, "cloud", now.Add(8*time.Hour), now.Add(-time.Minute), now) // it was queued somewhere
		d.watch.Hear(Cloud, "cloud", now.Add(8*time.Hour), now.Add(time.Minute), now)
		d.watch.Hear(Cloud, "cloud", time.Time{}, now, now)
		d.pass(time.Second)
	}
	if len(d.watch.Samples()) != 0 || d.last.Suspect != "" {
		t.Errorf("samples %+v, look %+v", d.watch.Samples(), d.last)
	}
	// What was said long ago is forgotten.
	d.peer("booth-b", time.Hour)
	d.pass(staleAfter + time.Minute)
	if d.last.Suspect != "" || len(d.watch.Samples()) != 0 {
		t.Errorf("after a while %+v, %+v", d.watch.Samples(), d.last)
	}
}

// TestFactsThatCannotBeRecordedAreTriedAgain: the clock is not set before its correction is on the disk.
func TestFactsThatCannotBeRecordedAreTriedAgain(t *testing.T) {
	d := newDesk(t, time.Hour)
	for range 10 {
		asked := d.clock.Now()
		d.watch.Hear(Cloud, "cloud", d.now(), asked, d.clock.Now())
		d.truth += time.Second
		d.last = d.watch.Look()
	}
	if len(d.last.Facts) == 0 || d.last.Move == 0 || d.offNow() != time.Hour {
		t.Errorf("look %+v, off by %v", d.last, d.offNow())
	}
}

func TestJudge(t *testing.T) {
	s := func(b Basis, name string, off time.Duration) Sample {
		return Sample{Name: name, Basis: b, Offset: off, Error: 10 * time.Millisecond}
	}
	for _, c := range []struct {
		name    string
		samples []Sample
		known   bool
		off     time.Duration
		doubt   bool
	}{
		{"nobody speaks", nil, false, 0, false},
		{"the cloud beats the booths", []Sample{s(Peer, "b", time.Hour), s(Peer, "c", time.Hour), s(Cloud, "cloud", 0)}, true, 0, false},
		{"one booth agrees", []Sample{s(Peer, "b", time.Second)}, true, 0, false},
		{"one booth differs", []Sample{s(Peer, "b", time.Hour)}, false, 0, true},
		{"three booths, three times", []Sample{s(Peer, "b", time.Hour), s(Peer, "c", -time.Hour)}, false, 0, true},
		{"four booths, two against two", []Sample{s(Peer, "b", 0), s(Peer, "c", time.Hour), s(Peer, "d", time.Hour)}, false, 0, true},
		{"five booths, three against two", []Sample{s(Peer, "b", 0), s(Peer, "c", time.Hour), s(Peer, "d", time.Hour), s(Peer, "e", time.Hour)}, true, time.Hour, true},
		{"camera time was local, read as UTC", []Sample{s(Camera, "x", 8*time.Hour)}, false, 0, false},
		{"cameras that agree make suspicious", []Sample{s(Camera, "x", 8*time.Hour), s(Camera, "y", 8*time.Hour+time.Second)}, false, 0, true},
		{"cameras 7 and 32 minutes off", []Sample{s(Camera, "x", 7*time.Minute), s(Camera, "y", 32*time.Minute)}, false, 0, false},
		{"cameras are nothing beside a booth", []Sample{s(Camera, "x", time.Hour), s(Camera, "y", time.Hour), s(Peer, "b", 0)}, true, 0, false},
	} {
		v := Judge(c.samples)
		if v.Known != c.known || v.Offset != c.off || (v.Doubt != "") != c.doubt {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

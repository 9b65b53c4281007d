package clock

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"lotkeeper/shared/fact"
)

// The patience of a watch.
const (
	// sureAfter is how often in a row the others must say that the clock is wrong before it is set.
	sureAfter = 3
	// keepSamples is how many of a clock's samples are kept: the one that travelled fastest is the best.
	keepSamples = 8
	// longestTrip is how long a question may have taken for its answer to say anything of clocks.
	longestTrip = 10 * time.Second
	// jumped is how far the system's clock may be moved before people are told.
	jumped = time.Second
)

// Watch knows what other clocks say and decides when the booth's is set. It is safe for concurrent use.
type Watch struct {
	clock *Clock

	mu      sync.Mutex
	heard   map[string][]sample
	cameras map[string]Sample
	wrong   int           // how often in a row
	agreed  bool          // somebody to be believed has agreed with this run of the clock
	begin   time.Duration // what was the offset then
	told    time.Duration // the error that the last fact of this run of the clock gave; 0: none
	before  string        // the run of the clock before the agent's start, when the clock goes on from its end
	last    Look
}

// sample is one answer, with the offset to the clock as it stood when the run of the agent began, so that it stays right
// when the clock is set.
type sample struct {
	basis  Basis
	offset time.Duration
	error  time.Duration
	at     time.Duration
}

// Look is what a look at the clocks has found.
type Look struct {
	Verdict Verdict
	Suspect string        // why the booth's clock is not to be trusted; "" when it is
	System  time.Duration // what the system's clock is off by, when somebody has set it; 0 when not
	Facts   []fact.Clock  // to be recorded: about the run of the clock that goes on until then, first …
	Move    time.Duration // … and then the clock is to be set by this, when not 0
}

// NewWatch makes a watch over a clock.
func NewWatch(c *Clock) *Watch {
	return &Watch{clock: c, heard: map[string][]sample{}, cameras: map[string]Sample{}}
}

// GoOn says that the clock goes on from where another run of it, before the agent's start, has ended: the machine's clock
// stood earlier than that.
func (w *Watch) GoOn(boot string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = boot
}

// Hear takes the answer of another clock: its time, and ours when we asked and when it came. One that travelled long says
// nothing.
func (w *Watch) Hear(basis Basis, name string, theirs, asked, came time.Time) {
	trip := came.Sub(asked)
	if trip < 0 || trip > longestTrip || theirs.IsZero() {
		return
	}
	r := w.clock.Read()
	w.mu.Lock()
	defer w.mu.Unlock()
	k := string(basis) + "\n" + name
	s := sample{basis, theirs.Sub(asked.Add(trip/2)) + r.Shift, trip/2 + time.Millisecond, r.Mono}
	list := append(w.heard[k], s)
	w.heard[k] = list[max(0, len(list)-keepSamples):]
}

// Camera takes what a lane has learnt of a camera's clock: what to add to its times.
func (w *Watch) Camera(name string, offset, err time.Duration) {
	r := w.clock.Read()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cameras[name] = Sample{Name: name, Basis: Camera, Offset: -offset + r.Shift, Error: err, Age: r.Mono}
}

// Samples returns what is known of the other clocks now.
func (w *Watch) Samples() []Sample {
	r := w.clock.Read()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.samples(r)
}

func (w *Watch) samples(r Reading) []Sample {
	var out []Sample
	for k, list := range w.heard {
		best := slices.MinFunc(list, func(a, b sample) int {
			return cmp.Compare(a.error+age(r.Mono-a.at), b.error+age(r.Mono-b.at))
		})
		newest := list[len(list)-1].at
		if r.Mono-newest > staleAfter {
			delete(w.heard, k)
			continue
		}
		name := k[len(best.basis)+1:]
		out = append(out, Sample{Name: name, Basis: best.basis, Offset: best.offset - r.Shift, Error: best.error + age(r.Mono-best.at), Age: r.Mono - newest})
	}
	for _, s := range w.cameras {
		s.Offset, s.Age = s.Offset-r.Shift, r.Mono-s.Age
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Sample) int { return cmp.Or(cmp.Compare(a.Basis, b.Basis), cmp.Compare(a.Name, b.Name)) })
	return out
}

// age is what a sample of so long ago has become wrong by. The clocks of a lot follow time servers or drift.
func age(d time.Duration) time.Duration { return time.Duration(d.Seconds() * float64(drift)) }

// Look judges the clocks now. Call it every second or so, and [Watch.Done] once its facts are recorded.
func (w *Watch) Look() Look {
	r, system := w.clock.Read(), w.clock.System()
	w.mu.Lock()
	defer w.mu.Unlock()
	v := Judge(w.samples(r))
	l := Look{Verdict: v, Suspect: v.Doubt}
	if system.Abs() > jumped {
		l.System = system
	}
	switch {
	case v.wrong():
		if w.wrong++; w.wrong >= sureAfter {
			l.Facts, l.Move = w.corrections(r.Boot, v), v.Offset
		}
	case v.Known:
		if !w.agreed {
			w.agreed, w.begin = true, v.Offset
		}
		w.wrong = 0
		if w.told != 0 { // the doubt that was told is over
			l.Facts = []fact.Clock{about(r.Boot, v.Offset, v.Error, v.Basis)}
		}
	default:
		w.wrong = 0
		l.Facts, l.Suspect = w.doubt(r.Boot, v, l.System)
	}
	w.last = l
	return l
}

// about is a fact about a run of the booth's clock.
func about(boot string, offset, err time.Duration, b Basis) fact.Clock {
	return fact.Clock{Source: "booth", Boot: boot, OffsetMS: offset.Milliseconds(), ErrorMS: err.Milliseconds(), Basis: string(b)}
}

// awayFor is what is taken for the time between two runs of the agent when nobody knows it.
const awayFor = 10 * time.Minute

// corrections are the facts about a run of the clock that ends because the clock is wrong. One that was right once went
// wrong bit by bit: what it stamped in between is off by something between. When the clock turns out to be ahead although
// it only went on from the end of the run before the agent's start, then that run was ahead as well, by at least as much.
func (w *Watch) corrections(boot string, v Verdict) []fact.Clock {
	offset, err := v.Offset, v.Error
	if w.agreed {
		offset, err = (w.begin+v.Offset)/2, v.Error+(v.Offset-w.begin).Abs()/2
	}
	out := []fact.Clock{about(boot, offset, err, v.Basis)}
	if w.before != "" && !w.agreed && v.Offset < 0 {
		out = append(out, about(w.before, offset, err+awayFor, v.Basis))
	}
	return out
}

// doubt says what is to be told while nobody can be believed: how far this run of the clock may be off. A clock that
// others once agreed with is not in doubt because somebody has set the system's.
func (w *Watch) doubt(boot string, v Verdict, system time.Duration) ([]fact.Clock, string) {
	err, why := v.Error, v.Doubt
	if why == "" && system != 0 && !w.agreed {
		err, why = system.Abs(), fmt.Sprintf("the system's clock was set by %v, and nobody can say which is right", system.Round(time.Second))
	}
	if behind := w.clock.Floored(); why == "" && behind > jumped {
		// Whichever was right, stays measured from here on are not too long: nothing need be told of an error.
		return nil, fmt.Sprintf("at the start the system's clock stood %v before what is past for sure", behind.Round(time.Second))
	}
	if why == "" || w.agreed || (err-w.told).Abs() <= max(Limit, w.told/4) {
		return nil, why
	}
	return []fact.Clock{about(boot, 0, err, "doubt")}, why
}

// Done says that the facts of a look are recorded, and sets the clock if the look said so.
func (w *Watch) Done(l Look) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.Move != 0 {
		w.clock.Move(l.Move)
		w.wrong, w.agreed, w.begin, w.told, w.before = 0, false, 0, 0, ""
		return
	}
	w.told = 0
	if l.Facts[0].Basis == "doubt" {
		w.told = time.Duration(l.Facts[0].ErrorMS) * time.Millisecond
	}
}

// Last returns what the last look has found.
func (w *Watch) Last() Look {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

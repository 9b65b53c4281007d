// Package simulation runs whole lots in virtual time, on one goroutine, from a seed: booths, lanes, cars, drivers, an
// operator, the cloud and a payment provider, with faults of every kind that the design speaks of.
//
// What runs is the code that ships: the lane's rules, the lot's memory on its own file, the fold, prices, the rules of
// exchange and of what is sent when. What stands around it is a model: the journal's disk, devices, carriers, the cloud's
// database, people. What truly happened is held outside the system, and [World.check] compares.
//
// A run is a function of its [Plan]: the same seed gives the same trace, to the byte. DESIGN.md says more.
package simulation

import (
	"container/heap"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// Lot is the simulated lot's id.
const Lot = "riverside"

// epoch is when a run begins: a Monday morning in Shanghai, two days before prices change there.
var epoch = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// event is something that will happen.
type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// World is one run.
type World struct {
	plan   Plan
	dir    string
	now    time.Duration
	events queue
	seq    uint64
	luck   *rand.Rand // what is not settled in the plan
	trace  hash.Hash
	healed bool // no fault strikes any more
	spells map[Kind][]Spell
	report Report
	log    func(string) // nil: nobody reads along

	booths []*booth
	lanes  []*site
	cloud  *cloud
	bank   *bank
	people *people
	cars   []*car
	paths  [][2]int
	config wire.Config
	issuer ed25519.PrivateKey // signs configurations
	truth  truth
}

// crashed ends the work of a node in the middle of what it does.
type crashed struct{ down func() }

// build makes the world of a plan in an empty folder.
func build(p Plan, dir string, log func(string)) (*World, error) {
	w := &World{
		plan: p, dir: dir, luck: rng(p.Seed, "luck", 0), trace: sha256.New(), spells: map[Kind][]Spell{}, log: log,
		report: newReport(), issuer: keyOf(p.Seed, "issuer"), truth: newTruth(), paths: paths(p.Booths),
	}
	for _, s := range p.Faults {
		w.spells[s.Kind] = append(w.spells[s.Kind], s)
	}
	w.config = w.firstConfig()
	w.cloud = newCloud(w)
	w.bank = newBank(w)
	w.people = newPeople(w)
	for i := range p.Lanes {
		w.lanes = append(w.lanes, newSite(w, i))
	}
	for i := range p.Booths {
		w.booths = append(w.booths, newBooth(w, i))
	}
	for i := range p.Cars {
		w.cars = append(w.cars, newCar(w, &p.Cars[i]))
	}
	return w, nil
}

func keyOf(seed uint64, who string) ed25519.PrivateKey {
	h := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, who))
	return ed25519.NewKeyFromSeed(h[:])
}

// after lets something happen in a while.
func (w *World) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, event{w.now + max(d, 0), w.seq, do})
}

// every lets something happen again and again.
func (w *World) every(d time.Duration, do func()) {
	w.after(d, func() {
		w.every(d, do) // first: a node may die in what is done
		do()
	})
}

// wall is true time.
func (w *World) wall() time.Time { return epoch.Add(w.now) }

// note writes into the trace. Two runs of a plan must write the same.
func (w *World) note(what string, parts ...any) {
	line := fmt.Sprint(append([]any{int64(w.now), " ", what, " "}, parts...)...)
	w.trace.Write([]byte(line))
	w.trace.Write([]byte{'\n'})
	if w.log != nil {
		w.log(fmt.Sprintf("%v %s %s", w.now.Truncate(time.Millisecond), what, fmt.Sprint(parts...)))
	}
}

// runUntil lets things happen up to a time.
func (w *World) runUntil(t time.Duration) {
	for len(w.events) > 0 && w.events[0].at <= t && len(w.report.Violations) < maxViolations {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		w.dispatch(e.do)
		w.report.Events++
	}
	w.now = max(w.now, t)
}

// dispatch does one thing; a node that crashes in the middle of it goes down and the world goes on.
func (w *World) dispatch(do func()) {
	defer func() {
		if v := recover(); v != nil {
			c, ok := v.(crashed)
			if !ok {
				panic(v)
			}
			c.down()
		}
	}()
	do()
}

// crashPoint is a boundary between two effects, at which a node may die.
func (w *World) crashPoint(k Kind, target, of int, where string, down func()) {
	w.report.Boundaries[where]++
	if w.struck(k, target, of) {
		w.report.CrashPoints[where]++
		w.note("crash", where)
		panic(crashed{down})
	}
}

// run lets the traffic pass, heals, waits until all is level, and checks.
func (w *World) run() {
	w.start()
	w.runUntil(time.Duration(w.plan.Hours) * time.Hour)
	w.heal()
	// Who is inside leaves in its own time; then everything must come level.
	for range 40 {
		w.runUntil(w.now + time.Hour)
		if w.truth.idle() {
			break
		}
	}
	for range 12 {
		w.runUntil(w.now + 10*time.Minute)
		if w.level() {
			break
		}
	}
	w.check()
	w.report.Virtual = w.now
	w.report.Facts = w.cloud.store.Book().Len()
	w.report.Trace = hex.EncodeToString(w.trace.Sum(nil))
	for _, b := range w.booths {
		b.stop()
	}
}

func (w *World) start() {
	for _, b := range w.booths {
		if !b.later {
			b.boot()
		}
	}
	w.cloud.begin()
	for _, c := range w.cars {
		c.begin()
	}
	w.moments()
	w.every(40*time.Minute, w.watch)
}

// Run runs a plan in a temporary folder below dir and returns what came of it. log is told what happens; nil is silent.
func Run(p Plan, dir string, log func(string)) (Report, error) {
	folder, err := os.MkdirTemp(dir, "simulation-")
	if err != nil {
		return Report{}, fmt.Errorf("simulate seed %d: %w", p.Seed, err)
	}
	w, err := build(p, folder, log)
	if err == nil {
		w.run()
	}
	return w.report, errors.Join(err, os.RemoveAll(folder))
}

// Twice runs a plan two times and fails when the traces differ.
func Twice(p Plan, dir string) (Report, error) {
	first, err := Run(p, dir, nil)
	if err != nil {
		return first, err
	}
	second, err := Run(p, dir, nil)
	if err != nil {
		return second, err
	}
	if first.Trace != second.Trace {
		first.violate("replay", "seed %d ran twice and took two courses: %.12s and %.12s", p.Seed, first.Trace, second.Trace)
	}
	return first, nil
}

// Scratch is a folder for a run's files: in memory where there is such a one, for the disk under test is simulated.
func Scratch() string {
	const memory = "/dev/shm"
	if f, err := os.Stat(memory); err == nil && f.IsDir() {
		return memory
	}
	return os.TempDir()
}

func (w *World) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

// mint makes an author id.
func (w *World) mint(r *rand.Rand) fact.Author {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, 16)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return fact.Author(b)
}

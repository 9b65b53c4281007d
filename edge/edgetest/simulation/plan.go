package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// Plan is everything that is settled before a run begins: who comes when and does what, and what fails when. A run is a
// function of its plan. Taking cars or faults away leaves the others as they are, so a failing plan can be shrunk.
type Plan struct {
	Seed   uint64
	Hours  int // of traffic; then everything heals and must come level
	Booths int
	Lanes  []LanePlan
	Cars   []CarPlan
	Faults []Spell
	Free   bool // the lot lets an unknown entry out ("open"), else holds it
	Brave  bool // a lane whose journal cannot be written lets cars pass, else holds them
}

// LanePlan is a lane and the booth that drives it.
type LanePlan struct {
	ID    string
	Dir   fact.Dir
	Booth int
}

// CarPlan is a vehicle and its stays.
type CarPlan struct {
	N     int
	Plate plate.Plate // what is on it
	Stays []Stay
}

// Stay is one parking as its driver means it.
type Stay struct {
	Enter, For time.Duration // when it comes to the entry, and how long it stays inside
	In, Out    int           // lanes
	Prepay     time.Duration // pays by phone so long before it goes to the exit; 0: at the barrier
	Twice      bool          // two people pay for it
	Cash       bool          // pays cash at the barrier
	Refuse     bool          // does not pay: the operator opens by hand
	MisreadIn  string        // what the camera makes of it, when not its plate
	MisreadOut string
	UnseenIn   bool // the camera does not see it
	UnseenOut  bool
	Doubled    bool // the camera tells it twice
	Tail       bool // drives out right behind the car before it
	BackIn     bool // backs out of the entry once, and comes again
	BackOut    bool // backs out of the exit once, and comes again
}

// rng is the chance of one thing in a seed: others keep theirs when it is taken away.
func rng(seed uint64, what string, n int) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(fmt.Sprintf("%s/%d", what, n)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)+1))
}

// Draw makes the plan of a seed.
func Draw(seed uint64) Plan {
	r := rng(seed, "plan", 0)
	p := Plan{Seed: seed, Hours: 6 + r.IntN(25), Booths: 1 + r.IntN(5), Free: chance(r, 0.2), Brave: chance(r, 0.5)}
	lanes := max(2, p.Booths-1+r.IntN(4))
	lanes = min(lanes, 8)
	for i := range lanes {
		l := LanePlan{ID: fmt.Sprintf("entry-%d", i), Dir: fact.Entry, Booth: i % p.Booths}
		if i%2 == 1 {
			l.ID, l.Dir = fmt.Sprintf("exit-%d", i), fact.Exit
		}
		p.Lanes = append(p.Lanes, l)
	}
	cars := 10 + r.IntN(110)
	if chance(r, 0.1) {
		cars = 300
	}
	odd := r.Float64() * 0.25 // how odd this seed's traffic is
	if chance(r, 0.2) {
		odd = 0
	}
	for i := range cars {
		p.Cars = append(p.Cars, drawCar(&p, i, odd))
	}
	p.Faults = drawFaults(&p)
	return p
}

func drawCar(p *Plan, n int, odd float64) CarPlan {
	r := rng(p.Seed, "car", n)
	c := CarPlan{N: n, Plate: drawPlate(r, n)}
	at := between(r, 0, time.Duration(p.Hours)*time.Hour*3/4)
	for range 1 + r.IntN(2) {
		s := drawStay(p, r, at, c.Plate, odd)
		c.Stays = append(c.Stays, s)
		at = s.Enter + s.For + between(r, 20*time.Minute, 3*time.Hour)
	}
	return c
}

// drawPlate gives every car a plate of its own; every third looks like its neighbour's to a reader.
func drawPlate(r *rand.Rand, n int) plate.Plate {
	text := []rune(fmt.Sprintf("粤B%c%03d%c", "ACEGHJKMNPRTUVWXY"[n/3%17], 100+n/3, "0852"[n%4]))
	if n%3 == 2 {
		text[len(text)-1] = rune("DBSZ"[n%4])
		text[len(text)-2] = rune('0' + (100+n/3)%10)
	}
	if n%3 == 0 {
		text[2], text[len(text)-1] = 'F', rune('0'+n%10)
	}
	colour := plate.ColourBlue
	if chance(r, 0.2) {
		colour = plate.ColourUnknown
	}
	out, err := plate.Parse(string(text), colour)
	if err != nil {
		panic("simulation: " + err.Error()) // the texts above are plates
	}
	return out
}

func drawStay(p *Plan, r *rand.Rand, at time.Duration, own plate.Plate, odd float64) Stay {
	s := Stay{Enter: at, In: pick(p, r, fact.Entry), Out: pick(p, r, fact.Exit)}
	switch r.IntN(10) {
	case 0, 1:
		s.For = between(r, 2*time.Minute, 20*time.Minute)
	case 2:
		s.For = between(r, 5*time.Hour, 26*time.Hour)
	case 3: // near the end of the free time and of units: where a bound off by one shows
		s.For = time.Duration(r.IntN(8))*15*time.Minute + between(r, -40*time.Second, 40*time.Second)
		s.For = max(s.For, 2*time.Minute)
	default:
		s.For = between(r, 20*time.Minute, 5*time.Hour)
	}
	switch r.IntN(10) {
	case 0, 1, 2:
		s.Prepay = between(r, time.Minute, 25*time.Minute) // the grace is 15 minutes: some overstay it
		s.Prepay = min(s.Prepay, s.For-time.Minute)
	case 3:
		s.Twice = true
	case 4, 5:
		s.Cash = true
	case 6, 7:
		s.Refuse = chance(r, 0.7)
	}
	does := func() bool { return chance(r, odd*0.4) }
	if does() {
		s.MisreadIn = misread(r, own.Text)
	}
	if does() {
		s.MisreadOut = misread(r, own.Text)
	}
	s.UnseenIn, s.UnseenOut, s.Doubled = does(), does(), chance(r, odd)
	s.Tail, s.BackIn, s.BackOut = does(), does(), does()
	return s
}

func pick(p *Plan, r *rand.Rand, d fact.Dir) int {
	var of []int
	for i, l := range p.Lanes {
		if l.Dir == d {
			of = append(of, i)
		}
	}
	return of[r.IntN(len(of))]
}

// misread spoils one character, mostly as readers do.
func misread(r *rand.Rand, text string) string {
	runes := []rune(text)
	i := 2 + r.IntN(len(runes)-2)
	swap := map[rune]rune{'0': 'D', '8': 'B', '5': 'S', '2': 'Z', 'D': '0', 'B': '8', 'S': '5'}
	if to, ok := swap[runes[i]]; ok && chance(r, 0.8) {
		runes[i] = to
	} else {
		runes[i] = rune('0' + r.IntN(10))
	}
	return string(runes)
}

// Keep returns the plan with these cars and faults only, by their place in it.
func (p *Plan) Keep(cars, faults []int) Plan {
	q := *p
	q.Cars, q.Faults = nil, nil
	for i, c := range p.Cars {
		if slices.Contains(cars, i) {
			q.Cars = append(q.Cars, c)
		}
	}
	for i, f := range p.Faults {
		if slices.Contains(faults, i) {
			q.Faults = append(q.Faults, f)
		}
	}
	return q
}

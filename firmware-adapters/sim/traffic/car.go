package traffic

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"lotkeeper/shared/plate"
)

// Kind is what is special about a car.
type Kind string

// The kinds.
const (
	Visitor    Kind = "visitor"
	Regular    Kind = "regular"    // comes again and again
	Permit     Kind = "permit"     // need not pay
	LongStay   Kind = "long_stay"  // came hours before lotsim started, told by the camera's memory
	Misread    Kind = "misread"    // the exit camera reads another, similar plate
	Reverse    Kind = "reverse"    // arrives, is let in, and backs out
	Unlicensed Kind = "unlicensed" // shows no plate
	Tailgate   Kind = "tailgate"   // follows another car through the exit
)

// State is where a car is.
type State string

// The states.
const (
	Entering State = "entering"
	Inside   State = "inside"
	Exiting  State = "exiting"
	Left     State = "left"
	Turned   State = "turned away" // never came in
)

// Car is the truth about one car.
type Car struct {
	ID        string      `json:"id"`
	Plate     plate.Plate `json:"plate"`
	Kind      Kind        `json:"kind"`
	Pays      string      `json:"pays"` // phone or cash
	State     State       `json:"state"`
	Lane      string      `json:"lane,omitempty"` // where it stands
	Why       string      `json:"why,omitempty"`  // what it waits for
	EnteredAt time.Time   `json:"entered_at,omitzero"`
	LeftAt    time.Time   `json:"left_at,omitzero"`
	EntryOpen bool        `json:"entry_opened"` // the entry's arm rose for it
	ExitOpen  bool        `json:"exit_opened"`  // the exit's arm rose for it
	Settled   string      `json:"settled,omitempty"`
	Paid      int64       `json:"paid_minor"`
	ReadAs    string      `json:"read_as,omitempty"` // at the exit, when misread
}

// maker makes cars from a seed.
type maker struct {
	rnd      *rand.Rand
	set      Settings
	regulars []plate.Plate
	permits  []plate.Plate
	count    int
}

func newMaker(seed uint64, set Settings) (*maker, error) {
	m := &maker{rnd: rand.New(rand.NewPCG(seed, 0x10757)), set: set}
	for range set.Regulars {
		m.regulars = append(m.regulars, m.plate())
	}
	for _, text := range set.Permits {
		p, err := plate.Parse(text, plate.ColourUnknown)
		if err != nil {
			return nil, fmt.Errorf("permit %q: %w", text, err)
		}
		p, err = plate.Parse(text, usualColour(p))
		if err != nil {
			return nil, fmt.Errorf("permit %q: %w", text, err)
		}
		m.permits = append(m.permits, p)
	}
	return m, nil
}

func usualColour(p plate.Plate) plate.Colour {
	switch {
	case p.Class.NewEnergy():
		return plate.ColourGreen
	case p.Class == plate.ClassSmall:
		return plate.ColourBlue
	}
	return plate.ColourUnknown
}

// letters are those of plates: I and O are not used.
const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"

// plate makes a plate: mostly blue ones, a third of the new-energy kind.
func (m *maker) plate() plate.Plate {
	province := []rune("粤粤粤粤湘赣桂苏浙京沪闽")[m.rnd.IntN(12)]
	city := letters[m.rnd.IntN(len(letters))]
	green := m.rnd.IntN(3) == 0
	var serial strings.Builder
	if green {
		serial.WriteByte("DF"[m.rnd.IntN(2)])
	}
	for i := range 5 {
		if i == m.rnd.IntN(5) && !green {
			serial.WriteByte(letters[m.rnd.IntN(len(letters))])
		} else {
			serial.WriteByte(byte('0' + m.rnd.IntN(10)))
		}
	}
	colour := plate.ColourBlue
	if green {
		colour = plate.ColourGreen
	}
	p, err := plate.Parse(fmt.Sprintf("%c%c%s", province, city, serial.String()), colour)
	if err != nil {
		return plate.Plate{Text: "粤B12345", Colour: plate.ColourBlue, Class: plate.ClassSmall} // cannot be: the text is short
	}
	return p
}

// next makes the next car; taken says of a plate that its car is here already.
func (m *maker) next(taken func(plate.Plate) bool) *Car {
	m.count++
	c := &Car{ID: fmt.Sprintf("car-%04d", m.count), Kind: Visitor, Pays: "phone", Plate: m.plate()}
	if m.rnd.IntN(100) < m.set.Mischief.Cash {
		c.Pays = "cash"
	}
	dice, who := m.rnd.IntN(100), m.rnd.IntN(1<<20)
	mischief := *m.set.Mischief
	switch {
	case dice < mischief.Misread:
		c.Kind = Misread
	case dice < mischief.Misread+mischief.Reverse:
		c.Kind = Reverse
	case dice < mischief.Misread+mischief.Reverse+mischief.Unlicensed:
		c.Kind, c.Plate, c.Pays = Unlicensed, plate.Plate{}, "cash"
	case dice < mischief.Misread+mischief.Reverse+mischief.Unlicensed+mischief.Tailgate:
		c.Kind = Tailgate
	case who%5 == 0 && len(m.permits) > 0:
		if p := m.permits[who/5%len(m.permits)]; !taken(p) {
			c.Kind, c.Plate = Permit, p
		}
	case who%5 <= 2 && len(m.regulars) > 0:
		if p := m.regulars[who/5%len(m.regulars)]; !taken(p) {
			c.Kind, c.Plate = Regular, p
		}
	}
	if c.Kind == Misread {
		c.Pays = "cash" // the booth sorts it out
	}
	return c
}

// stay is how long the next car will stay.
func (m *maker) stay() time.Duration {
	span := m.set.StayMax - m.set.StayMin
	d := m.set.StayMin
	if span > 0 {
		d += time.Duration(m.rnd.Int64N(int64(span)))
	}
	return time.Duration(float64(d) / m.set.Speed)
}

// gap is the time to the next arrival, from a half to one and a half of the mean.
func (m *maker) gap() time.Duration {
	d := m.set.Every/2 + time.Duration(m.rnd.Int64N(int64(max(m.set.Every, 1))))
	return time.Duration(float64(d) / m.set.Speed)
}

// confusable is a plate that a camera could take this one for.
func confusable(p plate.Plate) plate.Plate {
	pairs := map[rune]rune{'0': 'D', 'D': '0', '8': 'B', 'B': '8', '1': 'T', '2': 'Z', 'Z': '2', '5': 'S', 'S': '5', '6': 'G', 'G': '6', '7': 'T', '3': '8', '4': 'A', '9': '0'}
	text := []rune(p.Text)
	for i := len(text) - 1; i >= 2; i-- {
		if r, ok := pairs[text[i]]; ok {
			text[i] = r
			if q, err := plate.Parse(string(text), p.Colour); err == nil {
				return q
			}
		}
	}
	return p
}

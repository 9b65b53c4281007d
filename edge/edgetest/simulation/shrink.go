package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Case names a run so that anybody can repeat it: a seed, and what of its plan is kept. Its text form is
// "seed", or "seed cars=0,3 faults=1"; a part that is left out is whole.
type Case struct {
	Seed   uint64
	Cars   []int // nil: all
	Faults []int
}

// String is the text form.
func (c Case) String() string {
	s := strconv.FormatUint(c.Seed, 10)
	if c.Cars != nil {
		s += " cars=" + join(c.Cars)
	}
	if c.Faults != nil {
		s += " faults=" + join(c.Faults)
	}
	return s
}

func join(of []int) string {
	parts := make([]string, len(of))
	for i, n := range of {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}

// ParseCase reads the text form.
func ParseCase(s string) (Case, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return Case{}, fmt.Errorf("case %q names no seed: write one like \"17\" or \"17 cars=0,3 faults=1\"", s)
	}
	seed, err := strconv.ParseUint(words[0], 10, 64)
	if err != nil {
		return Case{}, fmt.Errorf("case %q: its seed is no number", s)
	}
	c := Case{Seed: seed}
	for _, w := range words[1:] {
		name, list, _ := strings.Cut(w, "=")
		of := []int{}
		for _, p := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
			n, err := strconv.Atoi(p)
			if err != nil {
				return Case{}, fmt.Errorf("case %q: %q is no list of numbers", s, w)
			}
			of = append(of, n)
		}
		switch name {
		case "cars":
			c.Cars = of
		case "faults":
			c.Faults = of
		default:
			return Case{}, fmt.Errorf("case %q: %q is neither cars nor faults", s, w)
		}
	}
	return c, nil
}

// Plan is the plan of a case.
func (c Case) Plan() Plan {
	p := Draw(c.Seed)
	cars, faults := c.Cars, c.Faults
	if cars == nil {
		cars = all(len(p.Cars))
	}
	if faults == nil {
		faults = all(len(p.Faults))
	}
	return p.Keep(cars, faults)
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Shrink takes cars and faults away as long as the same promise stays broken, trying at most so many runs.
func Shrink(c Case, rule string, dir string, tries int) Case {
	p := Draw(c.Seed)
	if c.Cars == nil {
		c.Cars = all(len(p.Cars))
	}
	if c.Faults == nil {
		c.Faults = all(len(p.Faults))
	}
	fails := func(c Case) bool {
		tries--
		r, err := Run(c.Plan(), dir, nil)
		return err == nil && slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Rule == rule })
	}
	for _, of := range []*[]int{&c.Faults, &c.Cars} {
		for chunk := (len(*of) + 1) / 2; chunk >= 1 && len(*of) > 0; chunk /= 2 {
			for at := 0; at < len(*of) && tries > 0; {
				whole := *of
				*of = slices.Delete(slices.Clone(whole), at, min(at+chunk, len(whole)))
				if !fails(c) {
					*of = whole
					at += chunk
				}
			}
		}
	}
	return c
}

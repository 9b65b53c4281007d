package clock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Basis says what kind of clock a sample is of.
type Basis string

// The bases, from best to worst. Cameras' clocks are off by minutes and hours in the field, so they make suspicious and
// prove nothing.
const (
	Cloud  Basis = "cloud"
	Peer   Basis = "peer"
	Camera Basis = "camera"
)

// Sample is what is known of another clock.
type Sample struct {
	Name   string // of the booth or device; "cloud"
	Basis  Basis
	Offset time.Duration // the other's clock less ours
	Error  time.Duration // half-width of what that may be wrong by
	Age    time.Duration
}

// The limits of judging clocks.
const (
	// Limit is how far a clock may be off beyond its error before it is wrong.
	Limit = 2 * time.Second
	// staleAfter is how old a sample may be.
	staleAfter = 10 * time.Minute
	// drift is how fast two unguided quartz clocks part, at worst, per second.
	drift = 100 * time.Microsecond
)

// Verdict is what the other clocks say of ours.
type Verdict struct {
	Known  bool          // somebody can be believed
	Basis  Basis         // who
	Offset time.Duration // the right time less ours; 0 when nobody can be believed
	Error  time.Duration // what that may be wrong by
	Doubt  string        // why ours is not to be trusted; "" when it is, or when nobody speaks
}

// wrong reports whether the verdict is that our clock is off.
func (v Verdict) wrong() bool { return v.Known && v.Offset.Abs() > Limit+v.Error }

// Judge weighs the other clocks. The cloud's word counts alone. Without it most of the lot's booths decide, ours among
// them; two that differ decide nothing, but are both in doubt. Cameras that agree put ours in doubt.
func Judge(samples []Sample) Verdict {
	var peers, cameras []Sample
	for _, s := range samples {
		s.Error += time.Duration(s.Age.Seconds() * float64(drift))
		switch {
		case s.Age > staleAfter:
		case s.Basis == Cloud:
			return believed(Verdict{Known: true, Basis: Cloud, Offset: s.Offset, Error: s.Error}, "the cloud's clock")
		case s.Basis == Peer:
			peers = append(peers, s)
		case s.Basis == Camera:
			cameras = append(cameras, s)
		}
	}
	ours := Sample{Name: "", Basis: Peer}
	most := agreeing(append(slices.Clone(peers), ours))
	if 2*len(most) > len(peers)+1 && len(peers) > 0 {
		v := Verdict{Known: true, Basis: Peer}
		if !slices.ContainsFunc(most, func(s Sample) bool { return s.Name == "" }) {
			mid := most[len(most)/2]
			v.Offset, v.Error = mid.Offset, mid.Error+(most[len(most)-1].Offset-most[0].Offset)/2
		}
		return believed(v, "most booths' clocks")
	}
	v := Verdict{}
	if len(peers) > 0 { // none agrees with enough others
		for _, s := range peers {
			v.Error = max(v.Error, s.Offset.Abs()+s.Error)
		}
		v.Doubt = "it differs from that of " + names(peers) + ", and nobody can say which is right"
		return v
	}
	if most := agreeing(cameras); len(most) >= 2 && most[0].Offset.Abs() > Limit+most[0].Error {
		v.Error = most[len(most)/2].Offset.Abs()
		v.Doubt = fmt.Sprintf("the clocks of %s agree that it is off by %v", names(most), -most[len(most)/2].Offset.Round(time.Second))
	}
	return v
}

func believed(v Verdict, whose string) Verdict {
	if v.wrong() {
		v.Doubt = fmt.Sprintf("%s says that it is off by %v", whose, -v.Offset.Round(100*time.Millisecond))
	}
	return v
}

// agreeing returns the largest group of clocks that agree with each other, by offset.
func agreeing(all []Sample) []Sample {
	slices.SortFunc(all, func(a, b Sample) int { return cmp.Compare(a.Offset, b.Offset) })
	var best []Sample
	for i := range all {
		k := i + 1
		for k < len(all) && all[k].Offset-all[i].Offset <= Limit+all[k].Error+all[i].Error {
			k++
		}
		if k-i > len(best) {
			best = all[i:k]
		}
	}
	return best
}

func names(of []Sample) string {
	out := make([]string, len(of))
	for i, s := range of {
		out[i] = s.Name
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

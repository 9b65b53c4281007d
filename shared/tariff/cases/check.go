package cases

import (
	"errors"
	"fmt"
	"io"
	"time"

	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// Report is what became of a file of cases.
type Report struct {
	Passed     int        `json:"passed"`
	Failed     int        `json:"failed"`
	Missing    []string   `json:"tariffs_missing"`
	Unusable   []Unusable `json:"tariffs_unusable"`
	Mismatches []Mismatch `json:"mismatches"`
}

// Unusable is a tariff that is there and cannot be read; its cases have failed.
type Unusable struct {
	Tariff string `json:"tariff"`
	Error  string `json:"error"`
}

// Mismatch is a case that does not come out.
type Mismatch struct {
	Case    string        `json:"case"`
	Name    string        `json:"name"`
	Class   string        `json:"class,omitempty"`
	Entry   time.Time     `json:"entry"`
	Exit    time.Time     `json:"exit"`
	Want    money.Amount  `json:"want"`
	Got     *money.Amount `json:"got,omitempty"` // none where there is an error
	Flags   []string      `json:"want_flags,omitempty"`
	Bill    *tariff.Bill  `json:"bill,omitempty"`
	Error   string        `json:"error,omitempty"`
	Working string        `json:"working,omitempty"`
}

// Check tries each case on the tariff that find has for it; find's second answer says whether there is one.
func Check(f File, find func(id string) (tariff.Tariff, bool, error)) Report {
	rep := Report{Missing: []string{}, Unusable: []Unusable{}, Mismatches: []Mismatch{}}
	type entry struct {
		tariff tariff.Tariff
		exists bool
		err    error
	}
	known := map[string]entry{}
	for i := range f.Cases {
		c := &f.Cases[i]
		t, looked := known[c.Tariff]
		if !looked {
			t.tariff, t.exists, t.err = find(c.Tariff)
			known[c.Tariff] = t
			switch {
			case t.err != nil:
				rep.Unusable = append(rep.Unusable, Unusable{c.Tariff, t.err.Error()})
			case !t.exists:
				rep.Missing = append(rep.Missing, c.Tariff)
			}
		}
		if t.err == nil && !t.exists {
			continue
		}
		res := Result{Case: *c}
		if t.err != nil {
			res.Err = errUnusable
		} else {
			res = c.Try(t.tariff)
		}
		if res.Passed() {
			rep.Passed++
			continue
		}
		rep.Failed++
		rep.Mismatches = append(rep.Mismatches, mismatch(res))
	}
	return rep
}

var errUnusable = errors.New("the tariff cannot be used")

func mismatch(r Result) Mismatch {
	c := r.Case
	m := Mismatch{Case: c.ID, Name: c.Name, Class: c.Class, Entry: c.Entry, Exit: c.Exit, Want: c.Want, Flags: c.Flags, Working: c.Working}
	if r.Err != nil {
		m.Error = r.Err.Error()
		return m
	}
	m.Got, m.Bill = &r.Got, &r.Bill
	return m
}

// OK says whether everything came out.
func (r Report) OK() bool { return r.Failed == 0 && len(r.Missing) == 0 }

// Write tells the report, the sums last.
func (r Report) Write(w io.Writer) {
	for _, u := range r.Unusable {
		fmt.Fprintf(w, "%s cannot be used: %s\n", u.Tariff, u.Error)
	}
	for i := range r.Mismatches {
		r.Mismatches[i].write(w)
	}
	for _, name := range r.Missing {
		fmt.Fprintf(w, "there is no tariff %s\n", name)
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d tariffs missing\n", r.Passed, r.Failed, len(r.Missing))
}

func (m *Mismatch) write(w io.Writer) {
	fmt.Fprintf(w, "%s (%s), class %q: %s → %s\n", m.Case, m.Name, m.Class, m.Entry.Format(time.RFC3339), m.Exit.Format(time.RFC3339))
	switch {
	case m.Got == nil:
		fmt.Fprintf(w, "  want %d, got an error: %s\n", int64(m.Want), m.Error)
	case *m.Got == m.Want:
		fmt.Fprintf(w, "  the amount %d is right; want flags %v, got %v\n", int64(m.Want), m.Flags, m.Bill.Flags)
	default:
		fmt.Fprintf(w, "  want %d, got %d\n", int64(m.Want), int64(*m.Got))
	}
	if m.Working != "" {
		fmt.Fprintf(w, "  worked by hand: %s\n", m.Working)
	}
	if m.Bill != nil {
		WriteBill(w, *m.Bill, "    ")
	}
}

// WriteBill tells a bill, one line a row, the sums last. Amounts are in the currency's own notation.
func WriteBill(w io.Writer, b tariff.Bill, indent string) {
	amount := func(a money.Amount) string { return a.Format(b.Currency) }
	for _, l := range b.Lines {
		fmt.Fprintf(w, "%s%12s  %s – %s  %s / %s\n", indent, amount(l.Amount), l.From.Format("01-02 15:04:05"), l.To.Format("01-02 15:04:05"), l.Text.ZH, l.Text.EN)
	}
	fmt.Fprintf(w, "%sgross %s, free %s, paid %s\n", indent, amount(b.Gross), amount(b.Free), amount(b.Paid))
	for _, f := range b.Flags {
		fmt.Fprintf(w, "%sflag %s\n", indent, f)
	}
	if !b.Monotone {
		fmt.Fprintf(w, "%sa later exit may cost less under this plan\n", indent)
	}
	if !b.LeaveBy.IsZero() {
		fmt.Fprintf(w, "%spaid: leave by %s\n", indent, b.LeaveBy.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "%stotal due %s (%d)\n", indent, amount(b.Due), int64(b.Due))
}

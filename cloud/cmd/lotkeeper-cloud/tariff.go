package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/cases"
)

// tariffCmd holds the tools for tariffs as files. They need no database and no configuration.
type tariffCmd struct {
	Quote   tariffQuoteCmd   `cmd:"" help:"Price a stay and show how that came about."`
	Check   tariffCheckCmd   `cmd:"" help:"Try tariffs on a file of worked cases."`
	Explain tariffExplainCmd `cmd:"" help:"Tell a tariff in plain words, as customers read it."`
	Lint    tariffLintCmd    `cmd:"" help:"Look for mistakes: parts that nothing reaches, gaps, fees that fall, stays that cost nothing."`
}

// readDocument reads a file of YAML or JSON as JSON.
func readDocument(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if doc, err := yaml.YAMLToJSON(text); err == nil {
		return doc, nil
	} else if json.Valid(text) {
		return text, nil
	} else {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
}

func readTariff(path string) (tariff.Tariff, error) {
	doc, err := readDocument(path)
	if err != nil {
		return tariff.Tariff{}, err
	}
	t, err := tariff.Decode(doc)
	if err != nil {
		return tariff.Tariff{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return t, nil
}

// readCalendar reads a calendar; without a file, one that knows workdays and weekends.
func readCalendar(path string) (calendar.Calendar, error) {
	if path == "" {
		return calendar.Calendar{ID: "plain", Version: 1}, nil
	}
	doc, err := readDocument(path)
	if err != nil {
		return calendar.Calendar{}, err
	}
	c, err := calendar.Decode(doc)
	if err != nil {
		return calendar.Calendar{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return c, nil
}

type tariffQuoteCmd struct {
	Tariff   string    `required:"" type:"existingfile" help:"The tariff, YAML or JSON."`
	Entry    time.Time `required:"" format:"2006-01-02T15:04:05Z07:00" help:"When the vehicle came, RFC 3339: 2026-03-04T19:12:34+08:00."`
	Exit     time.Time `required:"" format:"2006-01-02T15:04:05Z07:00" help:"When it leaves."`
	Class    string    `help:"The vehicle's class, as the tariff's plans name it."`
	Calendar string    `type:"existingfile" help:"Day types of dates; without it Monday to Friday are workdays, the rest weekend."`
	Extras   string    `type:"existingfile" help:"Earlier visits, payments, coupons, month card, booking, entitlements."`
	JSON     bool      `help:"Print the bill as JSON."`
}

func (c tariffQuoteCmd) Run(e *environment) error {
	t, err := readTariff(c.Tariff)
	if err != nil {
		return err
	}
	cal, err := readCalendar(c.Calendar)
	if err != nil {
		return err
	}
	var extras cases.Extras
	if c.Extras != "" {
		doc, err := readDocument(c.Extras)
		if err == nil {
			extras, err = cases.DecodeExtras(doc)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Extras, err)
		}
	}
	r, err := tariff.Compile(t, cal)
	if err != nil {
		return err
	}
	bill, err := extras.Bill(r, t, tariff.Stay{Entry: c.Entry, Exit: c.Exit, Class: c.Class})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, bill)
	}
	printBill(e.stdout, bill, "")
	return nil
}

func printJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}

// printBill writes the lines, one a row, and the sums. Amounts are in the currency's own notation.
func printBill(w io.Writer, b tariff.Bill, indent string) {
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

type tariffCheckCmd struct {
	Tariffs string `required:"" type:"existingdir" help:"Folder with one TARIFF_ID.yaml (or .yml, .json) for each tariff."`
	Cases   string `required:"" type:"existingfile" help:"The cases: see shared/tariff/FORMAT.md."`
	JSON    bool   `help:"Print one JSON document instead of text."`
}

// mismatch is a case that does not come out.
type mismatch struct {
	Case  string        `json:"case"`
	Want  int64         `json:"want"`
	Got   *int64        `json:"got,omitempty"`
	Lines []tariff.Line `json:"lines,omitempty"`
	Flags []tariff.Flag `json:"flags,omitempty"`
	Error string        `json:"error,omitempty"`
}

type checkReport struct {
	Passed     int        `json:"passed"`
	Failed     int        `json:"failed"`
	Missing    []string   `json:"tariffs_missing"`
	Mismatches []mismatch `json:"mismatches"`
}

func (c tariffCheckCmd) Run(e *environment) error {
	doc, err := readDocument(c.Cases)
	if err != nil {
		return err
	}
	file, err := cases.Decode(doc)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Cases, err)
	}
	report := checkReport{Missing: []string{}, Mismatches: []mismatch{}}
	tariffs := map[string]tariffFile{}
	for _, x := range file.Cases {
		t, known := tariffs[x.Tariff]
		if !known {
			t = findTariff(c.Tariffs, x.Tariff)
			tariffs[x.Tariff] = t
			switch {
			case t.missing:
				report.Missing = append(report.Missing, x.Tariff)
			case t.err != nil && !c.JSON:
				fmt.Fprintf(e.stdout, "%s cannot be used: %v\n", x.Tariff, t.err)
			}
		}
		if t.missing {
			continue
		}
		if m := c.try(e, x, t); m != nil {
			report.Failed++
			report.Mismatches = append(report.Mismatches, *m)
		} else {
			report.Passed++
		}
	}
	if c.JSON {
		if err := printJSON(e.stdout, report); err != nil {
			return err
		}
	} else {
		for _, name := range report.Missing {
			fmt.Fprintf(e.stdout, "no tariff %s in %s\n", name, c.Tariffs)
		}
		fmt.Fprintf(e.stdout, "%d passed, %d failed, %d tariffs missing\n", report.Passed, report.Failed, len(report.Missing))
	}
	if report.Failed+len(report.Missing) > 0 {
		return errSilent
	}
	return nil
}

// errSilent makes the exit code 1 without a word: everything was said.
var errSilent = errors.New("")

type tariffFile struct {
	tariff  tariff.Tariff
	missing bool
	err     error
}

func findTariff(dir, id string) (f tariffFile) {
	if id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return tariffFile{err: fmt.Errorf("%q is no name of a file", id)}
	}
	for _, ending := range []string{".yaml", ".yml", ".json"} {
		path := filepath.Join(dir, id+ending)
		if _, err := os.Stat(path); err == nil {
			f.tariff, f.err = readTariff(path)
			return f
		}
	}
	return tariffFile{missing: true}
}

// try prices a case and tells what is wrong with it, if anything.
func (c tariffCheckCmd) try(e *environment, x cases.Case, t tariffFile) *mismatch {
	m := &mismatch{Case: x.ID, Want: int64(x.Want)}
	if t.err != nil {
		m.Error = t.err.Error()
		return m
	}
	res := x.Try(t.tariff)
	if res.Passed() {
		return nil
	}
	if res.Err != nil {
		m.Error = res.Err.Error()
	} else {
		got := int64(res.Got)
		m.Got, m.Lines, m.Flags = &got, res.Bill.Lines, res.Bill.Flags
	}
	if c.JSON {
		return m
	}
	fmt.Fprintf(e.stdout, "%s (%s), class %q: %s → %s\n", x.ID, x.Name, x.Class, x.Entry.Format(time.RFC3339), x.Exit.Format(time.RFC3339))
	switch {
	case res.Err != nil:
		fmt.Fprintf(e.stdout, "  want %d, got an error: %v\n", m.Want, res.Err)
	case *m.Got == m.Want:
		fmt.Fprintf(e.stdout, "  the amount %d is right; want flags %v, got %v\n", m.Want, x.Flags, res.Bill.Flags)
	default:
		fmt.Fprintf(e.stdout, "  want %d, got %d\n", m.Want, *m.Got)
	}
	if x.Working != "" {
		fmt.Fprintf(e.stdout, "  worked by hand: %s\n", x.Working)
	}
	if res.Err == nil {
		printBill(e.stdout, res.Bill, "    ")
	}
	return m
}

type tariffExplainCmd struct {
	Tariff string `required:"" type:"existingfile" help:"The tariff, YAML or JSON."`
	Lang   string `enum:"zh,en,both" default:"both" help:"zh, en or both."`
}

func (c tariffExplainCmd) Run(e *environment) error {
	t, err := readTariff(c.Tariff)
	if err != nil {
		return err
	}
	zh, en := tariff.Explain(t)
	switch c.Lang {
	case "zh":
		fmt.Fprintln(e.stdout, zh)
	case "en":
		fmt.Fprintln(e.stdout, en)
	default:
		fmt.Fprintf(e.stdout, "%s\n\n%s\n", zh, en)
	}
	return nil
}

type tariffLintCmd struct {
	Tariff   string `required:"" type:"existingfile" help:"The tariff, YAML or JSON."`
	Calendar string `type:"existingfile" help:"The calendar it will be used with."`
	JSON     bool   `help:"Print the findings as JSON."`
}

// Run exits with 1 when the tariff could not be published.
func (c tariffLintCmd) Run(e *environment) error {
	t, err := readTariff(c.Tariff)
	if err != nil {
		return err
	}
	cal, err := readCalendar(c.Calendar)
	if err != nil {
		return err
	}
	found := tariff.Lint(t, cal)
	if c.JSON {
		if err := printJSON(e.stdout, found); err != nil {
			return err
		}
	} else {
		for _, f := range found {
			fmt.Fprintf(e.stdout, "%s %s at %s: %s / %s\n", f.Level, f.Code, f.Place, f.Text.ZH, f.Text.EN)
		}
		fmt.Fprintf(e.stdout, "%d findings\n", len(found))
	}
	if slices.ContainsFunc(found, func(f tariff.Finding) bool { return f.Level == tariff.LevelError }) {
		return errSilent
	}
	return nil
}

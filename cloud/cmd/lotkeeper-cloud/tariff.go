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
	if json.Valid(text) {
		return text, nil // as it is, so that a key that is given twice is found
	}
	var doc any // merge keys are resolved by decoding, which YAMLToJSON does not do
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return json.Marshal(doc)
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
	cases.WriteBill(e.stdout, bill, "")
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

type tariffCheckCmd struct {
	Tariffs string `required:"" type:"existingdir" help:"Folder with one TARIFF_ID.yaml (or .yml, .json) for each tariff."`
	Cases   string `required:"" type:"existingfile" help:"The cases: see shared/tariff/FORMAT.md."`
	JSON    bool   `help:"Print one JSON document instead of text."`
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
	report := cases.Check(file, c.find)
	if c.JSON {
		if err := printJSON(e.stdout, report); err != nil {
			return err
		}
	} else {
		report.Write(e.stdout)
	}
	if !report.OK() {
		return errSilent
	}
	return nil
}

// errSilent makes the exit code 1 without a word: everything was said.
var errSilent = errors.New("")

func (c tariffCheckCmd) find(id string) (tariff.Tariff, bool, error) {
	if id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return tariff.Tariff{}, false, fmt.Errorf("%q is no name of a file", id)
	}
	for _, ending := range []string{".yaml", ".yml", ".json"} {
		path := filepath.Join(c.Tariffs, id+ending)
		if _, err := os.Stat(path); err == nil {
			t, err := readTariff(path)
			return t, true, err
		}
	}
	return tariff.Tariff{}, false, nil
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

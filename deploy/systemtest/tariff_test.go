package systemtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/cases"
	"lotkeeper/shared/tariff/oracle"
)

// TestTheSameCentsEverywhere: 20,000 random stays under published and made-up tariffs cost the same to the cent in the
// booth's program, in the cloud's, and by the oracle. Each is a process of its own, in another time zone.
func TestTheSameCentsEverywhere(t *testing.T) {
	const count = 20_000
	dir := t.TempDir()
	tariffs := writeTariffs(t, dir)
	file := struct {
		Cases []map[string]any `json:"cases"`
	}{make([]map[string]any, count)}
	var wait sync.WaitGroup
	for worker := range runtime.NumCPU() {
		wait.Go(func() {
			for n := worker; n < count; n += runtime.NumCPU() {
				file.Cases[n] = someCase(t, tariffs, n)
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, zone := range map[string]string{"lotkeeper-edge": "America/New_York", "lotkeeper-cloud": "Asia/Shanghai"} {
		var out, errs bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program(t, name), "tariff", "check", "--json", "--tariffs", dir, "--cases", path)
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "TZ="+zone), &out, &errs
		failed := cmd.Run()
		var report cases.Report
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("%s: %v: %v\n%s", name, failed, err, errs.String())
		}
		if failed != nil || report.Passed != count {
			shown := report.Mismatches[:min(3, len(report.Mismatches))]
			t.Errorf("%s: %v: %d of %d stays cost what the oracle says: %+v", name, failed, report.Passed, count, shown)
		}
	}
}

// writeTariffs writes the corpus and some made-up tariffs as JSON, which both programs read.
func writeTariffs(t *testing.T, dir string) (out []tariff.Tariff) {
	t.Helper()
	keep := func(doc []byte) {
		tf, err := tariff.Decode(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, tf.ID+".json"), doc, 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, tf)
	}
	paths, err := filepath.Glob("../../shared/tariff/testdata/corpus/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "alternatives.yaml") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		keep(doc)
	}
	for n := range 60 {
		tf, _, _, _ := oracle.Draw(rand.New(rand.NewPCG(20, uint64(n))).IntN)
		if tf.Validate() != nil {
			continue
		}
		tf.ID = fmt.Sprintf("made-up-%d", n)
		doc, err := json.Marshal(tf)
		if err != nil {
			t.Fatal(err)
		}
		keep(doc)
	}
	if len(out) < 80 {
		t.Fatalf("only %d tariffs", len(out))
	}
	return out
}

// someCase is a stay of some hours, and what the oracle says that it costs.
func someCase(t *testing.T, tariffs []tariff.Tariff, n int) map[string]any {
	r := rand.New(rand.NewPCG(4, uint64(n)))
	tf := tariffs[r.IntN(len(tariffs))]
	day := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
	entry := day.Add(time.Duration(r.IntN(48)) * 30 * time.Minute)
	if r.IntN(2) == 0 {
		entry = entry.Add(time.Duration(r.IntN(1800)) * time.Second)
	}
	exit := entry.Add(time.Duration(r.IntN(6*3600)) * time.Second)
	if r.IntN(20) == 0 {
		exit = exit.Add(30 * time.Hour)
	}
	class := []string{"small", "car", "large", "motorcycle", "outpatient", "nev_patient", "petrol", "diesel", "core", "fringe"}[r.IntN(10)]
	cal, days := calendar.Calendar{ID: "case", Version: 1, Dates: map[calendar.Date]string{}}, map[string]string{}
	if r.IntN(3) == 0 {
		date, word := calendar.Of(day), []string{"PH", "workday", "holiday", "holiday_long"}[r.IntN(4)]
		cal.Dates[date], days[date.String()] = word, word
	}
	want, err := oracle.Rate(tf, cal, tariff.Stay{Entry: entry, Exit: exit, Class: class}, tariff.Context{})
	if err != nil {
		t.Errorf("%s: %v", tf.ID, err)
	}
	flags := []string{}
	if want.MaxStay {
		flags = append(flags, string(tariff.FlagMaxStay))
	}
	return map[string]any{
		"case_id": fmt.Sprint("stay ", n), "tariff_id": tf.ID, "timezone": tf.TZ.String(), "currency": tf.Currency, "vehicle_class": class,
		"day_types": days, "entry": entry, "exit": exit, "expected_minor_units": want.Gross, "flags": flags,
	}
}

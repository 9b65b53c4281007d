package tariff

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	engine "lotkeeper/shared/tariff"
)

// Whatever comes as a file of dates: it is read whole, or every fault has its line.
func FuzzReadDays(f *testing.F) {
	f.Add(china)
	f.Add("date,type\n2026-01-01,holiday,\"a\nb\"\n2026-02-30,x")
	f.Add("\uFEFF日期,类型\r\n2026-05-01, workday")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, text string) {
		days, err := readDays(text)
		if err != nil {
			var bad *fault.Error
			if !errors.As(err, &bad) || bad.Code != ErrImport.Code || len(bad.Details) == 0 || len(days) > 0 {
				t.Fatalf("%d days and %v of %q", len(days), err, text)
			}
			return
		}
		if _, err := version("cal-x", 1, CalendarDraft{Days: days}, By{Actor: "test"}, time.Time{}); err != nil {
			t.Fatalf("what was read of %q makes no calendar: %v", text, err)
		}
	})
}

// Whatever is written as a draft: it is refused with places, or it is published as its own canonical form.
func FuzzDraft(f *testing.F) {
	f.Add(starter(engine.Text{ZH: "甲", EN: "A"}))
	f.Add(`{"id":5,"version":"x","name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"p"}]}`)
	f.Add(`{"name":{"zh":1},"plans":[{}]}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		_ = renamed(text, nameOf(text))
		doc, err := decode(text, "trf-x", 3)
		if err != nil {
			var bad *fault.Error
			if !errors.As(err, &bad) || len(bad.Details) == 0 || !strings.HasPrefix(bad.Details[0].Where, "document") {
				t.Fatalf("%v of %q", err, text)
			}
			return
		}
		if doc.ID != "trf-x" || doc.Version != 3 {
			t.Fatalf("%q is taken as %s version %d", text, doc.ID, doc.Version)
		}
		out, err := encode(doc)
		if errors.Is(err, ErrInvalid) {
			return
		}
		again, err := decode(out, "trf-x", 3)
		if err != nil {
			t.Fatalf("%q is published as %s: %v", text, out, err)
		}
		if once, err := encode(again); err != nil || once != out {
			t.Fatalf("%q is published as %s, and that as %s, %v", text, out, once, err)
		}
	})
}

// A document's own id and version, whatever they are, do not count.
func TestOwnIDsDoNotCount(t *testing.T) {
	text := starter(engine.Text{ZH: "甲", EN: "A"})
	for _, head := range []string{"{", `{"id":5,`, `{"id":"","version":0,`, `{"version":"two",`, `{"id":null,"version":-7,`} {
		doc, err := decode(strings.Replace(text, "{", head, 1), "trf-x", 3)
		if err != nil || doc.ID != "trf-x" || doc.Version != 3 {
			t.Errorf("%s…: %s version %d, %v", head, doc.ID, doc.Version, err)
		}
	}
}

func TestALongFileOfMistakesIsToldAtOnce(t *testing.T) {
	_, err := readDays(strings.Repeat("x,y z\n", maxDays))
	var bad *fault.Error
	if !errors.As(err, &bad) || len(bad.Details) != 2*maxDays || bad.Details[len(bad.Details)-1].Where != lineOf(maxDays) {
		t.Errorf("%d details", len(bad.Details))
	}
	if _, err = readDays(strings.Repeat("x,y\n", 100*maxDays)); !errors.As(err, &bad) || len(bad.Details) != 1 {
		t.Errorf("of far too many lines: %d details", len(bad.Details))
	}
	if len(ErrImport.Details) != 0 {
		t.Error("the shared fault was changed")
	}
}

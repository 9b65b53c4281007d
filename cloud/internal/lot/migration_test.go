package lot_test

import (
	"strings"
	"testing"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/database/migration"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/wire"
)

// Lots that were made before their rules had a table get one from their newest configuration.
func TestOldLotsKeepTheirRulesAndCalendar(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	spec := lottest.Spec(t, "booth")
	spec.Rules = append([]wire.TariffRule{{Class: "large", Tariff: spec.Rules[0].Tariff}}, spec.Rules...)
	spec.Calendar = calendar.Calendar{ID: "cn", Version: 3}
	_, err := w.Lots.Update(t.Context(), lot.By{Actor: "test"}, system, "riverside", 1, spec)
	lottest.Must(t, err)
	bare := lottest.Spec(t, "bare")
	bare.Rules, bare.Tariffs = nil, nil
	_, err = w.Lots.Create(t.Context(), lot.By{Actor: "test"}, "op_a", "bare", bare)
	lottest.Must(t, err)
	counts := func() [3]int {
		return [3]int{
			w.Count(`SELECT count(*) FROM lot_rules WHERE lot_id = 'riverside' AND tariff_id = 'short' AND version = 1`), w.Count(`SELECT count(*) FROM lot_rules`),
			w.Count(`SELECT count(*) FROM lots WHERE calendar_id = 'cn' AND calendar_version = 3`),
		}
	}
	if got := counts(); got != [3]int{2, 2, 1} {
		t.Fatalf("a change keeps %v, want 2, 2, 1", got)
	}
	text, err := migration.Files.ReadFile("00030_tariffs.sql")
	lottest.Must(t, err)
	w.Exec(`DELETE FROM lot_rules`)
	w.Exec(`UPDATE lots SET calendar_id = '', calendar_version = 0`)
	ran := 0
	for _, begin := range []string{"INSERT INTO lot_rules", "UPDATE lots l SET"} {
		if _, rest, ok := strings.Cut(string(text), begin); ok {
			statement, _, _ := strings.Cut(rest, ";")
			w.Exec(begin + statement)
			ran++
		}
	}
	if got := counts(); ran != 2 || got != [3]int{2, 2, 1} {
		t.Errorf("the migration gives %v, want 2, 2, 1", got)
	}
	_, check, _ := strings.Cut(string(text), "DO $$")
	check, _, _ = strings.Cut(check, "$$;")
	w.Exec("DO $$" + check + "$$")
	w.Exec(`DELETE FROM lot_rules WHERE position = 0`)
	if _, err := w.DB.SQL().ExecContext(t.Context(), "DO $$"+check+"$$"); err == nil {
		t.Error("the migration does not see that a rule is missing")
	}
}

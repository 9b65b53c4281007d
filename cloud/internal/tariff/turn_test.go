package tariff

import (
	"encoding/json"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/job"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/money"
	engine "lotkeeper/shared/tariff"
)

func started(t *testing.T) (*lottest.World, *Service, scope.Scope, Rehearsal) {
	t.Helper()
	w := lottest.New(t)
	w.Riverside()
	set := job.NewSet()
	jobs, err := job.New(w.DB, set, job.Config{Logger: w.Log})
	lottest.Must(t, err)
	s, err := New(Options{DB: w.DB, Audit: w.Audit, Lots: w.Lots, Jobs: jobs, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	s.Work(set)
	p, err := w.Authenticate(t.Context(), string(lottest.Admin))
	lottest.Must(t, err)
	made, err := s.Create(t.Context(), p.Scope(), By{Actor: "test"}, engine.Text{ZH: "甲", EN: "A"}, "")
	lottest.Must(t, err)
	r, err := s.StartRehearsal(t.Context(), p.Scope(), By{Actor: "test"}, Rehearse{Tariff: made.ID, Lots: []id.Lot{"riverside"}})
	lottest.Must(t, err)
	return w, s, p.Scope(), r
}

// Of two workers on one page one counts, and neither after a cancel.
func TestAPageCountsOnce(t *testing.T) {
	_, s, sc, r := started(t)
	sys := scope.System("test")
	r.State, r.Done, r.Lots[0].Sessions = Running, 3, 3
	first, second := r, r
	if moved, err := s.turn(t.Context(), sys, &first, 0, false); err != nil || !moved {
		t.Fatalf("the first: %v, %v", moved, err)
	}
	if moved, err := s.turn(t.Context(), sys, &second, 0, false); err != nil || moved {
		t.Errorf("the second on the same page: %v, %v", moved, err)
	}
	first.Done, first.Lots[0].Sessions = 6, 6
	if moved, err := s.turn(t.Context(), sys, &first, 0, false); err != nil || !moved {
		t.Errorf("the next page: %v, %v", moved, err)
	}
	if _, err := s.CancelRehearsal(t.Context(), sc, By{Actor: "test"}, r.ID); err != nil {
		t.Fatal(err)
	}
	first.Done, first.Lots[0].Sessions = 9, 9
	if moved, err := s.turn(t.Context(), sys, &first, 0, false); err != nil || moved {
		t.Errorf("after the cancel: %v, %v", moved, err)
	}
	got, err := s.Rehearsal(t.Context(), sc, r.ID)
	if err != nil || got.State != Cancelled || got.Done != 6 || got.Lots[0].Sessions != 6 {
		t.Errorf("it stands at %+v, %v", got, err)
	}
}

func TestARehearsalThatFailsIsGivenUp(t *testing.T) {
	w, s, sc, r := started(t)
	w.Exec(`INSERT INTO sessions (lot_id, id, vehicle, aliases, plate_text, plate_colour, plate_class, state, begun_at, entry_lane, exit_lane, gross, free,
			paid, debt, excess, currency, billed, grade, flags, document, sum)
		VALUES ('riverside', 'x.1', '', '{}', '', '', 'small', 'left', $1, '', '', 0, 0, 0, 0, 0, 'CNY', true, 'both', '{}', '{}', 0)`, w.Now().Add(-time.Hour))
	if err := s.work(t.Context(), r.ID, 1); err == nil {
		t.Error("a billed session without a bill was taken")
	}
	if got, err := s.Rehearsal(t.Context(), sc, r.ID); err != nil || got.State.Ended() {
		t.Errorf("after one attempt it is %s, %v", got.State, err)
	}
	if err := s.work(t.Context(), r.ID, attemptsMax); err != nil {
		t.Errorf("given up: %v", err)
	}
	if got, err := s.Rehearsal(t.Context(), sc, r.ID); err != nil || got.State != Failed || got.EndedAt == nil {
		t.Errorf("after the last attempt it is %s, %v", got.State, err)
	}
}

func TestBins(t *testing.T) {
	for d, want := range map[money.Amount][2]money.Amount{
		0: {0, 0}, 1: {0, 1}, 2: {1, 2}, 3: {2, 5}, 5: {2, 5}, 6: {5, 10}, 10: {5, 10}, 11: {10, 20}, 21: {20, 50}, 51: {50, 100}, 100: {50, 100},
		101: {100, 200}, 99_999: {50_000, 100_000}, -1: {0, -1}, -3: {-2, -5}, -200: {-100, -200}, -201: {-200, -500},
	} {
		end := bin(d)
		if got := [2]money.Amount{near(end), end}; got != want {
			t.Errorf("%d is in the bin %v, want %v", d, got, want)
		}
	}
}

func TestWorstKeepsTheLargest(t *testing.T) {
	var tally Tally
	for i := range 100 {
		d := money.Amount(i*37%100 - 50)
		tally.add(Change{Session: string(rune('a' + i)), Before: 100, After: 100 + d}, 100, 100+d)
	}
	if len(tally.MostMore) != worstKept || tally.MostMore[0].difference() != 49 || tally.MostMore[worstKept-1].difference() != 30 ||
		tally.MostLess[0].difference() != -50 || tally.MostLess[worstKept-1].difference() != -31 {
		t.Errorf("kept %v and %v", tally.MostMore, tally.MostLess)
	}
	text, err := json.Marshal(tally)
	if err != nil {
		t.Fatal(err)
	}
	var again Tally
	if err := json.Unmarshal(text, &again); err != nil || again.Differences[50] != tally.Differences[50] || again.Sessions != 100 {
		t.Errorf("kept as %s, %v", text, err)
	}
}

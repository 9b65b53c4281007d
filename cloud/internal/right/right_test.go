package right_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/right"
	"lotkeeper/shared/plate"
	engine "lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

type body map[string]any

// world is a cloud with two lots of operator op_a, riverside and elsewhere, and booths that take what they are sent.
type world struct {
	*lottest.World
	t      *testing.T
	rights *right.Service
	server *lottest.Server
	keys   int
}

func newWorld(t *testing.T) *world {
	w := &world{World: lottest.New(t), t: t}
	w.Riverside()
	_, err := w.Lots.Create(t.Context(), lot.By{Actor: "test"}, "op_a", "elsewhere", lottest.Spec(t, "other"))
	lottest.Must(t, err)
	w.rights, err = right.New(right.Options{DB: w.DB, Audit: w.Audit, Key: w.CA.ConfigKey(), Broker: w.Broker, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	w.server = w.Serve(w.rights.Register)
	return w
}

// do asks and wants a status; writes get a fresh key.
func (w *world) do(who lottest.Who, method, path string, in any, want int) (out struct {
	ID      string
	Version uint64
	IDs     []string `json:"ids"`
	Total   int
	Plates  []struct{ Text string }
}, code string) {
	w.t.Helper()
	w.keys++
	var into any = &out
	if want == http.StatusNoContent {
		into = nil
	}
	status, code := w.server.Do(who, method, "/api/v1"+path, in, into, "Idempotency-Key", fmt.Sprintf("key-%d-0123456789", w.keys))
	if status != want {
		w.t.Fatalf("%s %s: %d %s, want %d", method, path, status, code, want)
	}
	return out, code
}

func card(plates ...string) body {
	var list []body
	for _, p := range plates {
		list = append(list, body{"text": p})
	}
	return body{"kind": "permit", "plates": list, "lots": []string{"riverside"}}
}

// booth is the other end: it states what it has and takes what comes.
type booth struct {
	w         *world
	lot, name string
	in        *engine.Intake
	set       *engine.Set
	pages     int
}

func (w *world) booth(lot, name string) *booth {
	return &booth{w: w, lot: lot, name: name, in: engine.NewIntake(nil, engine.Head{}), set: &engine.Set{}}
}

// state says which rights are in force, as often as something comes of it.
func (b *booth) state() {
	b.w.t.Helper()
	for range 100 {
		wants := b.in.Wants()
		lottest.Must(b.w.t, b.w.rights.Heard(b.w.t.Context(), b.lot, b.name, wire.Cursor{Rights: b.in.Number(), RightsWant: &wants}))
		if !b.take() {
			return
		}
	}
	b.w.t.Fatal("pages without end")
}

// take takes what was sent, and reports whether anything was.
func (b *booth) take() bool {
	b.w.t.Helper()
	sent := b.w.Broker.On(b.name, wire.RightsDown)
	for i := range sent {
		if err := b.takeOne(sent[i : i+1]); err != nil {
			b.w.t.Fatalf("%s refuses: %v", b.name, err)
		}
	}
	return len(sent) > 0
}

// takeOne takes the last message.
func (b *booth) takeOne(sent []lottest.Published) error {
	b.w.t.Helper()
	b.pages++
	page, err := wire.Decode[wire.Rights](sent[len(sent)-1].Payload)
	lottest.Must(b.w.t, err)
	head, err := wire.OpenRights(page.Head, b.lot, b.w.CA.ConfigKey().Public().(ed25519.PublicKey))
	lottest.Must(b.w.t, err)
	set, err := b.in.Take(head, page.Page())
	if set != nil {
		b.set = set
	}
	return err
}

func (w *world) publish() {
	w.t.Helper()
	lottest.Must(w.t, w.rights.Publish(w.t.Context()))
}

func (b *booth) has(text string) bool { return len(b.set.For(plate.Plate{Text: text})) > 0 }

// M1.04: a change reaches every booth of its lots and no other, as what changed, and the cloud knows where it is in force.
func TestAChangeReachesTheBoothsOfItsLots(t *testing.T) {
	w := newWorld(t)
	a, b, other := w.booth("riverside", "booth-a"), w.booth("riverside", "booth-b"), w.booth("elsewhere", "other-a")
	one, _ := w.do(lottest.Admin, http.MethodPost, "/rights", card("粤b·00001"), 201)
	if one.Version != 1 || one.Plates[0].Text != "粤B00001" {
		t.Errorf("made %+v", one)
	}
	w.publish()
	for _, x := range []*booth{a, b, other} {
		x.take() // without having asked
	}
	if !a.has("粤B00001") || !b.has("粤B00001") || other.has("粤B00001") || other.pages != 0 {
		t.Errorf("in force at a %v, b %v, elsewhere %v", a.has("粤B00001"), b.has("粤B00001"), other.has("粤B00001"))
	}
	a.state()
	b.state()
	everywhere := card("粤B00002")
	delete(everywhere, "lots")
	all, _ := w.do(lottest.Admin, http.MethodPost, "/rights", everywhere, 201)
	changed := card("粤B00003")
	changed["version"] = 1
	next, _ := w.do(lottest.Admin, http.MethodPut, "/rights/"+one.ID, changed, 200)
	if same, _ := w.do(lottest.Admin, http.MethodPut, "/rights/"+one.ID, changed, 200); next.Version != 2 || same.Version != 2 {
		t.Errorf("the change made version %d, the same again %d", next.Version, same.Version)
	}
	changed["why"] = "late"
	if _, code := w.do(lottest.Admin, http.MethodPut, "/rights/"+one.ID, changed, 409); code != "right.changed" {
		t.Errorf("a change on an old version: %s", code)
	}
	w.publish()
	pages := a.pages
	a.take()
	other.take()
	if a.pages != pages+1 || a.in.Number() != 2 || a.has("粤B00001") || !a.has("粤B00002") || !a.has("粤B00003") || !other.has("粤B00002") {
		t.Errorf("after the change: number %d in %d pages; has 1 %v, 2 %v, 3 %v; elsewhere has 2 %v", a.in.Number(), a.pages-pages,
			a.has("粤B00001"), a.has("粤B00002"), a.has("粤B00003"), other.has("粤B00002"))
	}
	a.state()
	var st struct {
		Number, Rights int
		Waiting        bool
		Booths         []struct {
			Booth   string
			Number  int
			Applied bool
		}
	}
	if status, _ := w.server.Do(lottest.Admin, http.MethodGet, "/api/v1/lots/riverside/rights", nil, &st); status != 200 || st.Number != 2 || st.Rights != 2 || st.Waiting ||
		len(st.Booths) != 2 || !st.Booths[0].Applied || st.Booths[1].Applied || st.Booths[1].Number != 1 {
		t.Errorf("state %d %+v", status, st)
	}
	w.do(lottest.Admin, http.MethodDelete, "/rights/"+all.ID, nil, 204)
	w.do(lottest.Admin, http.MethodDelete, "/rights/"+one.ID, nil, 204)
	w.publish()
	b.state() // it was away for the last two
	if b.set.Count() != 0 || b.in.Number() != 3 {
		t.Errorf("after all were deleted %d are in force at number %d", b.set.Count(), b.in.Number())
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE subject = 'right:' || $1 AND action IN ('right.create', 'right.update', 'right.delete')`, one.ID); n != 3 {
		t.Errorf("%d audit rows, want 3", n)
	}
	if again := w.Count(`SELECT count(*) FROM rights_waiting`); again != 0 {
		t.Errorf("%d lots wait for nothing", again)
	}
}

// A right that moves to another lot leaves the first.
func TestARightMovesBetweenLots(t *testing.T) {
	w := newWorld(t)
	a, other := w.booth("riverside", "booth-a"), w.booth("elsewhere", "other-a")
	one, _ := w.do(lottest.Admin, http.MethodPost, "/rights", card("粤B00001"), 201)
	w.publish()
	a.state()
	moved := card("粤B00001")
	moved["version"], moved["lots"] = 1, []string{"elsewhere"}
	w.do(lottest.Admin, http.MethodPut, "/rights/"+one.ID, moved, 200)
	w.publish()
	a.state()
	other.state()
	if a.has("粤B00001") || !other.has("粤B00001") {
		t.Errorf("riverside has it %v, elsewhere %v", a.has("粤B00001"), other.has("粤B00001"))
	}
}

// Fifty thousand rights are imported and arrive, page by page; a lot that is made later gets what holds in all lots.
func TestManyRightsArriveInPages(t *testing.T) {
	const each, times = 5000, 2
	w := newWorld(t)
	for k := range times {
		var items []body
		for i := range each {
			c := card(fmt.Sprintf("粤B%05d", k*each+i))
			delete(c, "lots")
			items = append(items, c)
		}
		if out, _ := w.do(lottest.Admin, http.MethodPost, "/rights/import", body{"items": items}, 201); len(out.IDs) != each {
			t.Fatalf("imported %d", len(out.IDs))
		}
	}
	start := time.Now()
	w.publish()
	t.Logf("%d rights of two lots published in %v", each*times, time.Since(start))
	a := w.booth("riverside", "booth-a")
	a.state()
	if a.set.Count() != each*times || a.pages < each*times/wire.RightsEntries {
		t.Errorf("%d rights in %d pages", a.set.Count(), a.pages)
	}
	_, err := w.Lots.Create(t.Context(), lot.By{Actor: "test"}, "op_a", "later", lottest.Spec(t, "later"))
	lottest.Must(t, err)
	b := w.booth("later", "later-a")
	b.state()
	w.publish()
	b.state()
	if b.set.Digest() == (&engine.Set{}).Digest() || b.set.Count() != each*times {
		t.Errorf("the lot that is new has %d rights", b.set.Count())
	}
	// Taken over by page with other numbers, the sets are the same rights; a page that is on its way is not sent again.
	if err := w.rights.Heard(t.Context(), "riverside", "booth-a", wire.Cursor{}); err != nil {
		t.Fatal(err)
	}
	lottest.Must(t, w.rights.Heard(t.Context(), "riverside", "booth-a", wire.Cursor{}))
	if sent := w.Broker.On("booth-a", wire.RightsDown); len(sent) != 1 {
		t.Errorf("the same page was sent %d times", len(sent))
	}
	w.Pass(5 * time.Second)
	lottest.Must(t, w.rights.Heard(t.Context(), "riverside", "booth-a", wire.Cursor{}))
	if sent := w.Broker.On("booth-a", wire.RightsDown); len(sent) != 1 {
		t.Errorf("a page that was lost was sent again %d times", len(sent))
	}
}

// A booth that was away for longer than tombstones are kept, and one that knows more than a database that was restored,
// both end with the cloud's set.
func TestBoothsThatWereAwayOrAheadConverge(t *testing.T) {
	w := newWorld(t)
	away, ahead := w.booth("riverside", "booth-a"), w.booth("riverside", "booth-b")
	one, _ := w.do(lottest.Admin, http.MethodPost, "/rights", card("粤B00001"), 201)
	w.do(lottest.Admin, http.MethodPost, "/rights", card("粤B00002"), 201)
	w.publish()
	away.state()
	w.do(lottest.Admin, http.MethodDelete, "/rights/"+one.ID, nil, 204)
	w.publish()
	w.Pass(100 * 24 * time.Hour)
	w.do(lottest.Admin, http.MethodPost, "/rights", card("粤B00003"), 201)
	w.publish()
	if n := w.Count(`SELECT count(*) FROM lot_rights WHERE document IS NULL`); n != 0 {
		t.Errorf("%d tombstones after 100 days", n)
	}
	// The change alone does not make the set: the booth drops it and asks for all.
	if err := away.takeOne(w.Broker.On("booth-a", wire.RightsDown)); !errors.Is(err, engine.ErrDigest) {
		t.Errorf("a change that lacks a tombstone: %v", err)
	}
	w.Pass(5 * time.Second)
	away.state()
	if away.has("粤B00001") || !away.has("粤B00003") || away.in.Number() != 3 {
		t.Errorf("the booth that was away has number %d", away.in.Number())
	}
	ahead.state()
	w.Exec(`UPDATE rights_heads SET number = 1, document = convert_to(replace(convert_from(document, 'UTF8'), '"number":3', '"number":1'), 'UTF8')`)
	w.Exec(`UPDATE lot_rights SET number = 1`)
	w.Exec(`DELETE FROM rights`)
	w.Exec(`DELETE FROM lot_rights`)
	ahead.state()
	w.publish()
	if err := ahead.takeOne(w.Broker.On("booth-b", wire.RightsDown)); !errors.Is(err, engine.ErrDigest) {
		t.Errorf("the first set after a restore, as changes: %v", err)
	}
	w.Pass(5 * time.Second)
	ahead.state()
	if ahead.in.Number() != 4 {
		t.Errorf("after the database was restored number %d is in force, want 4", ahead.in.Number())
	}
}

func TestWhatIsWrongIsToldByRow(t *testing.T) {
	w := newWorld(t)
	good, noPlate, badPlate := card("粤B00001"), card(), card("粤B00001", strings.Repeat("x", 30))
	owes, hours := card("粤B00001"), card("粤B00001")
	owes["kind"], hours["hours"] = "arrears", []body{{"from": "25:00", "to": "08:00"}}
	status, text, _ := w.server.Raw(lottest.Admin, http.MethodPost, "/api/v1/rights/import", body{"items": []body{good, noPlate, badPlate, owes, hours}}, "Idempotency-Key", "a-0123456789abcdef")
	for _, want := range []string{"right.invalid", "body.items[1]", "body.items[2].plates[1]", "body.items[3]", "body.items[4].hours[0].from"} {
		if status != 422 || !strings.Contains(string(text), want) {
			t.Errorf("%d: %s does not name %s", status, text, want)
		}
	}
	if strings.Contains(string(text), "items[0]") || w.Count(`SELECT count(*) FROM rights`) != 0 {
		t.Errorf("the good one is blamed, or something was imported: %s", text)
	}
	// The same request again is one import.
	for range 2 {
		if status, _ := w.server.Do(lottest.Admin, http.MethodPost, "/api/v1/rights/import", body{"items": []body{good, good}}, nil, "Idempotency-Key", "b-0123456789abcdef"); status != 201 {
			t.Errorf("import: %d", status)
		}
	}
	if n := w.Count(`SELECT count(*) FROM rights`); n != 2 {
		t.Errorf("%d rights after an import of two that was sent twice", n)
	}
}

func TestWhoSeesAndKeepsWhat(t *testing.T) {
	w := newWorld(t)
	mine, _ := w.do(lottest.Admin, http.MethodPost, "/rights", card("粤B00001"), 201)
	shared := card("粤B00002")
	shared["lots"] = []string{"riverside", "elsewhere"}
	both, _ := w.do(lottest.Admin, http.MethodPost, "/rights", shared, 201)
	everywhere := card("粤B00003")
	delete(everywhere, "lots")
	w.do(lottest.Admin, http.MethodPost, "/rights", everywhere, 201)
	there := card("粤B00004")
	there["lots"] = []string{"elsewhere"}
	w.do(lottest.OneLot, http.MethodPost, "/rights", there, 201)
	for _, tc := range []struct {
		who   lottest.Who
		query string
		want  int
	}{
		{lottest.Admin, "", 4}, {lottest.OneLot, "", 3}, {lottest.Foreign, "", 0}, {lottest.Admin, "?plate=粤B·00002", 1},
		{lottest.Admin, "?lot=elsewhere", 3}, {lottest.Admin, "?kind=black", 0}, {lottest.Admin, "?current=true&kind=permit", 4},
	} {
		if got, _ := w.do(tc.who, http.MethodGet, "/rights"+tc.query, nil, 200); got.Total != tc.want {
			t.Errorf("%s%s: %d rights, want %d", tc.who, tc.query, got.Total, tc.want)
		}
	}
	change := card("粤B00009")
	change["version"], change["lots"] = 1, []string{"elsewhere"}
	for _, tc := range []struct {
		name, method, path string
		who                lottest.Who
		in                 body
		status             int
		code               string
	}{
		{"another operator's", http.MethodGet, "/rights/" + mine.ID, lottest.Foreign, nil, 404, "right.not_found"},
		{"of a lot that one does not see", http.MethodGet, "/rights/" + mine.ID, lottest.OneLot, nil, 404, "right.not_found"},
		{"partly of another lot", http.MethodPut, "/rights/" + both.ID, lottest.OneLot, change, 403, "right.lots_denied"},
		{"partly of another lot", http.MethodDelete, "/rights/" + both.ID, lottest.OneLot, nil, 403, "right.lots_denied"},
		{"for all lots", http.MethodPost, "/rights", lottest.OneLot, everywhere, 403, "right.lots_denied"},
		{"for another lot", http.MethodPost, "/rights", lottest.OneLot, card("粤B00001"), 403, "right.lots_denied"},
		{"of a lot that there is not", http.MethodPost, "/rights", lottest.Admin, body{"kind": "permit", "plates": []body{{"text": "粤B00001"}}, "lots": []string{"mars"}}, 403, "right.lots_denied"},
		{"another operator's lot", http.MethodGet, "/lots/riverside/rights", lottest.Foreign, nil, 404, "lot.not_found"},
		{"without a key", http.MethodDelete, "/rights/rgt-0", lottest.Admin, nil, 404, "right.not_found"},
	} {
		if _, code := w.do(tc.who, tc.method, tc.path, tc.in, tc.status); code != tc.code {
			t.Errorf("%s: %s %s by %s: %s, want %s", tc.name, tc.method, tc.path, tc.who, code, tc.code)
		}
	}
}

// Prices of the cloud rest on the rights that were published.
func TestOfGivesAVehiclesPublishedRights(t *testing.T) {
	w := newWorld(t)
	w.do(lottest.Admin, http.MethodPost, "/rights", card("粤B00001"), 201)
	w.do(lottest.Admin, http.MethodPost, "/rights", body{"kind": "special", "match": body{"classes": []string{"police"}}}, 201)
	police, err := plate.Parse("粤B1234警", plate.ColourUnknown)
	lottest.Must(t, err)
	of := func(lot string, p plate.Plate) int {
		set, _, err := w.rights.Of(t.Context(), "riverside", p)
		lottest.Must(t, err)
		if lot == "elsewhere" {
			set, _, err = w.rights.Of(t.Context(), "elsewhere", p)
			lottest.Must(t, err)
		}
		if set == nil {
			return 0
		}
		return len(set.For(p))
	}
	if n := of("riverside", police); n != 0 {
		t.Errorf("%d rights before anything was published", n)
	}
	w.publish()
	for _, tc := range []struct {
		lot   string
		plate plate.Plate
		want  int
	}{{"riverside", plate.Plate{Text: "粤B00001"}, 1}, {"elsewhere", plate.Plate{Text: "粤B00001"}, 0}, {"riverside", police, 1}, {"elsewhere", police, 1}, {"riverside", plate.Plate{Text: "粤B99999"}, 0}} {
		if n := of(tc.lot, tc.plate); n != tc.want {
			t.Errorf("%s in %s has %d rights, want %d", tc.plate.Text, tc.lot, n, tc.want)
		}
	}
}

package tariff_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/cloud/internal/platform/job"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/tariff"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// past is the lot riverside with stays that were billed.
type past struct {
	*world
	booth *paymenttest.Booth
	queue *job.Queue
	cars  int
}

func newPast(t *testing.T) *past {
	t.Helper()
	pw := paymenttest.New(t, false)
	set := job.NewSet()
	queue, err := job.New(pw.DB, set, job.Config{Logger: pw.Log, Poll: 20 * time.Millisecond})
	lottest.Must(t, err)
	w := &world{World: pw.World}
	w.tariffs, err = tariff.New(tariff.Options{DB: w.DB, Audit: w.Audit, Lots: w.Lots, Jobs: queue, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	w.tariffs.Work(set)
	w.server = w.Serve(w.Lots.Register, w.tariffs.Register)
	spec := lottest.Spec(t, "booth")
	spec.Free = []wire.FreePlate{{Plate: "粤B00000", From: w.Now().AddDate(-1, 0, 0), To: w.Now().AddDate(1, 0, 0), Why: "ambulance"}}
	_, err = w.Lots.Update(t.Context(), lot.By{Actor: "test"}, scope.System("test"), "riverside", 1, spec)
	lottest.Must(t, err)
	return &past{world: w, booth: pw.Booth, queue: queue}
}

// work runs the queue until the test ends.
func (p *past) work() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.queue.Run(ctx) }()
	p.T.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.T.Error(err)
		}
	})
}

// visit is a stay to be made.
type visit struct {
	tariff string // of the library, version 1
	ago    time.Duration
	length time.Duration
	plate  string        // "": a new one
	paid   time.Duration // cash so long after the entry, of what is due then; 0: none
	waived bool
	edit   func(*fact.Bill)
	open   bool // still inside
}

// park makes a stay with its facts, as a booth does.
func (p *past) park(v visit) fact.ID {
	p.T.Helper()
	if v.plate == "" {
		p.cars++
		v.plate = fmt.Sprintf("粤B%05d", 10000+p.cars)
	}
	entry := p.Now().Add(-v.ago)
	exit := entry.Add(v.length)
	in := p.booth.Pass(v.plate, fact.Entry, entry)
	if v.open {
		return in
	}
	pl, err := plate.Parse(v.plate, plate.ColourBlue)
	lottest.Must(p.T, err)
	c := p.config()
	s := session.Session{ID: in, Plate: pl, Entry: &session.Visit{Fact: in, At: entry}, Tariff: &fact.TariffRef{ID: v.tariff, Version: 1}}
	if v.paid > 0 {
		at := entry.Add(v.paid)
		then, err := session.Price(s, at, &c)
		lottest.Must(p.T, err)
		cash := p.booth.Say(fact.Draft{Kind: fact.KindCash, At: at, Refs: []fact.ID{in}, Body: fact.Cash{
			Session: in, Amount: then.Due, Curr: "CNY", Lane: "exit-1", By: "test", Action: "cash-" + v.plate,
		}})
		s.Pays = []session.Payment{{Fact: cash, At: at, Amount: then.Due, Method: "cash"}}
	}
	var coupons []engine.Coupon
	if v.waived {
		coupons = append(coupons, session.Waiver("test", "kindness"))
	}
	bill, err := session.Price(s, exit, &c, coupons...)
	lottest.Must(p.T, err)
	out := p.booth.Pass(v.plate, fact.Exit, exit)
	body := fact.Bill{Session: in, Config: c.Number, Bill: bill}
	if v.edit != nil {
		v.edit(&body)
	}
	p.booth.Say(fact.Draft{Kind: fact.KindBill, At: exit, Refs: []fact.ID{in, out}, Body: body})
	return in
}

// rehearse starts a rehearsal and waits for its end.
func (p *past) rehearse(in body) reply {
	p.T.Helper()
	got, _ := p.do(lottest.Admin, http.MethodPost, "/rehearsals", in, 202)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		now := p.get("/rehearsals/" + got.text("id"))
		if s := now.text("state"); s != "waiting" && s != "running" {
			return now
		}
	}
	p.T.Fatalf("the rehearsal %v does not end", p.get("/rehearsals/"+got.text("id")))
	return nil
}

// Eight for the first hour, three for each that follows, no maximum, no time to leave after paying.
const candidate = `{"name":{"zh":"新费率","en":"Candidate"},"tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"all","position":"stay","bands":[
	{"id":"any","steps":[{"up_to":"1h","price":800},{"unit":"1h","price":300}]}]}]}`

func TestARehearsalAgainstBillsWorkedByHand(t *testing.T) {
	p := newPast(t)
	hourly := p.library(500)                                                                               // 5 an hour, at most 50 in 24 hours
	graced := p.tariff(strings.Replace(perHour(500), `"plans"`, `"grace_after_payment":"15m","plans"`, 1)) // and 15 minutes to leave
	p.publish(graced)
	p.rules(body{"class": "large", "tariff": graced, "version": 1}, body{"tariff": hourly, "version": 1})

	const day, h, m = 24 * time.Hour, time.Hour, time.Minute
	short := p.park(visit{tariff: hourly, ago: 2 * day, length: 30 * m})                        // 5 -> 8
	p.park(visit{tariff: hourly, ago: 3 * day, length: 2 * h})                                  // 10 -> 11
	less := p.park(visit{tariff: hourly, ago: 4 * day, length: 2*h + 30*m})                     // 15 -> 14
	most := p.park(visit{tariff: hourly, ago: 5 * day, length: 25 * h})                         // 50 + 5 -> 8 + 24 × 3 = 80
	p.park(visit{tariff: hourly, ago: 6 * day, length: 3 * h, plate: "粤B00000"})                // the free list: 15 free -> 14 free
	p.park(visit{tariff: hourly, ago: 7 * day, length: h, waived: true})                        // 5 waived -> 8 waived
	p.park(visit{tariff: graced, ago: 8 * day, length: h + 10*m, paid: h})                      // paid 5 and left in time -> paid 8, then 3 more
	p.park(visit{tariff: hourly, ago: 100 * day, length: h})                                    // before the time that is looked at
	p.park(visit{tariff: hourly, ago: h, open: true})                                           // still inside
	strange := p.park(visit{tariff: hourly, ago: 9 * day, length: h, edit: func(b *fact.Bill) { // what nobody can give again
		b.Bill.Free, b.Bill.Due = 100, 400
		b.Bill.Lines = append(b.Bill.Lines, engine.Line{Kind: engine.KindFree, Ref: "shop-42", Amount: -100})
	}})
	p.park(visit{tariff: hourly, ago: 10 * day, length: h, edit: func(b *fact.Bill) { b.Bill.Gross, b.Bill.Due = 501, 501 }})
	p.park(visit{tariff: hourly, ago: 11 * day, length: h, edit: func(b *fact.Bill) { b.Config = 77 }})
	p.park(visit{tariff: hourly, ago: 12 * day, length: h, edit: func(b *fact.Bill) { b.Bill.Tariff = "gone" }})

	id := p.tariff(candidate)
	p.work()
	got := p.rehearse(body{"tariff": id, "lots": []string{"riverside"}})
	for path, want := range map[string]string{
		"state": "done", "total": "11", "done": "11", "version": "0", "name.en": "Candidate", "currency": "CNY", "results.0.lot": "riverside",
		"sum.sessions": "7", "sum.more": "4", "sum.less": "1", "sum.same": "2", "sum.skipped": "4", "sum.outside": "0",
		"sum.gross_before": "11000", "sum.gross_after": "14600", "sum.payable_before": "9000", "sum.payable_after": "12400", "sum.difference": "3400",
		"results.0.gross_before": "11000", "results.0.difference": "3400", "results.0.more": "4",
		"most_more.0.session": most.String(), "most_more.0.before": "5500", "most_more.0.after": "8000", "most_more.0.lot": "riverside",
		"most_more.1.before": "500", "most_more.1.after": "1100", // paid, left in its grace
		"most_more.2.session": short.String(), "most_more.2.after": "800", "most_less.0.session": less.String(), "most_less.0.after": "1400",
	} {
		if is := got.text(path); is != want {
			t.Errorf("%s is %s, want %s", path, is, want)
		}
	}
	if got.len("most_more") != 4 || got.len("most_less") != 1 || got.at("started_at") == nil || got.at("ended_at") == nil {
		t.Errorf("%v", got)
	}
	bins := map[string]string{}
	for i := range got.len("histogram") {
		b := reply(got.at("histogram").([]any)[i].(map[string]any))
		bins[b.text("over")+".."+b.text("up_to")] = b.text("stays")
	}
	for bin, want := range map[string]string{"-50..-100": "1", "0..0": "2", "50..100": "1", "200..500": "1", "500..1000": "1", "2000..5000": "1"} {
		if bins[bin] != want {
			t.Errorf("bin %s has %q, want %s: %v", bin, bins[bin], want, bins)
		}
	}
	reasons := map[string]string{}
	for i := range got.len("sum.reasons") {
		r := reply(got.at("sum.reasons").([]any)[i].(map[string]any))
		reasons[r.text("reason")] = r.text("stays")
		if r.text("reason") == "other_benefit" && r.text("example") != strange.String() {
			t.Errorf("example %v", r)
		}
	}
	for _, why := range []string{"other_benefit", "unlike", "no_configuration", "no_tariff"} {
		if reasons[why] != "1" {
			t.Errorf("%s: %q, want 1 in %v", why, reasons[why], reasons)
		}
	}
	// Only what one tariff billed; only one class; fewer days.
	if got = p.rehearse(body{"tariff": id, "lots": []string{"riverside"}, "only_tariff": graced}); got.text("sum.sessions") != "1" || got.text("sum.difference") != "600" || got.text("sum.outside") != "10" {
		t.Errorf("only one tariff: %v", got.at("sum"))
	}
	if got = p.rehearse(body{"tariff": id, "lots": []string{"riverside"}, "classes": []string{"large"}}); got.text("total") != "0" || got.text("state") != "done" {
		t.Errorf("only large vehicles: %v", got)
	}
	if got = p.rehearse(body{"tariff": id, "lots": []string{"riverside"}, "days": 4}); got.text("sum.sessions") != "3" {
		t.Errorf("four days: %v", got.at("sum"))
	}
	// The tariff in force changes nothing; that it is tried in its version 1 is told.
	if got = p.rehearse(body{"tariff": hourly, "version": 1, "lots": []string{"riverside"}, "only_tariff": hourly}); got.text("version") != "1" || got.text("sum.same") != "6" || got.text("sum.difference") != "0" {
		t.Errorf("the same tariff: %v", got.at("sum"))
	}
	if list := p.get("/rehearsals?tariff=" + id); list.text("total") != "4" || !strings.Contains(list.text("items"), "difference:3400") {
		t.Errorf("list %v", list)
	}
	p.do(lottest.Foreign, http.MethodGet, "/rehearsals/"+got.text("id"), nil, 404)
	p.do(lottest.OneLot, http.MethodGet, "/rehearsals/"+got.text("id"), nil, 404)
	if list, _ := p.do(lottest.OneLot, http.MethodGet, "/rehearsals", nil, 200); list.text("total") != "0" {
		t.Errorf("who does not see the lot sees what it earns: %v", list)
	}
	if n := p.Count(`SELECT count(*) FROM audit WHERE action = 'rehearsal.start'`); n != 5 {
		t.Errorf("%d audit rows, want 5", n)
	}
}

// Many stays that began at the same moment are read by pages, each once.
func TestARehearsalReadsAllPages(t *testing.T) {
	p := newPast(t)
	hourly := p.library(500)
	one := p.park(visit{tariff: hourly, ago: 48 * time.Hour, length: time.Hour})
	p.Exec(`INSERT INTO sessions SELECT s.lot_id, $1 || '.' || n, s.vehicle, s.aliases, s.plate_text, s.plate_colour, s.plate_class, s.state, s.begun_at,
			s.entered_at, s.entry_lane, s.left_at, s.exit_lane, s.gross, s.free, s.paid, s.debt, s.excess, s.currency, s.billed, s.grade, s.flags,
			replace(s.document::text, '"id":"' || s.id || '"', '"id":"' || $1 || '.' || n || '"')::json, s.sum
		FROM sessions s, generate_series(1001, 2300) n WHERE s.id = $2`, string(one.Author), one.String())
	p.work()
	got := p.rehearse(body{"tariff": p.tariff(candidate), "lots": []string{"riverside"}})
	if got.text("total") != "1301" || got.text("done") != "1301" || got.text("sum.more") != "1301" || got.text("sum.difference") != fmt.Sprint(1301*300) || got.len("most_more") != 20 {
		t.Errorf("done %s of %s: %v", got.text("done"), got.text("total"), got.at("sum"))
	}
	seen := map[string]bool{}
	for i := range got.len("most_more") {
		seen[reply(got.at("most_more").([]any)[i].(map[string]any)).text("session")] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different stays of 20", len(seen))
	}
}

func TestARehearsalIsCancelled(t *testing.T) {
	p := newPast(t)
	hourly := p.library(500)
	p.park(visit{tariff: hourly, ago: 48 * time.Hour, length: time.Hour})
	in := body{"tariff": p.tariff(candidate), "lots": []string{"riverside"}}
	made, _ := p.do(lottest.Admin, http.MethodPost, "/rehearsals", in, 202)
	if made.text("state") != "waiting" || made.text("total") != "1" || made.text("done") != "0" {
		t.Errorf("made %v", made)
	}
	path := "/rehearsals/" + made.text("id")
	for range 2 {
		if got := p.post(path+"/cancel", nil); got.text("state") != "cancelled" || got.at("ended_at") == nil {
			t.Errorf("cancelled %v", got)
		}
	}
	p.work()
	other := p.rehearse(in) // its job comes after the other's
	if other.text("state") != "done" {
		t.Errorf("the next one: %v", other)
	}
	if got := p.get(path); got.text("state") != "cancelled" || got.text("done") != "0" {
		t.Errorf("what was cancelled was done: %v", got)
	}
	if _, code := p.do(lottest.Admin, http.MethodPost, "/rehearsals/"+other.text("id")+"/cancel", nil, 409); code != "rehearsal.ended" {
		t.Errorf("cancelling what is done: %s", code)
	}
	if n := p.Count(`SELECT count(*) FROM audit WHERE action = 'rehearsal.cancel' AND before->>'state' = 'waiting' AND after->>'state' = 'cancelled'`); n != 1 {
		t.Errorf("%d audit rows, want 1", n)
	}
}

func TestWhatCannotBeRehearsed(t *testing.T) {
	p := newPast(t)
	id, broken := p.tariff(candidate), p.tariff(candidate)
	p.write(broken, "{")
	for name, tc := range map[string]struct {
		in     body
		status int
		code   string
	}{
		"no such tariff": {body{"tariff": "trf-x", "lots": []string{"riverside"}}, 404, "tariff.not_found"},
		"no such lot":    {body{"tariff": id, "lots": []string{"zebra"}}, 404, "lot.not_found"},
		"no lots":        {body{"tariff": id, "lots": []string{}}, 422, "request.invalid"},
		"a broken draft": {body{"tariff": broken, "lots": []string{"riverside"}}, 422, "tariff.invalid"},
		"other money":    {body{"tariff": p.tariff(strings.Replace(candidate, "CNY", "JPY", 1)), "lots": []string{"riverside"}}, 409, "tariff.other_lot"},
	} {
		if _, code := p.do(lottest.Admin, http.MethodPost, "/rehearsals", tc.in, tc.status); code != tc.code {
			t.Errorf("%s: %s, want %s", name, code, tc.code)
		}
	}
	good := body{"tariff": p.tariff(candidate), "lots": []string{"riverside"}}
	for range 5 {
		p.do(lottest.Admin, http.MethodPost, "/rehearsals", good, 202)
	}
	if _, code := p.do(lottest.Admin, http.MethodPost, "/rehearsals", good, 429); code != "rehearsal.too_many" {
		t.Errorf("a sixth at once: %s", code)
	}
}

package lane

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// receiptKey is the cloud's in these tests.
var receiptKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// receipt is what the cloud gave for an order of a session.
func (p *post) receipt(s session.Session, amount money.Amount, order string, edit ...func(*receipt.Receipt)) string {
	p.t.Helper()
	r := receipt.Receipt{
		Lot: p.config.Lot, Session: s.ID, Vehicle: receipt.VehicleOf(p.config.Lot, s.Plate), Amount: amount, Curr: "CNY", Provider: "wechat", Order: order,
		Quoted: p.wall, Issued: p.wall, Expires: p.wall.Add(2 * time.Hour),
	}
	for _, e := range edit {
		e(&r)
	}
	text, err := receipt.Sign(r, receiptKey)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func (p *post) scan(text string) Reply {
	p.t.Helper()
	return p.ask(Ask{Want: WantScan, Token: p.state.Token(), Text: text})
}

// waits is a lot where a vehicle that owes ten yuan stands at the exit.
func waits(t *testing.T, edit ...func(*wire.Config)) *post {
	t.Helper()
	p := newPost(t, fact.Exit)
	for _, e := range edit {
		e(&p.config)
	}
	p.enter("粤B12345")
	p.enter("粤B77777")
	p.wait(90 * time.Minute)
	p.begin()
	return p
}

// last is a vehicle's latest session.
func (p *post) last(text string) session.Session {
	p.t.Helper()
	of := p.book.Of(session.Key(text))
	if len(of) == 0 || len(p.book.Poor()) > 0 {
		p.t.Fatalf("%s has sessions %+v; facts without effect: %v", text, of, p.book.Poor())
	}
	return of[len(of)-1]
}

// M32.03: the phone has paid, the lot's uplink is down, the receipt on the phone opens the lane.
func TestReceiptOpensWithNoNetwork(t *testing.T) {
	p := waits(t)
	p.arrive("粤B12345")
	s := p.last("粤B12345")
	if r := p.scan(p.receipt(s, 1000, "o1")); r.Verdict != Done {
		t.Fatalf("%+v", r)
	}
	p.cross()
	p.wantStory("read hold:unpaid payment.proved open:paid bill:1000/0 open=done passed")
	p.wantDid("open", "close")
	// The cloud's own fact of the order comes when the uplink is back: it was paid once.
	p.append(fact.Draft{At: p.wall, Source: "cloud", Kind: fact.KindPayment, Refs: []fact.ID{s.ID}, Body: fact.Payment{
		Session: s.ID, Amount: 1000, Curr: "CNY", Provider: "wechat", Order: "o1",
	}})
	s = p.last("粤B12345")
	if want := (session.Money{Gross: 1000, Paid: 1000}); s.Money != want || len(s.Pays) != 1 {
		t.Errorf("money %+v, payments %+v; want %+v once", s.Money, s.Pays, want)
	}
}

func TestReceiptThatPaysPartLeavesTheRestDue(t *testing.T) {
	p := waits(t)
	p.arrive("粤B12345")
	if r := p.scan(p.receipt(p.last("粤B12345"), 400, "o1")); r.Verdict != Done {
		t.Fatalf("%+v", r)
	}
	p.wantStory("read hold:unpaid payment.proved")
	if due := p.state.Car.Found.due(); due != 600 {
		t.Errorf("due %d, want 600", due)
	}
}

func TestReceiptsThatDoNothing(t *testing.T) {
	p := waits(t)
	p.arrive("粤B12345")
	s, other := p.last("粤B12345"), p.last("粤B77777")
	good := p.receipt(s, 400, "o1")
	if r := p.scan(good); r.Verdict != Done {
		t.Fatalf("the first: %+v", r)
	}
	for _, c := range []struct{ name, text, en string }{
		{"used a moment ago", good, "counted already"},
		{"of another car of the lot", p.receipt(other, 1000, "o2"), "another vehicle"},
		{"of another car, for this one's session", p.receipt(s, 1000, "o3", func(r *receipt.Receipt) { r.Vehicle = receipt.VehicleOf("riverside", other.Plate) }), "another vehicle"},
		{"of another lot", p.receipt(s, 1000, "o4", func(r *receipt.Receipt) { r.Lot = "hillside" }), "another lot"},
		{"expired", p.receipt(s, 1000, "o5", func(r *receipt.Receipt) { r.Issued, r.Expires = p.wall.Add(-2*time.Hour), p.wall }), "expired"},
		{"from the future", p.receipt(s, 1000, "o6", func(r *receipt.Receipt) { r.Issued = p.wall.Add(time.Hour) }), "expired"},
		{"forged", strings.Replace(p.receipt(s, 1000, "o7"), "LKR1B", "LKR1C", 1), "not genuine"},
		{"an address of a page", "https://parking.example/pay?lot=riverside", "no receipt of ours"},
		{"nothing", "", "no receipt of ours"},
	} {
		before := p.story()
		r := p.scan(c.text)
		if r.Verdict != Refused || !strings.Contains(r.Text.EN, c.en) || r.Text.ZH == "" || p.story() != before {
			t.Errorf("%s: %+v, want %q; facts %s", c.name, r, c.en, strings.TrimPrefix(p.story(), before))
		}
	}
	if r := p.ask(Ask{Want: WantScan, Token: wire.Token{Boot: "x"}, Text: good}); r.Verdict != Mismatched {
		t.Errorf("for another vehicle than the one at the lane: %+v", r)
	}
	p.pay(s.ID, 6)
	p.feed(Changed{})
	p.cross()
	p.enter("粤B12345")
	p.wait(time.Hour)
	p.arrive("粤B12345")
	if r := p.scan(good); r.Verdict != Refused || !strings.Contains(r.Text.EN, "used before") {
		t.Errorf("on the next visit: %+v", r)
	}
}

func promising(count int, sum money.Amount, after int) func(*wire.Config) {
	return func(c *wire.Config) { c.Policy.Promises = wire.PromisePolicy{Count: count, Sum: sum, After: after} }
}

// M32.04: nothing can be collected: the vehicle leaves on a promise, and its bill stands as a debt.
func TestPromiseToPay(t *testing.T) {
	p := waits(t, promising(2, 1500, 0))
	p.away = time.Minute
	p.arrive("粤B12345")
	if l := p.state.Live(p.at()); !l.Promise {
		t.Fatalf("it is not offered: %+v", l)
	}
	if r := p.ask(Ask{Want: WantPromise, Token: p.state.Token(), Note: "no cash"}); r.Verdict != Done {
		t.Fatalf("%+v", r)
	}
	p.cross()
	p.wantStory("read hold:unpaid open:promised bill:1000/1000 promise.made open=done passed")
	s := p.last("粤B12345")
	if want := (session.Money{Gross: 1000, Debt: 1000}); s.Money != want {
		t.Errorf("money %+v, want %+v", s.Money, want)
	}
	for i := range p.facts {
		if f := &p.facts[i]; f.Kind == fact.KindPromised {
			b, err := fact.Decode[fact.Promised](f)
			v, ok, _ := fact.Reveal(f)
			if err != nil || !ok || b.Amount != 1000 || b.By != "zhang" || b.Note != "no cash" || b.Session != s.ID || b.Tariff.ID != "per-hour" ||
				len(f.Refs) != 2 || f.Refs[1] != s.Exit.Fact || v.Plate.Text != "粤B12345" || strings.Contains(string(f.Body), "12345") {
				t.Errorf("promise %+v, refs %v, of %s", b, f.Refs, v.Plate.Text)
			}
		}
	}
	// The next stay's ten yuan would be more than fifteen together.
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.arrive("粤B12345")
	if r := p.ask(Ask{Want: WantPromise, Token: p.state.Token()}); r.Verdict != Refused || !strings.Contains(r.Text.EN, "limit") {
		t.Errorf("above the limit: %+v", r)
	}
	// The debt is paid: it may promise again.
	p.pay(s.ID, 10)
	p.feed(Changed{})
	if r := p.ask(Ask{Want: WantPromise, Token: p.state.Token()}); r.Verdict != Done {
		t.Errorf("after it has kept its promise: %+v", r)
	}
}

func TestPromisesThatAreNotTaken(t *testing.T) {
	for _, c := range []struct {
		name  string
		away  time.Duration
		edit  func(*wire.Config)
		plate string
	}{
		{"the cloud is there", 0, promising(2, 5000, 0), "粤B12345"},
		{"the lot takes none", time.Hour, promising(0, 5000, 0), "粤B12345"},
		{"too much for one", time.Hour, promising(2, 900, 0), "粤B12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := waits(t, c.edit)
			p.away = c.away
			p.arrive(c.plate)
			if r := p.ask(Ask{Want: WantPromise, Token: p.state.Token()}); r.Verdict != Refused || p.state.Live(p.at()).Promise {
				t.Errorf("%+v", r)
			}
			p.wantStory("read hold:unpaid")
		})
	}
}

// The policy lets whoever owes go by themselves once the cloud has been away for a minute; a second vehicle with too many
// promises waits.
func TestPromiseByItself(t *testing.T) {
	p := waits(t, promising(1, 5000, 60))
	p.away = 50 * time.Second
	p.arrive("粤B12345")
	p.wantStory("read hold:unpaid")
	p.away = 61 * time.Second
	p.wait(promiseLook + time.Second)
	p.cross()
	p.wantStory("read hold:unpaid open:promised bill:1000/1000 promise.made open=done passed")
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.begin()
	p.arrive("粤B12345")
	p.wait(time.Minute)
	p.wantStory("read hold:unpaid")
}

func TestPromisesOfAnotherColourAreAnothers(t *testing.T) {
	p := waits(t, promising(1, 5000, 60))
	p.away = time.Hour
	p.arrive("粤B12345")
	p.cross()
	n, owed := p.book.Promises(plate.Plate{Text: "粤B12345", Colour: plate.ColourYellow}, p.wall.Add(-time.Hour))
	if n != 0 || owed != 0 {
		t.Errorf("a yellow plate of the text has %d promises of %d", n, owed)
	}
	if n, owed = p.book.Promises(mustPlate(t, "粤B12345"), p.wall.Add(-time.Hour)); n != 1 || owed != 1000 {
		t.Errorf("it has %d promises of %d, want one of 1000", n, owed)
	}
	if n, _ = p.book.Promises(mustPlate(t, "粤B12345"), p.wall.Add(time.Hour)); n != 0 {
		t.Errorf("%d promises since a later time", n)
	}
}

// ticketKey is the booth's whose entries these tests show tickets of.
var ticketKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))

const ticketAuthor = fact.Author("otherboothotherb")

func (p *post) signers() Signers {
	return Signers{Receipts: receiptKey.Public().(ed25519.PublicKey), Tickets: func(a fact.Author) ed25519.PublicKey {
		if a == ticketAuthor || a == "abcdefghijklmnop" {
			return ticketKey.Public().(ed25519.PublicKey)
		}
		return nil
	}}
}

func (p *post) ticket(entry fact.ID, ago time.Duration, lot string) string {
	p.t.Helper()
	text, err := receipt.SignTicket(receipt.Ticket{Lot: lot, Entry: entry, At: p.wall.Add(-ago), Tariff: fact.TariffRef{ID: "per-hour", Version: 1}}, ticketKey)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// M4.06: the exit knows nothing of the entry of a vehicle without a plate (its booth cannot be reached): the ticket prices
// the stay, cash counts, and the ticket is good once.
func TestTicketAtAnExitThatKnowsNothingOfTheEntry(t *testing.T) {
	p := newPost(t, fact.Exit)
	entry := fact.ID{Author: ticketAuthor, Seq: 7}
	text := p.ticket(entry, 90*time.Minute, "riverside")
	p.arrive("")
	if r := p.scan(text); r.Verdict != Done {
		t.Fatalf("%+v", r)
	}
	if due := p.state.Car.Found.due(); due != 1000 || p.state.Car.Found.Session != entry {
		t.Fatalf("due %d for %s", due, p.state.Car.Found.Session)
	}
	if r := p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 400, Action: "c1"}); r.Verdict != Done {
		t.Fatalf("cash: %+v", r)
	}
	if due := p.state.Car.Found.due(); due != 600 {
		t.Fatalf("after 400 in cash %d is due", due)
	}
	if r := p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 600, Action: "c2"}); r.Verdict != Done {
		t.Fatalf("cash: %+v", r)
	}
	p.cross()
	p.wantStory("read hold:no_plate session.matched hold:unpaid cash.taken cash.taken open:paid bill:1000/0 open=done passed")
	p.wait(time.Minute)
	p.arrive("")
	if r := p.scan(text); r.Verdict != Refused || !strings.Contains(r.Text.EN, "used before") {
		t.Errorf("shown once more: %+v", r)
	}
	p.wait(time.Minute)
	// The entry's facts come: one session, billed once, paid.
	seal := func(f fact.Draft, head fact.Head) fact.Head {
		_, x, next, err := fact.Seal(head, ticketKey, fact.Stamp{Lot: "riverside", Author: ticketAuthor, Boot: "b", Now: p.wall.Add(-3 * time.Hour)}, f)
		if err != nil {
			t.Fatal(err)
		}
		p.book.Add(x)
		return next
	}
	at := p.wall.Add(-95 * time.Minute)
	head := seal(fact.Draft{At: at, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: "entry-1", Dir: fact.Entry, Device: "cam-9", Event: "1"}, Hidden: fact.Vehicle{}}, fact.Head{Seq: 6})
	seal(fact.Draft{At: at, Source: "booth", Kind: fact.KindPassage, Body: fact.Passage{Lane: "entry-1", Dir: fact.Entry, Outcome: fact.Passed}, Refs: []fact.ID{entry}}, head)
	s, ok := p.book.Session(entry)
	if want := (session.Money{Gross: 1000, Paid: 1000}); !ok || s.State != session.Left || s.Money != want || len(s.Pays) != 2 {
		t.Errorf("after the entry came: %+v", s)
	}
}

func TestTicketPicksTheEntryAmongSeveral(t *testing.T) {
	p := newPost(t, fact.Exit)
	first := p.enter("")
	p.wait(time.Hour)
	second := p.enter("")
	p.wait(30 * time.Minute)
	p.begin()
	p.arrive("")
	if r := p.scan(p.ticket(second, 30*time.Minute, "riverside")); r.Verdict != Done {
		t.Fatalf("%+v", r)
	}
	if f := p.state.Car.Found; f.Session != second || f.due() != 500 {
		t.Errorf("found %s, due %d; want the second of %s and %s, due 500", f.Session, f.due(), first, second)
	}
	p.wantStory("read hold:no_plate session.matched hold:unpaid")
}

func TestTicketsThatDoNothing(t *testing.T) {
	p := waits(t)
	p.arrive("")
	for _, c := range []struct{ name, text, en string }{
		{"of another lot", p.ticket(fact.ID{Author: ticketAuthor, Seq: 7}, time.Hour, "hillside"), "another lot"},
		{"of a booth that is not known", p.ticket(fact.ID{Author: "zzzzzzzzzzzzzzzz", Seq: 7}, time.Hour, "riverside"), "not known here"},
		{"forged", p.ticket(fact.ID{Author: ticketAuthor, Seq: 7}, time.Hour, "riverside")[:150] + strings.Repeat("A", 22), "receipt"},
	} {
		if r := p.scan(c.text); r.Verdict != Refused || !strings.Contains(r.Text.EN, c.en) && !strings.Contains(r.Text.EN, "genuine") {
			t.Errorf("%s: %+v, want %q", c.name, r, c.en)
		}
	}
	p.wantStory("read hold:no_plate")
	p = waits(t)
	p.arrive("粤B12345")
	if r := p.scan(p.ticket(fact.ID{Author: ticketAuthor, Seq: 7}, time.Minute, "riverside")); r.Verdict != Refused || !strings.Contains(r.Text.EN, "no ticket is needed") {
		t.Errorf("a ticket of a short stay for a vehicle whose entry is known: %+v", r)
	}
}

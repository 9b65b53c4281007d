// Package paymenttest gives tests a lot with cars in it and everything that a driver's payment passes through: the
// routes, quotes, orders, a real database, the real SDK, and the double of the provider's gateway.
package paymenttest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay/fakepaytest"
	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/owner"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/right"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// Lot is the lot of a [World].
const Lot = id.Lot("riverside")

// World is one cloud with the lot riverside. Its clock begins at the real time, because the gateway's signatures are
// checked against it, and then stands still until [lottest.World.Pass].
type World struct {
	*lottest.World
	Pay      *fakepaytest.Double
	Facts    *ingest.Service
	Rights   *right.Service
	Payments *payment.Service
	Owner    *owner.Service
	Lanes    *Lanes
	Server   *lottest.Server
	Public   string // URL of the pages and of the notifications
	Booth    *Booth

	mu     sync.Mutex
	alarms []payment.Alarm
}

// New makes a world. Without a provider nobody can pay by phone.
func New(t testing.TB, provider bool) *World {
	t.Helper()
	w := &World{World: lottest.New(t), Lanes: &Lanes{at: map[string]wire.Live{}}}
	w.Pass(time.Since(w.Now()).Truncate(time.Millisecond))
	w.Riverside()
	key, cert, err := w.CA.Author(w.Now())
	lottest.Must(t, err)
	w.Facts, err = ingest.New(ingest.Options{
		DB: w.DB, Trust: ingest.CA{Roots: w.CA.Pool()}, Identity: ingest.Identity{Key: key, Cert: cert}, Broker: w.Broker,
		Software: "test", Now: w.Now, Log: w.Log,
	})
	lottest.Must(t, err)
	w.Rights, err = right.New(right.Options{DB: w.DB, Audit: w.Audit, Key: w.CA.ConfigKey(), Broker: w.Broker, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.Server.API().Handler().ServeHTTP(rw, r) }))
	t.Cleanup(front.Close)
	w.Public = front.URL
	w.Pay = fakepaytest.Start(t)
	w.Payments = w.Replica(provider)
	w.Owner, err = owner.New(owner.Options{DB: w.DB, Key: w.CA.ConfigKey(), Lots: w.Lots, Rights: w.Rights, Payments: w.Payments, Lanes: w.Lanes, Public: w.Public, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	w.Server = w.Serve(w.Payments.Register, w.Owner.Register, w.Rights.Register)
	w.Booth = w.incarnate("booth-a")
	if provider {
		t.Cleanup(w.Sound) // after each test, whatever it did
	}
	return w
}

// Replica makes another payment service on the same database, as another replica of the cloud has it.
func (w *World) Replica(provider bool) *payment.Service {
	w.T.Helper()
	o := payment.Options{
		DB: w.DB, Author: w.Facts, Now: w.Now, Log: w.Log, Notify: w.Public + payment.NotifyPath, Owes: owner.NewPricing(w.DB, w.Lots, w.Rights).Owes,
		Raise: func(_ *database.Tx, a payment.Alarm) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.alarms = append(w.alarms, a)
			return nil
		},
	}
	if provider {
		o.Provider = w.Pay.Merchant(w.T)
	}
	s, err := payment.New(o)
	lottest.Must(w.T, err)
	return s
}

// Alarms returns the alarms that payments raised.
func (w *World) Alarms() []payment.Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]payment.Alarm(nil), w.alarms...)
}

// Lanes tells who stands at lanes.
type Lanes struct {
	mu sync.Mutex
	at map[string]wire.Live
}

// Put says who stands at a lane now.
func (l *Lanes) Put(lane string, live wire.Live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[lane] = live
}

// Present implements owner.Lanes.
func (l *Lanes) Present(_, lane string) (wire.Live, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	live, ok := l.at[lane]
	return live, ok
}

// Booth writes a booth's log and sends it to the cloud.
type Booth struct {
	Tariff int // version that entries are pinned to; 0 is 1

	w      *World
	key    ed25519.PrivateKey
	author fact.Author
	head   fact.Head
}

func (w *World) incarnate(name string) *Booth {
	w.T.Helper()
	key, csr := lottest.Key(w.T)
	cert, err := w.CA.IssueBooth([]byte(csr), Lot, id.Booth(name), w.Now())
	lottest.Must(w.T, err)
	var raw [10]byte
	_, err = rand.Read(raw[:])
	lottest.Must(w.T, err)
	b := &Booth{w: w, key: key, author: fact.Author(strings.ToLower(base32.StdEncoding.EncodeToString(raw[:])))}
	b.Say(fact.Draft{Kind: fact.KindOpened, Body: fact.Opened{
		Booth: name, Key: key.Public().(ed25519.PublicKey), Cert: lottest.Pair(w.T, string(cert), key).Certificate[0], Software: "test", Why: "new",
	}})
	return b
}

// Say appends a fact to the log, and the cloud takes it in.
func (b *Booth) Say(d fact.Draft) fact.ID {
	t := b.w.T
	t.Helper()
	if d.At.IsZero() {
		d.At = b.w.Now()
	}
	d.Source = "booth"
	var salt [16]byte
	_, err := rand.Read(salt[:])
	lottest.Must(t, err)
	stamp := fact.Stamp{Lot: string(Lot), Author: b.author, Boot: "boot1", Mono: int64(b.head.Seq), Now: b.w.Now(), Salt: salt}
	r, f, head, err := fact.Seal(b.head, b.key, stamp, d)
	lottest.Must(t, err)
	b.head = head
	got, err := b.w.Facts.Take(context.Background(), exchange.Batch{Lot: string(Lot), Author: b.author, Records: []fact.Record{r}})
	lottest.Must(t, err)
	if got.Verdict != exchange.Accepted || got.Poor > 0 {
		t.Fatalf("the cloud did not take %s: %+v", d.Kind, got)
	}
	return f.ID()
}

// Pass says that a vehicle was read and went through a lane.
func (b *Booth) Pass(text string, dir fact.Dir, at time.Time) fact.ID {
	b.w.T.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	lottest.Must(b.w.T, err)
	lane := string(dir) + "-1"
	r := b.Say(fact.Draft{
		Kind: fact.KindRead, At: at, Body: fact.Read{Lane: lane, Dir: dir, Device: "cam", Event: id.New("ev", at), Confidence: 97},
		Hidden: fact.Vehicle{Plate: p},
	})
	d := fact.Decision{Lane: lane, Dir: dir, Action: fact.Open, Reason: string(dir)}
	if dir == fact.Entry {
		d.Tariff = &fact.TariffRef{ID: "short", Version: max(b.Tariff, 1)}
	}
	b.Say(fact.Draft{Kind: fact.KindDecision, At: at, Refs: []fact.ID{r}, Body: d})
	b.Say(fact.Draft{Kind: fact.KindPassage, At: at, Refs: []fact.ID{r}, Body: fact.Passage{Lane: lane, Dir: dir, Outcome: fact.Passed, Opened: true}})
	return r
}

// Enter says that a vehicle came in so long ago.
func (b *Booth) Enter(text string, ago time.Duration) fact.ID {
	b.w.T.Helper()
	return b.Pass(text, fact.Entry, b.w.Now().Add(-ago))
}

// Cash says that the booth took money for a stay.
func (b *Booth) Cash(session fact.ID, amount int64) {
	b.w.T.Helper()
	b.Say(fact.Draft{Kind: fact.KindCash, Refs: []fact.ID{session}, Body: fact.Cash{
		Session: session, Amount: moneyOf(amount), Curr: "CNY", Lane: "exit-1", By: "test", Action: id.New("cash", b.w.Now()),
	}})
}

// Sequence gives what waits in the outbox its numbers, folds it and sends it down.
func (w *World) Sequence() int {
	w.T.Helper()
	n, err := w.Facts.Sequence(context.Background(), string(Lot))
	lottest.Must(w.T, err)
	return n
}

// Check asks the provider for everything that is due.
func (w *World) Check() int {
	w.T.Helper()
	n, err := w.Payments.Check(context.Background())
	lottest.Must(w.T, err)
	return n
}

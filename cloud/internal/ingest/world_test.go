package ingest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"encoding/pem"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// world is a cloud's ingest on a real database, with lots and booths that hold real certificates.
type world struct {
	t       testing.TB
	db      *database.DB
	ca      *pki.Authority
	service *ingest.Service
	broker  *wireTap
	now     time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, databasetest.New(t))
}

func newWorldOn(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, broker: &wireTap{}, now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}
	ca, err := pki.Open(t.TempDir()+"/pki", w.now)
	must(t, err)
	w.ca = ca
	w.service = w.replica()
	w.exec(`INSERT INTO operators (id, name, created_at) VALUES ('op_a', 'A', now()), ('op_b', 'B', now())`)
	return w
}

func (w *world) replica() *ingest.Service {
	key, cert, err := w.ca.Author(w.now)
	must(w.t, err)
	s, err := ingest.New(ingest.Options{
		DB: w.db, Trust: ingest.CA{Roots: w.ca.Pool()}, Identity: ingest.Identity{Key: key, Cert: cert}, Broker: w.broker,
		Software: "test", Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
	})
	must(w.t, err)
	return s
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	_, err := w.db.SQL().ExecContext(context.Background(), query, args...)
	must(w.t, err)
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	must(w.t, w.db.SQL().QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n
}

// lot makes a lot with booths.
func (w *world) lot(lot string, booths ...string) []*booth {
	w.t.Helper()
	w.exec(`INSERT INTO lots (id, operator_id, kind, name_zh, name_en, tz, currency, capacity, config_number, created_at, updated_at)
		VALUES ($1, 'op_a', 'off_street', '河滨', 'Riverside', 'Asia/Shanghai', 'CNY', 100, 1, now(), now())`, lot)
	var out []*booth
	for _, b := range booths {
		w.exec(`INSERT INTO booths (lot_id, id, name_zh, name_en) VALUES ($1, $2, '岗亭', 'Booth')`, lot, b)
		out = append(out, w.incarnate(lot, b))
	}
	return out
}

// incarnate begins a new log of a booth.
func (w *world) incarnate(lot, name string) *booth {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(w.t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	must(w.t, err)
	cert, err := w.ca.IssueBooth(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}), id.Lot(lot), id.Booth(name), w.now)
	must(w.t, err)
	block, _ := pem.Decode(cert)
	var raw [10]byte
	_, err = rand.Read(raw[:])
	must(w.t, err)
	b := &booth{
		t: w.t, lot: lot, name: name, key: key, cert: block.Bytes, now: &w.now,
		author: fact.Author(strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))),
	}
	b.say(fact.Draft{Kind: fact.KindOpened, Body: fact.Opened{
		Booth: name, Key: key.Public().(ed25519.PublicKey), Cert: b.cert, Software: "test", Why: "new",
	}})
	return b
}

// booth writes a log as an agent does.
type booth struct {
	t         testing.TB
	lot, name string
	author    fact.Author
	key       ed25519.PrivateKey
	cert      []byte
	now       *time.Time
	head      fact.Head
	records   []fact.Record
	facts     []fact.Fact
}

func (b *booth) say(d fact.Draft) fact.ID {
	b.t.Helper()
	if d.At.IsZero() {
		d.At = *b.now
	}
	if d.Source == "" {
		d.Source = "booth"
	}
	var salt [16]byte
	_, err := rand.Read(salt[:])
	must(b.t, err)
	r, f, head, err := fact.Seal(b.head, b.key, fact.Stamp{Lot: b.lot, Author: b.author, Boot: "boot1", Mono: int64(b.head.Seq), Now: *b.now, Salt: salt}, d)
	must(b.t, err)
	b.head, b.records, b.facts = head, append(b.records, r), append(b.facts, f)
	return f.ID()
}

func (b *booth) read(text string, dir fact.Dir, at time.Time) fact.ID {
	b.t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	must(b.t, err)
	return b.say(fact.Draft{
		Kind: fact.KindRead, At: at, Body: fact.Read{Lane: string(dir) + "-1", Dir: dir, Device: "cam", Event: id.New("e", at), Confidence: 97},
		Hidden: fact.Vehicle{Plate: p},
	})
}

// pass says that a vehicle was read, let through, and crossed.
func (b *booth) pass(text string, dir fact.Dir, at time.Time) fact.ID {
	b.t.Helper()
	r := b.read(text, dir, at)
	lane := string(dir) + "-1"
	b.say(fact.Draft{Kind: fact.KindDecision, At: at, Refs: []fact.ID{r}, Body: fact.Decision{Lane: lane, Dir: dir, Action: fact.Open, Reason: string(dir)}})
	b.say(fact.Draft{Kind: fact.KindPassage, At: at, Refs: []fact.ID{r}, Body: fact.Passage{Lane: lane, Dir: dir, Outcome: fact.Passed, Opened: true}})
	return r
}

func (b *booth) batch(after, to int) exchange.Batch {
	return exchange.Batch{Lot: b.lot, Author: b.author, Records: b.records[after:to]}
}

func (b *booth) all() exchange.Batch { return b.batch(0, len(b.records)) }

func (w *world) take(b exchange.Batch) ingest.Taken {
	w.t.Helper()
	got, err := w.service.Take(context.Background(), b)
	must(w.t, err)
	return got
}

func (w *world) digest(lot string) ingest.Digest {
	w.t.Helper()
	d, err := ingest.DigestOf(context.Background(), w.db, lot)
	must(w.t, err)
	return d
}

// wireTap is a broker that keeps what is published.
type wireTap struct {
	mu   sync.Mutex
	sent []published
	down bool
}

type published struct {
	topic   wire.Topic
	payload []byte
}

func (b *wireTap) Publish(_ context.Context, topic string, _ byte, _ bool, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := wire.ParseTopic(topic)
	if err != nil {
		return err
	}
	if b.down {
		return context.DeadlineExceeded
	}
	b.sent = append(b.sent, published{t, payload})
	return nil
}

// on returns what went out on a channel to a booth, and forgets it.
func (b *wireTap) on(booth string, c wire.Channel) (out [][]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []published
	for _, p := range b.sent {
		if p.topic.Booth == booth && p.topic.Channel == c {
			out = append(out, p.payload)
		} else {
			rest = append(rest, p)
		}
	}
	b.sent = rest
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

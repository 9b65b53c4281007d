package cloudtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// Lot makes a lot of the operator with an entry lane at booth <id>-a and an exit lane at booth <id>-b.
func (s *Server) Lot(t testing.TB, op id.Operator, name id.Lot) wire.Config {
	t.Helper()
	c, err := s.App.Lots.Create(t.Context(), lot.By{Actor: "test"}, op, name, lottest.Spec(t, string(name)))
	if err != nil {
		t.Fatalf("make lot %s: %v", name, err)
	}
	return c
}

// Author writes a booth's log.
type Author struct {
	ID      fact.Author
	Head    fact.Head
	Records []fact.Record

	lot string
	key ed25519.PrivateKey
}

// NewAuthor begins a log with a booth's key and certificate (DER).
func NewAuthor(t testing.TB, lot, booth string, key ed25519.PrivateKey, cert []byte) *Author {
	t.Helper()
	var raw [10]byte
	if _, err := rand.Read(raw[:]); err != nil {
		t.Fatal(err)
	}
	a := &Author{ID: fact.Author(strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))), lot: lot, key: key}
	a.Say(t, fact.Draft{Kind: fact.KindOpened, Body: fact.Opened{
		Booth: booth, Key: key.Public().(ed25519.PublicKey), Cert: cert, Software: "test", Why: "new", //nolint:forcetypeassert // it is one
	}})
	return a
}

// Say adds a fact that happened now.
func (a *Author) Say(t testing.TB, d fact.Draft) fact.ID {
	t.Helper()
	if d.At.IsZero() {
		d.At = time.Now()
	}
	d.Source = "booth"
	r, f, head, err := fact.Seal(a.Head, a.key, fact.Stamp{Lot: a.lot, Author: a.ID, Boot: "boot", Now: time.Now()}, d)
	if err != nil {
		t.Fatal(err)
	}
	a.Head, a.Records = head, append(a.Records, r)
	return f.ID()
}

// Pass says that a vehicle was read, let through and crossed.
func (a *Author) Pass(t testing.TB, text string, dir fact.Dir, photos ...fact.Photo) fact.ID {
	t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	lane := string(dir) + "-1"
	read := a.Say(t, fact.Draft{
		Kind: fact.KindRead, Hidden: fact.Vehicle{Plate: p},
		Body: fact.Read{Lane: lane, Dir: dir, Device: "cam", Event: id.New("e", time.Now()), Confidence: 97, Photos: photos},
	})
	refs := []fact.ID{read}
	a.Say(t, fact.Draft{Kind: fact.KindDecision, Refs: refs, Body: fact.Decision{Lane: lane, Dir: dir, Action: fact.Open, Reason: string(dir)}})
	a.Say(t, fact.Draft{Kind: fact.KindPassage, Refs: refs, Body: fact.Passage{Lane: lane, Dir: dir, Outcome: fact.Passed, Opened: true}})
	return read
}

// Batch is everything it said.
func (a *Author) Batch() exchange.Batch {
	return exchange.Batch{Lot: a.lot, Author: a.ID, Records: a.Records}
}

package lot_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

var freeze = flag.Bool("freeze", false, "write a fixture of today's layout, once, when it is released")

// frozen says whose files a fixture holds and what they come to.
type frozen struct {
	Lot      string            `json:"lot"`
	Booth    string            `json:"booth"`
	Seed     []byte            `json:"seed"` // of the booth's key: made for this file alone
	CA       string            `json:"ca"`
	Config   ed25519.PublicKey `json:"config"`
	Facts    fact.Hash         `json:"facts"`    // checksum of the cursors
	Sessions fact.Hash         `json:"sessions"` // by the semantics of then
	Version  int               `json:"version"`  // these
	Number   uint64            `json:"number"`   // of the configuration in force
}

func digestsOf(t *testing.T, l *lot.Lot, version int) (facts, sessions fact.Hash) {
	t.Helper()
	cursors, sum := l.Digest()
	book := session.NewBookOf(version)
	for _, a := range cursors.Authors() {
		records, err := l.Records(a, 0, exchange.MaxRecords)
		if err != nil {
			t.Fatal(err)
		}
		all, _, err := fact.Follow(fact.Head{}, "riverside", a, records, nil)
		if err != nil {
			t.Fatal(err)
		}
		book.Add(all...)
	}
	return sum, book.Digest()
}

const fixture = "testdata/v1"

func writeFixture(t *testing.T) {
	ca := enrolltest.New(t)
	id := ca.Booth("riverside", "booth-a", nil)
	b, other := lottest.Open(t, id, t.TempDir()), lottest.New(t, ca, "riverside", "booth-b")
	for _, text := range []string{"粤B12345", "京A00001", "苏C98765"} {
		b.Enter(text)
		other.Pass(text, fact.Exit)
	}
	merge(t, b.Lot, batch(t, other.Lot, other.Lot.Author(), 0, 1000), exchange.Accepted)
	if err := b.Lot.Configure(ca.Sign(lottest.Config("riverside", 7))); err != nil {
		t.Fatal(err)
	}
	f := frozen{Lot: "riverside", Booth: "booth-a", Seed: id.Key.Seed(), CA: ca.CA(), Config: ca.ConfigKey(), Version: session.Version, Number: 7}
	f.Facts, f.Sessions = digestsOf(t, b.Lot, f.Version)
	b.Stop()
	doc, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(fixture, 0o755), os.WriteFile(filepath.Join(fixture, "frozen.json"), append(doc, '\n'), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"journal.db", "lot.db"} {
		body, err := os.ReadFile(filepath.Join(b.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, err = w.Write(body)
		if err := errors.Join(err, w.Close(), os.WriteFile(filepath.Join(fixture, name+".gz"), z.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// unpack puts the fixture's files into a folder and returns what they are.
func unpack(t *testing.T) (dir string, f frozen, id *enroll.Identity) {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(fixture, "frozen.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &f); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, name := range []string{"journal.db", "lot.db"} {
		in, err := os.Open(filepath.Join(fixture, name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err := errors.Join(err, in.Close(), os.WriteFile(filepath.Join(dir, name), body, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, f, &enroll.Identity{Lot: f.Lot, Booth: f.Booth, Key: ed25519.NewKeyFromSeed(f.Seed)}
}

func openFrozen(dir string, f frozen, id *enroll.Identity) (*journal.Journal, *lot.Lot, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(f.CA))
	j, err := journal.Open(filepath.Join(dir, "journal.db"), journal.Options{
		Lot: f.Lot, Booth: f.Booth, Key: id.Key, Boot: "later", Now: time.Now, Mono: func() int64 { return 1 },
	})
	if err != nil {
		return nil, nil, err
	}
	l, err := lot.Open(filepath.Join(dir, "lot.db"), j, lot.Options{
		Lot: f.Lot, Booth: f.Booth, Keys: enroll.Trust{Lot: f.Lot, Roots: roots}, ConfigKey: f.Config, Now: time.Now,
	})
	if err != nil {
		return nil, nil, errors.Join(err, j.Close())
	}
	return j, l, nil
}

// TestFrozenFilesOpenForEver: a journal and a store as an earlier release left them open, come to what they came to then,
// and go on.
func TestFrozenFilesOpenForEver(t *testing.T) {
	if *freeze {
		writeFixture(t)
	}
	dir, f, id := unpack(t)
	for _, name := range []string{"journal.db", "lot.db"} {
		if err := journal.Sound(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	j, l, err := openFrozen(dir, f, id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(l.Close(), j.Close()); err != nil {
			t.Error(err)
		}
	}()
	facts, sessions := digestsOf(t, l, f.Version)
	if facts != f.Facts || sessions != f.Sessions {
		t.Errorf("facts %s, sessions %s; then %s, %s", facts, sessions, f.Facts, f.Sessions)
	}
	if c, ok := l.Config(); !ok || c.Number != f.Number {
		t.Errorf("configuration %d, %v; then %d", c.Number, ok, f.Number)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	if _, err := l.Append(t.Context(), lottest.Passing("粤B55555", fact.Entry, time.Now())); err != nil {
		t.Errorf("it does not go on: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFilesOfANewerReleaseAreRefusedAndNotCalledDamaged: who went back a release is told so.
func TestFilesOfANewerReleaseAreRefusedAndNotCalledDamaged(t *testing.T) {
	for name, edit := range map[string]func(tx *bbolt.Tx) error{
		"journal.db": func(tx *bbolt.Tx) error {
			m := tx.Bucket([]byte("meta"))
			return m.Put([]byte("journal"), bytes.Replace(m.Get([]byte("journal")), []byte(`"v":1`), []byte(`"v":2`), 1))
		},
		"lot.db": func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("layout"), []byte("2")) },
	} {
		dir, f, id := unpack(t)
		db, err := disk.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(edit), db.Close()); err != nil {
			t.Fatal(err)
		}
		j, l, err := openFrozen(dir, f, id)
		if !errors.Is(err, disk.ErrNewer) || errors.Is(err, disk.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = errors.Join(l.Close(), j.Close())
		}
	}
}

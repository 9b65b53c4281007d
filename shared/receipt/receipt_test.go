package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

var (
	cloudKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	boothKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	noon     = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	entry    = fact.ID{Author: "abcdefgh22223333", Seq: 4711}
)

func sample() Receipt {
	return Receipt{
		Lot: "riverside", Session: entry, Vehicle: VehicleOf("riverside", plate.Plate{Text: "粤B12345"}), Amount: 1500, Curr: "CNY",
		Provider: "wechat", Order: "01JD8Z6Y3K5Q7W9X1V2B4N6M8P", Quoted: noon, Issued: noon.Add(40 * time.Second), Expires: noon.Add(2 * time.Hour),
	}
}

func sampleTicket() Ticket {
	return Ticket{Lot: "riverside", Entry: entry, At: noon, Tariff: fact.TariffRef{ID: "per-hour", Version: 3}}
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func byBooth(a fact.Author) ed25519.PublicKey {
	if a == entry.Author {
		return public(boothKey)
	}
	return nil
}

// The texts in testdata were given to drivers: they are read for ever, and written the same.
func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		write func() (string, error)
		read  func(string) (any, error)
		want  any
	}{
		"receipt": {func() (string, error) { return Sign(sample(), cloudKey) }, func(s string) (any, error) { return Decode(s, public(cloudKey)) }, sample()},
		"ticket":  {func() (string, error) { return SignTicket(sampleTicket(), boothKey) }, func(s string) (any, error) { return DecodeTicket(s, byBooth) }, sampleTicket()},
	} {
		golden, err := os.ReadFile(filepath.Join("testdata", "v1", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(string(golden))
		got, err := c.read(text)
		if err != nil || got != c.want {
			t.Errorf("%s is read as %+v, %v; want %+v", name, got, err, c.want)
		}
		if again, err := c.write(); err != nil || again != text {
			t.Errorf("%s is written as %s, %v; want %s", name, again, err, text)
		}
	}
}

// A receipt fits QR version 9 at level M (262 characters), a ticket version 6 (154) at level L.
func TestTextsFitASmallCode(t *testing.T) {
	r, err := Sign(sample(), cloudKey)
	if err != nil || len(r) > 262 {
		t.Errorf("a receipt has %d characters, %v", len(r), err)
	}
	k, err := SignTicket(sampleTicket(), boothKey)
	if err != nil || len(k) > 195 {
		t.Errorf("a ticket has %d characters, %v", len(k), err)
	}
	for _, c := range r + k {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			t.Fatalf("%q is no character of the alphanumeric mode", c)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Sign(sample(), cloudKey)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := SignTicket(sampleTicket(), boothKey)
	if err != nil {
		t.Fatal(err)
	}
	other, err := SignTicket(Ticket{Lot: "riverside", Entry: fact.ID{Author: "zzzzzzzzzzzzzzzz", Seq: 1}, At: noon, Tariff: fact.TariffRef{ID: "a", Version: 1}}, boothKey)
	if err != nil {
		t.Fatal(err)
	}
	swap := func(s string, i int) string {
		c := byte('A')
		if s[i] == c {
			c = 'B'
		}
		return s[:i] + string(c) + s[i+1:]
	}
	read := func(s string) error { _, err := Decode(s, public(cloudKey)); return err }
	readTicket := func(s string) error { _, err := DecodeTicket(s, byBooth); return err }
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"nothing", read(""), ErrForm},
		{"an address of a page", read("https://pay.example/p/riverside"), ErrForm},
		{"a changed amount", read(swap(good, 40)), ErrForged},
		{"a changed signature", read(swap(good, len(good)-20)), ErrForged},
		{"cut short", read(good[:len(good)-8]), ErrForm},
		{"far too long", read(receiptPrefix + strings.Repeat("A", MaxText+1)), ErrForm},
		{"small letters", read(strings.ToLower(good)), ErrForm},
		{"signed by a booth", func() error { _, err := Decode(good, public(boothKey)); return err }(), ErrForged},
		{"a ticket as a receipt", read(ticket), ErrForm},
		{"a ticket that says it is a receipt", read(receiptPrefix + ticket[len(ticketPrefix):]), ErrForged},
		{"a receipt as a ticket", readTicket(good), ErrForm},
		{"a ticket of an unknown booth", readTicket(other), ErrIssuer},
		{"a changed ticket", readTicket(swap(ticket, len(ticket)-20)), ErrForged},
		{"blanks around it", read(" " + good + "\r\n"), nil},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	for name, edit := range map[string]func(*Receipt){
		"no lot":        func(r *Receipt) { r.Lot = "" },
		"no order":      func(r *Receipt) { r.Order = "" },
		"no session":    func(r *Receipt) { r.Session = fact.ID{} },
		"no amount":     func(r *Receipt) { r.Amount = 0 },
		"negative":      func(r *Receipt) { r.Amount = -1 },
		"huge":          func(r *Receipt) { r.Amount = maxAmount + 1 },
		"good for ever": func(r *Receipt) { r.Expires = r.Issued.Add(maxLife + time.Second) },
		"never good":    func(r *Receipt) { r.Expires = r.Issued },
		"a long order":  func(r *Receipt) { r.Order = strings.Repeat("x", maxPart+1) },
	} {
		r := sample()
		edit(&r)
		if s, err := Sign(r, cloudKey); err == nil {
			t.Errorf("%s: signed as %s", name, s)
		}
	}
}

func TestGood(t *testing.T) {
	r := sample()
	for _, c := range []struct {
		at   time.Time
		want bool
	}{{r.Issued, true}, {r.Issued.Add(-time.Minute), true}, {r.Issued.Add(-10 * time.Minute), false}, {r.Expires, false}, {r.Expires.Add(-time.Second), true}} {
		if got := r.Good(c.at); got != c.want {
			t.Errorf("at %s: %v", c.at, got)
		}
	}
}

// FuzzDecode: whatever a scanner reads is refused or means one thing, whoever signed it.
func FuzzDecode(f *testing.F) {
	good, _ := Sign(sample(), cloudKey)
	ticket, _ := SignTicket(sampleTicket(), boothKey)
	for _, s := range []string{good, ticket, "", "LKR1", "LKT1AAAA", "https://example.com"} {
		f.Add(s, []byte(nil))
	}
	f.Add("", []byte{9, 'r', 'i', 'v', 'e', 'r', 's', 'i', 'd', 'e'})
	f.Fuzz(func(t *testing.T, s string, payload []byte) {
		if r, err := Decode(s, public(cloudKey)); err == nil {
			if again, err := Sign(r, cloudKey); err != nil || again != strings.TrimSpace(s) {
				t.Errorf("%q says what %q says (%v)", s, again, err)
			}
		}
		if k, err := DecodeTicket(s, byBooth); err == nil {
			if again, err := SignTicket(k, boothKey); err != nil || again != strings.TrimSpace(s) {
				t.Errorf("%q says what %q says (%v)", s, again, err)
			}
		}
		// The payload as a signed one: the parser must hold by itself.
		signed := seal(receiptPrefix, receiptDomain, append([]byte(nil), payload...), cloudKey)
		if r, err := Decode(signed, public(cloudKey)); err == nil {
			if again, err := Sign(r, cloudKey); err != nil || again != signed {
				t.Errorf("payload %x is read as %+v and written as %s (%v)", payload, r, again, err)
			}
		}
		signed = seal(ticketPrefix, ticketDomain, append([]byte(nil), payload...), boothKey)
		if k, err := DecodeTicket(signed, byBooth); err == nil {
			b, _ := json.Marshal(k)
			if again, err := SignTicket(k, boothKey); err != nil || again != signed {
				t.Errorf("payload %x is read as %s and written as %s (%v)", payload, b, again, err)
			}
		}
	})
}

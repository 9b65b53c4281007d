package id

import (
	"sort"
	"testing"
	"time"
)

func TestNewSortsByTimeAndNeverRepeats(t *testing.T) {
	start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	var made []string
	seen := map[string]bool{}
	for i := range 2000 {
		s := New(PrefixUser, start.Add(time.Duration(i)*time.Millisecond))
		if !Valid(PrefixUser, s) {
			t.Fatalf("New made %q, which Valid refuses", s)
		}
		if seen[s] {
			t.Fatalf("%q made twice", s)
		}
		seen[s] = true
		made = append(made, s)
	}
	if !sort.StringsAreSorted(made) {
		t.Error("ids of rising times do not sort")
	}
}

func TestEncodeKnownValue(t *testing.T) {
	// The ULID specification's example: 1469918176385 ms is 01ARYZ6S41.
	s := New("x", time.UnixMilli(1469918176385))
	if got, want := s[2:12], "01aryz6s41"; got != want {
		t.Errorf("time part = %q, want %q", got, want)
	}
}

func TestValidRefuses(t *testing.T) {
	good := New("lot", time.Unix(0, 0))
	for _, s := range []string{"", "lot-", good[:len(good)-1], good + "0", "usr" + good[3:], "lot-8" + good[5:], good[:29] + "u"} {
		if Valid("lot", s) {
			t.Errorf("Valid accepts %q", s)
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add("lot-01aryz6s410000000000000000")
	f.Add("lot-")
	f.Fuzz(func(t *testing.T, s string) {
		if Valid("lot", s) && len(s) != 30 {
			t.Errorf("Valid accepts %q of %d bytes", s, len(s))
		}
	})
}

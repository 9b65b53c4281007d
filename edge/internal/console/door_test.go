package console

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/wire"
)

func TestDoor(t *testing.T) {
	hash, err := HashCode("secret-1")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var staff []wire.Staff
	d, err := newDoor([]Operator{{"zhang", hash}}, func() []wire.Staff { return staff }, func() time.Time { return now }, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token, till, err := d.signIn("zhang", "secret-1")
	if in, ok := d.who(token); err != nil || !ok || in.name != "zhang" || !in.till.Equal(till) || till.Sub(now) != stayFor {
		t.Fatalf("signed in as %+v till %v: %v", in, till, err)
	}
	if _, ok := d.who(token + "x"); ok {
		t.Error("another token is known")
	}
	for range failures {
		if _, _, err := d.signIn("zhang", "wrong"); !errors.Is(err, errWrong) {
			t.Fatalf("wrong code: %v", err)
		}
	}
	if _, _, err := d.signIn("zhang", "secret-1"); !errors.Is(err, errWait) {
		t.Errorf("after %d wrong codes: %v", failures, err)
	}
	if _, ok := d.who(token); !ok {
		t.Error("somebody else's guessing signed the operator out")
	}
	now = now.Add(waitAfter)
	if _, _, err := d.signIn("zhang", "secret-1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if in, _ := d.who(token); len(in.rights) != len(wire.StaffRights()) {
		t.Errorf("who stands in the booth's file may %v", in.rights)
	}
	again, err := HashCode("secret-2")
	if err != nil {
		t.Fatal(err)
	}
	staff = []wire.Staff{{Name: "li", Hash: again, Rights: []wire.StaffRight{wire.MayOpen}}}
	if _, ok := d.who(token); ok {
		t.Error("the booth's file counts although the lot names its staff")
	}
	if err := d.check("zhang", "secret-1"); !errors.Is(err, errWrong) {
		t.Errorf("who stands in the file signs in: %v", err)
	}
	li, _, err := d.signIn("li", "secret-2")
	if in, ok := d.who(li); err != nil || !ok || len(in.rights) != 1 || in.rights[0] != wire.MayOpen {
		t.Errorf("the lot's staff: %+v, %v", in, err)
	}
	staff = []wire.Staff{{Name: "li", Hash: hash, Rights: []wire.StaffRight{wire.MayOpen}}}
	if _, ok := d.who(li); ok {
		t.Error("a person with a new code is still in")
	}
	staff = nil
	now = now.Add(stayFor)
	if _, ok := d.who(token); ok {
		t.Error("the token never ends")
	}
	if _, _, err := d.signIn("nobody", "secret-1"); !errors.Is(err, errWrong) {
		t.Errorf("unknown name: %v", err)
	}
	for range 2 * maxIn {
		d.in[[32]byte(randomBytes(t))] = entry{name: "x", till: now.Add(time.Hour)}
		d.sweep(now)
	}
	if len(d.in) > maxIn {
		t.Errorf("%d sessions are remembered", len(d.in))
	}
	if _, err := HashCode("short"); err == nil {
		t.Error("a code of five characters is taken")
	}
	if err := CheckOperators([]Operator{{"a", hash}, {"a", hash}, {"", hash}, {"b", "plain"}}); err == nil || strings.Count(err.Error(), "operator") != 3 {
		t.Errorf("faults of a list: %v", err)
	}
}

func randomBytes(t *testing.T) []byte {
	b := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"token":{"boot":"b","mono":1,"car":2},"reason":"x","amount":1500,"action":"c","plate":"粤B12345","colour":"blue","session":"abcdefghijklmnop.3"}`))
	f.Add([]byte(`{"amount":1e99}`))
	f.Add([]byte(`{"session":"x"} {}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", bytes.NewReader(b))
		var in request
		if ok := decode(w, r, &in); !ok && w.Code != 400 {
			t.Errorf("%q is refused with %d", b, w.Code)
		}
	})
}

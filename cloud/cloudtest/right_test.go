package cloudtest_test

import (
	"testing"
	"time"

	"lotkeeper/cloud/cloudtest"
	"lotkeeper/cloud/internal/account"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// addRight adds a right of one vehicle in every lot and returns its id.
func addRight(t *testing.T, c *cloudtest.Client, kind, plate, key string) string {
	t.Helper()
	var made struct{ ID string }
	c.Do(t, "POST", "/api/v1/rights", map[string]any{"kind": kind, "plates": []any{map[string]string{"text": plate}}}, &made, "Idempotency-Key: "+key)
	return made.ID
}

// rightThings gives the tenant test rights: paths by operation id or path.
func rightThings(t *testing.T, c *cloudtest.Client) map[string]string {
	t.Helper()
	return map[string]string{
		"delete-right": "/api/v1/rights/" + addRight(t, c, "black", "粤B00001", "tenant-right-1"), "get-lot-rights": "/api/v1/lots/tenant-lot/rights",
		"/api/v1/rights/{right}": "/api/v1/rights/" + addRight(t, c, "permit", "粤B00002", "tenant-right-2"),
	}
}

// M1.04, M6.02: a list's change is at a connected booth within seconds, and one that it missed when it speaks next; the
// cloud shows what is in force where.
func TestARightReachesTheBooth(t *testing.T) {
	s := cloudtest.Start(t)
	op := s.Operator(t, "One")
	admin := s.SignIn(t, op, account.RoleAdmin)
	s.Lot(t, op, "riverside")
	awaitReady(t, s, admin)
	e := enroll(t, admin, s.Client(t), "riverside", "riverside-a")
	c, heard := e.connect(t)
	in, set := right.NewIntake(nil, right.Head{}), &right.Set{}
	take := func(number uint64) {
		t.Helper()
		await(t, e, heard, wire.RightsDown, func(p wire.Rights) bool {
			head, err := wire.OpenRights(p.Head, "riverside", e.ConfigKey)
			if err != nil {
				t.Fatal(err)
			}
			if next, err := in.Take(head, p.Page()); err != nil {
				t.Fatal(err)
			} else if next != nil {
				set = next
			}
			return in.Number() == number
		})
	}
	began := time.Now()
	addRight(t, admin, "black", "粤B12345", "right-000001")
	take(1)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the booth had it after %s", took)
	}
	v := set.Judge(right.Query{Plate: plate.Plate{Text: "粤B12345"}, At: time.Now(), Where: right.Place{Zone: time.UTC}})
	if v.Reason != right.Listed {
		t.Errorf("the vehicle is %q", v.Reason)
	}
	state := func() (n uint64) {
		var st struct {
			Booths []struct {
				Booth  string
				Number uint64
			}
		}
		admin.Do(t, "GET", "/api/v1/lots/riverside/rights", nil, &st)
		for _, b := range st.Booths {
			if b.Booth == e.Booth {
				n = b.Number
			}
		}
		return n
	}
	if n := state(); n != 0 {
		t.Errorf("before the booth says so, number %d is in force there", n)
	}
	// A booth that states an older number is sent what it lacks, and is believed once it states the newest.
	addRight(t, admin, "free", "粤B54321", "right-000002")
	e.publish(t, c, wire.CursorUp, wire.Cursor{At: time.Now(), Rights: 1})
	take(2)
	e.publish(t, c, wire.CursorUp, wire.Cursor{At: time.Now(), Rights: 2})
	for deadline := time.Now().Add(patience); state() != 2; {
		if time.Now().After(deadline) {
			t.Fatalf("number %d is said to be in force at the booth, want 2", state())
		}
	}
}

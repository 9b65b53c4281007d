package lot_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

func plates(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("粤B%05d", i))
	}
	return out
}

// holds counts the rights in force of a plate.
func holds(t testing.TB, b *lottest.Booth, text string) int {
	t.Helper()
	terms, ok := b.Lot.Terms()
	if !ok {
		t.Fatal("the lot has no configuration")
	}
	if terms.Rights == nil {
		return 0
	}
	return len(terms.Rights.For(plate.Plate{Text: text}))
}

// pull gives a booth what it wants until it has the newest.
func pull(t testing.TB, b *lottest.Booth, r *lottest.Rights) {
	t.Helper()
	for range 100 {
		number, wants := b.Lot.RightsState()
		if number == r.Number {
			return
		}
		if err := b.Lot.TakeRights(r.Page(wants)); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the newest rights are not in force after 100 pages")
}

// M1.04: rights are in force with the cloud away and after a restart.
func TestRightsAreInForceOfflineAndAfterARestart(t *testing.T) {
	ca := enrolltest.New(t)
	b := lottest.New(t, ca, "riverside", "booth-a")
	if err := b.Lot.Configure(ca.Sign(lottest.Config("riverside", 1))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watch := b.Lot.Watch(ctx)
	cloud := lottest.NewRights(t, ca, "riverside")
	cloud.Put(plates(5000)...)
	pull(t, b, cloud)
	if !watch.Take().Rights {
		t.Error("nobody was told")
	}
	cloud.Put("粤C00001")
	cloud.Take("card-000000")
	pull(t, b, cloud)
	for i := range 2 {
		if holds(t, b, "粤B00000") != 0 || holds(t, b, "粤B00001") != 1 || holds(t, b, "粤C00001") != 1 {
			t.Errorf("run %d: the rights in force are not the cloud's", i)
		}
		if s, n := b.Lot.Status(), cloud.Number; s.Rights != n {
			t.Errorf("run %d: number %d in force, want %d", i, s.Rights, n)
		}
		if i == 0 {
			b.Stop()
			b = b.Reopen()
		}
	}
	if page, ok := b.Lot.RightsPage(right.Cursor{}); !ok || !page.More || len(page.Entries) != wire.RightsEntries {
		t.Errorf("handed on: %d entries, more %v, %v", len(page.Entries), page.More, ok)
	}
}

// M1.04: what is altered, foreign or incomplete is refused with an alarm, and the last good ones stay in force.
func TestRefusedRightsLeaveTheLastGoodOnesInForce(t *testing.T) {
	ca := enrolltest.New(t)
	b := lottest.New(t, ca, "riverside", "booth-a")
	if err := b.Lot.Configure(ca.Sign(lottest.Config("riverside", 1))); err != nil {
		t.Fatal(err)
	}
	cloud, other := lottest.NewRights(t, ca, "riverside"), lottest.NewRights(t, ca, "elsewhere")
	stranger := lottest.NewRights(t, enrolltest.New(t), "riverside")
	cloud.Put("粤B00000")
	pull(t, b, cloud)
	older := cloud.Page(right.Cursor{})
	cloud.Put("粤B00001")
	for range 5 {
		other.Put("粤B66666")
		stranger.Put("粤B66666")
	}
	after := right.After(1)
	altered, less := cloud.Page(after), cloud.Page(after)
	altered.Entries = slices.Clone(altered.Entries)
	altered.Entries[0].Right = []byte(strings.Replace(string(altered.Entries[0].Right), "粤B00001", "粤B66666", 1))
	less.Entries = nil
	for _, tc := range []struct {
		name string
		page wire.Rights
	}{
		{"altered", altered}, {"incomplete", less}, {"another lot's", other.Page(right.Cursor{})}, {"signed by a stranger", stranger.Page(right.Cursor{})},
		{"nothing", wire.Rights{}},
	} {
		if err := b.Lot.TakeRights(tc.page); err == nil {
			t.Errorf("%s: taken", tc.name)
		}
		if detail, on := b.Alarm(lot.AlarmRights, ""); !on || detail == "" {
			t.Errorf("%s: no alarm", tc.name)
		}
		if holds(t, b, "粤B00000") != 1 || holds(t, b, "粤B66666") != 0 {
			t.Errorf("%s: the last good rights are not in force", tc.name)
		}
	}
	pull(t, b, cloud)
	if _, on := b.Alarm(lot.AlarmRights, ""); on || holds(t, b, "粤B00001") != 1 {
		t.Errorf("good ones came: alarm on %v", on)
	}
	if err := b.Lot.TakeRights(older); err != nil || holds(t, b, "粤B00001") != 1 {
		t.Errorf("older ones that come late: %v", err)
	}
}

// A store whose rights were changed by hand puts none in force, says so, and takes them anew.
func TestStoredRightsThatAreNotTheCloudsAreNotInForce(t *testing.T) {
	ca := enrolltest.New(t)
	b := lottest.New(t, ca, "riverside", "booth-a")
	if err := b.Lot.Configure(ca.Sign(lottest.Config("riverside", 1))); err != nil {
		t.Fatal(err)
	}
	cloud := lottest.NewRights(t, ca, "riverside")
	cloud.Put(plates(3)...)
	pull(t, b, cloud)
	b.Stop()
	db, err := bbolt.Open(filepath.Join(b.Dir, "lot.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("rights"))
		v := strings.Replace(string(bucket.Get([]byte("card-000001"))), "粤B00001", "粤B66666", 1)
		if err := bucket.Put([]byte("stray"), []byte("{")); err != nil {
			return err
		}
		return bucket.Put([]byte("card-000001"), []byte(v))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b = b.Reopen()
	if _, on := b.Alarm(lot.AlarmRights, ""); !on || holds(t, b, "粤B66666") != 0 || holds(t, b, "粤B00000") != 0 {
		t.Errorf("alarm on %v; they are in force", on)
	}
	pull(t, b, cloud)
	b.Stop()
	b = b.Reopen()
	if _, on := b.Alarm(lot.AlarmRights, ""); on || holds(t, b, "粤B00001") != 1 {
		t.Errorf("taken anew: alarm on %v", on)
	}
}

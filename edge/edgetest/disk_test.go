package edgetest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/fact"
)

func alarmOn(b *Booth, code string) bool {
	for _, a := range b.Agent.State().Alarms {
		if a.Code == code && a.Booth == b.ID {
			return true
		}
	}
	return false
}

// even waits until two booths hold the same.
func even(t *testing.T, a, b *Booth) {
	t.Helper()
	Until(t, 20*time.Second, "both booths hold the same", func() bool {
		x, dx := a.Lot().Digest()
		y, dy := b.Lot().Digest()
		return len(x) >= 2 && len(x) == len(y) && dx == dy
	})
}

// TestDamagedFilesAreSetAsideAndTheBoothGoesOn: a power cut took the ends of the entry booth's journal and store.
func TestDamagedFilesAreSetAsideAndTheBoothGoesOn(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	for _, text := range []string{"粤B00001", "粤B00002"} {
		l.Arrive("entry-1", Car(t, text))
		l.Cross("entry-1")
		one(t, b, text, inside)
	}
	even(t, a, b)
	was := a.Lot().Author()
	a.Stop()
	for _, name := range []string{"journal.db", "lot.db"} {
		if err := os.Truncate(filepath.Join(a.Dir, name), 9000); err != nil {
			t.Fatal(err)
		}
	}
	a.Start()
	if a.Lot().Author() == was {
		t.Error("the author is the same")
	}
	if got := a.Agent.State().Sync.Aside; len(got) != 2 || !alarmOn(a, "file_damaged") {
		t.Errorf("the page tells of %+v", got)
	}
	l.Arrive("entry-1", Car(t, "粤B00003"))
	l.Cross("entry-1")
	for _, text := range []string{"粤B00001", "粤B00002", "粤B00003"} {
		one(t, a, text, inside)
	}
	even(t, a, b)
	a.Stop()
	a.Start()
	if alarmOn(a, "file_damaged") {
		t.Error("the alarm outlives a start with sound files")
	}
}

// TestAnOldImageOfTheDiskEndsItsAuthorWhileTheLaneGoesOn: the entry booth's disk is put back to an image of yesterday.
func TestAnOldImageOfTheDiskEndsItsAuthorWhileTheLaneGoesOn(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	l.Arrive("entry-1", Car(t, "粤B00001"))
	l.Cross("entry-1")
	one(t, b, "粤B00001", inside)
	even(t, a, b)
	was := a.Lot().Author()
	a.Stop()
	image := t.TempDir()
	if err := os.CopyFS(image, os.DirFS(a.Dir)); err != nil {
		t.Fatal(err)
	}
	a.Start()
	l.Arrive("entry-1", Car(t, "粤B00002"))
	l.Cross("entry-1")
	one(t, b, "粤B00002", inside)
	even(t, a, b)
	a.Stop()
	if err := os.RemoveAll(a.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(a.Dir, os.DirFS(image)); err != nil {
		t.Fatal(err)
	}
	a.Start()
	Until(t, 20*time.Second, "a new author begins", func() bool { return a.Lot().Author() != was })
	l.Arrive("entry-1", Car(t, "粤B00003"))
	l.Cross("entry-1")
	for _, x := range []*Booth{a, b} {
		for _, text := range []string{"粤B00001", "粤B00002", "粤B00003"} {
			one(t, x, text, inside)
		}
	}
	even(t, a, b)
	Until(t, 20*time.Second, "the old log is settled", func() bool {
		got := a.Agent.State().Sync.Aside
		return len(got) == 1 && !got[0].Open && got[0].Why == "behind" && !alarmOn(a, "incarnation_ended")
	})
	records, err := a.Lot().Records(a.Lot().Author(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fact.Unseal(records[0])
	if err != nil {
		t.Fatal(err)
	}
	if o, err := fact.Decode[fact.Opened](&f); err != nil || o.Replaces != was {
		t.Errorf("the new author opens with %+v, %v", o, err)
	}
}

package edgetest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/journal/disktest"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// A booth whose disk hangs goes on by the lot's policy: cars pass, the page answers and says so, and once the disk is
// back everybody who passed is known.
func TestABoothWhoseDiskHangs(t *testing.T) {
	l := Start(t, Plan{Edit: func(c *wire.Config) { c.Policy.JournalX = "open" }})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	d := failing(t, a)
	l.Arrive("entry-1", Car(t, "粤B10001"))
	l.Cross("entry-1")
	one(t, b, "粤B10001", inside)

	d.Freeze()
	l.Arrive("entry-1", Car(t, "粤B10002"))
	l.Cross("entry-1")
	if code, _ := a.Do(http.MethodGet, "/api/state", "", nil); code != http.StatusOK && code != http.StatusUnauthorized {
		t.Errorf("the page answers %d", code)
	}
	Until(t, 10*time.Second, "the booth says that its disk hangs", alarmed(a, "disk_stall"))
	d.Thaw()
	s := one(t, b, "粤B10002", func(s session.Session) bool { return s.Entry != nil })
	if s.State != session.Inside {
		t.Errorf("session %+v", s)
	}
}

// failing moves a booth's data to a disk that can be made to fail.
func failing(t *testing.T, b *Booth) *disktest.Disk {
	t.Helper()
	b.Stop()
	d := disktest.New(t, 64)
	dir := filepath.Join(d.Dir, b.ID)
	if err := os.CopyFS(dir, os.DirFS(b.Dir)); err != nil {
		t.Fatal(err)
	}
	b.Dir = dir
	b.Start()
	t.Cleanup(func() { // before the disk is taken away: an agent cannot end while it waits for it
		d.Thaw()
		b.Stop()
	})
	return d
}

func alarmed(b *Booth, codes ...string) func() bool {
	return func() bool {
		return slices.ContainsFunc(b.Agent.State().Alarms, func(x console.Alarm) bool { return slices.Contains(codes, x.Code) })
	}
}

// A booth whose disk answers with errors, and that is to hold then: nobody passes unrecorded, and the lane and the page say
// why.
func TestABoothWhoseDiskBreaks(t *testing.T) {
	l := Start(t, Plan{Edit: func(c *wire.Config) { c.Policy.JournalX = "hold" }})
	a := l.Booths["booth-a"]
	d := failing(t, a)
	d.Break()
	l.Arrive("entry-1", Car(t, "粤B10001"))
	Until(t, 10*time.Second, "the booth says that it cannot record", alarmed(a, "journal_down"))
	Until(t, 10*time.Second, "the lane says so", func() bool { return slices.Contains(a.Live("entry-1").Faults, "journal") })
	if arm := l.Lanes["entry-1"].Board.Arm(); arm != "down" {
		t.Errorf("the arm is %s although nothing can be recorded", arm)
	}
}

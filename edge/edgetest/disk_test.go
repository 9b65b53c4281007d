package edgetest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/journal/disktest"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// A booth whose disk hangs goes on by the lot's policy: cars pass, the page answers and says so, and once the disk is
// back everybody who passed is known.
func TestABoothWhoseDiskHangs(t *testing.T) {
	l := Start(t, Plan{Edit: func(c *wire.Config) { c.Policy.JournalX = "open" }})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	a.Stop()
	d := disktest.New(t, 64)
	dir := filepath.Join(d.Dir, "booth-a")
	if err := os.CopyFS(dir, os.DirFS(a.Dir)); err != nil {
		t.Fatal(err)
	}
	a.Dir = dir
	a.Start()
	t.Cleanup(func() { // before the disk is taken away: an agent cannot end while it waits for it
		d.Thaw()
		a.Stop()
	})
	l.Arrive("entry-1", Car(t, "粤B10001"))
	l.Cross("entry-1")
	one(t, b, "粤B10001", inside)

	d.Freeze()
	l.Arrive("entry-1", Car(t, "粤B10002"))
	l.Cross("entry-1")
	if code, _ := a.Do(http.MethodGet, "/api/state", "", nil); code != http.StatusOK && code != http.StatusUnauthorized {
		t.Errorf("the page answers %d", code)
	}
	Until(t, 10*time.Second, "the booth says that its disk hangs", func() bool {
		for _, x := range a.Agent.State().Alarms {
			if x.Code == "disk_stall" || x.Code == "journal_down" {
				return true
			}
		}
		return false
	})
	d.Thaw()
	s := one(t, b, "粤B10002", func(s session.Session) bool { return s.Entry != nil })
	if s.State != session.Inside {
		t.Errorf("session %+v", s)
	}
}

package journal

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/journal/disktest"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

// alarms remembers which alarms are on, and every change.
type alarms struct {
	mu  sync.Mutex
	on  map[string]bool
	all []string
}

func (a *alarms) tell(code, _ string, on bool, _ string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.on == nil {
		a.on = map[string]bool{}
	}
	if a.on[code] != on {
		a.all = append(a.all, code)
	}
	a.on[code] = on
}

func (a *alarms) is(code string) bool { a.mu.Lock(); defer a.mu.Unlock(); return a.on[code] }

func (a *alarms) told(code string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.all, code)
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for ; !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// onDisk runs a journal on a disk that can fail.
func onDisk(t *testing.T, megabytes int64) (*Journal, *disktest.Disk, *alarms) {
	t.Helper()
	d, a := disktest.New(t, megabytes), &alarms{}
	o := options()
	o.Retry, o.Alarm, o.Spare = 20*time.Millisecond, a.tell, filepath.Join(d.Dir, "spare")
	j := running(t, filepath.Join(d.Dir, "journal.db"), o)
	return j, d, a
}

func running(t testing.TB, path string, o Options) *Journal {
	t.Helper()
	j, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Errorf("stop journal: %v", err)
		}
	})
	return j
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func numbers(t *testing.T, j *Journal) (out []string) {
	t.Helper()
	records, err := j.Records(1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		f, err := fact.Unseal(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Trim(string(f.Body[:min(len(f.Body), 12)]), `"x`))
	}
	return out
}

func TestAFullDiskRefusesAndGoesOnByItself(t *testing.T) {
	j, d, a := onDisk(t, 8)
	if _, err := j.Append(t.Context(), one("n", "1")); err != nil {
		t.Fatal(err)
	}
	d.Fill(0)
	big := strings.Repeat("x", 40_000)
	refused, acknowledged := 0, uint64(2) // the opening, and the first
	for range 200 {                       // what is free inside the file is used up first
		if _, err := j.Append(within(t, 10*time.Second), one("n", big)); errors.Is(err, ErrBroken) {
			refused++
			break
		} else if err != nil {
			t.Fatal(err)
		}
		acknowledged++
	}
	if refused == 0 || !a.told(alarm.JournalDown) {
		t.Fatalf("a full disk took everything; alarms %v", a.all)
	}
	head := j.Head()
	if head.Seq != acknowledged {
		t.Errorf("%d facts were acknowledged, the log ends at %d", acknowledged, head.Seq)
	}
	d.Free()
	until(t, "the journal is written again", func() bool { return j.Err() == nil })
	if j.Head() != head {
		t.Errorf("the head moved from %d to %d by what was refused", head.Seq, j.Head().Seq)
	}
	if _, err := j.Append(t.Context(), one("n", big)); err != nil || a.is(alarm.JournalDown) {
		t.Errorf("afterwards: %v, alarms %v", err, a.on)
	}
}

func TestADeadDiskRefusesAndGoesOnWhenItIsBack(t *testing.T) {
	j, d, a := onDisk(t, 8)
	if _, err := j.Append(t.Context(), one("n", "1")); err != nil {
		t.Fatal(err)
	}
	d.Break()
	if _, err := j.Append(within(t, 10*time.Second), one("n", "2")); !errors.Is(err, ErrBroken) {
		t.Fatalf("append to a dead disk: %v", err)
	}
	began := time.Now()
	if _, err := j.Append(t.Context(), one("n", "3")); !errors.Is(err, ErrBroken) || time.Since(began) > time.Second {
		t.Fatalf("the next append: %v after %v", err, time.Since(began))
	}
	d.Replace()
	until(t, "the journal is written again", func() bool { return j.Err() == nil })
	if _, err := j.Append(t.Context(), one("n", "4")); err != nil || a.is(alarm.JournalDown) {
		t.Errorf("afterwards: %v, alarms %v", err, a.on)
	}
	if got := numbers(t, j); !slices.Equal(got, []string{"1", "4"}) {
		t.Errorf("the log holds %v", got)
	}
}

func TestWhatADiskThatWaitedHasWrittenIsKnownLater(t *testing.T) {
	j, d, _ := onDisk(t, 8)
	if _, err := j.Append(t.Context(), one("n", "1")); err != nil {
		t.Fatal(err)
	}
	d.Freeze()
	_, err := j.Append(within(t, 50*time.Millisecond), one("n", "2"))
	var pending *Pending
	if !errors.As(err, &pending) {
		t.Fatalf("append to a disk that waits: %v", err)
	}
	_, err = j.Append(within(t, 50*time.Millisecond), one("n", "3")) // the writer is busy: it is taken back
	if err == nil || errors.As(err, new(*Pending)) {
		t.Fatalf("append behind it: %v", err)
	}
	d.Thaw()
	facts, err := pending.Wait(t.Context())
	if err != nil || len(facts) != 1 {
		t.Fatalf("what became of the append: %v, %v", facts, err)
	}
	if _, err := j.Append(t.Context(), one("n", "4")); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, j); !slices.Equal(got, []string{"1", "2", "4"}) {
		t.Errorf("the log holds %v, want each acknowledged fact once", got)
	}
}

func TestAReadOnlyDiskIsRefusedAtTheStart(t *testing.T) {
	d := disktest.New(t, 8)
	path := filepath.Join(d.Dir, "journal.db")
	j, err := Open(path, options())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	d.ReadOnly()
	if j, err := Open(path, options()); err == nil || errors.Is(err, disk.ErrDamaged) {
		t.Errorf("%v, %v; want an error that is no damage", j, err)
	}
}

// TestAFileThatLostWhatWasAcknowledgedEndsTheJournal: the file comes back shorter than what was promised.
func TestAFileThatLostWhatWasAcknowledgedEndsTheJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	o := options()
	o.Retry = time.Millisecond
	j, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	for range 3 {
		if _, err := j.Append(t.Context(), one("n", 1)); err != nil {
			t.Fatal(err)
		}
	}
	j.mu.Lock()
	j.head.Seq++ // as if one more had been acknowledged
	j.mu.Unlock()
	if err := j.db.Close(); err != nil { // the disk goes away under it
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), one("n", 2)); !errors.Is(err, ErrBroken) {
		t.Errorf("append: %v", err)
	}
	if err := <-done; !errors.Is(err, disk.ErrDamaged) {
		t.Errorf("Run ended with %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

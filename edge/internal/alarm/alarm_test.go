package alarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/internal/journal"
	words "lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

// paper is a journal that may refuse.
type paper struct {
	mu      sync.Mutex
	broken  bool
	written []string
	block   chan struct{} // when not nil, a write waits for it
}

func (p *paper) Append(_ context.Context, c journal.Compose) ([]fact.Fact, error) {
	if p.block != nil {
		<-p.block
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return nil, errors.New("disk is full")
	}
	for _, d := range c(nil) {
		a := d.Body.(fact.Alarm)
		p.written = append(p.written, strings.TrimPrefix(string(d.Kind), "alarm.")+" "+a.Code+"/"+a.Subject)
	}
	return nil, nil
}

func (p *paper) set(broken bool) { p.mu.Lock(); p.broken = broken; p.mu.Unlock() }

func (p *paper) story() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.written, ", ")
}

func run(t *testing.T, p *paper, test func(b *Book)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{Append: p.Append, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		test(b)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAnAlarmIsToldOnceWhileItLasts(t *testing.T) {
	p := &paper{}
	run(t, p, func(b *Book) {
		for range 100 {
			b.Set(words.CameraBlind, "cam-1", true, "x")
			b.Set(words.CameraBlind, "cam-2", false, "")
			synctest.Wait()
		}
		began := time.Now()
		<-time.After(time.Minute)
		b.Set(words.CameraBlind, "cam-1", true, "worse")
		if open := b.Open(); len(open) != 1 || open[0].Detail != "worse" || !open[0].Since.Equal(began) {
			t.Errorf("open: %+v", open)
		}
		b.Set(words.CameraBlind, "cam-1", false, "")
		b.Set(words.CameraBlind, "cam-1", false, "")
		synctest.Wait()
		if want := "raised camera_blind/cam-1, cleared camera_blind/cam-1"; p.story() != want || len(b.Open()) != 0 {
			t.Errorf("told %q, want %q; open %v", p.story(), want, b.Open())
		}
	})
}

func TestWhatTheJournalRefusesIsToldLater(t *testing.T) {
	p := &paper{broken: true}
	run(t, p, func(b *Book) {
		b.Set(words.JournalDown, "", true, "disk is full")
		synctest.Wait()
		if p.story() != "" || len(b.Open()) != 1 {
			t.Errorf("told %q, open %v", p.story(), b.Open())
		}
		b.Set(words.DiskStall, "", true, "")
		b.Set(words.DiskStall, "", false, "")
		p.set(false)
		<-time.After(retry)
		synctest.Wait()
		if want := "raised journal_down/, raised disk_stall/, cleared disk_stall/"; p.story() != want {
			t.Errorf("told %q, want %q", p.story(), want)
		}
	})
}

func TestWhatWaitsIsBounded(t *testing.T) {
	p := &paper{broken: true}
	run(t, p, func(b *Book) {
		b.Set("first", "", true, "")
		for i := range 2 * maxWaiting {
			b.Set("flap", fmt.Sprint(i), true, "")
			b.Set("flap", fmt.Sprint(i), false, "")
		}
		b.Set("last", "", true, "")
		b.mu.Lock()
		n := len(b.waiting)
		b.mu.Unlock()
		p.set(false)
		<-time.After(retry)
		synctest.Wait()
		story := p.story()
		if n > maxWaiting || !strings.HasPrefix(story, "raised first/") || !strings.HasSuffix(story, "raised last/") {
			t.Errorf("%d wait; told %.80s … %s", n, story, story[max(0, len(story)-40):])
		}
		if r, c := strings.Count(story, "raised flap"), strings.Count(story, "cleared flap"); r != c {
			t.Errorf("%d raised, %d cleared", r, c)
		}
	})
}

// TestWhatIsBeingWrittenIsNotForgotten: an alarm whose beginning is on its way to the disk keeps its end.
func TestWhatIsBeingWrittenIsNotForgotten(t *testing.T) {
	p := &paper{}
	run(t, p, func(b *Book) {
		p.block = make(chan struct{})
		b.Set("early", "", true, "")
		synctest.Wait() // it is being written
		b.Set("early", "", false, "")
		for i := range maxWaiting {
			b.Set("flap", fmt.Sprint(i), true, "")
			b.Set("flap", fmt.Sprint(i), false, "")
		}
		close(p.block)
		synctest.Wait()
		if s := p.story(); !strings.HasPrefix(s, "raised early/, cleared early/") {
			t.Errorf("told %.80s", s)
		}
	})
}

func TestAlarmsOfAnEarlierRunGoOnUntilSomebodySpeaksOfThem(t *testing.T) {
	p := &paper{}
	run(t, p, func(b *Book) {
		since := time.Now().Add(-time.Hour)
		b.Set(words.CameraClock, "cam-1", true, "said while the booth started")
		b.Set(words.JournalDown, "", true, "new")
		b.Carry([]Alarm{{Code: words.CameraClock, Subject: "cam-1", Since: since}, {Code: words.CameraBlind, Subject: "cam-1", Since: since}, {Code: words.DiskLow, Since: since}, {Code: words.DisplayDown, Subject: "gone", Since: since}})
		b.Set(words.CameraBlind, "cam-1", true, "still")
		b.Set(words.DiskLow, "", false, "")
		synctest.Wait()
		if want := "raised journal_down/, cleared disk_low/"; p.story() != want {
			t.Errorf("told %q, want %q", p.story(), want)
		}
		<-time.After(carriedFor + time.Minute)
		synctest.Wait()
		if want := "raised journal_down/, cleared disk_low/, cleared display_down/gone"; p.story() != want {
			t.Errorf("told %q, want %q", p.story(), want)
		}
		if open := b.Open(); len(open) != 3 || !open[0].Since.Equal(since) || !open[1].Since.Equal(since) {
			t.Errorf("open %+v", open)
		}
	})
}

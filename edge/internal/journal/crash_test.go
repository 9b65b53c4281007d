package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
)

const childEnv = "LOTKEEPER_JOURNAL_CHILD"

// TestCrashChild is the process that the crash test kills: it appends from several goroutines and says each number that
// was acknowledged.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		return // not in the role of the child: TestNothingAcknowledgedIsLostByKill runs it
	}
	j, _ := start(t, path)
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				facts, err := j.Append(context.Background(), one("n", strings.Repeat("x", 300)))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				fmt.Fprintf(os.Stdout, "ack %d %s\n", facts[0].Seq, fact.HashOf(facts[0].Body))
				mu.Unlock()
			}
		})
	}
	group.Wait()
}

func TestNothingAcknowledgedIsLostByKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	rounds := 8
	acked := uint64(0)
	for round := range rounds {
		last := crash(t, path, 15+37*round)
		acked = max(acked, last)
		rep, err := Check(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if rep.Head.Seq < acked {
			t.Fatalf("round %d: %d was acknowledged, the log ends at %d", round, acked, rep.Head.Seq)
		}
	}
	j, _ := start(t, path)
	if _, err := j.Append(context.Background(), one("n", 1)); err != nil {
		t.Fatalf("append after %d crashes: %v", rounds, err)
	}
	t.Logf("%d acknowledged facts survived %d kills", acked, rounds)
}

// crash runs a child and kills it in the middle of its writing, after so many acknowledgements.
func crash(t *testing.T, path string, after int) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, n := uint64(0), 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 3 || f[0] != "ack" {
			continue
		}
		seq, err := strconv.ParseUint(f[1], 10, 64)
		if err != nil {
			t.Fatalf("child says %q", lines.Text())
		}
		last = max(last, seq)
		if n++; n == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("child ended by itself: %v", err)
	}
	if n < after {
		t.Fatalf("child acknowledged %d facts only", n)
	}
	return last
}

func TestDamageIsReportedNotGuessed(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "j.db")
	j, stop := start(t, whole)
	for range 400 {
		if _, err := j.Append(context.Background(), one("n", strings.Repeat("y", 200))); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	body, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) string {
		p := filepath.Join(t.TempDir(), "j.db")
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Run("truncated", func(t *testing.T) {
		p := write(body[:len(body)/8])
		if _, err := Open(p, options()); !errors.Is(err, disk.ErrDamaged) {
			t.Errorf("open: %v", err)
		}
		if _, err := Check(p); !errors.Is(err, disk.ErrDamaged) {
			t.Errorf("check: %v", err)
		}
	})
	t.Run("both headers gone", func(t *testing.T) {
		b := append([]byte(nil), body...)
		clear(b[:2*os.Getpagesize()])
		if _, err := Open(write(b), options()); !errors.Is(err, disk.ErrDamaged) {
			t.Errorf("open: %v", err)
		}
	})
	t.Run("newest header torn", func(t *testing.T) { // opens on the one before, which is whole
		b := append([]byte(nil), body...)
		clear(b[os.Getpagesize()+16 : os.Getpagesize()+80])
		if j, err := Open(write(b), options()); err != nil {
			t.Errorf("open: %v", err)
		} else if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	edit := func(t *testing.T, f func(*bbolt.Bucket) error) string {
		p := write(body)
		db, err := disk.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error { return f(tx.Bucket(logBucket)) })
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Run("record missing near the end", func(t *testing.T) {
		p := edit(t, func(b *bbolt.Bucket) error { return b.Delete(disk.Key(395)) })
		if _, err := Open(p, options()); !errors.Is(err, disk.ErrDamaged) {
			t.Errorf("open: %v", err)
		}
	})
	t.Run("old record replaced", func(t *testing.T) { // opening reads the tail only, the check all
		p := edit(t, func(b *bbolt.Bucket) error { return b.Put(disk.Key(20), b.Get(disk.Key(21))) })
		if _, err := Check(p); !errors.Is(err, fact.ErrBroken) {
			t.Errorf("check: %v", err)
		}
	})
	t.Run("end replaced", func(t *testing.T) {
		p := edit(t, func(b *bbolt.Bucket) error { return b.Put(disk.Key(401), b.Get(disk.Key(400))) })
		if _, err := Open(p, options()); !errors.Is(err, fact.ErrBroken) {
			t.Errorf("open: %v", err)
		}
	})
	if _, err := Check(whole); err != nil {
		t.Errorf("check of the whole file: %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, hands := range []int{1, 16} {
		b.Run(fmt.Sprintf("hands=%d", hands), func(b *testing.B) {
			j, _ := start(b, filepath.Join(b.TempDir(), "j.db"))
			body := strings.Repeat("x", 300)
			b.ResetTimer()
			var group sync.WaitGroup
			for h := range hands {
				group.Go(func() {
					for i := h; i < b.N; i += hands {
						if _, err := j.Append(context.Background(), one("n", body)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
	b.Run("money", func(b *testing.B) { // each append a bill: the second copy comes after each answer
		o := options()
		o.Spare = filepath.Join(b.TempDir(), "spare")
		j := running(b, filepath.Join(b.TempDir(), "j.db"), o)
		body := strings.Repeat("x", 300)
		for b.Loop() {
			if _, err := j.Append(context.Background(), one(fact.KindBill, body)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) { // the floor: one put and one commit in the same kind of file
		db, err := disk.Open(filepath.Join(b.TempDir(), "bare.db"))
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		value := make([]byte, 800)
		i := uint64(0)
		for b.Loop() {
			i++
			err := db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists(logBucket)
				if err != nil {
					return err
				}
				return bucket.Put(disk.Key(i), value)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

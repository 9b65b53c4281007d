package lossy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"go.etcd.io/bbolt"

	"lotkeeper/deploy/rig/lossy"
)

func mount(t *testing.T) (*lossy.Disk, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	d, err := lossy.Mount(dir, dir+"-beneath")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return d, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, d *lossy.Disk, odds float64) {
	t.Helper()
	must(t, d.Cut(rand.New(rand.NewPCG(1, 2)), odds))
	must(t, d.Restore())
}

func TestWhatIsSyncedStaysAndTheRestIsLost(t *testing.T) {
	d, dir := mount(t)
	name := filepath.Join(dir, "a")
	f, err := os.Create(name)
	must(t, err)
	synced, after := bytes.Repeat([]byte("s"), 3000), bytes.Repeat([]byte("u"), 3000)
	_, err = f.Write(synced)
	must(t, err)
	must(t, f.Sync())
	_, err = f.Write(after)
	must(t, err)
	got, err := os.ReadFile(name)
	must(t, err)
	if !bytes.Equal(got, append(bytes.Clone(synced), after...)) {
		t.Errorf("before the cut %d bytes are read back", len(got))
	}
	must(t, f.Truncate(10)) // not synced either
	must(t, f.Close())
	cut(t, d, 1)
	got, err = os.ReadFile(name)
	must(t, err)
	if !bytes.Equal(got, synced) {
		t.Errorf("after the cut: %d bytes, want the %d that were synced", len(got), len(synced))
	}
}

// A database whose commits were acknowledged holds them all, whatever part of the last one reached the disk; one that
// does not sync its commits does not, which shows that the disk loses. The database is another process': a program must
// not map files that it serves itself.
func TestBbolt(t *testing.T) {
	for _, syncs := range []bool{true, false} {
		t.Run(fmt.Sprintf("syncs %v", syncs), func(t *testing.T) {
			d, dir := mount(t)
			acknowledged, missing := 0, 0
			for round := range 6 {
				found, now, err := write(t, filepath.Join(dir, "x.db"), syncs || round == 0, 10+round)
				if err != nil {
					if syncs {
						t.Fatalf("round %d: %v", round, err)
					}
					missing++ // it was left damaged
					break
				}
				if found < acknowledged {
					missing++
				}
				acknowledged = max(found, acknowledged) + now
				must(t, d.Cut(rand.New(rand.NewPCG(1, uint64(round))), 0.5))
				must(t, d.Restore())
			}
			if syncs != (missing == 0) {
				t.Errorf("acknowledged commits were missing %d times", missing)
			}
			if !syncs && d.Lost() == 0 {
				t.Error("nothing was lost")
			}
		})
	}
}

// write opens the database in a process of its own, lets it commit until it has acknowledged so many times, and kills it.
func write(t *testing.T, name string, syncs bool, times int) (found, acknowledged int, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LOSSY_WRITER="+name, "LOSSY_SYNCS="+strconv.FormatBool(syncs))
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill() // as the power cut does
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return 0, 0, errors.New("the database does not open")
	}
	if found, err = strconv.Atoi(lines.Text()); err != nil {
		return 0, 0, errors.New(lines.Text())
	}
	for acknowledged < times && lines.Scan() {
		acknowledged++
	}
	return found, acknowledged, nil
}

func TestMain(m *testing.M) {
	if name := os.Getenv("LOSSY_WRITER"); name != "" {
		fmt.Fprintln(os.Stdout, writer(name, os.Getenv("LOSSY_SYNCS") == "true"))
		return
	}
	os.Exit(m.Run())
}

// writer says how much the database holds, and then a line for each commit that it has made.
func writer(name string, syncs bool) error {
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{NoSync: !syncs, NoFreelistSync: true})
	if err != nil {
		return err
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		n := 0
		if b := tx.Bucket([]byte("b")); b != nil {
			n = b.Stats().KeyN
		}
		fmt.Fprintln(os.Stdout, n)
		return nil
	}); err != nil {
		return err
	}
	for {
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			if err != nil {
				return err
			}
			n, err := b.NextSequence()
			if err != nil {
				return err
			}
			return b.Put(fmt.Appendf(nil, "%08d", n), bytes.Repeat([]byte("v"), 300))
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, "committed")
	}
}

package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/photo"
	"lotkeeper/edge/internal/salvage"
	"lotkeeper/edge/internal/shift"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

// The names of what lies in a booth's data folder.
const (
	journalFile = "journal.db"
	lotFile     = "lot.db"
	spareFolder = "spare"
	asideFolder = "quarantine"
)

func (a *Agent) path(name string) string { return filepath.Join(a.c.Data, name) }

// open reads what is on the disk. A damaged file is set aside, and the booth goes on without it: others' facts come back
// from peers and the cloud, and of its own journal everything that can still be read is salvaged by a new incarnation.
func (a *Agent) open(ctx context.Context) (err error) {
	if a.identity = a.o.Identity; a.identity == nil {
		if a.identity, err = enroll.Load(a.c.Data); err != nil {
			return fmt.Errorf("this booth is not enrolled, or its identity cannot be read (see lotkeeper-edge enroll --help): %w", err)
		}
	}
	if a.photos, err = photo.Open(a.path("photos"), a.c.Photos.MaxMB<<20); err != nil {
		return err
	}
	if a.aside, err = salvage.Open(a.path(asideFolder)); err != nil {
		return err
	}
	for _, name := range []string{journalFile, lotFile} {
		if err := a.examine(ctx, name); err != nil {
			return err
		}
	}
	if err := a.openFiles(ctx); err != nil {
		return err
	}
	if a.desk, err = shift.New(a.identity.Booth, a.lot, a.o.Now); err != nil {
		return errors.Join(err, a.close())
	}
	if err := a.goOnFrom(); err != nil {
		return errors.Join(err, a.close())
	}
	a.configure()
	return nil
}

// examine checks a file before it is opened.
func (a *Agent) examine(ctx context.Context, name string) error {
	if _, err := os.Lstat(a.path(name)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	err := a.o.Check(ctx, a.path(name))
	if err != nil && damaged(err) {
		return a.setAside(name, err)
	}
	if err != nil {
		return err
	}
	if done, err := disk.Compact(a.path(name)); err != nil {
		a.o.Log.Warn("a file is not compacted; it is used as it is", "file", name, "err", err)
	} else if done {
		a.o.Log.Info("a file was compacted", "file", name)
	}
	return nil
}

// clearDamaged ends the alarms of files that are sound again since an earlier run set them aside.
func (a *Agent) clearDamaged() {
	for _, name := range []string{journalFile, lotFile} {
		if !slices.Contains(a.torn, name) {
			a.alarms.Set(alarm.FileDamaged, name, false, "")
		}
	}
}

// damaged reports whether an error says that a file's content is not what was written.
func damaged(err error) bool {
	return errors.Is(err, disk.ErrDamaged) || errors.Is(err, fact.ErrBroken)
}

func (a *Agent) setAside(name string, cause error) error {
	it, err := a.aside.Take(a.path(name), salvage.Item{Why: salvage.WhyDamaged, Detail: cause.Error(), At: a.o.Now(), Open: name == journalFile})
	if err != nil {
		return fmt.Errorf("%s is damaged (%w) and cannot be set aside: %w", name, cause, err)
	}
	a.o.Log.Error("a damaged file is set aside; the booth goes on without it", "file", name, "to", a.aside.Path(it), "err", cause)
	a.torn = append(a.torn, name)
	a.alarms.Set(alarm.FileDamaged, name, true, cause.Error())
	return nil
}

// openFiles opens journal and lot. What only reading them through finds damaged is set aside like the rest.
func (a *Agent) openFiles(ctx context.Context) error {
	for range 3 {
		begin, err := a.begin()
		if err != nil {
			return err
		}
		name, err := a.tryFiles(ctx, begin)
		if err == nil || !damaged(err) {
			return err
		}
		if err := a.setAside(name, err); err != nil {
			return err
		}
	}
	return errors.New("the booth's files are damaged again and again: the disk must be looked at")
}

// tryFiles names the file that an error is about.
func (a *Agent) tryFiles(ctx context.Context, begin journal.Begin) (string, error) {
	id := a.identity
	var err error
	a.journal, err = journal.Open(a.path(journalFile), journal.Options{
		Lot: id.Lot, Booth: id.Booth, Key: id.Key, Cert: id.Cert, Software: a.o.Software, Boot: a.boot,
		Epoch: a.clock.Boot, Now: a.clock.Now, Mono: a.mono, Log: a.o.Log, Alarm: a.alarms.Set, Watch: a.writing, Spare: a.path(spareFolder), Begin: begin,
		Check: func(path string) error { return a.o.Check(context.WithoutCancel(ctx), path) },
	})
	if err != nil {
		return journalFile, err
	}
	a.lot, err = lot.Open(a.path(lotFile), a.journal, lot.Options{
		Lot: id.Lot, Booth: id.Booth, Keys: id.Trust(), ConfigKey: id.ConfigKey, Now: a.clock.Now, Log: a.o.Log, Alarm: a.alarms.Set,
	})
	if err == nil {
		return "", nil
	}
	name := lotFile
	if errors.Is(err, lot.ErrOwn) {
		name = journalFile
	}
	return name, errors.Join(err, a.journal.Close())
}

// begin says whom a new journal follows: the last one that was set aside and is not settled.
func (a *Agent) begin() (journal.Begin, error) {
	items, err := a.aside.Items()
	if err != nil {
		return journal.Begin{}, err
	}
	var b journal.Begin
	if a.identity.Replacement {
		b.Why = "replaced"
	}
	for _, it := range items {
		if !it.Open || it.Why != salvage.WhyDamaged {
			continue
		}
		b.Why = it.Why
		r, err := journal.OpenRemains(a.aside.Path(it), a.path(spareFolder), a.public())
		if err != nil {
			a.o.Log.Error("what was set aside cannot be read", "file", it.Name, "err", err)
			continue
		}
		if r.Author != "" {
			b.Replaces = r.Author
		}
		b.After = max(b.After, r.Clock())
		if err := r.Close(); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (a *Agent) public() ed25519.PublicKey { return a.identity.Key.Public().(ed25519.PublicKey) }

func (a *Agent) settler() *salvage.Settler {
	return &salvage.Settler{Store: a.aside, Lot: a.identity.Lot, Key: a.public(), Spare: a.path(spareFolder), Mem: a.lot, Log: a.o.Log}
}

func (a *Agent) close() error { return errors.Join(a.lot.Close(), a.journal.Close()) }

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/salvage"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/wire"
)

// endPause is the least time between two incarnations: should others refuse whatever we say, we need not fill the disk.
const endPause = 30 * time.Second

// succeed ends the present incarnation when the lot asks for it, and settles what ended ones left. The lanes go on.
func (a *Agent) succeed(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	settling := make(chan struct{}, 1)
	settling <- struct{}{} // what an earlier run left
	group.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-settling:
			}
			for err := a.settle(ctx); err != nil; err = a.settle(ctx) {
				a.o.Log.Error("an ended incarnation is not settled yet; the lanes go on", "err", err)
				if !pause(ctx, 5*time.Second) {
					return
				}
			}
		}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.lot.Endings():
		}
		for !a.endIncarnation(ctx) {
			if !pause(ctx, 5*time.Second) {
				return
			}
		}
		select {
		case settling <- struct{}{}:
		default:
		}
		if !pause(ctx, endPause) {
			return
		}
	}
}

// settle runs until nothing is open, and clears the alarms.
func (a *Agent) settle(ctx context.Context) error {
	if err := a.settler().Run(ctx); err != nil {
		return err
	}
	a.tellAside()
	items, err := a.aside.Items()
	for _, it := range items {
		if !it.Open && it.Why != salvage.WhyDamaged {
			a.alarms.Set(alarm.IncarnationEnded, string(it.Author), false, "")
		}
	}
	return err
}

func (a *Agent) endIncarnation(ctx context.Context) bool {
	author, why, agreed, ok := a.lot.Ending()
	if !ok {
		return true
	}
	a.alarms.Set(alarm.IncarnationEnded, string(author), true, why)
	it, err := a.aside.Name(salvage.Item{Was: journalFile, Why: why, At: a.o.Now(), Author: author, Agreed: agreed, Open: true})
	if err == nil {
		if err = a.lot.Succeed(ctx, a.journal, a.aside.Path(it)); err != nil {
			err = errors.Join(err, a.aside.Drop(it))
		}
	}
	if err != nil {
		a.o.Log.Error("the incarnation cannot be ended yet; the lanes go on", "author", string(author), "err", err)
	}
	a.tellAside()
	return err == nil
}

// tellAside shows people what was set aside.
func (a *Agent) tellAside() {
	items, err := a.aside.Items()
	if err != nil {
		a.o.Log.Warn("what was set aside cannot be listed", "err", err)
		return
	}
	var kept []console.Aside
	for _, it := range items {
		kept = append(kept, console.Aside{
			File: filepath.Join(asideFolder, it.Name), Was: it.Was, Why: it.Why, At: it.At, Open: it.Open, Told: it.Told, Missing: it.Missing,
		})
	}
	a.mu.Lock()
	a.kept = kept
	a.mu.Unlock()
	a.bell.ring()
}

// pause waits; it reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// configFile is a copy of the configuration in force, for a booth whose store is damaged while nobody else is there.
const configFile = "config.json"

// configure puts the newest configuration in force that the booth has: the store's, the copy's, or the enrolment's.
func (a *Agent) configure() {
	take := func(from string, s wire.Signed) {
		if err := a.lot.Configure(s); err != nil && !errors.Is(err, lot.ErrOlder) {
			a.o.Log.Warn("a configuration is not taken", "from", from, "err", err)
		}
	}
	if b, err := os.ReadFile(a.path(configFile)); err == nil {
		var s wire.Signed
		if err := json.Unmarshal(b, &s); err != nil {
			a.o.Log.Warn("a configuration is not taken", "from", configFile, "err", err)
		} else {
			take(configFile, s)
		}
	}
	if len(a.identity.Config.Document) > 0 {
		take("enrolment", a.identity.Config)
	}
}

// keepConfig keeps the copy of the configuration in force.
func (a *Agent) keepConfig(ctx context.Context) {
	watch := a.lot.Watch(ctx)
	for kept := uint64(0); ; {
		if c, ok := a.lot.Config(); ok && c.Number != kept {
			if err := a.writeConfig(); err != nil {
				a.o.Log.Warn("the configuration has no second copy", "err", err)
			}
			kept = c.Number
		}
		select {
		case <-ctx.Done():
			return
		case <-watch.C:
			watch.Take()
		}
	}
}

func (a *Agent) writeConfig() error {
	s, ok := a.lot.Signed()
	if !ok {
		return nil
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return disk.Replace(a.path(configFile), b)
}

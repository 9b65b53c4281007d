package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// asking is how long a box that took another's place waits for those who do not answer, before it says what it got.
const asking = 10 * time.Minute

// Rebuild is how far a box is that took the place of another one of its booth.
type Rebuild struct {
	Done    bool
	Held    uint64      // facts of all logs held here
	Known   uint64      // facts that those who were heard have; what is missing is on its way
	Unheard []string    // booths, or the cloud, that have not answered since this box took the place
	Before  []fact.Rest // the logs of the booth's boxes before
}

// Missing is how many facts of the boxes before nobody has.
func (r *Rebuild) Missing() (n uint64) {
	for _, b := range r.Before {
		n += b.Told - min(b.Told, b.Held)
	}
	return n
}

// Rebuild returns how far this box is; ok is false when it did not take another's place.
func (a *Agent) Rebuild() (r Rebuild, ok bool) {
	if !a.identity.Replacement {
		return r, false
	}
	if said, done := a.lot.Rebuilt(a.journal.Author()); done {
		return Rebuild{Done: true, Before: said.Before, Unheard: said.Unheard}, true
	}
	return a.rebuild(), true
}

// rebuild compares what is held here with what everybody who was heard has.
func (a *Agent) rebuild() Rebuild {
	r := Rebuild{Before: a.lot.Before()}
	heard := a.lot.Peers()
	want := exchange.Cursors{}
	for _, h := range heard {
		for author, head := range h.Cursors {
			if head.Seq > want[author].Seq {
				want[author] = head
			}
		}
	}
	mine := a.lot.Cursors()
	for author, head := range want {
		r.Known += head.Seq
		r.Held += min(mine[author].Seq, head.Seq)
	}
	r.Unheard = a.unheard(heard)
	return r
}

func (a *Agent) unheard(heard map[string]lot.Heard) (out []string) {
	if c, ok := a.lot.Config(); ok {
		for _, b := range c.Booths {
			if _, ok := heard[b.ID]; !ok && b.ID != a.identity.Booth && b.Peer != "" {
				out = append(out, b.ID)
			}
		}
	}
	if _, ok := heard[enroll.Cloud]; !ok && !a.o.Offline {
		out = append(out, enroll.Cloud)
	}
	slices.Sort(out)
	return out
}

// runRebuild says that this box took another's place, and later what of the other's it got. Lanes do not wait for it.
func (a *Agent) runRebuild(ctx context.Context) error {
	me := a.journal.Author()
	if _, done := a.lot.Rebuilt(me); done {
		<-ctx.Done()
		return nil
	}
	if !a.lot.Replaced(me) {
		if err := a.sayOf(ctx, fact.KindReplaced, fact.Replaced{Booth: a.identity.Booth}); err != nil {
			return err
		}
		a.o.Log.Info("this box took the place of another one of its booth", "booth", a.identity.Booth)
	}
	began := a.o.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	same, settled, said := Rebuild{}, 0, began
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		r := a.rebuild()
		if now := a.o.Now(); now.Sub(said) >= 5*time.Second {
			said = now
			a.o.Log.Info("taking over what the others hold", "facts", r.Held, "of", r.Known, "unheard", r.Unheard)
		}
		waited := len(r.Unheard) == 0 || a.o.Now().Sub(began) >= asking
		if r.Held < r.Known || !waited || r.Known != same.Known {
			same, settled = r, 0
			continue
		}
		if settled++; settled < 5 { // cursors are told once a second: whoever has more would have said so
			continue
		}
		if err := a.sayOf(ctx, fact.KindRebuilt, fact.Rebuilt{Booth: a.identity.Booth, Before: r.Before, Unheard: r.Unheard}); err != nil {
			return err
		}
		a.o.Log.Info("this box has taken over what there was", "booth", a.identity.Booth, "facts", r.Held, "missing", r.Missing(), "unheard", r.Unheard)
		<-ctx.Done()
		return nil
	}
}

// sayOf appends a fact about this box.
func (a *Agent) sayOf(ctx context.Context, kind fact.Kind, body any) error {
	at := a.o.Now()
	_, err := a.lot.Append(ctx, func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: at, Source: "booth", Kind: kind, Body: body}}
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	return nil
}

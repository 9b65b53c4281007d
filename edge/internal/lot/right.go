package lot

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// AlarmRights says that rights were refused: the last good ones stay in force.
const AlarmRights = "rights_refused"

// The store's bucket of rights: <id> the entry, tombstones too; and in meta the signed head of the set.
var (
	rightsBucket = []byte("rights")
	rightsKey    = []byte("rights")
)

// rights are those in force, and the pages of the next that have come. taking guards the intake and is never held with mu.
type rights struct {
	set    *right.Set
	head   right.Head
	signed wire.Signed
}

// Terms returns the configuration and the rights in force. What they hold is shared: nobody changes it.
func (l *Lot) Terms() (wire.Terms, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.config == nil {
		return wire.Terms{}, false
	}
	return wire.Terms{Config: &l.config.config, Rights: l.rights.set, InForce: l.rights.head.Number}, true
}

// RightsState returns the number of the rights in force, 0 for none, and the place after which entries are wanted.
func (l *Lot) RightsState() (number uint64, wants right.Cursor) {
	l.taking.Lock()
	defer l.taking.Unlock()
	return l.intake.Number(), l.intake.Wants()
}

// RightsPage returns what a booth that wants entries after a place lacks of the rights in force here; ok is false when
// there are none.
func (l *Lot) RightsPage(after right.Cursor) (page wire.Rights, ok bool) {
	l.mu.RLock()
	r := l.rights
	l.mu.RUnlock()
	if r.set == nil {
		return wire.Rights{}, false
	}
	return wire.NewRights(r.signed, r.set, after), true
}

// TakeRights takes a page of rights, from the cloud or from another booth. When with it a newer set is whole and is the one
// that the cloud signed, that is stored and in force. Older ones and such as are in force already change nothing and are no
// error. After an error the last good set stays, and an alarm is on until the next good one.
func (l *Lot) TakeRights(p wire.Rights) error {
	head, err := wire.OpenRights(p.Head, l.o.Lot, l.o.ConfigKey)
	if err != nil {
		return l.refusedRights(err)
	}
	l.taking.Lock()
	defer l.taking.Unlock()
	set, err := l.intake.Take(head, p.Page())
	switch {
	case errors.Is(err, right.ErrOlder):
		return nil
	case errors.Is(err, right.ErrGap):
		return fmt.Errorf("rights: %w", err) // a page went missing; the next that comes starts where it must
	case err != nil:
		return l.refusedRights(err)
	case set == nil:
		return nil
	}
	if err := l.storeRights(set, p.Head); err != nil {
		l.intake = right.NewIntake(l.rights.set, l.rights.head) // it is tried again
		return fmt.Errorf("store rights %d: %w", head.Number, err)
	}
	l.mu.Lock()
	l.rights = rights{set, head, p.Head}
	l.tell(Changes{Rights: true})
	l.mu.Unlock()
	l.o.Alarm(AlarmRights, "", false, "")
	l.o.Log.Info("rights in force", "number", head.Number, "rights", set.Count(), "not_understood", set.Poor())
	return nil
}

func (l *Lot) refusedRights(err error) error {
	l.o.Alarm(AlarmRights, "", true, err.Error())
	return fmt.Errorf("rights are refused: %w", err)
}

// storeRights writes what differs from the set in force. The head comes in the same transaction: the store never holds
// half of a set.
func (l *Lot) storeRights(set *right.Set, signed wire.Signed) error {
	doc, err := json.Marshal(signed)
	if err != nil {
		return err
	}
	old := map[string]uint64{}
	if l.rights.set != nil {
		for _, e := range l.rights.set.Entries() {
			old[e.ID] = e.Number
		}
	}
	l.merge.Lock() // one writer of the store at a time
	defer l.merge.Unlock()
	return l.db.Update(func(tx *bbolt.Tx) error {
		if len(old) == 0 && tx.Bucket(rightsBucket) != nil { // of no use: they were not in force
			if err := tx.DeleteBucket(rightsBucket); err != nil {
				return err
			}
		}
		b, err := tx.CreateBucketIfNotExists(rightsBucket)
		if err != nil {
			return err
		}
		for _, e := range set.Entries() {
			number, had := old[e.ID]
			delete(old, e.ID)
			if had && number == e.Number {
				continue
			}
			v, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if err := b.Put([]byte(e.ID), v); err != nil {
				return err
			}
		}
		for id := range old { // a whole set brought no word of it
			if err := b.Delete([]byte(id)); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(rightsKey, doc)
	})
}

// loadRights puts the stored rights in force. Such as are not whole are not, and come anew: nobody is refused or let off by
// a list that cannot be trusted.
func (l *Lot) loadRights() error {
	var stored []byte
	var entries []right.Entry
	var faulty error
	err := l.db.View(func(tx *bbolt.Tx) error {
		stored = append(stored, tx.Bucket(metaBucket).Get(rightsKey)...)
		b := tx.Bucket(rightsBucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(_, v []byte) error {
			var e right.Entry
			faulty = errors.Join(faulty, json.Unmarshal(v, &e))
			entries = append(entries, e)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read rights: %w", err)
	}
	var r rights
	if stored != nil {
		if r, err = l.openRights(stored, entries); err != nil || faulty != nil {
			r, err = rights{}, errors.Join(err, faulty)
			l.o.Log.Error("stored rights are not in force", "err", err)
			l.o.Alarm(AlarmRights, "", true, err.Error())
		}
	}
	l.rights, l.intake = r, right.NewIntake(r.set, r.head)
	return nil
}

func (l *Lot) openRights(stored []byte, entries []right.Entry) (rights, error) {
	var signed wire.Signed
	if err := json.Unmarshal(stored, &signed); err != nil {
		return rights{}, fmt.Errorf("stored head: %w", err)
	}
	head, err := wire.OpenRights(signed, l.o.Lot, l.o.ConfigKey)
	if err != nil {
		return rights{}, err
	}
	set, err := (&right.Set{}).Apply(entries)
	if err == nil {
		err = head.Is(set)
	}
	if err != nil {
		return rights{}, err
	}
	return rights{set, head, signed}, nil
}

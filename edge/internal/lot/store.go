package lot

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// The store's buckets: facts/<author>/<seq> the records of the other authors, logs/<author> what is known of each,
// config the signed configuration in force, meta whose store it is.
var (
	factsBucket = []byte("facts")
	logsBucket  = []byte("logs")
	metaBucket  = []byte("meta")
	configKey   = []byte("config")
	toldKey     = []byte("told")
	lotKey      = []byte("lot")
	layoutKey   = []byte("layout")
)

// layout is the version of how the store lies on the disk: one digit under layoutKey; the first had none. A reader reads
// it and the two before; it refuses a newer one. testdata has a store of each that was released.
const layout = '1'

// logRow is how an author's log is remembered.
type logRow struct {
	Head   fact.Head `json:"head"`
	Key    []byte    `json:"key"`
	Closed bool      `json:"closed,omitempty"`
}

// ErrOwn says that it is the booth's own journal that cannot be read, not the store.
var ErrOwn = errors.New("the booth's own journal")

func (l *Lot) load() error {
	if err := l.prepare(); err != nil {
		return err
	}
	if err := l.loadRights(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.foldAll()
}

// foldAll folds what the store and the journal hold. The caller holds mu.
func (l *Lot) foldAll() error {
	if err := l.loadOthers(); err != nil {
		return err
	}
	if err := l.loadTold(); err != nil {
		return err
	}
	if err := l.loadOwn(); err != nil {
		return fmt.Errorf("%w: %w", ErrOwn, err)
	}
	for _, log := range l.logs {
		l.own.Observe(log.Head.HLC)
	}
	return nil
}

func (l *Lot) loadOwn() error {
	head := l.own.Head()
	if head.Seq == 0 {
		return nil
	}
	first, err := l.own.Records(0, 1)
	if err != nil || len(first) == 0 {
		return errors.Join(errors.New("it has no opening fact"), err)
	}
	f, err := fact.Unseal(first[0])
	if err != nil {
		return err
	}
	opened, err := fact.Decode[fact.Opened](&f)
	if err != nil {
		return err
	}
	l.logs[l.own.Author()] = exchange.Log{Key: opened.Key}
	return l.catchUp(head.Seq)
}

// prepare makes the buckets and reads the configuration.
func (l *Lot) prepare() error {
	var signed []byte
	fresh := false
	err := l.db.View(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		if m == nil {
			fresh = true
			return nil
		}
		if name := string(m.Get(lotKey)); name != l.o.Lot {
			return fmt.Errorf("it is the store of lot %s", name)
		}
		if v := m.Get(layoutKey); v != nil && (len(v) != 1 || v[0] > layout) {
			return fmt.Errorf("%w: layout %q, this release reads up to %q; install that release again", disk.ErrNewer, v, layout)
		}
		signed = append(signed, m.Get(configKey)...)
		return nil
	})
	if err != nil {
		return err
	}
	if fresh {
		return l.db.Update(func(tx *bbolt.Tx) error {
			for _, name := range [][]byte{factsBucket, logsBucket, metaBucket} {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			m := tx.Bucket(metaBucket)
			return errors.Join(m.Put(layoutKey, []byte{layout}), m.Put(lotKey, []byte(l.o.Lot)))
		})
	}
	if len(signed) == 0 {
		return nil
	}
	var s wire.Signed
	if err := json.Unmarshal(signed, &s); err != nil {
		return fmt.Errorf("stored configuration: %w", err)
	}
	c, err := wire.OpenConfig(s, l.o.ConfigKey)
	if err != nil {
		return fmt.Errorf("stored configuration: %w", err)
	}
	l.config = &configuration{s, c}
	return nil
}

// loadOthers folds what the store holds of the other authors. Each log is checked by its chain and its last signature.
func (l *Lot) loadOthers() error {
	rows := map[fact.Author]logRow{}
	err := l.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(logsBucket).ForEach(func(k, v []byte) error {
			var row logRow
			if err := json.Unmarshal(v, &row); err != nil {
				return fmt.Errorf("log of %s: %w", k, err)
			}
			rows[fact.Author(k)] = row
			return nil
		})
	})
	if err != nil {
		return err
	}
	for a, row := range rows {
		head := fact.Head{}
		for head.Seq < row.Head.Seq {
			var records []fact.Record
			err := l.db.View(func(tx *bbolt.Tx) (err error) {
				records, err = disk.Range(tx.Bucket(factsBucket).Bucket([]byte(a)), head.Seq, row.Head.Seq, exchange.MaxRecords)
				return err
			})
			if err != nil {
				return fmt.Errorf("log of %s: %w", a, err)
			}
			facts, next, err := fact.Follow(head, l.o.Lot, a, records, row.Key)
			if err != nil {
				return fmt.Errorf("log of %s: %w", a, err)
			}
			if len(facts) == 0 {
				return fmt.Errorf("%w: log of %s ends at %d, not at %d", disk.ErrDamaged, a, head.Seq, row.Head.Seq)
			}
			head = next
			l.fold(facts)
		}
		if head != row.Head {
			return fmt.Errorf("%w: log of %s has another end than was noted", disk.ErrDamaged, a)
		}
		l.logs[a] = exchange.Log{Head: head, Key: row.Key, Closed: row.Closed}
	}
	return nil
}

func putLog(tx *bbolt.Tx, a fact.Author, log exchange.Log) error {
	v, err := json.Marshal(logRow{log.Head, log.Key, log.Closed})
	if err != nil {
		return fmt.Errorf("encode log of %s: %w", a, err)
	}
	if err := tx.Bucket(logsBucket).Put([]byte(a), v); err != nil {
		return fmt.Errorf("store log of %s: %w", a, err)
	}
	return nil
}

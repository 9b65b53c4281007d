package lot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"lotkeeper/shared/wire"
)

// ErrOlder says that a configuration is older than the one in force.
var ErrOlder = errors.New("configuration is older than the one in force")

// Config returns the configuration in force. Its slices are shared: nobody changes them.
func (l *Lot) Config() (wire.Config, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.config == nil {
		return wire.Config{}, false
	}
	return l.config.config, true
}

// Signed returns the configuration in force as the cloud signed it, to hand on to a peer.
func (l *Lot) Signed() (wire.Signed, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.config == nil {
		return wire.Signed{}, false
	}
	return l.config.signed, true
}

// Configure puts a signed configuration in force, if it is of this lot and newer. The one that is in force already
// changes nothing and is no error; another of the same number is one.
func (l *Lot) Configure(s wire.Signed) error {
	c, err := wire.OpenConfig(s, l.o.ConfigKey)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	if c.Lot != l.o.Lot {
		return fmt.Errorf("configure: it is of lot %s", c.Lot)
	}
	l.merge.Lock() // one writer of the store at a time
	defer l.merge.Unlock()
	l.mu.RLock()
	now := l.config
	l.mu.RUnlock()
	if now != nil {
		switch {
		case c.Number < now.config.Number:
			return fmt.Errorf("configure: number %d: %w (%d)", c.Number, ErrOlder, now.config.Number)
		case c.Number == now.config.Number && bytes.Equal(s.Document, now.signed.Document):
			return nil
		case c.Number == now.config.Number:
			return fmt.Errorf("configure: two configurations carry number %d", c.Number)
		}
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	err = l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(configKey, doc) })
	if err != nil {
		return fmt.Errorf("configure: store number %d: %w", c.Number, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config = &configuration{s, c}
	l.tell(Changes{Config: true})
	l.o.Log.Info("configuration in force", "number", c.Number)
	return nil
}

package console

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"
)

// Operator is a person who may act at the booth.
type Operator struct {
	Name string `yaml:"name" json:"name"`
	Hash string `yaml:"hash" json:"hash"` // argon2id of the person's code, as `lotkeeper-edge operator` prints it
}

// The door's rules.
const (
	stayFor   = 12 * time.Hour
	failures  = 5 // wrong codes for a name, and then it waits …
	waitAfter = time.Minute
	maxNames  = 256
	maxIn     = 64
)

// HashCode hashes an operator's code.
func HashCode(code string) (string, error) {
	if len(code) < 6 || len(code) > 100 {
		return "", errors.New("a code has 6 to 100 characters")
	}
	h, err := argon2id.CreateHash(code, &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		return "", fmt.Errorf("hash code: %w", err)
	}
	return h, nil
}

// door lets operators in and knows who is in. Sessions live as long as the agent: after a restart one signs in again.
type door struct {
	operators map[string]string
	dummy     string // compared for unknown names, so that they take as long
	now       func() time.Time
	random    io.Reader
	slow      sync.Mutex // one hash at a time: a booth has a small machine

	mu    sync.Mutex
	in    map[[32]byte]entry
	tries map[string]try
}

type entry struct {
	name string
	till time.Time
}

type try struct {
	wrong int
	till  time.Time
}

var (
	errWrong = errors.New("name or code is wrong")
	errWait  = errors.New("too many wrong codes")
)

// CheckOperators says what is wrong with a list of operators.
func CheckOperators(ops []Operator) error {
	var faults []error
	seen := map[string]bool{}
	for _, o := range ops {
		if _, _, _, err := argon2id.DecodeHash(o.Hash); err != nil || o.Name == "" {
			faults = append(faults, fmt.Errorf("operator %q: the hash is not an argon2id hash", o.Name))
		}
		if seen[o.Name] {
			faults = append(faults, fmt.Errorf("operator %q stands twice", o.Name))
		}
		seen[o.Name] = true
	}
	return errors.Join(faults...)
}

func newDoor(ops []Operator, now func() time.Time, random io.Reader) (*door, error) {
	d := &door{operators: map[string]string{}, now: now, random: random, in: map[[32]byte]entry{}, tries: map[string]try{}}
	if err := CheckOperators(ops); err != nil {
		return nil, err
	}
	for _, o := range ops {
		d.operators[o.Name] = o.Hash
		d.dummy = o.Hash
	}
	return d, nil
}

// signIn checks a name and code and returns a token.
func (d *door) signIn(name, code string) (string, time.Time, error) {
	d.slow.Lock()
	defer d.slow.Unlock()
	now := d.now()
	if !d.may(name, now) {
		return "", time.Time{}, errWait
	}
	hash, known := d.operators[name]
	if !known {
		hash = d.dummy
	}
	ok := false
	if hash != "" && len(code) <= 100 {
		match, err := argon2id.ComparePasswordAndHash(code, hash)
		ok = err == nil && match && known
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !ok {
		if len(d.tries) >= maxNames {
			clear(d.tries)
		}
		d.tries[name] = try{d.tries[name].wrong + 1, now.Add(waitAfter)}
		return "", time.Time{}, errWrong
	}
	delete(d.tries, name)
	var raw [32]byte
	if _, err := io.ReadFull(d.random, raw[:]); err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	till := now.Add(stayFor)
	d.sweep(now)
	d.in[sha256.Sum256([]byte(token))] = entry{name, till}
	return token, till, nil
}

func (d *door) may(name string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tries[name]
	if t.wrong >= failures && now.Before(t.till) {
		return false
	}
	if t.wrong >= failures {
		delete(d.tries, name)
	}
	return true
}

// sweep forgets who has left, and the earliest when there are too many.
func (d *door) sweep(now time.Time) {
	var first [32]byte
	var till time.Time
	for k, e := range d.in {
		if !now.Before(e.till) {
			delete(d.in, k)
		} else if till.IsZero() || e.till.Before(till) {
			first, till = k, e.till
		}
	}
	if len(d.in) >= maxIn {
		delete(d.in, first)
	}
}

// who returns the operator that a token was given to, and until when.
func (d *door) who(token string) (entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.in[sha256.Sum256([]byte(token))]
	if !ok || !d.now().Before(e.till) {
		return entry{}, false
	}
	return e, true
}

func (d *door) signOut(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.in, sha256.Sum256([]byte(token)))
}

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

	"lotkeeper/shared/wire"
)

// Operator is a person who may act at the booth, named in the booth's own file. Such a person may do everything, until the
// lot's configuration names staff: from then on only these are known.
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
	operators map[string]string   // of the booth's file
	staff     func() []wire.Staff // of the configuration in force
	dummy     string              // compared for unknown names, so that they take as long
	now       func() time.Time
	random    io.Reader
	slow      sync.Mutex // one hash at a time: a booth has a small machine

	mu    sync.Mutex
	in    map[[32]byte]entry
	tries map[string]try
}

type entry struct {
	name   string
	hash   string // of the code that let the person in: with a new code one signs in again
	till   time.Time
	rights []wire.StaffRight // filled by who
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

func newDoor(ops []Operator, staff func() []wire.Staff, now func() time.Time, random io.Reader) (*door, error) {
	d := &door{operators: map[string]string{}, staff: staff, now: now, random: random, in: map[[32]byte]entry{}, tries: map[string]try{}}
	if err := CheckOperators(ops); err != nil {
		return nil, err
	}
	for _, o := range ops {
		d.operators[o.Name] = o.Hash
		d.dummy = o.Hash
	}
	return d, nil
}

// account returns a person's hash and rights; ok is false for who is not known. A hash for comparison comes also then.
func (d *door) account(name string) (hash string, rights []wire.StaffRight, ok bool) {
	staff := d.staff()
	for _, s := range staff {
		if s.Name == name {
			return s.Hash, s.Rights, true
		}
	}
	if len(staff) > 0 {
		return staff[0].Hash, nil, false
	}
	if hash, ok = d.operators[name]; ok {
		return hash, wire.StaffRights(), true
	}
	return d.dummy, nil, false
}

// signIn checks a name and code and returns a token.
func (d *door) signIn(name, code string) (string, time.Time, error) {
	if err := d.check(name, code); err != nil {
		return "", time.Time{}, err
	}
	return d.admit(name)
}

// check compares a person's code.
func (d *door) check(name, code string) error {
	d.slow.Lock()
	defer d.slow.Unlock()
	now := d.now()
	if !d.may(name, now) {
		return errWait
	}
	hash, _, known := d.account(name)
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
		return errWrong
	}
	delete(d.tries, name)
	return nil
}

// admit gives a person whose code was checked a token.
func (d *door) admit(name string) (string, time.Time, error) {
	hash, _, _ := d.account(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	var raw [32]byte
	if _, err := io.ReadFull(d.random, raw[:]); err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	till := now.Add(stayFor)
	d.sweep(now)
	d.in[sha256.Sum256([]byte(token))] = entry{name: name, hash: hash, till: till}
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

// who returns the operator that a token was given to, until when, and what the person may do now: a change of the
// configuration counts at once.
func (d *door) who(token string) (entry, bool) {
	d.mu.Lock()
	e, ok := d.in[sha256.Sum256([]byte(token))]
	d.mu.Unlock()
	if !ok || !d.now().Before(e.till) {
		return entry{}, false
	}
	hash, rights, known := d.account(e.name)
	if !known || hash != e.hash {
		return entry{}, false
	}
	e.rights = rights
	return e, true
}

func (d *door) signOut(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.in, sha256.Sum256([]byte(token)))
}

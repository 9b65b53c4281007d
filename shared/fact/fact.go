// Package fact holds the one thing that is stored and sent in Lotkeeper: a fact, something that happened in a lot and
// cannot be refused. Everything else (sessions, tables, screens, totals) is a fold of facts.
//
// Invariants:
//   - a fact is named by (lot, author, seq); an author numbers its facts 1, 2, 3, … with no gap;
//   - each fact carries the hash of the exact bytes of its author's fact before it, so a log cannot be edited;
//   - the bytes are made once, by the author, and every hop stores and sends those bytes;
//   - personal fields (plates) stand in a salted hidden part of which the chain covers only the hash: erasing them
//     leaves the chain whole;
//   - the author signs the hash of every fact, so a relay can cut the log anywhere and the receiver still knows whose
//     word it is.
package fact

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Author is one incarnation of a booth or of the cloud: 16 letters and digits, minted with its log and never reused.
type Author string

// Valid reports whether a has the form of an author id.
func (a Author) Valid() bool {
	if len(a) != 16 {
		return false
	}
	for _, c := range []byte(a) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// ID names a fact within its lot. Its text form is "author.seq". The zero ID names nothing.
type ID struct {
	Author Author
	Seq    uint64
}

// String returns "author.seq", or "" for the zero ID.
func (id ID) String() string {
	if id == (ID{}) {
		return ""
	}
	return string(id.Author) + "." + strconv.FormatUint(id.Seq, 10)
}

// ParseID reads "author.seq".
func ParseID(s string) (ID, error) {
	a, n, ok := strings.Cut(s, ".")
	seq, err := strconv.ParseUint(n, 10, 64)
	id := ID{Author(a), seq}
	if !ok || err != nil || seq == 0 || !id.Author.Valid() || id.String() != s {
		return ID{}, fmt.Errorf("fact id %.40q is not of the form author.seq", s)
	}
	return id, nil
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids by author, then seq.
func (id ID) Compare(other ID) int {
	if c := strings.Compare(string(id.Author), string(other.Author)); c != 0 {
		return c
	}
	switch {
	case id.Seq < other.Seq:
		return -1
	case id.Seq > other.Seq:
		return 1
	}
	return 0
}

// MarshalText writes the text form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form; empty text is the zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	v, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// Kind says what happened; kinds.go lists those this release understands. A kind it does not know is stored, sent and
// passed over by the fold.
type Kind string

// Fact is a decoded fact: the envelope, and the body and hidden part still as JSON.
type Fact struct {
	Lot    string          `json:"lot"`
	Author Author          `json:"author"`
	Seq    uint64          `json:"seq"`
	HLC    HLC             `json:"hlc"`
	At     time.Time       `json:"at"`     // when it happened, by Source's clock; UTC, milliseconds
	Source string          `json:"source"` // whose clock At is on: "booth", "cloud" or a device's id
	Boot   string          `json:"boot"`   // which run of the author's process, and of its clock, wrote it
	Mono   int64           `json:"mono"`   // nanoseconds of that run's monotonic clock
	Kind   Kind            `json:"kind"`
	V      int             `json:"v"` // version of the body's shape
	Refs   []ID            `json:"refs,omitempty"`
	Body   json.RawMessage `json:"body"`
	Hidden *Hash           `json:"hidden,omitempty"` // hash of the hidden part; absent when there is none
	Prev   Hash            `json:"prev"`             // hash of the author's fact before this; zero for seq 1

	// Private is the hidden part's data, nil when there is none or it was erased. It is not in the public bytes.
	Private json.RawMessage `json:"-"`
}

// ID returns the fact's name.
func (f *Fact) ID() ID { return ID{f.Author, f.Seq} }

// Draft is what an author wants to say, before it is numbered, chained and signed.
type Draft struct {
	At     time.Time
	Source string
	Kind   Kind
	V      int // 0 means 1
	Refs   []ID
	Boot   string // whose clock's run At is on, when it may have ended since; "" means the writer's present one
	Body   any    // encoded with encoding/json
	Hidden any    // the personal part; nil when there is none
}

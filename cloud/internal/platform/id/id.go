// Package id makes and types the identifiers of things that the cloud creates.
//
// An id is a short prefix that names the kind, a dash, and a ULID: 48 bits of milliseconds and
// 80 random bits in 26 characters of Crockford's base 32, lower case; that is also a valid name in a topic. Ids sort by the time they were made,
// need no counter, and are safe as JSON strings (a bigint above 2^53 is not). What a booth creates (sessions,
// facts, bills) carries the booth's own ids and is not made here.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// The typed ids that more than one feature speaks of. A feature may alias its own (type ID = id.Lot).
type (
	// Operator is a tenant: a company that runs lots.
	Operator string
	// User is a person who can sign in.
	User string
	// Lot is a managed place to park.
	Lot string
	// Booth is a controller box that runs an edge agent. It is also the CN of the booth's certificate.
	Booth string
)

// Prefixes of the ids made by the cloud.
const (
	PrefixOperator = "op"
	PrefixUser     = "usr"
	PrefixLot      = "lot"
	PrefixBooth    = "bth"
	PrefixTariff   = "trf" // of an operator's library; a lot's own tariffs have free names
)

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// New returns prefix + "-" + ULID for the time given. The prefix is 2 to 5 lower-case letters.
func New(prefix string, at time.Time) string {
	var raw [16]byte
	ms := uint64(max(at.UnixMilli(), 0))
	binary.BigEndian.PutUint64(raw[:8], ms<<16)
	if _, err := rand.Read(raw[6:]); err != nil {
		panic(fmt.Sprintf("id: the system has no randomness: %v", err)) // crypto/rand never returns an error since Go 1.24
	}
	var b strings.Builder
	b.Grow(len(prefix) + 27)
	b.WriteString(prefix)
	b.WriteByte('-')
	encode(&b, raw)
	return b.String()
}

// encode writes the 128 bits as 26 digits of five bits, the first of which holds three.
func encode(b *strings.Builder, raw [16]byte) {
	hi := binary.BigEndian.Uint64(raw[:8])
	lo := binary.BigEndian.Uint64(raw[8:])
	for i := 25; i >= 0; i-- {
		shift := uint(i * 5)
		var digit uint64
		switch {
		case shift >= 64:
			digit = hi >> (shift - 64)
		case shift > 59:
			digit = lo>>shift | hi<<(64-shift)
		default:
			digit = lo >> shift
		}
		b.WriteByte(alphabet[digit&31])
	}
}

// Valid reports whether s has the shape of an id with the prefix given.
func Valid(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix+"-")
	if !ok || len(rest) != 26 || rest[0] > '7' {
		return false
	}
	for i := range len(rest) {
		if strings.IndexByte(alphabet, rest[i]) < 0 {
			return false
		}
	}
	return true
}

package receipt

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"lotkeeper/shared/fact"
)

// MaxText bounds a text: what a scanner reads may be anything.
const MaxText = 1000

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

func hasPrefix(text, prefix string) bool { return strings.HasPrefix(strings.TrimSpace(text), prefix) }

func seal(prefix, domain string, payload []byte, key ed25519.PrivateKey) string {
	sig := ed25519.Sign(key, append([]byte(domain), payload...))
	return prefix + encoding.EncodeToString(append(payload, sig...))
}

// unseal returns the payload of a text whose signature is right.
func unseal(text, prefix, domain string, keyOf func(payload []byte) ed25519.PublicKey) ([]byte, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	if !ok || len(body) > MaxText {
		return nil, ErrForm
	}
	b, err := encoding.DecodeString(body)
	if err != nil || len(b) <= ed25519.SignatureSize || encoding.EncodeToString(b) != body {
		return nil, ErrForm
	}
	payload, sig := b[:len(b)-ed25519.SignatureSize], b[len(b)-ed25519.SignatureSize:]
	key := keyOf(payload)
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, append([]byte(domain), payload...), sig) {
		return nil, ErrForged
	}
	return payload, nil
}

// writer makes a payload. Texts carry their length, numbers are varints, times are Unix seconds, an author is its ten
// bytes.
type writer struct {
	b   []byte
	err error
}

func (w *writer) raw(b []byte) { w.b = append(w.b, b...) }

func (w *writer) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) text(s string) {
	if len(s) > maxPart {
		w.err = errors.Join(w.err, fmt.Errorf("%.20q… is longer than %d bytes", s, maxPart))
		return
	}
	w.number(uint64(len(s)))
	w.raw([]byte(s))
}

func (w *writer) time(t time.Time) { w.number(uint64(max(t.Unix(), 0))) }

func (w *writer) id(id fact.ID) {
	b, err := authors.DecodeString(string(id.Author))
	if err != nil || len(b) != authorBytes {
		w.err = errors.Join(w.err, fmt.Errorf("author %.20q", id.Author))
		return
	}
	w.raw(b)
	w.number(id.Seq)
}

// authors are written with base32's small letters.
var authors = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const (
	authorBytes = 10
	maxPart     = 64
	maxSeconds  = 1 << 40
)

// reader takes a payload apart. After the first fault everything is zero.
type reader struct {
	b   []byte
	err error
}

var errShort = errors.New("it ends too early")

func (r *reader) raw(n int) []byte {
	if r.err != nil || n > len(r.b) {
		r.err = errors.Join(r.err, errShort)
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.err != nil || n <= 0 || n > 1 && r.b[n-1] == 0 { // a longer form of the same number is none
		r.err = errors.Join(r.err, errShort)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string {
	n := r.number()
	if n > maxPart {
		r.err = errors.Join(r.err, errShort)
		return ""
	}
	s := string(r.raw(int(n)))
	if !utf8.ValidString(s) {
		r.err = errors.Join(r.err, errors.New("it is not UTF-8"))
	}
	return s
}

func (r *reader) time() time.Time {
	n := r.number()
	if n > maxSeconds {
		r.err = errors.Join(r.err, errors.New("a time is out of range"))
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

func (r *reader) id() fact.ID {
	a := authors.EncodeToString(r.raw(authorBytes))
	return fact.ID{Author: fact.Author(a), Seq: r.number()}
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		return errors.New("it goes on after its end")
	}
	return r.err
}

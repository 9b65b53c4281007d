package fact

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Retold carries a fact of an incarnation that ended, in that author's own bytes. It is how a booth tells again what
// nobody can take from the ended log any more, because a number is missing before it or because the log forked there.
// The fold takes what it carries under its own id, so a fact that comes both ways counts once.
type Retold struct {
	Public []byte `json:"public"`
	Sig    []byte `json:"sig"`
	// Fork is the number at which the log parted from another one by the same author; 0 when it did not. From there on
	// the same ids name other facts, so these are of an author of their own: see [Tell].
	Fork  uint64 `json:"fork,omitempty"`
	Other Author `json:"other,omitempty"` // that author
}

// retoldHidden is the hidden part of a [Retold].
type retoldHidden struct {
	Private []byte `json:"private"`
}

// Branch names the author that a fork's facts are told under: it is made of the first record that differs.
func Branch(first Record) Author {
	h := sha256.Sum256(append([]byte("lotkeeper branch 1\n"), first.Public...))
	return Author(strings.ToLower(base32.StdEncoding.EncodeToString(h[:10])))
}

// Tell drafts a [Retold] of a record. fork and other are zero when the log did not fork. Its Refs are the fact's id and
// the fact's own refs, so that who looks for facts about an observation finds it.
func Tell(r Record, fork uint64, other Author) (Draft, error) {
	body := Retold{Public: r.Public, Sig: r.Sig, Fork: fork, Other: other}
	inner, err := open(r, body)
	if err != nil {
		return Draft{}, fmt.Errorf("tell again: %w", err)
	}
	refs := append([]ID{inner.ID()}, inner.Refs...)
	d := Draft{At: inner.At, Source: "booth", Kind: KindRetold, Refs: refs[:min(len(refs), MaxRefs)], Body: body}
	if len(r.Private) > 0 {
		d.Hidden = retoldHidden{r.Private}
	}
	return d, nil
}

// Told returns the fact that a [KindRetold] fact carries.
func Told(f *Fact) (Fact, error) {
	body, err := Decode[Retold](f)
	if err != nil {
		return Fact{}, err
	}
	var h retoldHidden
	if len(f.Private) > 0 {
		if err := json.Unmarshal(f.Private, &h); err != nil {
			return Fact{}, fmt.Errorf("hidden part of %s %s: %w", f.Kind, f.ID(), err)
		}
	}
	inner, err := open(Record{Public: body.Public, Private: h.Private, Sig: body.Sig}, body)
	if err != nil {
		return Fact{}, fmt.Errorf("what %s tells again: %w", f.ID(), err)
	}
	if inner.Lot != f.Lot {
		return Fact{}, fmt.Errorf("what %s tells again is of another lot", f.ID())
	}
	return inner, nil
}

// open decodes what is told again, under the names that it has now.
func open(r Record, body Retold) (Fact, error) {
	f, err := Unseal(r)
	switch {
	case err != nil:
		return Fact{}, err
	case f.Kind == KindRetold || f.Kind == KindOpened:
		return Fact{}, fmt.Errorf("%s is never told again", f.Kind)
	case (body.Fork > 0) != (body.Other != ""), body.Other != "" && !body.Other.Valid(), body.Fork > f.Seq:
		return Fact{}, errors.New("fork and the other author do not fit")
	}
	if body.Fork == 0 {
		return f, nil
	}
	from := f.Author
	for i, id := range f.Refs {
		if id.Author == from && id.Seq >= body.Fork {
			f.Refs[i].Author = body.Other
		}
	}
	f.Body = rename(f.Body, from, body.Fork, body.Other)
	f.Author = body.Other
	return f, nil
}

// rename gives the ids in a body that name facts from a number on their new author. Both have the same length.
func rename(body []byte, from Author, since uint64, to Author) []byte {
	out := bytes.Clone(body)
	mark := []byte(`"` + string(from) + `.`)
	for at := 0; ; {
		i := bytes.Index(out[at:], mark)
		if i < 0 {
			return out
		}
		i += at
		at = i + len(mark)
		digits, _, ok := bytes.Cut(out[at:], []byte(`"`))
		if n, err := strconv.ParseUint(string(digits), 10, 64); ok && err == nil && n >= since {
			copy(out[i+1:], to)
		}
	}
}

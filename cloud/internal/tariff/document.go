package tariff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lotkeeper/cloud/internal/platform/fault"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/strict"
)

// decode reads a document as a version of a tariff. Its own id and version, right, wrong or absent, do not count: they
// are the library's to give. What is wrong comes as ErrInvalid with a detail for each place.
func decode(text string, which ID, version int) (engine.Tariff, error) {
	t, err := engine.Decode([]byte(text))
	if err != nil {
		own := func(f strict.Fault) bool { return f.Place == "id" || f.Place == "version" }
		if bad := slices.DeleteFunc(strict.In(err), own); len(bad) > 0 {
			return engine.Tariff{}, told(ErrInvalid, place, bad)
		}
		named, err := identified(text, which, version)
		if err != nil {
			return engine.Tariff{}, err
		}
		if t, err = engine.Decode(named); err != nil {
			return engine.Tariff{}, told(ErrInvalid, place, strict.In(err)).Wrap(err)
		}
	}
	t.ID, t.Version = string(which), version
	return t, nil
}

// told is an error that has the engine's faults as its details; where says where in the request a place is.
func told(e *fault.Error, where func(place string) string, faults strict.Faults) *fault.Error {
	details := make([]fault.Detail, len(faults))
	for i, f := range faults {
		details[i] = fault.Detail{Where: where(f.Place), ZH: f.ZH(), EN: f.EN()}
	}
	return detailed(e, details)
}

// detailed is a fault with many details, of which each With would copy all before it.
func detailed(e *fault.Error, details []fault.Detail) *fault.Error {
	c := *e
	c.Details = details
	return &c
}

// identified gives a document an id and a version.
func identified(text string, which ID, version int) ([]byte, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	var err error
	if keys["id"], err = json.Marshal(which); err != nil {
		return nil, fmt.Errorf("write the id: %w", err)
	}
	if keys["version"], err = json.Marshal(version); err != nil {
		return nil, fmt.Errorf("write the version: %w", err)
	}
	return json.Marshal(keys)
}

// place is where a fault of a document is, in a problem's details.
func place(within string) string {
	if within == "" {
		return "document"
	}
	return "document." + within
}

// encode writes a document as it is published: equal tariffs give equal bytes.
func encode(t engine.Tariff) (string, error) {
	doc, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode tariff %s: %w", t.ID, err)
	}
	if bytes.Contains(doc, []byte(`\u0000`)) {
		return "", ErrInvalid.With(place(""), "含有不允许的字符", "holds a character that is not allowed")
	}
	return string(doc), nil
}

// nameOf is the name that a text gives, as far as it can be read.
func nameOf(text string) (name engine.Text) {
	var doc struct {
		Name json.RawMessage `json:"name"`
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		return engine.Text{}
	}
	var both string
	if json.Unmarshal(doc.Name, &both) == nil {
		return engine.Text{ZH: both, EN: both}
	}
	if json.Unmarshal(doc.Name, &name) != nil {
		return engine.Text{}
	}
	return name
}

// orName is the name given, or else the text's.
func orName(name engine.Text, text string) engine.Text {
	if name == (engine.Text{}) {
		return nameOf(text)
	}
	return name
}

// renamed gives a document another name; a text that cannot be read stays as it is.
func renamed(text string, name engine.Text) string {
	var keys map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &keys) != nil {
		return text
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return text
	}
	keys["name"] = quoted
	delete(keys, "id")
	delete(keys, "version")
	out, err := json.Marshal(ordered(keys))
	if err != nil {
		return text
	}
	var b bytes.Buffer
	if json.Indent(&b, out, "", "  ") != nil {
		return text
	}
	return b.String()
}

// ordered writes a document's keys in the order that people write them in.
func ordered(keys map[string]json.RawMessage) json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	write := func(k string) {
		if v, ok := keys[k]; ok {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			quoted, err := json.Marshal(k)
			if err != nil { // a string
				return
			}
			b.Write(quoted)
			b.WriteByte(':')
			b.Write(v)
			delete(keys, k)
		}
	}
	for _, k := range []string{"name", "tz", "currency", "precision", "plans", "rounding", "grace_after_payment"} {
		write(k)
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		write(k)
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}

// starter is a small tariff to begin with: fifteen minutes free, then ¥5 an hour, at most ¥40 in 24 hours.
func starter(name engine.Text) string {
	return renamed(`{"tz":"Asia/Shanghai","currency":"CNY","grace_after_payment":900,"plans":[{"id":"all",
		"free":{"up_to":900,"inclusive":true,"then":"whole"},
		"bands":[{"id":"all-day","steps":[{"unit":3600,"price":500}]}],
		"caps":[{"amount":4000,"window":"block","length":86400}]}]}`, name)
}

// view is what an audit row tells of a tariff. Of a draft it tells the hash: a draft has no effect, and may be long.
func view(t Tariff) map[string]any {
	v := map[string]any{"name": t.Name, "number": t.Number, "latest": t.Latest, "archived": t.ArchivedAt != nil}
	if t.Draft != nil {
		sum := sha256.Sum256([]byte(t.Draft.Text))
		v["draft_sha256"] = hex.EncodeToString(sum[:])
	}
	return v
}

// within takes the document's name off a place.
func within(where string) string {
	return strings.TrimPrefix(strings.TrimPrefix(where, "document"), ".")
}

package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Faults collects everything that is wrong with a settings document, so that an installer sees it in one go.
type Faults []string

// Add notes a fault.
func (f *Faults) Add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// Err is nil when there are no faults, else an error that lists them all.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return errors.New("settings: " + strings.Join(f, "; "))
}

// Decode fills the struct that into points to from a JSON object. Unknown keys and values of a wrong type become faults,
// one each; what is right is filled in all the same, so that validation can go on.
func (f *Faults) Decode(settings json.RawMessage, into any) {
	var doc map[string]json.RawMessage
	if len(bytes.TrimSpace(settings)) == 0 {
		settings = json.RawMessage("{}")
	}
	if err := json.Unmarshal(settings, &doc); err != nil || doc == nil {
		f.Add("not a JSON object: %v", err)
		return
	}
	fields := map[string]reflect.Value{}
	target := reflect.ValueOf(into).Elem()
	for _, field := range reflect.VisibleFields(target.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" && field.IsExported() {
			fields[name] = target.FieldByIndex(field.Index)
		}
	}
	keys := make([]string, 0, len(doc))
	for k := range doc {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		field, ok := fields[k]
		if !ok {
			f.Add("unknown key %q", k)
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(doc[k]))
		dec.DisallowUnknownFields()
		if err := dec.Decode(field.Addr().Interface()); err != nil {
			f.Add("%q: %v", k, err)
		}
	}
}

// Duration is a time span that settings write as text: "500ms", "2s".
type Duration time.Duration

// UnmarshalJSON reads the text form; a bare number is refused, because nobody knows its unit.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New(`a duration is text such as "500ms"`)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 500ms", s)
	}
	*d = Duration(v)
	return nil
}

// MarshalJSON writes the text form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// Or is the duration, or other when it is zero.
func (d Duration) Or(other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return time.Duration(d)
}

// Check completes what every adapter must have.
func (e Env) Check() error {
	if e.Log == nil || e.Now == nil {
		return errors.New("an adapter needs a logger and a clock")
	}
	return nil
}

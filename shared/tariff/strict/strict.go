// Package strict reads configuration in JSON and lists every fault with its place, so that a person who wrote a
// tariff by hand mends it in one round.
//
// It is stricter than encoding/json: unknown keys, keys given twice, keys in another case, null, and anything after
// the value are faults. Types may read themselves through json.Unmarshaler or encoding.TextUnmarshaler.
package strict

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Fault is one thing wrong at one place, such as "plans[0].bands[1].to".
type Fault struct{ Place, Text string }

func (f Fault) String() string {
	if f.Place == "" {
		return f.Text
	}
	return f.Place + ": " + f.Text
}

// Faults collects faults. It is an error whose text has one line per fault.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Addf notes a fault.
func (f *Faults) Addf(place, format string, args ...any) {
	*f = append(*f, Fault{place, fmt.Sprintf(format, args...)})
}

// Under adds what was found inside place. A place that has a fault already gets no second one: what could not be read
// was told, and needs no telling that it is missing.
func (f *Faults) Under(place string, found Faults) {
	known := *f
	for _, fault := range found {
		switch {
		case place == "":
		case strings.HasPrefix(fault.Place, "[") || fault.Place == "":
			fault.Place = place + fault.Place
		default:
			fault.Place = place + "." + fault.Place
		}
		if !slices.ContainsFunc(known, func(k Fault) bool { return k.Place == fault.Place }) {
			*f = append(*f, fault)
		}
	}
}

// Err is nil when nothing was noted.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Short is a struct that may also be written as one string.
type Short interface{ ReadShort(text string) }

// Unmarshal reads one JSON value into the struct that target points to and returns every fault. What could be read is
// in target even then, so that the caller's own checks can add to the list. It panics if target is no pointer.
func Unmarshal(data []byte, target any) Faults {
	var faults Faults
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		faults.Addf("", "not JSON: %s", syntax(data, err))
		return faults
	}
	read(whole, "", reflect.ValueOf(target).Elem(), &faults)
	return faults
}

// syntax adds the line to a decoder's complaint.
func syntax(data []byte, err error) string {
	var s *json.SyntaxError
	if !errors.As(err, &s) || s.Offset > int64(len(data)) {
		return err.Error()
	}
	return fmt.Sprintf("line %d: %s", 1+bytes.Count(data[:s.Offset], []byte("\n")), err)
}

func read(raw json.RawMessage, place string, v reflect.Value, faults *Faults) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		faults.Addf(place, "null is no value: leave the key out")
		return
	}
	switch target := v.Addr().Interface().(type) {
	case json.Unmarshaler:
		if err := target.UnmarshalJSON(raw); err != nil {
			faults.Addf(place, "%s", err)
		}
		return
	case encoding.TextUnmarshaler:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			faults.Addf(place, "want a string, got %s", brief(raw))
		} else if err := target.UnmarshalText([]byte(text)); err != nil {
			faults.Addf(place, "%s", err)
		}
		return
	}
	if short, ok := v.Addr().Interface().(Short); ok && len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			faults.Addf(place, "want a string, got %s", brief(raw))
			return
		}
		short.ReadShort(text)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		read(raw, place, v.Elem(), faults)
	case reflect.Struct:
		readStruct(raw, place, v, faults)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		object(raw, place, faults, func(key string, value json.RawMessage, at string) {
			k, e := reflect.New(v.Type().Key()), reflect.New(v.Type().Elem())
			if text, ok := k.Interface().(encoding.TextUnmarshaler); ok {
				if err := text.UnmarshalText([]byte(key)); err != nil {
					faults.Addf(at, "%s", err)
					return
				}
			} else {
				k.Elem().SetString(key)
			}
			read(value, at, e.Elem(), faults)
			v.SetMapIndex(k.Elem(), e.Elem())
		})
	case reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			faults.Addf(place, "want a list, got %s", brief(raw))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			read(item, fmt.Sprintf("%s[%d]", place, i), v.Index(i), faults)
		}
	default:
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			faults.Addf(place, "want %s, got %s", kindName(v.Kind()), brief(raw))
		}
	}
}

func readStruct(raw json.RawMessage, place string, v reflect.Value, faults *Faults) {
	fields, known := map[string]int{}, []string{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = i
			known = append(known, name)
		}
	}
	object(raw, place, faults, func(key string, value json.RawMessage, at string) {
		i, ok := fields[key]
		if !ok {
			faults.Addf(at, "no such key; there are %s", strings.Join(known, ", "))
			return
		}
		read(value, at, v.Field(i), faults)
	})
}

// object calls member for each key of a JSON object, once.
func object(raw json.RawMessage, place string, faults *Faults, member func(key string, value json.RawMessage, at string)) {
	if len(raw) == 0 || raw[0] != '{' {
		faults.Addf(place, "want an object, got %s", brief(raw))
		return
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		faults.Addf(place, "%s", err)
		return
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		key, isString := token.(string)
		var value json.RawMessage
		if err == nil && isString {
			err = d.Decode(&value)
		}
		if err != nil {
			faults.Addf(place, "%s", err)
			return
		}
		at := key
		if place != "" {
			at = place + "." + key
		}
		if seen[key] {
			faults.Addf(at, "given twice")
			continue
		}
		seen[key] = true
		member(key, value, at)
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	}
	return k.String()
}

func brief(raw []byte) string {
	const most = 40
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}

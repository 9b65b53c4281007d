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
	"strconv"
	"strings"

	"lotkeeper/shared/money"
)

// Short is a struct that may also be written as one string.
type Short interface{ ReadShort(text string) }

// Unmarshal reads one JSON value into the struct that target points to and returns every fault. What could be read is
// in target even then, so that the caller's own checks can add to the list. It panics if target is no pointer.
func Unmarshal(data []byte, target any) Faults {
	var faults Faults
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		line, why := syntax(data, err)
		faults.Add("", NotJSON, line, why)
		return faults
	}
	read(whole, "", reflect.ValueOf(target).Elem(), &faults)
	return faults
}

// syntax is the line of a decoder's complaint, and the complaint.
func syntax(data []byte, err error) (line int, why string) {
	var s *json.SyntaxError
	if errors.As(err, &s) && s.Offset <= int64(len(data)) {
		data = data[:s.Offset]
	}
	return 1 + bytes.Count(data, []byte("\n")), err.Error()
}

func read(raw json.RawMessage, place string, v reflect.Value, faults *Faults) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		faults.Add(place, Null)
		return
	}
	switch target := v.Addr().Interface().(type) {
	case json.Unmarshaler:
		if err := target.UnmarshalJSON(raw); err != nil {
			faults.unread(place, raw, v, err)
		}
		return
	case encoding.TextUnmarshaler:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			faults.Add(place, WrongType, aString, brief(raw))
		} else if err := target.UnmarshalText([]byte(text)); err != nil {
			faults.unread(place, raw, v, err)
		}
		return
	}
	if short, ok := v.Addr().Interface().(Short); ok && len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			faults.Add(place, WrongType, aString, brief(raw))
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
					faults.unread(at, []byte(strconv.Quote(key)), k.Elem(), err)
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
			faults.Add(place, WrongType, aList, brief(raw))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			read(item, fmt.Sprintf("%s[%d]", place, i), v.Index(i), faults)
		}
	default:
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			faults.Add(place, WrongType, typeWords(v.Kind()), brief(raw))
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
			faults.Add(at, NoSuchKey, Words{strings.Join(known, "、"), strings.Join(known, ", ")})
			return
		}
		read(value, at, v.Field(i), faults)
	})
}

// object calls member for each key of a JSON object, once.
func object(raw json.RawMessage, place string, faults *Faults, member func(key string, value json.RawMessage, at string)) {
	if len(raw) == 0 || raw[0] != '{' {
		faults.Add(place, WrongType, anObject, brief(raw))
		return
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		faults.Add(place, Unreadable, brief(raw), err.Error())
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
			faults.Add(place, Unreadable, brief(raw), err.Error())
			return
		}
		at := key
		if place != "" {
			at = place + "." + key
		}
		if seen[key] {
			faults.Add(at, Twice)
			continue
		}
		seen[key] = true
		member(key, value, at)
	}
}

// unread notes why a type could not read itself: as it tells it, or else as can be told of any.
func (f *Faults) unread(place string, raw []byte, v reflect.Value, err error) {
	_, price := v.Addr().Interface().(*money.Rat)
	switch told := In(err); {
	case len(told) > 0:
		f.Under(place, told)
	case price:
		f.Add(place, NotPrice, brief(raw))
	default:
		f.Add(place, Unreadable, brief(raw), err.Error())
	}
}

// What a value may have to be.
var (
	aString  = Words{"文字（加引号）", "a string"}
	aList    = Words{"列表 […]", "a list"}
	anObject = Words{"对象 {…}", "an object"}
)

func typeWords(k reflect.Kind) Words {
	switch k {
	case reflect.String:
		return aString
	case reflect.Bool:
		return Words{" true 或 false", "true or false"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Words{"整数", "a whole number"}
	}
	return Words{k.String(), k.String()}
}

func brief(raw []byte) string {
	const most = 40
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}

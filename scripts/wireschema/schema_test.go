package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Name string `json:"name"`
}

type hash [4]byte

func (h hash) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%x", h[:]), nil }

type price struct{ num, den int }

func (p price) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%d/%d"`, p.num, p.den), nil }

type tree struct {
	Label string  `json:"label"`
	Left  *tree   `json:"left"`
	Rest  []*tree `json:"rest,omitempty"`
}

type everything struct {
	inner
	Count   int64             `json:"count"`
	Seq     uint64            `json:"seq"`
	On      bool              `json:"on,omitempty"`
	At      time.Time         `json:"at,omitzero"`
	Raw     json.RawMessage   `json:"raw,omitempty"`
	Photo   []byte            `json:"photo"`
	Tags    []string          `json:"tags"`
	Pair    [2]int            `json:"pair"`
	By      map[string]uint16 `json:"by"`
	Hash    hash              `json:"hash"`
	Maybe   *inner            `json:"maybe"`
	Late    *time.Time        `json:"late,omitempty"`
	More    []string          `json:"more,omitempty"`
	Other   *inner            `json:"other,omitempty"`
	Big     int64             `json:"big,string"`
	Any     any               `json:"any"`
	Hidden  string            `json:"-"`
	private int
}

func TestEverythingIsDescribed(t *testing.T) {
	body, err := Generate(everything{}, "everything", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "everything",
  "$ref": "#/$defs/wireschema.everything",
  "$defs": {
    "wireschema.everything": {
      "type": "object",
      "properties": {
        "any": {},
        "at": {"type": "string", "format": "date-time"},
        "big": {"type": "string"},
        "by": {"type": ["object", "null"], "additionalProperties": {"type": "integer", "minimum": 0}},
        "count": {"type": "integer"},
        "hash": {"type": "string"},
        "late": {"type": "string", "format": "date-time"},
        "more": {"type": "array", "items": {"type": "string"}},
        "other": {"$ref": "#/$defs/wireschema.inner"},
        "maybe": {"anyOf": [{"$ref": "#/$defs/wireschema.inner"}, {"type": "null"}]},
        "name": {"type": "string"},
        "on": {"type": "boolean"},
        "pair": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}},
        "photo": {"type": ["string", "null"], "contentEncoding": "base64"},
        "raw": {},
        "seq": {"type": "integer", "minimum": 0},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}}
      },
      "required": ["name", "count", "seq", "photo", "tags", "pair", "by", "hash", "maybe", "big", "any"]
    },
    "wireschema.inner": {
      "type": "object",
      "properties": {"name": {"type": "string"}},
      "required": ["name"]
    }
  }
}`
	if diff := cmp.Diff(decode(t, []byte(want)), decode(t, body)); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

// What encoding/json writes must be what the schema says, for empty values (nil slices and maps) as for full ones.
func TestWhatIsWrittenFits(t *testing.T) {
	full := everything{
		inner: inner{Name: "京"}, Count: -1, Seq: 1, On: true, At: time.Unix(1, 0), Raw: json.RawMessage(`{"a":[1]}`),
		Photo: []byte{1}, Tags: []string{"a"}, By: map[string]uint16{"a": 1}, Maybe: &inner{}, Any: 3, private: 1,
	}
	leaf := &tree{Label: "leaf"}
	for _, value := range []any{
		everything{}, full, tree{}, tree{Left: leaf, Rest: []*tree{leaf, nil}}, []inner{{}}, map[string]*inner{"x": nil}, 7, "text",
	} {
		body, err := Generate(value, "value", nil, false)
		if err != nil {
			t.Fatal(err)
		}
		written, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(body, written); err != nil {
			t.Errorf("%s does not fit its schema: %v\n%s", written, err, body)
		}
	}
}

// A validator that accepts all would make the test above worthless.
func TestWhatDoesNotFitIsRefused(t *testing.T) {
	body, err := Generate(everything{}, "everything", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	good := `{"name":"","count":0,"seq":0,"photo":null,"tags":null,"pair":[0,0],"by":null,"hash":"00","maybe":null,"big":"0","any":null,"new":1}`
	if err := validate(body, []byte(good)); err != nil {
		t.Fatalf("%s: %v", good, err)
	}
	for _, change := range [][2]string{
		{`"seq":0`, `"seq":-1`}, {`"count":0`, `"count":0.5`}, {`"count":0,`, ``}, {`"tags":null`, `"tags":[1]`},
		{`"pair":[0,0]`, `"pair":[0]`}, {`"by":null`, `"by":{"a":"b"}`}, {`"maybe":null`, `"maybe":{}`}, {`"new":1`, `"more":null`}, {`"hash":"00"`, `"hash":null`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if err := validate(body, []byte(bad)); err == nil {
			t.Errorf("%s fits, but it has %s", bad, change[1])
		}
	}
}

func TestTypesThatEncodeThemselves(t *testing.T) {
	if _, err := Generate(price{1, 2}, "price", nil, false); err == nil || !strings.Contains(err.Error(), "MarshalJSON") {
		t.Errorf("price: error %v, want one that names MarshalJSON", err)
	}
	known := map[reflect.Type]schema{reflect.TypeFor[price](): {Type: "string", Pattern: "^[0-9]+/[0-9]+$"}}
	body, err := Generate([]price{{1, 2}}, "prices", known, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(body, []byte(`["1/2"]`)); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	clash := reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a"`},
		{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"a"`},
	})
	for _, value := range []any{
		nil, make(chan int), struct{ F func() }{}, map[[2]int]int{}, reflect.New(clash).Elem().Interface(),
	} {
		if body, err := Generate(value, "value", nil, false); err == nil {
			t.Errorf("%T gave %s, want an error", value, body)
		}
	}
}

func decode(t *testing.T, body []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in:\n%s", err, body)
	}
	return v
}

// validate is a small judge of the part of JSON Schema that Generate writes.
func validate(schemaBody, value []byte) error {
	var root, v any
	if err := errors.Join(json.Unmarshal(schemaBody, &root), json.Unmarshal(value, &v)); err != nil {
		return err
	}
	return judge(root.(map[string]any), root.(map[string]any), v, "$")
}

func judge(root, s map[string]any, v any, at string) error {
	if ref, ok := s["$ref"].(string); ok {
		target := root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")]
		return judge(root, target.(map[string]any), v, at)
	}
	if choices, ok := s["anyOf"].([]any); ok {
		var refusals error
		for _, choice := range choices {
			err := judge(root, choice.(map[string]any), v, at)
			if err == nil {
				return nil
			}
			refusals = errors.Join(refusals, err)
		}
		return refusals
	}
	if names := namesOf(s["type"]); names != nil && !slices.Contains(names, typeOf(v)) &&
		!(typeOf(v) == "integer" && slices.Contains(names, "number")) {
		return fmt.Errorf("%s is %v, want %v", at, typeOf(v), names)
	}
	switch v := v.(type) {
	case float64:
		if low, ok := s["minimum"].(float64); ok && v < low {
			return fmt.Errorf("%s is %v, below %v", at, v, low)
		}
	case []any:
		if n, ok := s["minItems"].(float64); ok && len(v) != int(n) {
			return fmt.Errorf("%s has %d items, want %v", at, len(v), n)
		}
		items, _ := s["items"].(map[string]any)
		for i, item := range v {
			if err := judge(root, items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				return fmt.Errorf("%s lacks %v", at, name)
			}
		}
		properties, _ := s["properties"].(map[string]any)
		values, _ := s["additionalProperties"].(map[string]any)
		for name, item := range v {
			property, ok := properties[name].(map[string]any)
			if !ok {
				property = values
			}
			if err := judge(root, property, item, at+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func namesOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var names []string
		for _, name := range v {
			names = append(names, name.(string))
		}
		return names
	}
	return nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

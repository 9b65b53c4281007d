package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// schema is the part of JSON Schema 2020-12 that Go types need. On the wire, properties that are not named are allowed
// everywhere, because readers must bear fields they don't know; for the same reason string types list no values. A format
// that people write is closed instead.
type schema struct {
	Dialect    string             `json:"$schema,omitempty"`
	Title      string             `json:"title,omitempty"`
	Ref        string             `json:"$ref,omitempty"`
	Type       any                `json:"type,omitempty"` // a name, or names: ["array", "null"]
	Format     string             `json:"format,omitempty"`
	Encoding   string             `json:"contentEncoding,omitempty"`
	Pattern    string             `json:"pattern,omitempty"`
	Enum       []string           `json:"enum,omitempty"`
	Minimum    *int64             `json:"minimum,omitempty"`
	MinItems   *int               `json:"minItems,omitempty"`
	MaxItems   *int               `json:"maxItems,omitempty"`
	Items      *schema            `json:"items,omitempty"`
	Values     any                `json:"additionalProperties,omitempty"` // a *schema, or false
	Properties map[string]*schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
	AnyOf      []*schema          `json:"anyOf,omitempty"`
	Defs       map[string]*schema `json:"$defs,omitempty"`
}

// Generate returns the JSON Schema of what encoding/json writes for values of v's type, indented and ending in a
// newline, the same bytes for the same types. A type that encodes itself must be a text, or be in known: what it
// writes cannot be seen from its fields, and guessing would be worse than the error. closed allows no property that is not
// named, and no null.
func Generate(v any, title string, known map[reflect.Type]schema, closed bool) ([]byte, error) {
	g := generator{known: known, closed: closed, defs: map[string]*schema{}, names: map[reflect.Type]string{}}
	root, err := g.of(reflect.TypeOf(v))
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", title, err)
	}
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = title
	root.Defs = g.defs
	body, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", title, err)
	}
	return append(body, '\n'), nil
}

type generator struct {
	closed bool
	known  map[reflect.Type]schema
	defs   map[string]*schema
	names  map[reflect.Type]string
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	jsonType = reflect.TypeFor[json.Marshaler]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

func (g *generator) of(t reflect.Type) (*schema, error) {
	if t == nil {
		return nil, errors.New("no type: the value is a nil interface")
	}
	if s, ok := g.known[t]; ok {
		return &s, nil
	}
	switch {
	case t == timeType:
		return &schema{Type: "string", Format: "date-time"}, nil
	case t == rawType:
		return &schema{}, nil
	case t.Kind() == reflect.Pointer:
		inner, err := g.of(t.Elem())
		if err != nil {
			return nil, err
		}
		if g.closed {
			return inner, nil
		}
		return nullable(inner), nil
	case encodesBy(t, jsonType):
		return nil, fmt.Errorf("%s has its own MarshalJSON: say in known what it writes", t)
	case encodesBy(t, textType):
		return &schema{Type: "string"}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return &schema{Type: "boolean"}, nil
	case reflect.String:
		return &schema{Type: "string"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &schema{Type: "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &schema{Type: "integer", Minimum: new(int64)}, nil
	case reflect.Float32, reflect.Float64:
		return &schema{Type: "number"}, nil
	case reflect.Interface:
		return &schema{}, nil
	case reflect.Slice, reflect.Array:
		return g.list(t)
	case reflect.Map:
		return g.dictionary(t)
	case reflect.Struct:
		return g.structure(t)
	default:
		return nil, fmt.Errorf("%s cannot be written as JSON", t)
	}
}

// encodesBy also looks at *T: encoding/json uses its methods wherever the value can be addressed.
func encodesBy(t, method reflect.Type) bool {
	return t.Implements(method) || reflect.PointerTo(t).Implements(method)
}

func (g *generator) list(t reflect.Type) (*schema, error) {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !encodesBy(t.Elem(), jsonType) && !encodesBy(t.Elem(), textType) {
		return &schema{Type: []string{"string", "null"}, Encoding: "base64"}, nil
	}
	items, err := g.of(t.Elem())
	if err != nil {
		return nil, err
	}
	if t.Kind() == reflect.Array {
		n := t.Len()
		return &schema{Type: "array", Items: items, MinItems: &n, MaxItems: &n}, nil
	}
	return g.orNull(&schema{Type: []string{"array", "null"}, Items: items}), nil
}

func (g *generator) dictionary(t reflect.Type) (*schema, error) {
	switch key := t.Key(); {
	case key.Kind() == reflect.String, key.Implements(textType):
	case key.Kind() >= reflect.Int && key.Kind() <= reflect.Uint64:
	default:
		return nil, fmt.Errorf("%s: its keys cannot be written as JSON", t)
	}
	values, err := g.of(t.Elem())
	if err != nil {
		return nil, err
	}
	return g.orNull(&schema{Type: []string{"object", "null"}, Values: values}), nil
}

func (g *generator) orNull(s *schema) *schema {
	if g.closed {
		return present(s)
	}
	return s
}

// structure describes a named struct once, in $defs, so that a type that holds itself ends.
func (g *generator) structure(t reflect.Type) (*schema, error) {
	if t.Name() == "" {
		return g.fields(t)
	}
	if name, ok := g.names[t]; ok {
		return &schema{Ref: "#/$defs/" + name}, nil
	}
	name := g.nameOf(t)
	g.names[t] = name
	g.defs[name] = nil // taken while the fields are looked at
	described, err := g.fields(t)
	if err != nil {
		return nil, err
	}
	g.defs[name] = described
	return &schema{Ref: "#/$defs/" + name}, nil
}

// nameOf is package.Type: two packages may both have a Text.
func (g *generator) nameOf(t reflect.Type) string {
	folder := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	name := strings.NewReplacer("[", "_", "]", "", "/", "_", "*", "").Replace(folder + "." + t.Name())
	for {
		if _, taken := g.defs[name]; !taken {
			return name
		}
		name += "_"
	}
}

func (g *generator) fields(t reflect.Type) (*schema, error) {
	object := &schema{Type: "object", Properties: map[string]*schema{}}
	if err := g.addFields(object, t); err != nil {
		return nil, err
	}
	if g.closed {
		object.Values = false
	}
	return object, nil
}

func (g *generator) addFields(object *schema, t reflect.Type) error {
	for field := range fieldsOf(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		embedded := field.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		if field.Anonymous && name == "" && embedded.Kind() == reflect.Struct && !encodesBy(embedded, jsonType) && !encodesBy(embedded, textType) {
			if err := g.addFields(object, embedded); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			name = field.Name
		}
		if _, taken := object.Properties[name]; taken {
			return fmt.Errorf("%s: two fields are written as %q", t, name)
		}
		value, err := g.of(field.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		if has(options, "string") {
			value = &schema{Type: "string"}
		}
		if has(options, "omitempty") || has(options, "omitzero") {
			value = present(value)
		} else {
			object.Required = append(object.Required, name)
		}
		object.Properties[name] = value
	}
	return nil
}

// fieldsOf yields what encoding/json writes: exported fields, and embedded structs even when their name is not.
func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			field := t.Field(i)
			if field.Tag.Get("json") == "-" || !field.IsExported() && !field.Anonymous {
				continue
			}
			if !yield(field) {
				return
			}
		}
	}
}

func has(options, option string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == option {
			return true
		}
	}
	return false
}

// present takes null away: a field that is left out when empty is never written as null.
func present(s *schema) *schema {
	if names, ok := s.Type.([]string); ok {
		narrowed := *s
		narrowed.Type = names[0]
		return &narrowed
	}
	if len(s.AnyOf) == 2 && s.AnyOf[1].Type == "null" {
		return s.AnyOf[0]
	}
	return s
}

func nullable(s *schema) *schema {
	switch t := s.Type.(type) {
	case string:
		widened := *s
		widened.Type = []string{t, "null"}
		return &widened
	case []string:
		return s // slices and maps are already
	}
	if s.Ref == "" && s.AnyOf == nil {
		return s // anything at all
	}
	return &schema{AnyOf: []*schema{s, {Type: "null"}}}
}

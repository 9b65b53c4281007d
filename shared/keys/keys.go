// Package keys finds the keys of a document that the type it is meant for does not have, all of them at once: people
// mend a configuration in one go.
package keys

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Unknown compares a decoded document (maps, lists, scalars) with the shape that it should have. A field is known by its
// tag of the given name, up to a comma. It returns the paths of the keys that the shape has no field for, as
// "http.listn" or "lanes[2].dirr", sorted. Where the document has another form than the shape, nothing is said: the
// decoder will.
func Unknown(doc any, shape reflect.Type, tag string) []string {
	var out []string
	walk(doc, shape, tag, "", &out)
	slices.Sort(out)
	return out
}

func walk(doc any, shape reflect.Type, tag, at string, out *[]string) {
	for shape.Kind() == reflect.Pointer {
		shape = shape.Elem()
	}
	switch doc := doc.(type) {
	case map[string]any:
		for key, value := range doc {
			path := strings.TrimPrefix(at+"."+key, ".")
			switch shape.Kind() {
			case reflect.Struct:
				if f, ok := field(shape, key, tag); ok {
					walk(value, f, tag, path, out)
				} else {
					*out = append(*out, path)
				}
			case reflect.Map:
				walk(value, shape.Elem(), tag, path, out)
			default:
			}
		}
	case []any:
		if shape.Kind() == reflect.Slice || shape.Kind() == reflect.Array {
			for i, value := range doc {
				walk(value, shape.Elem(), tag, fmt.Sprintf("%s[%d]", at, i), out)
			}
		}
	}
}

func field(shape reflect.Type, key, tag string) (reflect.Type, bool) {
	for _, f := range reflect.VisibleFields(shape) {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name == key && name != "" && name != "-" {
			return f.Type, true
		}
	}
	return nil, false
}

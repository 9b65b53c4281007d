package keys

import (
	"reflect"
	"slices"
	"testing"
)

type shape struct {
	Name string `yaml:"name,omitempty"`
	Sub  *struct {
		Port int `yaml:"port"`
	} `yaml:"sub"`
	List   []struct{ A int } `yaml:"list"`
	Lanes  []lane            `yaml:"lanes"`
	By     map[string]lane   `yaml:"by"`
	Free   map[string]any    `yaml:"free"`
	Hidden string            `yaml:"-"`
	Bare   string
}

type lane struct {
	Dir string `yaml:"dir"`
}

func TestUnknown(t *testing.T) {
	type m = map[string]any
	for name, tc := range map[string]struct {
		doc  any
		want []string
	}{
		"nothing":             {nil, nil},
		"all known":           {m{"name": "x", "sub": m{"port": 1}, "lanes": []any{m{"dir": "in"}}, "by": m{"a": m{"dir": "x"}}}, nil},
		"at every depth":      {m{"nam": 1, "sub": m{"prt": 1, "port": 2}, "lanes": []any{m{"dir": "in"}, m{"dirr": 1}}, "by": m{"a": m{"d": 1}}}, []string{"by.a.d", "lanes[1].dirr", "nam", "sub.prt"}},
		"fields without tags": {m{"Bare": 1, "-": 2, "Hidden": 3, "list": []any{m{"A": 1}}}, []string{"-", "Bare", "Hidden", "list[0].A"}},
		"free form":           {m{"free": m{"anything": m{"goes": 1}}}, nil},
		"another form":        {m{"name": m{"x": 1}, "sub": []any{1}, "lanes": m{"a": 1}}, nil},
		"no document":         {"text", nil},
	} {
		if got := Unknown(tc.doc, reflect.TypeFor[shape](), "yaml"); !slices.Equal(got, tc.want) {
			t.Errorf("%s: Unknown(%v) = %q, want %q", name, tc.doc, got, tc.want)
		}
	}
}

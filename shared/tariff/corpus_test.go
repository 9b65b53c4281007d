package tariff_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/cases"
)

const corpus = "testdata/corpus/"

// document reads a file of YAML as what JSON would hold.
func document(t *testing.T, path string) any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc
}

func decoded(t *testing.T, name string, doc any) tariff.Tariff {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tariff.Decode(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func readCases(t *testing.T) cases.File {
	t.Helper()
	text, err := os.ReadFile(corpus + "cases.json")
	if err != nil {
		t.Fatal(err)
	}
	file, err := cases.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 439 {
		t.Fatalf("the corpus has %d cases, want 439", len(file.Cases))
	}
	return file
}

func corpusTariffs(t *testing.T) map[string]any {
	t.Helper()
	paths, err := filepath.Glob(corpus + "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, path := range paths {
		if name := strings.TrimSuffix(filepath.Base(path), ".yaml"); name != "alternatives" {
			out[name] = document(t, path)
		}
	}
	if len(out) != 32 {
		t.Fatalf("%d tariffs, want 32", len(out))
	}
	return out
}

func TestCorpus(t *testing.T) {
	tariffs := corpusTariffs(t)
	for _, c := range readCases(t).Cases {
		t.Run(c.ID, func(t *testing.T) {
			if res := c.Try(decoded(t, c.Tariff, tariffs[c.Tariff])); !res.Passed() {
				t.Errorf("%s, class %s\n%s → %s\n%s\ngot %d %v, want %d %v: %v\n%s", c.Name, c.Class, c.Entry, c.Exit, c.Working,
					res.Got, res.Bill.Flags, c.Want, c.Flags, res.Err, lines(res.Bill))
			}
		})
	}
}

// TestCorpusAlternatives reads the texts in every other way that the corpus lists: each is a change of the data.
func TestCorpusAlternatives(t *testing.T) {
	type key struct{ tariff, interpretation string }
	changes := map[key][]any{}
	for _, x := range document(t, corpus+"alternatives.yaml").([]any) {
		m := x.(map[string]any)
		changes[key{m["tariff"].(string), m["interpretation"].(string)}] = m["set"].([]any)
	}
	tried := 0
	for _, c := range readCases(t).Cases {
		for _, alt := range c.Alternatives {
			tried++
			t.Run(c.ID+"/"+alt.Interpretation, func(t *testing.T) {
				set, ok := changes[key{c.Tariff, alt.Interpretation}]
				if !ok {
					t.Fatal("no change of the tariff is given for it")
				}
				doc := document(t, corpus+c.Tariff+".yaml")
				for _, s := range set {
					m := s.(map[string]any)
					doc = change(doc, strings.Split(m["path"].(string), "."), m["value"])
				}
				c.Want = alt.Want
				if res := c.Try(decoded(t, c.Tariff, doc)); !res.Passed() {
					t.Errorf("%s → %s: got %d, want %d: %v\n%s", c.Entry, c.Exit, res.Got, c.Want, res.Err, lines(res.Bill))
				}
			})
		}
	}
	if tried != 66 {
		t.Errorf("tried %d alternatives, want 66", tried)
	}
}

// change sets a value in a document, removes it where the value is null, or appends to a list at "+".
func change(doc any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch d := doc.(type) {
	case []any:
		if path[0] == "+" {
			return append(d, value)
		}
		i, err := strconv.Atoi(path[0])
		if err != nil {
			panic(err)
		}
		d[i] = change(d[i], path[1:], value)
		return d
	case map[string]any:
		if value == nil && len(path) == 1 {
			delete(d, path[0])
		} else {
			d[path[0]] = change(d[path[0]], path[1:], value)
		}
		return d
	}
	return change(map[string]any{}, path, value)
}

// TestSchemaFits: what is published as the format's schema takes every tariff here, and not a misspelt one.
func TestSchemaFits(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../wire/schema/tariff.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range corpusTariffs(t) {
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	examples, err := filepath.Glob("testdata/*.json")
	if err != nil || len(examples) == 0 {
		t.Fatalf("%d examples, %v", len(examples), err)
	}
	for _, path := range examples {
		if err := schema.Validate(document(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, bad := range []string{
		`{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"p","band":[]}]}`,
		`{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"p","boundary":"over"}]}`,
		`{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"p","bands":[{"id":"b","steps":[{"unit":"1w","price":1}]}]}]}`,
		`{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"p","bands":[{"id":"b","steps":[{"unit":"1h","price":2.5}]}]}]}`,
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("the schema takes %s", bad)
		}
		if _, err := tariff.Decode([]byte(bad)); err == nil {
			t.Errorf("Decode takes %s", bad)
		}
	}
}

func lines(b tariff.Bill) string {
	var out strings.Builder
	for _, l := range b.Lines {
		out.WriteString("  " + string(l.Kind) + " " + strconv.Itoa(int(l.Amount)) + " " + l.Text.EN + " " + l.From.Format("01-02 15:04:05") + " → " + l.To.Format("01-02 15:04:05") + "\n")
	}
	return out.String()
}

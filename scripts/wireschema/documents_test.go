package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A channel's comment names its message, [Facts] say; each must have a schema.
func TestEveryMessageHasASchema(t *testing.T) {
	var described []string
	for _, doc := range documents() {
		described = append(described, strings.ToLower(doc.name))
	}
	named := regexp.MustCompile(`\[([A-Z][A-Za-z]*)\]`)
	channels := 0
	for _, spec := range constants(t, filepath.Join("..", "..", "shared", "wire")) {
		if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != "Channel" {
			continue
		}
		channels++
		for _, match := range named.FindAllStringSubmatch(spec.Comment.Text(), -1) {
			if !slices.Contains(described, strings.ToLower(match[1])) {
				t.Errorf("channel %s carries wire.%s, which documents() does not list", spec.Names[0].Name, match[1])
			}
		}
	}
	if channels == 0 {
		t.Fatal("no constants of type Channel in shared/wire: this test looks in the wrong place")
	}
}

func TestEveryKindOfFactHasASchema(t *testing.T) {
	var described []string
	for _, doc := range documents() {
		described = append(described, doc.name)
	}
	kinds := 0
	for _, spec := range constants(t, filepath.Join("..", "..", "shared", "fact")) {
		if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != "Kind" {
			continue
		}
		kinds++
		kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(described, "fact."+kind) {
			t.Errorf("fact.%s (%q) is not in documents()", spec.Names[0].Name, kind)
		}
	}
	if kinds == 0 {
		t.Fatal("no constants of type Kind in shared/fact: this test looks in the wrong place")
	}
}

// The samples in shared/wire/testdata decode for ever; as long as they do, they fit the schema of their message, which
// is the beginning of their name: facts-two-authors.json.
func TestFrozenSamplesFit(t *testing.T) {
	schemas := map[string][]byte{}
	for _, doc := range documents() {
		if doc.written {
			continue // package tariff tries its own files on these
		}
		body, err := Generate(doc.value, doc.title, known(), false)
		if err != nil {
			t.Fatal(err)
		}
		schemas[doc.name] = body
	}
	samples, err := filepath.Glob(filepath.Join("..", "..", "shared", "wire", "testdata", "v*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		body, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(sample), ".json"), "-")
		if schemas[name] == nil {
			t.Errorf("%s: no message is called %q", sample, name)
			continue
		}
		if err := validate(schemas[name], body); err != nil {
			t.Errorf("%s: %v", sample, err)
		}
	}
}

func TestTheFolderHoldsTheSchemasAndNoOther(t *testing.T) {
	folder := t.TempDir()
	gone := filepath.Join(folder, "gone.schema.json")
	readme := filepath.Join(folder, "README.md")
	for _, file := range []string{gone, readme} {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	docs := []document{{name: "inner", title: "Inner", value: inner{}}}
	if err := write(folder, docs); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Errorf("the schema of a message that is gone is still there (%v)", err)
	}
	if _, err := os.Stat(readme); err != nil {
		t.Errorf("a file that is no schema: %v", err)
	}
	file := filepath.Join(folder, "inner.schema.json")
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(folder, docs); err != nil {
		t.Fatal(err)
	}
	second, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if !first.ModTime().Equal(second.ModTime()) {
		t.Error("a schema that did not change was written again")
	}
}

// constants returns the constants of a package with their comments.
func constants(t *testing.T, folder string) []*ast.ValueSpec {
	t.Helper()
	files, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	var specs []*ast.ValueSpec
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.CONST {
				for _, spec := range gen.Specs {
					specs = append(specs, spec.(*ast.ValueSpec))
				}
			}
		}
	}
	return specs
}

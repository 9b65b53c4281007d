// Package archcheck holds the rules of the tree that the compiler does not know: which way imports point, where a
// library may be used, what the domain must not touch, and what the top level looks like.
//
// [Check] reads the files itself instead of asking the go command, so that the test cache sees every file it depends
// on and never serves a stale answer. The test of this package runs it over the repository and over planted
// violations, one for each rule: a rule that cannot fail is not a rule.
//
// The rules are tables at the top of imports.go, purity.go and layout.go. To widen one, change its table and say why
// in the commit.
package archcheck

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// module is the path in go.mod.
const module = "lotkeeper"

// Violation is one broken rule at one place. Line is 0 when the whole file or folder is meant.
type Violation struct {
	Path string // from the root of the repository, with slashes
	Line int
	Why  string
}

// String gives the form editors jump to: path:line: why.
func (v Violation) String() string {
	if v.Line == 0 {
		return v.Path + ": " + v.Why
	}
	return fmt.Sprintf("%s:%d: %s", v.Path, v.Line, v.Why)
}

// source is one parsed Go file.
type source struct {
	path   string // from the root, with slashes
	isTest bool
	fset   *token.FileSet
	file   *ast.File
}

func (s *source) at(pos token.Pos, format string, args ...any) Violation {
	return Violation{Path: s.path, Line: s.fset.Position(pos).Line, Why: fmt.Sprintf(format, args...)}
}

// goRules look at one Go file each. Add a rule here and plant a violation for it in the test.
var goRules = []func(*source) []Violation{
	checkDirection,
	checkLibraries,
	checkShared,
	checkMoney,
	checkGORM,
	checkSQL,
	checkPackageName,
	checkOracle,
}

// Check walks the tree of a repository and returns what breaks a rule, sorted by path and line. A Go file that does not
// parse is a violation too; an error means that the tree could not be read.
func Check(root fs.FS) ([]Violation, error) {
	var found []Violation
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // came and went while walking: a temporary file of a running test
		}
		if err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		if entry.IsDir() && skipped(name) {
			return fs.SkipDir
		}
		found = append(found, checkPlace(name, entry.IsDir())...)
		if entry.IsDir() {
			return nil
		}
		body, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		found = append(found, checkText(name, body)...)
		if path.Ext(name) == ".go" {
			found = append(found, checkGo(name, body)...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("walk the repository: %w", err)
	}
	slices.SortFunc(found, func(a, b Violation) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return found, nil
}

func checkGo(name string, body []byte) []Violation {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, body, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return []Violation{{Path: name, Why: "does not parse: " + err.Error()}}
	}
	src := &source{path: name, isTest: strings.HasSuffix(name, "_test.go"), fset: fset, file: file}
	var found []Violation
	for _, rule := range goRules {
		found = append(found, rule(src)...)
	}
	return found
}

// skipped tells the folders that hold nothing of ours: built, downloaded or deliberately odd.
func skipped(dir string) bool {
	base := path.Base(dir)
	switch base {
	case "node_modules", "testdata", "dist", "bin":
		return true
	}
	return strings.HasPrefix(base, ".") && base != ".ci" && base != ".github"
}

// under tells whether an import path or a file is prefix itself or inside it.
func under(p, prefix string) bool {
	return p == prefix || strings.HasPrefix(p, prefix+"/")
}

func underAny(p string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return under(p, prefix) })
}

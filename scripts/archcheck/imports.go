package archcheck

import (
	"path"
	"strconv"
	"strings"
)

// mayImport lists, per area, the areas of this module it may import. An area that is not listed may import none,
// nobody but scripts may import deploy, and nobody scripts; but see testsMayImport.
var mayImport = map[string][]string{
	"shared":            {"shared"},
	"firmware-adapters": {"shared", "firmware-adapters"},
	"edge":              {"shared", "firmware-adapters", "edge"},
	"cloud":             {"shared", "cloud"},
	"deploy":            {"shared", "firmware-adapters", "edge", "cloud", "deploy"},
	"scripts":           {"shared", "firmware-adapters", "edge", "cloud", "deploy", "scripts"},
}

// testsMayImport is what tests of every area may import besides: how a figure is compared with its floor.
var testsMayImport = []string{"scripts/bench/measure"}

// libraries says where a library may be imported. Folders hold with everything below them; in names are patterns for
// the file's own name, for the areas of names. So a feature's rules stay free of its database and its transport.
var libraries = []struct {
	prefix  string
	folders []string
	area    string   // names hold below this folder
	names   []string // store.go also covers its test, store_test.go
	why     string
}{
	{
		prefix: "gorm.io", folders: []string{"cloud/internal/platform", "cloud/cloudtest"},
		area: "cloud/internal", names: []string{"store.go", "store_*.go", "*_store.go"},
		why: "GORM belongs in store.go and in the platform",
	},
	{
		prefix: "github.com/gin-gonic/gin", folders: []string{"cloud/internal/platform"},
		area: "cloud/internal", names: []string{"api.go", "api_*.go"},
		why: "Gin belongs in api.go and in the platform",
	},
	{
		prefix: "github.com/danielgtaylor/huma", folders: []string{"cloud/internal/platform"},
		area: "cloud/internal", names: []string{"api.go", "api_*.go"},
		why: "the API library belongs in api.go and in the platform",
	},
	{prefix: "github.com/hashicorp/raft", folders: []string{"edge"}, why: "raft runs between booths only"},
	{prefix: "github.com/tarm/serial", folders: []string{"firmware-adapters"}, why: "serial ports are opened by firmware-adapters"},
	{prefix: "github.com/goburrow", folders: []string{"firmware-adapters"}, why: "modbus is spoken by firmware-adapters"},
}

// checkDirection holds the arrows shared <- firmware-adapters <- edge and shared <- cloud.
func checkDirection(src *source) []Violation {
	from, _, _ := strings.Cut(src.path, "/")
	var found []Violation
	for _, spec := range src.file.Imports {
		target, ours := strings.CutPrefix(importPath(spec.Path.Value), module+"/")
		if src.isTest && underAny(target, testsMayImport) {
			continue
		}
		if ours && !underAny(target, mayImport[from]) {
			found = append(found, src.at(spec.Pos(), "%s must not import %s", from, target))
		}
	}
	return found
}

func checkLibraries(src *source) []Violation {
	var found []Violation
	for _, spec := range src.file.Imports {
		imported := importPath(spec.Path.Value)
		for _, lib := range libraries {
			if !under(imported, lib.prefix) && !strings.HasPrefix(imported, lib.prefix+"-") {
				continue
			}
			inFolder := underAny(src.path, lib.folders)
			byName := lib.area != "" && under(src.path, lib.area) && named(src.path, lib.names)
			if !inFolder && !byName {
				found = append(found, src.at(spec.Pos(), "must not import %s: %s", imported, lib.why))
			}
		}
	}
	return found
}

// named matches the file's name, a test's by the name of the file it tests.
func named(file string, patterns []string) bool {
	base := path.Base(file)
	if tested, ok := strings.CutSuffix(base, "_test.go"); ok {
		base = tested + ".go"
	}
	for _, pattern := range patterns {
		if ok, err := path.Match(pattern, base); err == nil && ok {
			return true
		}
	}
	return false
}

// importPath unquotes a literal the parser has already accepted.
func importPath(literal string) string {
	p, err := strconv.Unquote(literal)
	if err != nil {
		return literal
	}
	return p
}

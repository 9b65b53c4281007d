package archcheck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRepositoryKeepsTheRules(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the root of the repository is not where it was: %v", err)
	}
	found, err := Check(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// Each rule is shown one file that breaks it and one that only looks like it.
func TestPlantedViolationsAreFound(t *testing.T) {
	tests := []struct {
		name, path, body string
		want             string // part of the one violation; "" for none
	}{
		{"edge may use adapters", "edge/a.go", goFile(`import _ "lotkeeper/firmware-adapters/driver"`), ""},
		{"cloud may use shared", "cloud/a.go", goFile(`import _ "lotkeeper/shared/money"`), ""},
		{"cloud uses edge", "cloud/a.go", goFile(`import _ "lotkeeper/edge/internal/lane"`), "cloud must not import edge/internal/lane"},
		{"cloud uses adapters in a test", "cloud/a_test.go", goFile(`import _ "lotkeeper/firmware-adapters/sim"`), "cloud must not import"},
		{"edge uses cloud", "edge/a.go", goFile(`import _ "lotkeeper/cloud/cloudtest"`), "edge must not import"},
		{"adapters use edge", "firmware-adapters/vz/a.go", goFile(`import _ "lotkeeper/edge/edgetest"`), "firmware-adapters must not import"},
		{"shared uses cloud", "shared/a.go", goFile(`import _ "lotkeeper/cloud/x"`), "shared must not import cloud/x"},
		{"somebody uses scripts", "edge/a.go", goFile(`import _ "lotkeeper/scripts/bench"`), "edge must not import scripts/bench"},
		{"a program measures", "edge/a.go", goFile(`import _ "lotkeeper/scripts/bench/measure"`), "edge must not import scripts/bench/measure"},
		{"a benchmark measures", "shared/a_test.go", goFile(`import _ "lotkeeper/scripts/bench/measure"`), ""},
		{"a test uses other scripts", "edge/a_test.go", goFile(`import _ "lotkeeper/scripts/bench"`), "edge must not import scripts/bench"},
		{"scripts use anything", "scripts/a.go", goFile(`import _ "lotkeeper/cloud/cloudtest"`), ""},
		{"a neighbour with the same beginning", "cloud/a.go", goFile(`import _ "lotkeeper/sharedish"`), "cloud must not import sharedish"},

		{"gorm in a store", "cloud/internal/lot/store.go", goFile(`import _ "gorm.io/gorm"`), ""},
		{"gorm in a split store", "cloud/internal/lot/session_store.go", goFile(`import _ "gorm.io/gorm"`), ""},
		{"gorm in a store's test", "cloud/internal/lot/store_test.go", goFile(`import _ "gorm.io/gorm"`), ""},
		{"gorm in the platform", "cloud/internal/platform/database/open.go", goFile(`import _ "gorm.io/driver/postgres"`), ""},
		{"gorm in the rules", "cloud/internal/lot/lot.go", goFile(`import _ "gorm.io/gorm"`), "GORM belongs in store.go"},
		{"gorm at the edge", "edge/internal/lot/store.go", goFile(`import _ "gorm.io/gorm"`), "GORM belongs in store.go"},
		{"gin in the api", "cloud/internal/lot/api_live.go", goFile(`import _ "github.com/gin-gonic/gin"`), ""},
		{"gin in the rules", "cloud/internal/lot/lot.go", goFile(`import _ "github.com/gin-gonic/gin"`), "Gin belongs in api.go"},
		{"huma in the store", "cloud/internal/lot/store.go", goFile(`import _ "github.com/danielgtaylor/huma/v2"`), "belongs in api.go"},
		{"raft in the cloud", "cloud/internal/lot/lot.go", goFile(`import _ "github.com/hashicorp/raft"`), "raft runs between booths"},
		{"raft's store in the cloud", "cloud/internal/lot/lot.go", goFile(`import _ "github.com/hashicorp/raft-boltdb/v2"`), "raft runs between booths"},
		{"a serial port at the edge", "edge/internal/lane/a.go", goFile(`import _ "github.com/tarm/serial"`), "serial ports"},
		{"modbus at the edge", "edge/internal/lane/a.go", goFile(`import _ "github.com/goburrow/modbus"`), "modbus is spoken"},

		{"shared with pure packages", "shared/a.go", goFile(`import ("crypto/ed25519"; "net/netip"; "time")`, `var _ = time.Second`), ""},
		{"shared with a library", "shared/a.go", goFile(`import _ "golang.org/x/text"`), "standard library only"},
		{"shared tests with a library", "shared/a_test.go", goFile(`import _ "pgregory.net/rapid"`), ""},
		{"shared with files", "shared/a.go", goFile(`import _ "os"`), "the domain is pure"},
		{"shared with sockets", "shared/a.go", goFile(`import _ "net/http"`), "the domain is pure"},
		{"shared with a log", "shared/a.go", goFile(`import _ "log/slog"`), "the domain is pure"},
		{"shared with a clock", "shared/a.go", goFile(`import "time"`, `var _ = time.Now`), "must not use time.Now"},
		{"shared with a printer", "shared/a.go", goFile(`import "fmt"`, `func f() { fmt.Println() }`), "must not use fmt.Println"},
		{"shared with a goroutine", "shared/a.go", goFile(``, `func f() { go f() }`), "goroutine"},

		{"float in a tariff", "shared/tariff/a.go", goFile(``, `var x float64`), "float64 near money"},
		{"float literal in money", "shared/money/a.go", goFile(``, `const half = 0.5`), "literal 0.5 near money"},
		{"float function in money", "shared/money/a.go", goFile(`import "math"`, `var x = math.Pi`), "math.Pi near money"},
		{"float text in a payment", "cloud/internal/payment/a.go", goFile(`import "strconv"`, `var x, _ = strconv.ParseFloat("1", 8)`), "ParseFloat near money"},
		{"integer limits in money", "shared/money/a.go", goFile(`import "math"`, `const x = math.MaxInt64`), ""},
		{"float in the tests of money", "shared/money/a_test.go", goFile(``, `const half = 0.5`), ""},
		{"float elsewhere", "edge/a.go", goFile(``, `var x float64`), ""},

		{"an oracle that asks the engine", "shared/tariff/oracle/a.go", goFile(`import "lotkeeper/shared/tariff"`, `var _ = tariff.Rate`), "the oracle must not use tariff.Rate"},
		{"an oracle that asks its asker", "shared/tariff/oracle/a.go", goFile(`import _ "lotkeeper/shared/tariff/cases"`), "what calls the engine"},
		{"an oracle that decodes", "shared/tariff/oracle/a.go", goFile(`import "lotkeeper/shared/tariff"`, `var _ = tariff.Decode`), ""},

		{"AutoMigrate", "cloud/internal/lot/store.go", gormFile(`db.AutoMigrate(&x)`), "AutoMigrate"},
		{"Save", "cloud/internal/lot/store.go", gormFile(`db.Save(&x)`), "Save"},
		{"Where with an address", "cloud/internal/lot/store.go", gormFile(`db.Where(&row{ID: 1}).First(&x)`), "Where with a struct"},
		{"Where with a struct", "cloud/internal/lot/store.go", gormFile(`db.Where(row{ID: 1})`), "Where with a struct"},
		{"Where with text", "cloud/internal/lot/store.go", gormFile(`db.Where("id = ?", 1).First(&x)`), ""},
		{"Updates with a struct", "cloud/internal/lot/store.go", gormFile(`db.Updates(row{Balance: 0})`), "Updates with a struct"},
		{"Updates with a map", "cloud/internal/lot/store.go", gormFile(`db.Updates(map[string]any{"balance": 0})`), ""},
		{"Save of something else", "edge/a.go", goFile(``, `func f(x saver) { x.Save(1) }`), ""},

		{"SQL by Sprintf", "cloud/internal/lot/lot.go", goFile(`import "fmt"`, `var q = fmt.Sprintf("SELECT * FROM lot WHERE name = '%s'", "x")`), "SQL by Sprintf"},
		{"SQL over lines", "cloud/internal/lot/lot.go", goFile(`import "fmt"`, "var q = fmt.Sprintf(`\n\tDELETE FROM lot\n\tWHERE id = %d`, 1)"), "SQL by Sprintf"},
		{"prose by Sprintf", "cloud/internal/lot/lot.go", goFile(`import "fmt"`, `var q = fmt.Sprintf("update %s is not allowed", "x")`), ""},
		{"SQL by Sprintf in a test", "cloud/internal/lot/lot_test.go", goFile(`import "fmt"`, `var q = fmt.Sprintf("DROP TABLE sessions_%d", 1)`), ""},
		{"naming a database", "cloud/internal/platform/database/a.go", goFile(`import "fmt"`, `var q = fmt.Sprintf("CREATE DATABASE %s", "x")`), ""},

		{"a vague package", "edge/thing/a.go", "package utils\n", "package utils"},
		{"a vague test package", "edge/thing/a_test.go", "package helpers_test\n", "package helpers"},
		{"a vague folder", "edge/common/a.go", "package thing\n", "name the noun"},
		{"a new top level", "tools/a.txt", "", "top level: it is fixed"},
		{"a file of Go at the top", "a.go", "package main\n", "no Go files at the top"},
		{"a tool's folder at the top", ".idea/a.txt", "", ""},

		{"a long file", "edge/a.ts", strings.Repeat("x\n", 801), "split it"},
		{"a file just short enough", "edge/a.ts", strings.Repeat("x\n", 800), ""},
		{"a long generated file", "edge/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage a\n" + strings.Repeat("\n", 900), ""},
		{"a long generated client", "cloud/web/src/api/schema.gen.ts", strings.Repeat("x\n", 5000), ""},
		{"a long picture", "edge/a.svg", strings.Repeat("x\n", 5000), ""},
		{"a lock with addresses", "cloud/web/package-lock.json", `{"resolved": "https://example.com/x.tgz"}`, "omit-lockfile-registry-resolved"},
		{"a lock without addresses", "cloud/web/package-lock.json", `{"version": "1.0.0", "link": true}`, ""},

		{"broken Go", "edge/a.go", "package", "does not parse"},
		{"odd Go in testdata", "edge/testdata/a.go", "package", ""},
		{"somebody else's code", "cloud/web/node_modules/x/utils/a.go", "package", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := Check(fstest.MapFS{test.path: {Data: []byte(test.body)}})
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if len(found) != 0 {
					t.Fatalf("%s:\n%s\ngot %v, want nothing", test.path, test.body, found)
				}
				return
			}
			if len(found) != 1 || !strings.Contains(found[0].String(), test.want) {
				t.Fatalf("%s:\n%s\ngot %v, want one with %q", test.path, test.body, found, test.want)
			}
		})
	}
}

func TestViolationNamesTheLine(t *testing.T) {
	found, err := Check(fstest.MapFS{"shared/clock.go": {Data: []byte("package clock\n\nimport \"time\"\n\nvar at = time.Now()\n")}})
	if err != nil {
		t.Fatal(err)
	}
	want := "shared/clock.go:5: shared must not use time.Now: take it as an argument or return it"
	if len(found) != 1 || found[0].String() != want {
		t.Fatalf("got %v, want %s", found, want)
	}
}

func goFile(parts ...string) string {
	return "package a\n\n" + strings.Join(parts, "\n\n") + "\n"
}

func gormFile(statement string) string {
	return goFile(`import "gorm.io/gorm"`, "func f(db *gorm.DB) { "+statement+" }")
}

package archcheck

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// impure lists what the domain must not import; pureExceptions what may stay although it lies below one of them.
var (
	impure         = []string{"os", "net", "log", "syscall", "plugin", "testing", "database", "crypto/rand", "math/rand"}
	pureExceptions = []string{"net/url", "net/netip"}
)

// impureCalls lists what the domain must not call: clocks, timers and standard output.
var impureCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
	"fmt":  {"Print", "Printf", "Println"},
}

// checkShared keeps the domain pure: standard library only, no I/O, clock, chance, log or goroutine. Tests are free to
// use what they need.
func checkShared(src *source) []Violation {
	if !under(src.path, "shared") || src.isTest {
		return nil
	}
	var found []Violation
	for _, spec := range src.file.Imports {
		imported := importPath(spec.Path.Value)
		first, _, _ := strings.Cut(imported, "/")
		switch {
		case first == module:
		case strings.Contains(first, "."):
			found = append(found, src.at(spec.Pos(), "shared must not import %s: standard library only", imported))
		case underAny(imported, impure) && !slices.Contains(pureExceptions, imported):
			found = append(found, src.at(spec.Pos(), "shared must not import %s: the domain is pure", imported))
		}
	}
	ast.Inspect(src.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, src.at(n.Pos(), "shared must not start a goroutine"))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(impureCalls[x.Name], n.Sel.Name) {
				found = append(found, src.at(n.Pos(), "shared must not use %s.%s: take it as an argument or return it", x.Name, n.Sel.Name))
			}
		}
		return true
	})
	return found
}

// moneyFolders are the places where an amount could be touched by a float.
var moneyFolders = []string{
	"shared/money", "shared/tariff", "shared/calendar", "shared/right", "shared/receipt",
	"cloud/internal/payment", "cloud/internal/ledger", "cloud/internal/bill", "cloud/internal/tariff",
}

// checkMoney finds floats by their tokens: the type names, the conversions, and literals such as 0.5. Of package math
// only the integer limits may be used, because everything else there yields floats without saying so.
func checkMoney(src *source) []Violation {
	if !underAny(src.path, moneyFolders) || src.isTest {
		return nil
	}
	var found []Violation
	ast.Inspect(src.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			switch n.Name {
			case "float32", "float64", "complex64", "complex128", "Float32", "Float64", "ParseFloat", "FormatFloat":
				found = append(found, src.at(n.Pos(), "%s near money: amounts are integers", n.Name))
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				found = append(found, src.at(n.Pos(), "literal %s near money: amounts are integers", n.Value))
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "math" && !strings.HasPrefix(n.Sel.Name, "MaxInt") &&
				!strings.HasPrefix(n.Sel.Name, "MinInt") && !strings.HasPrefix(n.Sel.Name, "MaxUint") {
				found = append(found, src.at(n.Pos(), "math.%s near money: amounts are integers", n.Sel.Name))
			}
		}
		return true
	})
	return found
}

// checkGORM forbids the calls of GORM that lose updates or conditions without an error. It looks at files that import
// GORM, tests included.
func checkGORM(src *source) []Violation {
	if !slices.ContainsFunc(src.file.Imports, func(spec *ast.ImportSpec) bool {
		return under(importPath(spec.Path.Value), "gorm.io/gorm")
	}) {
		return nil
	}
	var found []Violation
	ast.Inspect(src.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch name := method.Sel.Name; {
		case name == "AutoMigrate":
			found = append(found, src.at(n.Pos(), "AutoMigrate: write a SQL migration"))
		case name == "Save":
			found = append(found, src.at(n.Pos(), "Save: it overwrites what others wrote, and inserts what is gone; use a guarded Updates"))
		case slices.Contains([]string{"Where", "Not", "Or"}, name) && len(call.Args) > 0 && isStruct(call.Args[0]):
			found = append(found, src.at(n.Pos(), "%s with a struct: zero fields are dropped from the condition; write it as text", name))
		case name == "Updates" && len(call.Args) > 0 && isStruct(call.Args[0]):
			found = append(found, src.at(n.Pos(), "Updates with a struct: zero fields are not written; use a map"))
		}
		return true
	})
	return found
}

// isStruct tells a struct literal T{…} or the address of anything, which GORM reads as a struct.
func isStruct(arg ast.Expr) bool {
	if unary, ok := arg.(*ast.UnaryExpr); ok {
		return unary.Op == token.AND
	}
	lit, ok := arg.(*ast.CompositeLit)
	if !ok {
		return false
	}
	if _, isMap := lit.Type.(*ast.MapType); isMap {
		return false
	}
	selector, ok := lit.Type.(*ast.SelectorExpr)
	return !ok || selector.Sel.Name != "M" && selector.Sel.Name != "Eq" // map types by other names
}

// statement is the beginning of SQL text with a verb of fmt in it.
var statement = regexp.MustCompile(`(?is)^\s*(select|insert\s+into|update|delete\s+from|alter|create|drop|truncate|with|grant|set)\s.*%[+#]?[a-z]`)

// sqlByHand are the places that must name databases and roles, for which SQL has no parameters.
var sqlByHand = []string{"cloud/internal/platform/database", "cloud/cloudtest"}

// checkSQL finds SQL put together by fmt.Sprintf: values go in as parameters. Tests may name the tables they sabotage.
func checkSQL(src *source) []Violation {
	if underAny(src.path, sqlByHand) || src.isTest {
		return nil
	}
	var found []Violation
	ast.Inspect(src.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		fun, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || fun.Sel.Name != "Sprintf" {
			return true
		}
		lit, ok := call.Args[0].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		if text, err := strconv.Unquote(lit.Value); err == nil && isSQL(text) {
			found = append(found, src.at(n.Pos(), "SQL by Sprintf: pass values as parameters"))
		}
		return true
	})
	return found
}

// isSQL asks for capitals in the first word: "select %s from the list" is prose.
func isSQL(text string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return first == strings.ToUpper(first) && statement.MatchString(text)
}

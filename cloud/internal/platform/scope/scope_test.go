package scope_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

func TestWhatIsSeen(t *testing.T) {
	one := scope.NewPrincipal(scope.Claims{User: "u", Operator: "a", Lots: []id.Lot{"l1"}}).Scope()
	all := scope.NewPrincipal(scope.Claims{User: "u", Operator: "a", AllLots: true}).Scope()
	for _, tc := range []struct {
		name string
		sc   scope.Scope
		op   id.Operator
		lot  id.Lot
		want bool
	}{
		{"zero scope", scope.Scope{}, "a", "l1", false},
		{"zero scope, empty operator", scope.Scope{}, "", "", false},
		{"nobody", scope.Principal{}.Scope(), "a", "l1", false},
		{"chosen lot", one, "a", "l1", true},
		{"lot not chosen", one, "a", "l2", false},
		{"chosen lot name at another operator", one, "b", "l1", false},
		{"all lots", all, "a", "l2", true},
		{"all lots, another operator", all, "b", "l2", false},
		{"system", scope.System("test"), "b", "l2", true},
	} {
		if got := tc.sc.SeesLot(tc.op, tc.lot); got != tc.want {
			t.Errorf("%s: SeesLot(%s, %s) = %v, want %v", tc.name, tc.op, tc.lot, got, tc.want)
		}
	}
}

func TestClaimsAreCopied(t *testing.T) {
	lots := []id.Lot{"l1"}
	perms := []scope.Permission{"a.read"}
	p := scope.NewPrincipal(scope.Claims{User: "u", Operator: "a", Lots: lots, Permissions: perms})
	lots[0], perms[0] = "l2", "a.write"
	if p.Scope().SeesLot("a", "l2") || p.May("a.write") {
		t.Error("a principal changed after it was made")
	}
	got, _ := p.Scope().Lots()
	got[0] = "l3"
	if p.Scope().SeesLot("a", "l3") {
		t.Error("a scope changed through what Lots returned")
	}
}

// Only account may say who somebody is.
func TestOnlyAccountMakesPrincipals(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(file)
		if !strings.Contains(string(text), "scope.NewPrincipal(") {
			return nil
		}
		seen++
		helper := strings.HasSuffix(path.Dir(slash), "test") // lottest and the like, which only tests import
		if !strings.Contains(slash, "internal/account/") && !helper {
			t.Errorf("%s makes a principal; only account may", slash)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("nobody makes principals: this test reads the wrong folder")
	}
}

package archcheck

import (
	"go/ast"
	"slices"
)

// engine is what package tariff computes prices with. The oracle beside it must not call any of it: what both took from
// one place, comparing them could not find wrong.
var engine = []string{"Rate", "Compile", "Rater", "Quote", "Explain", "Lint", "Probes"}

// checkOracle keeps the tariff engine's oracle apart: of the engine's package it may use the types and the decoder.
func checkOracle(src *source) []Violation {
	if !under(src.path, "shared/tariff/oracle") || src.isTest {
		return nil
	}
	var found []Violation
	for _, spec := range src.file.Imports {
		if under(importPath(spec.Path.Value), module+"/shared/tariff/cases") {
			found = append(found, src.at(spec.Pos(), "the oracle must not import what calls the engine"))
		}
	}
	ast.Inspect(src.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "tariff" && slices.Contains(engine, sel.Sel.Name) {
				found = append(found, src.at(n.Pos(), "the oracle must not use tariff.%s: it is written apart", sel.Sel.Name))
			}
		}
		return true
	})
	return found
}

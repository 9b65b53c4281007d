// Package scope says who asks and what they may see.
//
// Every store method takes a Scope, so a query without one does not compile. The zero Scope sees nothing. A Scope
// comes from a signed-in Principal (made by package account alone; a test reads the sources for it) or from
// System with a reason, for work that no person asked for: ingest, jobs, migrations.
package scope

import (
	"fmt"
	"slices"

	"lotkeeper/cloud/internal/platform/id"
)

// Scope is what a caller may see: one operator, in it all lots or the chosen ones; or everything, for the system.
// It is a value, immutable once made.
type Scope struct {
	operator id.Operator
	allLots  bool
	lots     []id.Lot
	reason   string // of a system scope
}

// System sees every operator. The reason is shown in logs and audit rows, as "ingest" or "job: query payments".
func System(reason string) Scope {
	if reason == "" {
		panic("scope: a system scope needs a reason")
	}
	return Scope{reason: reason, allLots: true}
}

// IsSystem tells that the scope spans operators.
func (s Scope) IsSystem() bool { return s.reason != "" }

// Operator is the one operator seen; "" for the system and for the zero Scope.
func (s Scope) Operator() id.Operator { return s.operator }

// Lots returns the chosen lots, or all = true when every lot of the operator is seen.
func (s Scope) Lots() (lots []id.Lot, all bool) { return slices.Clone(s.lots), s.allLots }

// SeesOperator tells whether rows of the operator may be seen.
func (s Scope) SeesOperator(op id.Operator) bool {
	return s.IsSystem() || (s.operator != "" && s.operator == op)
}

// SeesLot tells whether rows of this lot of this operator may be seen.
func (s Scope) SeesLot(op id.Operator, lot id.Lot) bool {
	return s.SeesOperator(op) && (s.allLots || slices.Contains(s.lots, lot))
}

// String is for logs.
func (s Scope) String() string {
	switch {
	case s.IsSystem():
		return "system(" + s.reason + ")"
	case s.operator == "":
		return "nothing"
	case s.allLots:
		return string(s.operator)
	}
	return fmt.Sprintf("%s%v", s.operator, s.lots)
}

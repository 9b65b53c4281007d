package scope

import (
	"slices"

	"lotkeeper/cloud/internal/platform/id"
)

// Permission names one thing that may be done, as "session.read" or "barrier.open": noun, dot, verb.
type Permission string

// Actor is who did something, for audit rows: "user:usr-…", "system:ingest", "driver".
type Actor string

// Claims are what package account knows of somebody who signed in.
type Claims struct {
	User        id.User
	Name        string // sign-in name
	Operator    id.Operator
	Role        string
	Permissions []Permission
	AllLots     bool
	Lots        []id.Lot // when not AllLots
	Session     string   // id of the sign-in (not the token), for revocation
}

// Principal is somebody who signed in. The zero Principal is nobody and may do nothing.
type Principal struct{ claims Claims }

// NewPrincipal is for package account, which has checked the claims, and for nobody else.
func NewPrincipal(c Claims) Principal {
	c.Permissions = slices.Clone(c.Permissions)
	c.Lots = slices.Clone(c.Lots)
	return Principal{claims: c}
}

// SignedIn is false for the zero Principal.
func (p Principal) SignedIn() bool { return p.claims.User != "" }

// May tells whether the permission was granted.
func (p Principal) May(perm Permission) bool { return slices.Contains(p.claims.Permissions, perm) }

// Scope is what the principal may see.
func (p Principal) Scope() Scope {
	if !p.SignedIn() || p.claims.Operator == "" {
		return Scope{}
	}
	return Scope{operator: p.claims.Operator, allLots: p.claims.AllLots, lots: p.claims.Lots}
}

// Actor names the principal in audit rows.
func (p Principal) Actor() Actor { return Actor("user:" + string(p.claims.User)) }

// SystemActor names a part of the system in audit rows, as "system:ingest".
func SystemActor(part string) Actor { return Actor("system:" + part) }

// User is who signed in; "" for nobody.
func (p Principal) User() id.User { return p.claims.User }

// Name is the sign-in name.
func (p Principal) Name() string { return p.claims.Name }

// Role is the role's name.
func (p Principal) Role() string { return p.claims.Role }

// Session is the id of the sign-in, which revocation names.
func (p Principal) Session() string { return p.claims.Session }

// Permissions lists what was granted.
func (p Principal) Permissions() []Permission { return slices.Clone(p.claims.Permissions) }

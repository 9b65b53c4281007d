// Package permission lists everything that may be allowed or refused. An operation names one of these; package
// account says which roles have which. A permission that is not in All is refused at start, so a misspelt one
// cannot hide.
package permission

import "lotkeeper/cloud/internal/platform/scope"

// The permissions, noun.verb.
const (
	AuditRead      scope.Permission = "audit.read"
	BarrierOpen    scope.Permission = "barrier.open"
	BoothEnrol     scope.Permission = "booth.enrol"
	BoothRead      scope.Permission = "booth.read"
	LiveRead       scope.Permission = "live.read"
	LotRead        scope.Permission = "lot.read"
	LotWrite       scope.Permission = "lot.write"
	PassageRead    scope.Permission = "passage.read"
	PaymentRead    scope.Permission = "payment.read"
	PaymentRefund  scope.Permission = "payment.refund"
	PhotoRead      scope.Permission = "photo.read"
	RightRead      scope.Permission = "right.read"
	RightWrite     scope.Permission = "right.write"
	SessionCorrect scope.Permission = "session.correct"
	SessionRead    scope.Permission = "session.read"
	TariffRead     scope.Permission = "tariff.read"
	TariffWrite    scope.Permission = "tariff.write"
	UserRead       scope.Permission = "user.read"
	UserWrite      scope.Permission = "user.write"
)

// All lists every permission, in order.
func All() []scope.Permission {
	return []scope.Permission{
		AuditRead, BarrierOpen, BoothEnrol, BoothRead, LiveRead, LotRead, LotWrite, PassageRead, PaymentRead,
		PaymentRefund, PhotoRead, RightRead, RightWrite, SessionCorrect, SessionRead, TariffRead, TariffWrite, UserRead, UserWrite,
	}
}

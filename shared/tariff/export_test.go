package tariff

// Sound lets the tests outside check what holds of every bill.
func Sound(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, b Bill,
) {
	t.Helper()
	sound(t, b)
}

// Monotone says what the engine believes of a plan.
func (r *Rater) Monotone(plan int) bool { return r.monotone(&r.plans[plan]) }

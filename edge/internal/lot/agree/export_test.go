package agree

// BeforeWrite is called before each write of raft's. Set it before Run.
func (m *Member) BeforeWrite(f func()) { m.writes.before = f }

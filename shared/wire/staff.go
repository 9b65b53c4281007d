package wire

// Staff is a person who may act at the lot's booths. The code is checked at the booth, with no network.
type Staff struct {
	Name   string       `json:"name"`
	Hash   string       `json:"hash"`   // argon2id of the person's code, in PHC form
	Rights []StaffRight `json:"rights"` // what the person may do besides looking
}

// StaffRight is something that a person at a booth may do.
type StaffRight string

// The rights of staff.
const (
	MayOpen    StaffRight = "open"    // raise and lower the arm by hand; what is due becomes a debt
	MayCash    StaffRight = "cash"    // take cash, and so have a shift
	MayWaive   StaffRight = "waive"   // let somebody go free
	MayCorrect StaffRight = "correct" // give a vehicle another plate, or say which entry it is of
	MayPromise StaffRight = "promise" // let somebody go on a promise to pay
	MayRelieve StaffRight = "relieve" // close another person's shift
	MayMode    StaffRight = "mode"    // hold a lane open, lock it, or let a convoy through
)

// StaffRights lists all rights.
func StaffRights() []StaffRight {
	return []StaffRight{MayOpen, MayCash, MayWaive, MayCorrect, MayPromise, MayRelieve, MayMode}
}

// validateStaff tells a configuration's faults about its staff. Rights that this release does not know are for newer ones.
func (c *Config) validateStaff(fault func(format string, args ...any)) {
	seen := map[string]bool{}
	for _, s := range c.Staff {
		if s.Name == "" || len(s.Name) > 64 || seen[s.Name] {
			fault("staff name %q is missing, too long or stands twice", s.Name)
		}
		seen[s.Name] = true
		if s.Hash == "" {
			fault("staff %q has no hash of a code", s.Name)
		}
	}
}

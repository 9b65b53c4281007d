package fact

// LaneMode is how a lane is worked for a while instead of by its decisions.
type LaneMode string

// The modes of a lane. Vehicles are read, matched, recorded and billed in every one.
const (
	HeldOpen LaneMode = "held_open" // 常开: the arm stays up
	Locked   LaneMode = "locked"    // 锁闸: nothing opens but a fire and a person with a reason
	Convoy   LaneMode = "convoy"    // 车队: the arm stays up until so many vehicles have passed
)

// Mode says that a person set a lane to a mode. It lasts for Seconds from the fact's At, at most, and until another is set
// or it is ended.
type Mode struct {
	Lane    string   `json:"lane"`
	Mode    LaneMode `json:"mode"`
	By      string   `json:"by"`
	Note    string   `json:"note"` // the person's reason
	Seconds int64    `json:"seconds"`
	Count   int      `json:"count,omitempty"`  // of a convoy: vehicles
	Unpaid  string   `json:"unpaid,omitempty"` // what is due of who leaves in it: "debt", "waive", or "" as the lot's policy says
}

// Fire says that a lane's fire input went on, so that its arm goes up and stays up, or off again.
type Fire struct {
	Lane string `json:"lane"`
	On   bool   `json:"on"`
}

// ModeEnded says that a mode is over. Its first ref is the fact that set it.
type ModeEnded struct {
	Lane   string   `json:"lane"`
	Mode   LaneMode `json:"mode"`
	Why    string   `json:"why"`          // "expired", "counted", "person", "replaced"
	By     string   `json:"by,omitempty"` // the person, when one ended it
	Note   string   `json:"note,omitempty"`
	Passed int      `json:"passed"` // vehicles that went through while it lasted
}

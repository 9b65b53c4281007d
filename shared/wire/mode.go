package wire

import (
	"time"

	"lotkeeper/shared/fact"
)

// SetMode asks for a lane's mode: Command.Mode says which. It is of the lane, not of the vehicle that stands there: of the
// token only the run counts.
const SetMode CommandAction = "mode"

// ModeOrder is what is asked of a lane's mode.
type ModeOrder struct {
	Mode    fact.LaneMode `json:"mode"` // "": back to normal
	Seconds int64         `json:"seconds"`
	Count   int           `json:"count,omitempty"`  // of a convoy: vehicles
	Unpaid  string        `json:"unpaid,omitempty"` // "debt", "waive", "": as the lot's policy says
}

// ModeView is the mode that a lane is in, for screens.
type ModeView struct {
	Mode  fact.LaneMode `json:"mode"`
	Until time.Time     `json:"until"`
	Left  int           `json:"left,omitempty"` // of a convoy: vehicles still to pass
	By    string        `json:"by"`
	Note  string        `json:"note"`
}

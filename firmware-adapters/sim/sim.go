// Package sim is the other end of the devices' wires: cameras, barrier boards and displays that speak the same bytes as
// the real ones, and a lane that puts them together with a physical model of cars, loops and an arm.
//
// Everything here tells the truth about what physically happened, apart from what it says on the wire: tests and lotsim
// judge an agent by that truth.
package sim

import (
	"log/slog"
	"time"
)

// Env is what simulated devices may use of their surroundings.
type Env struct {
	Log *slog.Logger
	Now func() time.Time
}

// Package driver is the contract between the edge agent and a device on site.
//
// An adapter is a folder that knows one wire. It gives a [Device]: something that can be run, says what happened as
// [Event] values, and offers the capabilities it has as small interfaces ([Opener], [Shower], …) found by type assertion.
//
// The life of a device: decode the settings strictly → validate → Run. New does no I/O and starts nothing. Run
// connects, emits events and serves commands until ctx ends (then it returns nil within a second and nothing it started
// outlives it) or until the link breaks (then it returns the error). Run never reconnects: only the layer that
// supervises devices retries, and it calls Run again on the same Device.
//
// Commands are called from other goroutines while Run is running; outside Run they fail with [ErrOffline]. A command
// whose answer did not come is [Unknown], never repeated by the adapter: the caller reads the state back.
package driver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"lotkeeper/shared/plate"
)

// ErrOffline is returned by a command when the device is not connected.
var ErrOffline = errors.New("device is offline")

// Device is one configured device.
type Device interface {
	// Run serves the device until ctx ends (nil) or the link breaks (the cause). emit must not be called after Run
	// returned; it may block for a moment when the receiver is behind, so Run must go on noticing ctx. When emit returns,
	// the receiver has taken the event over: a device that keeps records until they are acknowledged forgets it then.
	Run(ctx context.Context, emit func(Event)) error
}

// Event is one thing a device said, with everything needed to judge it later.
type Event struct {
	ID         string    // stable: the same saying sent twice has the same ID; unique within the device
	DeviceTime time.Time // by the device's own clock; zero when it has none
	Received   time.Time // by the booth's clock, when its last byte came
	Late       bool      // the device says itself that this comes from its memory, not from now
	Raw        []byte    // the frame as it came, without pictures; for transcripts and disputes
	Body       Body
}

// Body is what an [Event] says: one of the types below.
type Body interface{ body() }

type (
	// PlateRead says that a camera recognised a plate, or saw a vehicle without one.
	PlateRead struct {
		Plate      plate.Plate // Class none when the vehicle shows no plate
		Confidence int         // 0..100; -1 when the device does not say
		Trigger    string      // "video", "loop", "soft" or "" when unknown
		Photos     []Photo     // largest first
	}
	// InputChanged says that an input changed, or what it is when the link came up.
	InputChanged struct {
		Input Input
		On    bool
	}
	// ArmMoved says where the barrier's arm is.
	ArmMoved struct{ Arm Arm }
	// Alive says that the device answered; it carries no news. At most one a second.
	Alive struct{}
)

func (PlateRead) body()    {}
func (InputChanged) body() {}
func (ArmMoved) body()     {}
func (Alive) body()        {}

// Photo is a picture that came with a read.
type Photo struct {
	Kind string // "scene" or "plate"
	JPEG []byte
}

// Input names what a digital input is wired to.
type Input string

// The inputs a lane may have.
const (
	LoopArrive Input = "loop_arrive" // before the barrier: a vehicle wants to pass
	LoopSafety Input = "loop_safety" // under the arm: never close while it is on
	ManualOpen Input = "manual_open" // somebody pressed the button in the cabinet
	FireAlarm  Input = "fire_alarm"
)

// Arm is where a barrier's arm is.
type Arm string

// The places of an arm. Moving is between the two limits.
const (
	ArmUnknown Arm = "unknown"
	ArmDown    Arm = "down"
	ArmMoving  Arm = "moving"
	ArmUp      Arm = "up"
)

// Outcome is what is known of a command after it was sent.
type Outcome string

// The outcomes of a command. Done means the device acknowledged it, not that the arm is up.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // the device answered no
	Unknown Outcome = "unknown" // no answer, or an answer that cannot be trusted
)

// Opener raises and lowers a barrier. Open is idempotent: on a raised arm it keeps it raised. Close must not lower the
// arm onto an occupied safety loop; it answers Refused then. On Unknown the error says why.
type Opener interface {
	Open(ctx context.Context) (Outcome, error)
	Close(ctx context.Context) (Outcome, error)
}

// Shower shows a message on a lane's display and speaks it when the device has a voice.
type Shower interface {
	Show(ctx context.Context, m Message) (Outcome, error)
}

// Message is what a lane tells a driver.
type Message struct {
	Lines []string // top to bottom; a display with fewer lines shows the first ones
	Voice string   // spoken text; empty is silent
	Hold  time.Duration
}

// Triggerer makes a camera take a read now.
type Triggerer interface {
	Trigger(ctx context.Context) (Outcome, error)
}

// Env is what an adapter may use of its surroundings.
type Env struct {
	Device string // the device's id in the lot's configuration, for logs
	Log    *slog.Logger
	Now    func() time.Time
}

// Adapter is a row of the table of adapters.
type Adapter struct {
	Kind  string // as in the configuration: "vz", "modbus-barrier", "fangkong"
	Title string // what it drives, for people: "臻识 VZ plate camera (TCP 8131)"
	// Sample is a settings document that New accepts.
	Sample json.RawMessage
	// New decodes settings strictly (unknown keys are errors, all faults are listed at once) and validates them. It does
	// no I/O.
	New func(settings json.RawMessage, env Env) (Device, error)
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/plate"
)

// How long a driver takes for what he does at a lane.
const (
	rollUp      = 600 * time.Millisecond // from the lane being free to the wheels on the loop
	lookAfter   = 150 * time.Millisecond // from the loop to the camera's read
	reactAfter  = 300 * time.Millisecond // from the arm being up to the wheels under it
	overAfter   = 400 * time.Millisecond // until the rear has left the arrive loop
	clearAfter  = 500 * time.Millisecond // until it has left the safety loop
	backOutTime = 700 * time.Millisecond
)

// Vehicle is a car at a lane.
type Vehicle struct {
	ID         string      // for whoever judges
	Shown      plate.Plate // its real plate
	Read       plate.Plate // what the camera will say
	Confidence int
}

// Rise is an arm that leaves its lower limit.
type Rise struct {
	Lane    *Lane
	At      time.Time
	Vehicle *Vehicle // on the arrive loop or under the arm; nil: nobody is there
	Button  bool     // somebody presses the button in the cabinet, or there is a fire
}

// LaneConfig says where a lane's devices are reached.
type LaneConfig struct {
	Name    string
	Entry   bool
	Travel  time.Duration // of the arm; 800 ms when zero
	Camera  net.Listener
	Board   net.Listener // Modbus TCP; nil: RTU on BoardLine
	BoardTo *Line
	Display *Line
	Painter *Painter
	Rose    func(Rise) // optional
}

// Lane is one lane's devices with a model of what physically happens there.
type Lane struct {
	Name    string
	Entry   bool
	Camera  *Camera
	Board   *Board
	Display *Display

	cfg   LaneConfig
	env   Env
	front chan struct{} // held by the vehicle that uses the lane

	mu      sync.Mutex
	vehicle *Vehicle
	changed chan struct{}
}

// NewLane makes a lane. It starts nothing.
func NewLane(cfg LaneConfig, env Env) *Lane {
	if cfg.Travel == 0 {
		cfg.Travel = 800 * time.Millisecond
	}
	l := &Lane{
		Name: cfg.Name, Entry: cfg.Entry, cfg: cfg, env: env,
		Camera: NewCamera("51m-"+cfg.Name, cfg.Name, cfg.Painter, env), Board: NewBoard(cfg.Travel, env), Display: NewDisplay(env),
		front: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	l.Board.OnArm(l.armMoved)
	l.Camera.OnTrigger(func() (Reading, bool) {
		if v := l.Vehicle(); v != nil {
			return v.reading(env.Now()), true
		}
		return Reading{}, false
	})
	return l
}

// Run runs the lane's devices until ctx ends.
func (l *Lane) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	devices := []func() error{
		func() error { return l.Camera.Run(ctx, l.cfg.Camera) },
		func() error {
			if l.cfg.Board != nil {
				return l.Board.RunTCP(ctx, l.cfg.Board)
			}
			return l.Board.RunRTU(ctx, l.cfg.BoardTo)
		},
		func() error { return l.Display.Run(ctx, l.cfg.Display) },
	}
	ended := make(chan error, len(devices))
	for _, run := range devices {
		go func() {
			defer cancel()
			ended <- run()
		}()
	}
	var errs []error
	for range devices {
		errs = append(errs, <-ended)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("lane %s: %w", l.Name, err)
	}
	return nil
}

func (l *Lane) armMoved(from, to driver.Arm) {
	l.mu.Lock()
	close(l.changed)
	l.changed = make(chan struct{})
	v := l.vehicle
	l.mu.Unlock()
	if from == driver.ArmDown && to == driver.ArmMoving && l.cfg.Rose != nil {
		button := l.Board.Input(driver.ManualOpen) || l.Board.Input(driver.FireAlarm)
		l.cfg.Rose(Rise{Lane: l, At: l.env.Now(), Vehicle: v, Button: button})
	}
}

// Vehicle is who is at the lane; nil for nobody.
func (l *Lane) Vehicle() *Vehicle {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vehicle
}

func (v *Vehicle) reading(at time.Time) Reading {
	return Reading{Plate: v.Read, Shown: v.Shown, At: at, Trigger: 1, Confidence: v.Confidence}
}

// Arrive waits until the lane is free, drives onto the arrive loop and is read. there is called when the lane is the
// vehicle's, before anything of it is seen.
func (l *Lane) Arrive(ctx context.Context, v *Vehicle, there func()) error {
	select {
	case l.front <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := pause(ctx, rollUp); err != nil {
		<-l.front
		return err
	}
	there()
	l.stand(v)
	l.Board.SetInput(driver.LoopArrive, true)
	if err := pause(ctx, lookAfter); err != nil {
		return err
	}
	l.Camera.Read(v.reading(l.env.Now()))
	return nil
}

func (l *Lane) stand(v *Vehicle) {
	l.mu.Lock()
	l.vehicle = v
	l.mu.Unlock()
}

// AwaitUp waits until the arm is up.
func (l *Lane) AwaitUp(ctx context.Context) error {
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if l.Board.Arm() == driver.ArmUp {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ErrArmFell says that the arm came down before the wheels were under it: the driver waits for it again, and may have
// to pay.
var ErrArmFell = errors.New("the arm came down before the vehicle was under it")

// Cross drives through once the arm is up, and frees the lane. With a tailgater, that one follows under the same arm.
// gone is called just before the lane is free.
func (l *Lane) Cross(ctx context.Context, tailgater *Vehicle, gone func()) error {
	if err := l.AwaitUp(ctx); err != nil {
		return err
	}
	if err := pause(ctx, reactAfter); err != nil {
		return err
	}
	if l.Board.Arm() != driver.ArmUp {
		return ErrArmFell
	}
	l.Board.SetInput(driver.LoopSafety, true)
	if err := pause(ctx, overAfter); err != nil {
		return err
	}
	if tailgater == nil {
		l.Board.SetInput(driver.LoopArrive, false)
	}
	if err := pause(ctx, clearAfter); err != nil {
		return err
	}
	if tailgater != nil {
		// Bumper to bumper: the loops never fall between the two.
		l.stand(tailgater)
		l.Camera.Read(tailgater.reading(l.env.Now()))
		if err := pause(ctx, overAfter); err != nil {
			return err
		}
		l.Board.SetInput(driver.LoopArrive, false)
		if err := pause(ctx, clearAfter); err != nil {
			return err
		}
	}
	l.Board.SetInput(driver.LoopSafety, false)
	gone()
	l.release()
	return nil
}

// BackOut drives back off the arrive loop and frees the lane. gone is called just before the lane is free.
func (l *Lane) BackOut(ctx context.Context, gone func()) error {
	err := pause(ctx, backOutTime)
	l.Board.SetInput(driver.LoopArrive, false)
	gone()
	l.release()
	return err
}

// release frees the lane for the next vehicle.
func (l *Lane) release() {
	l.stand(nil)
	<-l.front
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SetPower switches a device: "camera", "board" or "display".
func (l *Lane) SetPower(device string, on bool) error {
	switch device {
	case "camera":
		l.Camera.SetPower(on)
	case "board":
		l.Board.SetPower(on)
	case "display":
		l.Display.SetPower(on)
	default:
		return fmt.Errorf("device %q is none of camera, board, display", device)
	}
	return nil
}

// CutLink breaks a device's connection once; programs may connect again at once.
func (l *Lane) CutLink(device string) error {
	switch {
	case device == "camera":
		l.Camera.Cut()
	case device == "board" && l.cfg.Board != nil:
		l.Board.Cut()
	case device == "board":
		l.cfg.BoardTo.Unplug()
		return l.cfg.BoardTo.Plug()
	case device == "display":
		l.cfg.Display.Unplug()
		return l.cfg.Display.Plug()
	default:
		return fmt.Errorf("device %q is none of camera, board, display", device)
	}
	return nil
}

package modbusbarrier

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport"
	"lotkeeper/firmware-adapters/transport/bus"
)

// Settings is the settings document. Coils and inputs are counted from 0, as on the wire.
type Settings struct {
	transport.Link
	Framing string          `json:"framing,omitempty"` // tcp or rtu; rtu on serial lines, tcp otherwise
	Unit    *int            `json:"unit,omitempty"`    // 1 by default
	Timeout driver.Duration `json:"timeout,omitempty"` // of one exchange; 500ms by default
	Poll    driver.Duration `json:"poll,omitempty"`    // of the inputs; 50ms on TCP, 100ms on serial lines by default

	OpenCoil  *int            `json:"open_coil,omitempty"`  // 0 by default
	CloseCoil *int            `json:"close_coil,omitempty"` // 1 by default; -1: the barrier closes by itself
	Pulse     driver.Duration `json:"pulse,omitempty"`      // 500ms by default
	PulseBy   string          `json:"pulse_by,omitempty"`   // flash (default): the board ends the pulse; write: we do

	Inputs   map[string]int `json:"inputs,omitempty"`   // what each input is wired to; see [DefaultInputs]
	Inverted []string       `json:"inverted,omitempty"` // inputs that are on when their contact is open
}

// The limits of the arm, beside the inputs of [driver.Input].
const (
	limitUp   = "limit_up"
	limitDown = "limit_down"
)

// DefaultInputs is the wiring taken when the settings say nothing.
func DefaultInputs() map[string]int {
	return map[string]int{
		limitUp: 0, limitDown: 1, string(driver.LoopArrive): 2, string(driver.LoopSafety): 3, string(driver.ManualOpen): 5,
	}
}

func inputNames() []string {
	return []string{
		limitUp, limitDown,
		string(driver.LoopArrive), string(driver.LoopSafety), string(driver.ManualOpen), string(driver.FireAlarm),
	}
}

// plan is a validated settings document.
type plan struct {
	link                transport.Link
	framing             bus.Framing
	unit                byte
	timeout, poll       time.Duration
	openCoil, closeCoil int
	pulse               time.Duration
	flash               bool
	inputs              map[string]int
	inverted            map[string]bool
	first, count        uint16
}

func decode(settings json.RawMessage) (plan, error) {
	var s Settings
	var faults driver.Faults
	faults.Decode(settings, &s)
	faults = append(faults, s.Faults()...)
	p := plan{
		link: s.Link, framing: bus.TCP, unit: 1, timeout: s.Timeout.Or(500 * time.Millisecond), poll: s.Poll.Or(50 * time.Millisecond),
		closeCoil: 1, pulse: s.Pulse.Or(500 * time.Millisecond), flash: true, inputs: s.Inputs, inverted: map[string]bool{},
	}
	if s.IsSerial() {
		p.framing = bus.RTU
		p.poll = s.Poll.Or(100 * time.Millisecond)
	}
	switch s.Framing {
	case "":
	case string(bus.TCP), string(bus.RTU):
		p.framing = bus.Framing(s.Framing)
		if s.IsSerial() && p.framing == bus.TCP {
			faults.Add(`"framing" of a serial line is rtu`)
		}
	default:
		faults.Add(`"framing" must be tcp or rtu, not %q`, s.Framing)
	}
	if s.Unit != nil {
		if *s.Unit < 1 || *s.Unit > 247 {
			faults.Add(`"unit" must be 1 to 247, not %d`, *s.Unit)
		}
		p.unit = byte(*s.Unit)
	}
	if p.timeout < 20*time.Millisecond || p.timeout > 800*time.Millisecond {
		faults.Add(`"timeout" must be 20ms to 800ms, not %v`, p.timeout)
	}
	if p.poll < 10*time.Millisecond || p.poll > time.Second {
		faults.Add(`"poll" must be 10ms to 1s, not %v`, p.poll)
	}
	if p.pulse < 100*time.Millisecond || p.pulse > 5*time.Second {
		faults.Add(`"pulse" must be 100ms to 5s, not %v`, p.pulse)
	}
	switch s.PulseBy {
	case "", "flash":
	case "write":
		p.flash = false
	default:
		faults.Add(`"pulse_by" must be flash or write, not %q`, s.PulseBy)
	}
	p.coils(s, &faults)
	p.wiring(s, &faults)
	return p, faults.Err()
}

func (p *plan) coils(s Settings, faults *driver.Faults) {
	if s.OpenCoil != nil {
		p.openCoil = *s.OpenCoil
	}
	if s.CloseCoil != nil {
		p.closeCoil = *s.CloseCoil
	}
	highest := 0xFFFF
	if p.flash {
		highest = 0xFE // above are the flash addresses themselves
	}
	if p.openCoil < 0 || p.openCoil > highest {
		faults.Add(`"open_coil" must be 0 to %d, not %d`, highest, p.openCoil)
	}
	if p.closeCoil < -1 || p.closeCoil > highest {
		faults.Add(`"close_coil" must be 0 to %d, or -1 for none, not %d`, highest, p.closeCoil)
	}
	if p.openCoil == p.closeCoil {
		faults.Add(`"open_coil" and "close_coil" are both %d`, p.openCoil)
	}
}

func (p *plan) wiring(s Settings, faults *driver.Faults) {
	if p.inputs == nil {
		p.inputs = DefaultInputs()
	}
	names := inputNames()
	used := map[int]string{}
	low, high := 0xFFFF, 0
	for _, name := range slices.Sorted(maps.Keys(p.inputs)) {
		at := p.inputs[name]
		if !slices.Contains(names, name) {
			faults.Add(`"inputs": %q is none of %v`, name, names)
			continue
		}
		if at < 0 || at > 0xFFFF {
			faults.Add(`"inputs": %q must be 0 to 65535, not %d`, name, at)
			continue
		}
		if other, ok := used[at]; ok {
			faults.Add(`"inputs": %q and %q are both %d`, other, name, at)
		}
		used[at] = name
		low, high = min(low, at), max(high, at)
	}
	switch {
	case len(p.inputs) == 0:
		faults.Add(`"inputs" is empty: at least one input is needed to know that the board lives`)
	case high-low >= 256:
		faults.Add(`"inputs" must lie within 256 of each other`)
	default:
		p.first, p.count = uint16(low), uint16(high-low+1)
	}
	if _, ok := p.inputs[string(driver.LoopSafety)]; !ok && p.closeCoil >= 0 {
		faults.Add(`"inputs" names no loop_safety: without it the arm must not be closed from here ("close_coil": -1)`)
	}
	for _, name := range s.Inverted {
		if _, ok := p.inputs[name]; !ok {
			faults.Add(`"inverted": %q is not in "inputs"`, name)
		}
		p.inverted[name] = true
	}
}

// Adapter is the row of the table of adapters.
func Adapter() driver.Adapter {
	return driver.Adapter{
		Kind:  Kind,
		Title: "Barrier and loops on a Modbus relay/IO board (TCP, RTU) / 道闸与地感(Modbus 继电器板)",
		Sample: json.RawMessage(`{
			"tcp": "192.168.1.200:502", "unit": 1, "poll": "50ms", "timeout": "500ms",
			"open_coil": 0, "close_coil": 1, "pulse": "500ms", "pulse_by": "flash",
			"inputs": {"limit_up": 0, "limit_down": 1, "loop_arrive": 2, "loop_safety": 3, "manual_open": 5, "fire_alarm": 6},
			"inverted": []
		}`),
		New: func(settings json.RawMessage, env driver.Env) (driver.Device, error) { return New(settings, env) },
	}
}

// New makes a barrier of a settings document. It does no I/O.
func New(settings json.RawMessage, env driver.Env) (*Barrier, error) {
	p, err := decode(settings)
	if err := errors.Join(err, env.Check()); err != nil {
		return nil, err
	}
	return newBarrier(p, p.link, env), nil
}

package traffic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/plate"
)

// maxBody bounds a request.
const maxBody = 64 << 10

// LaneState is what stands where.
type LaneState struct {
	Name      string                `json:"name"`
	Entry     bool                  `json:"entry"`
	Arm       driver.Arm            `json:"arm"`
	Inputs    map[driver.Input]bool `json:"inputs"`
	Screen    sim.Screen            `json:"screen"`
	Connected bool                  `json:"camera_connected"`
	Kept      int                   `json:"camera_records_kept"`
	Camera    sim.CameraStats       `json:"camera"`
	Car       *Car                  `json:"car,omitempty"`
	Queue     []string              `json:"queue,omitempty"`
	Commands  int                   `json:"commands"`
	Crushed   int                   `json:"crushed"`
}

// State is every lane.
func (w *World) State() []LaneState {
	var out []LaneState
	for _, l := range w.lanes {
		s := LaneState{
			Name: l.Name, Entry: l.Entry, Arm: l.Board.Arm(), Inputs: map[driver.Input]bool{}, Screen: l.Display.Screen(),
			Connected: l.Camera.Connected(), Kept: l.Camera.Kept(), Camera: l.Camera.Stats(),
			Commands: len(l.Board.Commands()), Crushed: l.Board.Crushed(),
		}
		for _, in := range []driver.Input{driver.LoopArrive, driver.LoopSafety, driver.ManualOpen, driver.FireAlarm} {
			s.Inputs[in] = l.Board.Input(in)
		}
		w.mu.Lock()
		if c := w.here[l.Name]; c != nil {
			copied := *c
			s.Car = &copied
		}
		for _, c := range w.cars {
			if c.Lane == l.Name && c.Why == "queues" {
				s.Queue = append(s.Queue, c.ID)
			}
		}
		w.mu.Unlock()
		out = append(out, s)
	}
	return out
}

// Truth is every car.
func (w *World) Truth() []Car {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Car, 0, len(w.cars))
	for _, c := range w.cars {
		out = append(out, *c)
	}
	return out
}

// Report is what happened so far, with the arms that rose without a reason.
func (w *World) Report() (Report, []Wrong) {
	crushed := 0
	for _, l := range w.lanes {
		crushed += l.Board.Crushed()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.report
	r.Crushed, r.Inside, r.Waiting = crushed, w.inside(), len(w.here)
	return r, append([]Wrong(nil), w.wrong...)
}

// Handler is the control API. Whoever reaches it can do everything: it belongs on loopback.
func (w *World) Handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { send(rw, map[string]bool{"ok": true}) })
	m.HandleFunc("GET /state", func(rw http.ResponseWriter, _ *http.Request) { send(rw, map[string]any{"lanes": w.State()}) })
	m.HandleFunc("GET /truth", func(rw http.ResponseWriter, _ *http.Request) { send(rw, map[string]any{"cars": w.Truth()}) })
	m.HandleFunc("GET /report", func(rw http.ResponseWriter, _ *http.Request) {
		r, wrong := w.Report()
		send(rw, struct {
			Report
			Wrong []Wrong `json:"wrong"`
		}{r, wrong})
	})
	post := func(path string, do func(in request) (any, error)) {
		m.HandleFunc("POST "+path, func(rw http.ResponseWriter, r *http.Request) {
			var in request
			dec := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxBody))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&in); err != nil {
				http.Error(rw, fmt.Sprintf("the request cannot be read: %v", err), http.StatusBadRequest)
				return
			}
			out, err := do(in)
			if err != nil {
				http.Error(rw, err.Error(), http.StatusUnprocessableEntity)
				return
			}
			if out == nil {
				out = map[string]bool{"ok": true}
			}
			send(rw, out)
		})
	}
	post("/arrive", w.postArrive)
	post("/loop", w.onLane(func(l *sim.Lane, in request) error {
		switch in.Input {
		case driver.LoopArrive, driver.LoopSafety, driver.ManualOpen, driver.FireAlarm:
			l.Board.SetInput(in.Input, in.On)
			return nil
		}
		return fmt.Errorf("input %q is unknown", in.Input)
	}))
	post("/tear", w.onLane(func(l *sim.Lane, _ request) error {
		l.Camera.TearNext(1)
		return nil
	}))
	post("/power", w.onLane(func(l *sim.Lane, in request) error { return l.SetPower(in.Device, !in.Off) }))
	post("/link", w.onLane(func(l *sim.Lane, in request) error { return l.CutLink(in.Device) }))
	post("/misread", w.onLane(func(l *sim.Lane, in request) error {
		v := l.Vehicle()
		if v == nil {
			return fmt.Errorf("nobody stands at lane %q", l.Name)
		}
		p, err := in.plate()
		if err != nil {
			return err
		}
		if p.None() {
			p = confusable(v.Shown)
		}
		l.Camera.Read(sim.Reading{Plate: p, Shown: v.Shown, At: w.o.Env.Now(), Trigger: 1, Confidence: 60})
		return nil
	}))
	post("/remember", w.onLane(func(l *sim.Lane, in request) error {
		p, err := in.plate()
		if err != nil {
			return err
		}
		if in.At.IsZero() {
			return fmt.Errorf("at is required: when the camera read the plate")
		}
		l.Camera.Remember(sim.Reading{Plate: p, At: in.At, Trigger: 1, Confidence: 96})
		return nil
	}))
	post("/calm", func(in request) (any, error) { w.Calm(in.On); return nil, nil })
	post("/asked", func(in request) (any, error) { return nil, w.Asked(in.Lane) })
	return m
}

// request is the body of every POST; each uses its own part.
type request struct {
	Lane   string       `json:"lane"`
	Plate  string       `json:"plate"`
	Colour plate.Colour `json:"colour"`
	Kind   Kind         `json:"kind"`
	Pays   string       `json:"pays"`
	Input  driver.Input `json:"input"`
	On     bool         `json:"on"`
	Device string       `json:"device"`
	Off    bool         `json:"off"`
	At     time.Time    `json:"at"`
}

func (r request) plate() (plate.Plate, error) { return plate.Parse(r.Plate, r.Colour) }

func (w *World) postArrive(in request) (any, error) {
	p, err := in.plate()
	if err != nil {
		return nil, err
	}
	switch in.Kind {
	case "", Visitor, Regular, Permit, LongStay, Misread, Reverse, Unlicensed, Tailgate:
	default:
		return nil, fmt.Errorf("kind %q is unknown", in.Kind)
	}
	switch in.Pays {
	case "", "phone", "cash", "nothing":
	default:
		return nil, fmt.Errorf("pays %q is none of phone, cash, nothing", in.Pays)
	}
	id, err := w.Arrive(in.Lane, p, in.Kind, in.Pays)
	return map[string]string{"car": id}, err
}

func (w *World) onLane(do func(*sim.Lane, request) error) func(request) (any, error) {
	return func(in request) (any, error) {
		l := w.names[in.Lane]
		if l == nil {
			return nil, fmt.Errorf("there is no lane %q", in.Lane)
		}
		return nil, do(l, in)
	}
}

func send(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(rw)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the reader may be gone
}

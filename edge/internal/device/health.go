package device

import "time"

// State is whether a device can be reached.
type State string

// The states of a device.
const (
	Starting State = "starting" // nothing was heard of it yet
	Up       State = "up"
	Down     State = "down"
)

// Health is what is known of a device. LastEvent includes signs of life; LastBusiness is the last time that it said
// something of a vehicle, which is what a watchdog must look at: a stream kept alive by heartbeats may long be dead.
type Health struct {
	Device       string    `json:"device"`
	Role         Role      `json:"role"`
	Kind         string    `json:"kind"`
	State        State     `json:"state"`
	Since        time.Time `json:"since"`
	LastEvent    time.Time `json:"last_event,omitzero"`
	LastBusiness time.Time `json:"last_business,omitzero"`
	Events       uint64    `json:"events"`  // since the start, without signs of life
	Doubled      uint64    `json:"doubled"` // dropped because said before
	Breaks       uint64    `json:"breaks"`  // how often the link broke or could not be made
	Error        string    `json:"error,omitempty"`
}

// Health returns what is known of the device now.
func (d *Device) Health() Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

func (d *Device) set(f func(*Health)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.health)
}

// memory remembers the last n ids.
type memory struct {
	ids  map[string]struct{}
	ring []string
	next int
}

func newMemory(n int) *memory {
	return &memory{ids: make(map[string]struct{}, n), ring: make([]string, n)}
}

func (m *memory) has(id string) bool { _, ok := m.ids[id]; return ok }

func (m *memory) add(id string) {
	if m.has(id) {
		return
	}
	delete(m.ids, m.ring[m.next])
	m.ring[m.next] = id
	m.ids[id] = struct{}{}
	m.next = (m.next + 1) % len(m.ring)
}

// Package drivertest is the conformance suite that every adapter passes: what the contract of package driver promises,
// tried on a simulated peer over the device's real wire. See DESIGN.md.
package drivertest

import (
	"encoding/json"
	"testing"

	"lotkeeper/firmware-adapters/driver"
)

// Features says which parts of the suite apply to an adapter.
type Features struct {
	Speaks bool // the peer says things by itself that become events: [Peer.Provoke] is set
	Mutes  bool // commands are answered on the wire, so that a missing answer can be told: [Peer.Mute] is set
	// Resyncs says that noise between frames is survived. An adapter without it must end Run at once, which the suite
	// then demands.
	Resyncs bool
	// Redelivers says that what was not acknowledged comes again after the link broke.
	Redelivers bool
}

// BadSettings is a settings document with faults, every one of which the error must name.
type BadSettings struct {
	Name     string
	Settings string
	Want     []string
}

// Peer is the other end of one device's wire. All functions but the optional ones must be set.
type Peer struct {
	Settings json.RawMessage // of the device that reaches this peer
	Contacts func() int      // grows whenever the adapter connects or asks something
	Break    func()          // the peer is gone: the link dies, and new ones fail
	Restore  func()          // it is back
	Mangle   func(func(b []byte) [][]byte)
	Inject   func(b []byte) // puts bytes into the stream towards the adapter

	Mute    func(on bool)                           // optional: commands are done but not answered
	Provoke func(i int) (is func(driver.Body) bool) // optional: the peer says its i-th thing; is recognises the event
	Done    func(t *testing.T)                      // optional: checked at the end
}

// Harness is an adapter with what the suite needs to try it.
type Harness struct {
	Adapter  driver.Adapter
	Features Features
	Bad      []BadSettings
	Oversize []byte // bytes that announce more than the adapter may take; nil when the wire cannot express it
	Start    func(t *testing.T) *Peer
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Run("settings", func(t *testing.T) { testSettings(t, h) })
	t.Run("no I/O before Run", func(t *testing.T) { testNoIO(t, h) })
	t.Run("offline commands", func(t *testing.T) { testOffline(t, h) })
	t.Run("cancel", func(t *testing.T) { testCancel(t, h) })
	t.Run("link breaks", func(t *testing.T) { testBreak(t, h) })
	t.Run("commands", func(t *testing.T) { testCommands(t, h) })
	t.Run("concurrency", func(t *testing.T) { testConcurrency(t, h) })
	t.Run("chopped stream", func(t *testing.T) { testChopped(t, h) })
	t.Run("noise", func(t *testing.T) { testNoise(t, h) })
	if h.Features.Mutes {
		t.Run("unanswered command", func(t *testing.T) { testUnanswered(t, h) })
	}
	if h.Features.Speaks {
		t.Run("events", func(t *testing.T) { testEvents(t, h) })
		t.Run("slow receiver", func(t *testing.T) { testSlowReceiver(t, h) })
		t.Run("half a frame", func(t *testing.T) { testHalf(t, h) })
	}
	if h.Oversize != nil {
		t.Run("oversize", func(t *testing.T) { testOversize(t, h) })
	}
}

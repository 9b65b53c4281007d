package simulation

import (
	"slices"
	"time"
)

// Kind is a kind of fault.
type Kind string

// The kinds of fault. All of them heal when the traffic ends.
const (
	Drop            Kind = "message_drop"
	Delay           Kind = "message_delay"
	Duplicate       Kind = "message_duplicate"
	Reorder         Kind = "message_reorder"
	Partition       Kind = "partition"  // one direction between two nodes, silently
	Outage          Kind = "wan_outage" // a booth's line to the cloud
	Broker          Kind = "broker_restart"
	Crash           Kind = "crash"     // kill -9 at an effect boundary
	Power           Kind = "power_cut" // and what was not synced is gone
	DiskError       Kind = "disk_error"
	DiskFull        Kind = "disk_full"
	DiskLost        Kind = "disk_lost"
	ClockJump       Kind = "clock_jump"
	ClockDrift      Kind = "clock_drift"
	Slow            Kind = "slow_node"
	CameraSilent    Kind = "camera_silent"
	StaleRead       Kind = "stale_read" // a camera tells as of now what it saw hours ago
	Stuck           Kind = "barrier_stuck"
	AckLost         Kind = "barrier_ack_lost"
	CallbackLate    Kind = "callback_late" // the payment provider's
	CallbackLost    Kind = "callback_lost"
	CallbackTwice   Kind = "callback_duplicate"
	CloudCrash      Kind = "cloud_crash" // before or after a commit
	CloudRestored   Kind = "cloud_restored"
	TariffChange    Kind = "tariff_change"
	Member          Kind = "membership_change"
	CommandStale    Kind = "command_stale"
	CommandReplayed Kind = "command_replayed"
)

// Kinds lists every kind of fault.
func Kinds() []Kind {
	return []Kind{
		Drop, Delay, Duplicate, Reorder, Partition, Outage, Broker, Crash, Power, DiskError, DiskFull, DiskLost, ClockJump,
		ClockDrift, Slow, CameraSilent, StaleRead, Stuck, AckLost, CallbackLate, CallbackLost, CallbackTwice, CloudCrash,
		CloudRestored, TariffChange, Member, CommandStale, CommandReplayed,
	}
}

// Spell is a time in which a kind of fault strikes, at a rate, one target (a booth, a lane, or a pair of nodes).
type Spell struct {
	Kind     Kind
	From, To time.Duration
	Target   int
	Rate     float64 // of those that it could strike
}

// length is how long spells of a kind last; 0 is a moment.
func length(k Kind) (shortest, longest time.Duration) {
	switch k {
	case Drop, Delay, Duplicate, Reorder, Slow:
		return 5 * time.Minute, 2 * time.Hour
	case Partition:
		return time.Minute, 3 * time.Hour
	case Outage:
		return time.Minute, 20 * time.Hour
	case DiskError, DiskFull:
		return 30 * time.Second, 20 * time.Minute
	case ClockJump, ClockDrift:
		return 10 * time.Minute, 3 * time.Hour
	case CameraSilent, StaleRead, Stuck, AckLost:
		return 5 * time.Minute, time.Hour
	case CallbackLate, CallbackLost, CallbackTwice, CommandStale, CommandReplayed:
		return 3 * time.Hour, 12 * time.Hour
	case Crash, Power, CloudCrash:
		return 10 * time.Minute, 2 * time.Hour
	}
	return 0, 0
}

// drawFaults gives each seed a subset of the kinds: seeds with few kinds find what a storm of all of them hides.
func drawFaults(p *Plan) []Spell {
	r := rng(p.Seed, "faults", 0)
	share := []float64{0, 0.1, 0.2, 0.35, 0.6, 0.6}[r.IntN(6)]
	var out []Spell
	for i, k := range Kinds() {
		r := rng(p.Seed, "fault", i)
		if !chance(r, share) {
			continue
		}
		times := 1 + r.IntN(3)
		if k == Partition {
			times += 3
		}
		if k == CloudRestored || k == DiskLost || k == Member {
			times = 1
		}
		for range times {
			least, most := length(k)
			s := Spell{Kind: k, From: between(r, 0, time.Duration(p.Hours)*time.Hour*9/10), Target: r.IntN(64)}
			s.To = s.From + between(r, least, max(least, min(most, time.Duration(p.Hours)*time.Hour/3)))
			switch k {
			case Drop, Delay, Duplicate, Reorder:
				s.Rate = []float64{0.02, 0.1, 0.3, 1}[r.IntN(4)]
			case Crash, Power, CloudCrash:
				s.Rate = []float64{0.002, 0.01, 0.05}[r.IntN(3)]
			case Partition:
				s.Rate = 1
			default:
				s.Rate = []float64{0.3, 0.7, 1}[r.IntN(3)]
			}
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Spell) int { return int(a.From - b.From) })
	return out
}

// struck reports whether a fault of a kind strikes a target now, and counts it.
func (w *World) struck(k Kind, target, of int) bool {
	if w.healed {
		return false
	}
	for _, s := range w.active(k) {
		if of > 0 && s.Target%of != target {
			continue
		}
		if s.Rate >= 1 || chance(w.luck, s.Rate) {
			w.fire(k)
			return true
		}
	}
	return false
}

// within reports whether a spell of a kind lies on a target now. It draws nothing.
func (w *World) within(k Kind, target, of int) bool {
	if w.healed {
		return false
	}
	for _, s := range w.active(k) {
		if of <= 0 || s.Target%of == target {
			return true
		}
	}
	return false
}

func (w *World) active(k Kind) []Spell {
	var out []Spell
	for _, s := range w.spells[k] {
		if s.From <= w.now && w.now < s.To {
			out = append(out, s)
		}
	}
	return out
}

// fire counts a fault that struck.
func (w *World) fire(k Kind) {
	w.report.Faults[k]++
	w.note("fault", string(k))
}

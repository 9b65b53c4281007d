package agree

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"lotkeeper/shared/wire"
)

// change is one step from the members that are to those that shall be.
type change struct {
	what   verb
	member string
	addr   string
}

type verb string

const (
	listen   verb = "add as listener"
	vote     verb = "make a voter"
	demote   verb = "make a listener"
	remove   verb = "remove"
	handOver verb = "hand leadership over" // the leader itself may not stay one
)

// next returns the first step from have to want; ok is false when they fit. It never leaves the group without a voter:
// a configuration without voters changes nothing. named tells the name in the group that a booth's box gave itself, "" when
// it is not known: nobody is added who did not say who he is, and of a booth whose box is another now, the former leaves
// first. New booths listen first and become voters when they are reachable, which its caller checks: a voter that is away
// would stop the others' agreement.
func next(have []raft.Server, want []wire.Booth, self string, named func(booth string) string) (change, bool) {
	is := map[string]raft.Server{}
	for _, s := range have {
		is[boothOf(string(s.ID))] = s
	}
	shall, voters := map[string]wire.Booth{}, 0
	for _, b := range want {
		if b.Raft == "" {
			continue
		}
		shall[b.ID] = b
		if b.Voter {
			voters++
		}
	}
	if voters == 0 {
		return change{}, false
	}
	for _, s := range have {
		if name := named(boothOf(string(s.ID))); name != "" && name != string(s.ID) && string(s.ID) != self {
			return change{remove, string(s.ID), string(s.Address)}, true
		}
	}
	for _, b := range want {
		s, member := is[b.ID]
		switch {
		case b.Raft == "":
		case !member:
			if name := named(b.ID); name != "" {
				return change{listen, name, b.Raft}, true
			}
		case string(s.Address) != b.Raft && s.Suffrage == raft.Voter:
			return change{vote, string(s.ID), b.Raft}, true
		case string(s.Address) != b.Raft:
			return change{listen, string(s.ID), b.Raft}, true
		}
	}
	waits := false
	for _, b := range want {
		s, member := is[b.ID]
		switch {
		case b.Raft == "" || !b.Voter || member && s.Suffrage == raft.Voter:
		case member:
			return change{vote, string(s.ID), b.Raft}, true
		default:
			waits = true
		}
	}
	// Only when all who shall vote do, others stop voting.
	for _, s := range have {
		b, stays := shall[boothOf(string(s.ID))]
		what := remove
		switch {
		case !stays && s.Suffrage != raft.Voter:
		case waits:
			continue
		case !stays:
		case !b.Voter && s.Suffrage == raft.Voter:
			what = demote
		default:
			continue
		}
		if string(s.ID) == self {
			what = handOver
		}
		return change{what, string(s.ID), string(s.Address)}, true
	}
	return change{}, false
}

// reconcile makes at most one change.
func (m *Member) reconcile(ctx context.Context, r *raft.Raft) error {
	c, ok := m.o.Memory.Config()
	if !ok {
		return nil
	}
	f := r.GetConfiguration()
	if err := f.Error(); err != nil {
		return fmt.Errorf("read members: %w", err)
	}
	step, ok := next(f.Configuration().Servers, c.Booths, m.ID(), m.named)
	if !ok {
		return nil
	}
	if step.what == vote && step.member != m.ID() {
		if err := m.reachable(ctx, step); err != nil {
			return fmt.Errorf("booth %s becomes a voter when it can be reached: %w", boothOf(step.member), err)
		}
	}
	m.o.Log.Info("members of the booths' group change", "member", step.member, "change", string(step.what))
	id, addr, at := raft.ServerID(step.member), raft.ServerAddress(step.addr), f.Index()
	switch step.what {
	case listen:
		return wait(ctx, r.AddNonvoter(id, addr, at, patience))
	case vote:
		return wait(ctx, r.AddVoter(id, addr, at, patience))
	case demote:
		return wait(ctx, r.DemoteVoter(id, at, patience))
	case remove:
		return wait(ctx, r.RemoveServer(id, at, patience))
	case handOver:
		return wait(ctx, r.LeadershipTransfer())
	}
	return errors.New("unknown change " + string(step.what))
}

// named tells a booth's name in the group.
func (m *Member) named(booth string) string {
	if booth == m.o.Booth {
		return m.ID()
	}
	return m.o.Members(booth)
}

// reachable reports whether a booth's member is up, by meeting it.
func (m *Member) reachable(ctx context.Context, step change) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := m.o.Dial(ctx, "tcp", step.addr)
	if err != nil {
		return err
	}
	defer c.Close() // nothing was said that could be lost
	_, err = m.meet(ctx, c, step.member)
	return err
}

package agent

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/shared/alarm"
)

// unled is how many heartbeats the booths may be without a leader before an alarm says so: an election takes a few.
const unled = 20

// watchGroup raises and clears the alarm of the booths' group until ctx ends.
func (a *Agent) watchGroup(ctx context.Context) {
	beat := cmp.Or(a.o.Timing.Heartbeat, 3*time.Second)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	led := a.mono()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		a.mu.Lock()
		m := a.member
		a.mu.Unlock()
		s := agree.Status{}
		if m != nil {
			s = m.Status()
		}
		now := a.mono()
		if s.Leader != "" || !a.grouped() {
			led = now
		}
		a.alarms.Set(alarm.GroupUnled, "", time.Duration(now-led) > unled*beat, fmt.Sprintf("voters %v", s.Voters))
	}
}

// grouped reports whether the configuration gives this lot a group of booths.
func (a *Agent) grouped() bool {
	c, ok := a.lot.Config()
	n := 0
	for _, b := range c.Booths {
		if b.Raft != "" {
			n++
		}
	}
	return ok && n > 1
}

package simulation

import (
	"fmt"
	"time"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/wire"
)

// people are the cloud's seats, who see a lane's state and send commands.
type people struct {
	w    *World
	sent map[string]*sentCommand
	next int
}

// sentCommand is a command and what truly came of it.
type sentCommand struct {
	command wire.Command
	seen    time.Duration // when its view was true
	visit   *visit        // whose view it was
	acted   int
}

func newPeople(w *World) *people { return &people{w: w, sent: map[string]*sentCommand{}} }

// seat has a seat open the barrier for a car it sees waiting: now, too late, or again and again.
func (h *people) seat(v *visit, k *control) {
	w := h.w
	live := k.state.Live(k.moment())
	h.next++
	o := &sentCommand{seen: w.now, visit: v, command: wire.Command{
		ID: fmt.Sprintf("command-%d", h.next), Lane: live.Lane, Action: wire.OpenBarrier, Token: live.Token, Reason: "simulated", By: "seat",
		TTL: wire.CommandTTL, Seen: live.Mono,
	}}
	h.sent[o.command.ID] = o
	late := between(w.luck, 500*time.Millisecond, 6*time.Second)
	if w.struck(CommandStale, 0, 0) {
		late = between(w.luck, 13*time.Second, 5*time.Minute)
		o.command.TTL = time.Hour // whatever the cloud asks for
	}
	times := []time.Duration{late}
	if w.struck(CommandReplayed, 0, 0) {
		times = append(times, late+between(w.luck, 50*time.Millisecond, 2*time.Second), late+between(w.luck, time.Second, 20*time.Minute))
	}
	w.report.Situations["commanded by a seat"]++
	b := k.p.b
	for _, d := range times {
		w.after(d, func() {
			w.carry(cloudNode, b.n, func() {
				b.heard(func(p *process) {
					for _, x := range p.lanes {
						if x.state.Lane == o.command.Lane {
							h.obey(x, o)
						}
					}
				})
			})
		})
	}
}

func (h *people) obey(k *control, o *sentCommand) {
	w := h.w
	at, came := k.site.front, w.now
	k.command(o.command, func(r lane.Reply) {
		w.note("command", o.command.ID, " ", r.Verdict)
		w.report.Situations["command "+string(r.Verdict)]++
		if r.Verdict != lane.Done && r.Verdict != lane.Unknown {
			return
		}
		o.acted++
		if came-o.seen > wire.CommandTTL+2*time.Second {
			w.violate("command", "%s acted %v after it was given", o.command.ID, came-o.seen)
		}
		if at != o.visit {
			w.violate("command", "%s was for car %d and acted on another", o.command.ID, o.visit.car.plan.N)
		}
		if o.acted > 1 {
			w.violate("command", "%s acted %d times", o.command.ID, o.acted)
		}
	})
}

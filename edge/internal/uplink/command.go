package uplink

import (
	"context"

	"lotkeeper/shared/wire"
)

// commandHands is how many commands are carried out at once.
const commandHands = 4

// maxResults bounds the results that wait for the line. Nobody reads a result that is minutes old: what happened is a fact.
const maxResults = 64

// obey carries out commands until ctx ends.
func (u *Uplink) obey(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-u.cmds:
			r := u.o.Command(ctx, c)
			r.Command, r.Lane = c.ID, c.Lane
			u.mu.Lock()
			if len(u.results) == maxResults {
				u.results = u.results[1:]
			}
			u.results = append(u.results, r)
			u.mu.Unlock()
			u.wake()
		}
	}
}

func (u *Uplink) takeResults() []wire.Result {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.results
	u.results = nil
	return out
}

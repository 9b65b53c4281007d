package lane

import "context"

// handRoom bounds what waits for one device.
const handRoom = 16

// hand does a device's commands one after the other, so that the lane never waits for a device.
type hand struct{ jobs chan func(context.Context) }

func newHand() *hand { return &hand{make(chan func(context.Context), handRoom)} }

func (h *hand) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-h.jobs:
			job(ctx)
		}
	}
}

// give adds a job; false when too many wait.
func (h *hand) give(job func(context.Context)) bool {
	select {
	case h.jobs <- job:
		return true
	default:
		return false
	}
}

// replace drops what waits and adds a job. Only one goroutine may call it.
func (h *hand) replace(job func(context.Context)) {
	for {
		select {
		case <-h.jobs:
		default:
			h.give(job)
			return
		}
	}
}

package lane

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync/atomic"

	"lotkeeper/edge/internal/device"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
)

// event takes what a device said.
func (c *Controller) event(ctx context.Context, e device.Event) {
	if e.Link != nil {
		if e.Link.Up && e.Role == device.Display {
			c.mu.Lock()
			m := c.message
			c.mu.Unlock()
			c.show(m, "") // it came back: it shows again, and says nothing twice
		}
		c.feed(ctx, Linked{Device: e.Device, Barrier: e.Role == device.Barrier, Up: e.Link.Up})
		return
	}
	switch b := e.Body.(type) {
	case driver.PlateRead:
		r := Read{
			Device: e.Device, Event: e.ID, Plate: b.Plate, Confidence: b.Confidence, Trigger: b.Trigger,
			Stamp: e.DeviceTime, Received: e.Received, Memory: e.Late,
		}
		for _, p := range b.Photos {
			sum := sha256.Sum256(p.JPEG)
			r.Photos = append(r.Photos, fact.Photo{Kind: p.Kind, SHA256: hex.EncodeToString(sum[:]), Bytes: len(p.JPEG)})
		}
		c.held = append(c.held, func() {
			kept := c.album.give(func(context.Context) {
				c.keep(e, b.Photos)
				e.Stored()
			})
			if !kept { // a disk that hangs must not hold the lane
				c.stats.photos.Add(uint64(len(b.Photos)))
				e.Stored()
			}
		})
		c.feed(ctx, r)
	case driver.InputChanged:
		c.feed(ctx, Sensed{b.Input, b.On})
	case driver.ArmMoved:
		c.feed(ctx, Arm{b.Arm})
	}
}

// keep stores a read's pictures. It comes after the barrier's command: a picture is not what a driver waits for.
func (c *Controller) keep(e device.Event, photos []driver.Photo) {
	if c.o.Photos == nil {
		return
	}
	for _, p := range photos {
		if _, err := c.o.Photos.Put(p.Kind, p.JPEG, e.Received); err != nil {
			c.stats.photos.Add(1)
			c.o.Log.Error("picture is not kept", "lane", c.set.Lane, "device", e.Device, "err", err)
		}
	}
}

// Stats counts what a lane did in this run.
type Stats struct {
	Reads, LateReads, Opened, Held, Passed, Unread uint64
	Failures                                       uint64 // writes that the journal refused
	LostPhotos                                     uint64
}

type stats struct {
	reads, late, opened, held, passed, unread, failures, photos atomic.Uint64
}

func (s *stats) count(facts []fact.Fact) {
	for i := range facts {
		switch f := &facts[i]; f.Kind {
		case fact.KindRead:
			s.reads.Add(1)
			if b, err := fact.Decode[fact.Read](f); err == nil && b.Late {
				s.late.Add(1)
			}
		case fact.KindDecision:
			if b, err := fact.Decode[fact.Decision](f); err == nil && b.Action == fact.Open {
				s.opened.Add(1)
			} else {
				s.held.Add(1)
			}
		case fact.KindPassage:
			b, err := fact.Decode[fact.Passage](f)
			if err != nil || b.Outcome != fact.Passed {
				continue
			}
			s.passed.Add(1)
			if len(f.Refs) == 0 {
				s.unread.Add(1)
			}
		}
	}
}

// Stats returns what the lane did in this run.
func (c *Controller) Stats() Stats {
	s := &c.stats
	return Stats{
		Reads: s.reads.Load(), LateReads: s.late.Load(), Opened: s.opened.Load(), Held: s.held.Load(), Passed: s.passed.Load(),
		Unread: s.unread.Load(), Failures: s.failures.Load(), LostPhotos: s.photos.Load(),
	}
}

package agent

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/edge/internal/watchdog"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// watchEvery is how often the watchdogs look.
const watchEvery = time.Second

// watchOf makes the watchdog of a lane.
func watchOf(l wire.Lane, at time.Duration) *watchdog.Lane {
	var cameras []string
	for _, d := range l.Devices {
		if device.Role(d.Role) == device.Camera {
			cameras = append(cameras, d.ID)
		}
	}
	return watchdog.NewLane(l.ID, cameras, at)
}

// watch looks at the lanes, their devices and the disk until ctx ends.
func (a *Agent) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at := time.Duration(a.mono())
		for _, u := range a.yard.list() {
			health := make([]device.Health, 0, len(u.devices))
			for _, d := range u.devices {
				health = append(health, d.Health())
			}
			u.watch.Devices(health, at)
			a.found(u.watch.Find(at))
		}
		if free, total, err := room(a.c.Data); err == nil {
			a.disk.Room(free, total)
		}
		a.found(a.disk.Find(at))
	}
}

// writing tells the disk's watchdog of a write of the journal, however long it takes.
func (a *Agent) writing() (ended func()) {
	end := a.disk.Begin(time.Duration(a.mono()))
	return func() { end(time.Duration(a.mono())) }
}

// found passes on what a watchdog found.
func (a *Agent) found(list []watchdog.Finding) {
	for _, f := range list {
		a.alarms.Set(f.Code, f.Subject, f.On, f.Detail)
	}
}

// room is how many bytes of how many an unprivileged program may still write below a folder.
func room(dir string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil //nolint:gosec // a block's size is positive
}

// stuckAfter is how long a lane may not say how it stands before the booth counts as stuck. It says so every two seconds,
// and waits for its journal no longer than that.
const stuckAfter = 10 * time.Second

// Stuck names the part of the booth that does not go on; "" when all do. A disk that hangs is not among them: it has an
// alarm, the lanes go on by the lot's policy, and a restart would only take them down too. It may itself wait for what is
// stuck.
func (a *Agent) Stuck() string {
	at := time.Duration(a.mono())
	for _, u := range a.yard.list() {
		if u.watch.Quiet(at) > stuckAfter {
			return "lane " + u.lane.ID
		}
	}
	a.lot.View(func(*session.Book) {}) // whoever holds the book for ever stops us here
	return ""
}

// Status says in one line how the booth stands.
func (a *Agent) Status() string {
	open := a.alarms.Open()
	text := fmt.Sprintf("lot %s, booth %s: %d lanes", a.identity.Lot, a.identity.Booth, len(a.yard.list()))
	if len(open) == 0 {
		return text + ", all well"
	}
	for i, x := range open {
		text += map[bool]string{true: ", alarms: ", false: "; "}[i == 0] + strings.TrimSpace(x.Code+" "+x.Subject)
	}
	return text
}

package edgetest

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/vz"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Speed is how fast a lane is: from the last byte of the camera's frame to the first byte of the barrier's command, with
// the bill written and synced between, and beside it a bare append of the same facts to a journal of its own, taken in
// turn with it on the same disk under the same load.
type Speed struct {
	Rounds             int
	P50, P99           time.Duration
	Bare50, Bare99     time.Duration
	Ratio50, Ratio99   float64
	WronglyNotMeasured int // rounds in which the barrier did not move
}

// MeasureSpeed runs rounds of exits at a lot with so many booths.
func MeasureSpeed(t testing.TB, booths, rounds int) Speed {
	t.Helper()
	lanes := []Lane{{ID: "exit-1", Dir: fact.Exit, Booth: "booth-a"}}
	for i := 1; i < booths; i++ {
		lanes = append(lanes, Lane{ID: fmt.Sprintf("entry-%d", i), Dir: fact.Entry, Booth: fmt.Sprintf("booth-%c", 'a'+i)})
	}
	w := &stopwatch{sent: make(chan time.Time, 4), moved: make(chan time.Time, 4)}
	l := Start(t, Plan{Lanes: lanes, Travel: 20 * time.Millisecond, Edit: func(c *wire.Config) {
		for i := range c.Lanes[0].Devices {
			switch d := &c.Lanes[0].Devices[i]; d.Role {
			case "camera":
				w.between(t, d, w.camera)
			case "barrier":
				w.between(t, d, w.board)
			}
		}
	}})
	a := l.Booths["booth-a"]
	bare, stop := bareJournal(t, filepath.Join(filepath.Dir(a.Dir), "bare.db"))
	defer stop()
	var lane, floor []time.Duration
	s := Speed{Rounds: rounds}
	for i := range rounds {
		plate := fmt.Sprintf("粤B%05d", i)
		enter(t, a, plate)
		d, ok := w.exit(t, l.Lanes["exit-1"], plate)
		if !ok {
			s.WronglyNotMeasured++
			continue
		}
		lane = append(lane, d)
		// The same load before it as before the lane: an append that raft and the exchange are busy with, and the pause.
		enter(t, a, fmt.Sprintf("粤C%05d", i))
		settle(30 * time.Millisecond)
		began := time.Now()
		if _, err := bare.Append(context.Background(), sameFacts); err != nil {
			t.Fatal(err)
		}
		floor = append(floor, time.Since(began))
	}
	if len(lane) == 0 {
		t.Fatal("the barrier never moved")
	}
	s.P50, s.P99, s.Bare50, s.Bare99 = rank(lane, 50), rank(lane, 99), rank(floor, 50), rank(floor, 99)
	s.Ratio50, s.Ratio99 = float64(s.P50)/float64(s.Bare50), float64(s.P99)/float64(s.Bare99)
	return s
}

func rank(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, len(d)*p/100)]
}

// stopwatch stands between the booth and its devices and notes when bytes pass.
type stopwatch struct {
	sent  chan time.Time // a frame with a read is out, to its last byte
	moved chan time.Time // the first byte of a command to a coil has come
}

// between puts a relay before a device that is reached over TCP.
func (w *stopwatch) between(t testing.TB, d *wire.Device, relay func(booth, device net.Conn)) {
	t.Helper()
	var settings map[string]any
	must(t, json.Unmarshal(d.Settings, &settings))
	to := settings["tcp"].(string)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			booth, err := l.Accept()
			if err != nil {
				return
			}
			device, err := net.Dial("tcp", to)
			if err != nil {
				_ = booth.Close()
				continue
			}
			group.Go(func() {
				relay(booth, device)
				_ = booth.Close()
				_ = device.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		group.Wait()
	})
	settings["tcp"] = l.Addr().String()
	b, err := json.Marshal(settings)
	must(t, err)
	d.Settings = b
}

// camera relays whole packets, so that it knows the last byte of a read.
func (w *stopwatch) camera(booth, device net.Conn) {
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(device, booth)
		_ = device.Close()
	})
	defer up.Wait()
	defer booth.Close()
	r := bufio.NewReader(device)
	for {
		p, err := vz.ReadPacket(r)
		if err != nil {
			return
		}
		if _, err := booth.Write(vz.AppendPacket(nil, p)); err != nil {
			return
		}
		if len(p.Body) > 1000 {
			note(w.sent)
		}
	}
}

// board relays requests one by one, so that it sees the first byte of a command.
func (w *stopwatch) board(booth, device net.Conn) {
	var down sync.WaitGroup
	down.Go(func() {
		_, _ = io.Copy(booth, device)
		_ = booth.Close()
	})
	defer down.Wait()
	defer device.Close()
	for {
		head := make([]byte, 8)
		if _, err := io.ReadFull(booth, head); err != nil {
			return
		}
		if f := head[7]; f == 0x05 || f == 0x0F {
			note(w.moved)
		}
		frame := make([]byte, len(head)-2+int(head[4])<<8+int(head[5]))
		copy(frame, head)
		if _, err := io.ReadFull(booth, frame[len(head):]); err != nil {
			return
		}
		if _, err := device.Write(frame); err != nil {
			return
		}
	}
}

func note(c chan time.Time) {
	select {
	case c <- time.Now():
	default:
	}
}

func drain(c chan time.Time) {
	for len(c) > 0 {
		<-c
	}
}

// exit drives one vehicle through and returns how long the lane took.
func (w *stopwatch) exit(t testing.TB, lane *sim.Lane, plate string) (time.Duration, bool) {
	t.Helper()
	drain(w.sent)
	drain(w.moved)
	lane.Board.SetInput(driver.LoopArrive, true)
	settle(30 * time.Millisecond) // the board is polled
	lane.Camera.Read(sim.Reading{Plate: Car(t, plate).Read, At: time.Now(), Trigger: 1, Confidence: 95})
	var from, to time.Time
	for _, x := range []struct {
		c  chan time.Time
		at *time.Time
	}{{w.sent, &from}, {w.moved, &to}} {
		select {
		case *x.at = <-x.c:
		case <-time.After(3 * time.Second):
			lane.Board.SetInput(driver.LoopArrive, false)
			return 0, false
		}
	}
	Until(t, 5*time.Second, "the arm is up", func() bool { return lane.Board.Arm() == driver.ArmUp })
	lane.Board.SetInput(driver.LoopSafety, true)
	settle(30 * time.Millisecond)
	lane.Board.SetInput(driver.LoopArrive, false)
	settle(30 * time.Millisecond)
	lane.Board.SetInput(driver.LoopSafety, false)
	Until(t, 5*time.Second, "the arm is down", func() bool { return lane.Board.Arm() == driver.ArmDown })
	settle(40 * time.Millisecond)
	return to.Sub(from), true
}

// settle waits for the board to be asked.
func settle(d time.Duration) { <-time.After(d) }

// enter makes a vehicle one that came in a minute ago.
func enter(t testing.TB, b *Booth, text string) {
	t.Helper()
	ref := fact.TariffRef{ID: "per-hour", Version: 1}
	at := time.Now().Add(-time.Minute)
	_, err := b.Lot().Append(context.Background(), func(id func(int) fact.ID) []fact.Draft {
		return []fact.Draft{
			{At: at, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: "entry-0", Dir: fact.Entry, Device: "cam-0", Event: text}, Hidden: fact.Vehicle{Plate: Car(t, text).Read}},
			{At: at, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{id(0)}, Body: fact.Decision{Lane: "entry-0", Dir: fact.Entry, Action: fact.Open, Reason: "entry", Session: id(0), Tariff: &ref}},
		}
	})
	must(t, err)
}

// sameFacts are what an exit writes before its barrier moves.
func sameFacts(id func(int) fact.ID) []fact.Draft {
	now := time.Now()
	return []fact.Draft{
		{At: now, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: "exit-1", Dir: fact.Exit, Device: "exit-1-cam", Event: "51m-exit-1/1/1", Confidence: 95, Trigger: "video", Photos: []fact.Photo{{Kind: "scene", SHA256: fmt.Sprintf("%064d", 1), Bytes: 20000}, {Kind: "plate", SHA256: fmt.Sprintf("%064d", 2), Bytes: 2000}}}, Hidden: fact.Vehicle{}},
		{At: now, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{id(0)}, Body: fact.Decision{Lane: "exit-1", Dir: fact.Exit, Action: fact.Open, Reason: "free", Session: id(0), Config: 1}},
		{At: now, Source: "booth", Kind: fact.KindBill, Refs: []fact.ID{id(0), id(0)}, Body: fact.Bill{Session: id(0), Config: 1, Bill: tariff.Bill{
			Tariff: "per-hour", Version: 1, Calendar: "plain", CalendarVersion: 1, Plan: "all", Currency: "CNY", Class: "small", Entry: now, Exit: now, RatedTo: now, Lines: []tariff.Line{},
		}}},
	}
}

// bareJournal is a journal with nothing around it.
func bareJournal(t testing.TB, path string) (*journal.Journal, func()) {
	t.Helper()
	began := time.Now()
	id := newBareIdentity(t)
	j, err := journal.Open(path, journal.Options{
		Lot: Name, Booth: "bare", Key: id, Boot: "bare", Now: time.Now, Mono: func() int64 { return int64(time.Since(began)) + 1 },
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	return j, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		must(t, j.Close())
	}
}

func newBareIdentity(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	return key
}

package systemtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lotkeeper/deploy/rig"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/wire"
)

func TestWalk(t *testing.T) {
	t.Parallel()
	r := start(t, quiet())
	t.Run("the entry booth is killed between entry and exit", func(t *testing.T) { killedBetween(t, r) })
	t.Run("the entry booth stays dead while the car exits", func(t *testing.T) { deadAtExit(t, r) })
	t.Run("a payment whose notice is lost is found by query", func(t *testing.T) { lostNotice(t, r) })
	t.Run("a seat's commands", func(t *testing.T) { commands(t, r) })
	report(t, r)
}

func killedBetween(t *testing.T, r *rig.Rig) {
	const plate = "粤B12345"
	car := enter(t, r, plate, "cash")
	r.Kill(rig.EntryBooth) // also before its last facts are anywhere else
	if err := r.Restart(t.Context(), rig.EntryBooth); err != nil {
		t.Fatal(err)
	}
	// A car that is at the exit sooner than the news of it is let out by the cashier, who finds nothing due.
	until(t, "the exit's booth knows of the entry", patience, func(ctx context.Context) error {
		b, err := r.Booth(ctx, rig.ExitBooth)
		if err == nil && b.Inside != 1 {
			err = fmt.Errorf("it counts %d inside", b.Inside)
		}
		return err
	})
	leave(t, r, car, plate, "cash")
	settled(t, r)
	oneSession(t, r, plate)
}

func deadAtExit(t *testing.T, r *rig.Rig) {
	const plate = "粤B23456"
	car := enter(t, r, plate, "phone")
	settled(t, r) // the exit's booth knows of the entry
	r.Kill(rig.EntryBooth)
	leave(t, r, car, plate, "phone")
	s := oneSessionSoon(t, r, plate)
	if err := r.Restart(t.Context(), rig.EntryBooth); err != nil {
		t.Fatal(err)
	}
	settled(t, r)
	if after := oneSession(t, r, plate); after.ID != s.ID || after.Money != s.Money {
		t.Errorf("session after the restart: got %+v, want %+v as before", after, s)
	}
}

// oneSessionSoon waits until the cloud has the exit.
func oneSessionSoon(t *testing.T, r *rig.Rig, plate string) rig.Session {
	t.Helper()
	a := signIn(t, r, rig.Admin)
	until(t, "the cloud has the exit of "+plate, patience, func(ctx context.Context) error {
		all, err := a.Sessions(ctx, plate)
		if err == nil && (len(all) != 1 || all[0].State != "left") {
			err = fmt.Errorf("sessions %+v", all)
		}
		return err
	})
	return oneSession(t, r, plate)
}

func lostNotice(t *testing.T, r *rig.Rig) {
	const plate = "粤B34567"
	if err := r.PayCall(t.Context(), "/sim/faults", map[string]any{"drop_callback": true}); err != nil {
		t.Fatal(err)
	}
	car := enter(t, r, plate, "phone")
	before, err := r.PayOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave(t, r, car, plate, "phone")
	settled(t, r)
	s := oneSession(t, r, plate)
	orders, err := r.PayOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for no, o := range orders {
		if _, old := before[no]; old {
			continue
		}
		if o.Notified != 0 || o.Payments != 1 || o.Total != s.Money.Paid {
			t.Errorf("order %+v: want it paid once, %d, and no notice sent", o, s.Money.Paid)
		}
		if state, err := r.OrderState(t.Context(), no); err != nil || state != "paid" {
			t.Errorf("the owner's page on order %s: got %q, %v, want paid", no, state, err)
		}
	}
	if len(orders) != len(before)+1 {
		t.Errorf("orders: got %d more, want one", len(orders)-len(before))
	}
	if err := r.PayCall(t.Context(), "/sim/faults", map[string]any{}); err != nil {
		t.Fatal(err)
	}
}

// commands: what is old, foreign or repeated moves nothing; what is fresh moves the arm once.
func commands(t *testing.T, r *rig.Rig) {
	const plate = "粤B45678"
	seat := signIn(t, r, rig.Seat)
	car := enter(t, r, plate, "nothing")
	arriveAtExit(t, r, plate, "nothing")
	var first wire.Live
	until(t, "the seat sees the car held", patience, func(ctx context.Context) error {
		var err error
		first, err = seat.View(ctx, rig.Lot, rig.ExitLane)
		if err == nil && (first.Waiting == nil || first.Token.Car == 0) {
			err = fmt.Errorf("view %+v", first)
		}
		return err
	})
	still := movements(t, r)
	line := listen(t, r, rig.ExitBooth)

	nothing := func(what string, change func(*wire.Live), want string) {
		t.Helper()
		v := view(t, seat)
		change(&v)
		judge(t, seat, what, "nothing-"+want+what, v, want)
		if now := movements(t, r); now != still {
			t.Errorf("%s: the arm moved: got %+v, want %+v as before", what, now, still)
		}
	}
	nothing("a command for the car before", func(v *wire.Live) { v.Token.Car-- }, "mismatched")
	nothing("a command of an earlier run of the agent", func(v *wire.Live) { v.Token.Boot = "0123456789abcdef" }, "mismatched")
	nothing("a command on a view of 11 s ago", func(v *wire.Live) { v.Mono -= wire.Mono(wire.CommandTTL + time.Second) }, "expired")
	nothing("a command on a view of the future", func(v *wire.Live) { v.Mono += wire.Mono(time.Minute) }, "expired")

	if err := r.SimCall(t.Context(), http.MethodPost, "/asked", map[string]any{"lane": rig.ExitLane}, nil); err != nil {
		t.Fatal(err)
	}
	line.drain()
	v := view(t, seat)
	id := judge(t, seat, "a fresh command", "open-once", v, "done")
	if again, err := seat.Open(t.Context(), "open-once", rig.Lot, v); err != nil || again != id {
		t.Errorf("the same request again: got command %q, %v, want %q", again, err, id)
	}
	awaitCar(t, r, car, "left")
	var opened motion
	until(t, "the arm comes down behind the car", patience, func(context.Context) error {
		if opened = movements(t, r); opened.Arm != string(driver.ArmDown) {
			return fmt.Errorf("it is %s", opened.Arm)
		}
		return nil
	})
	if opened.Opened != still.Opened+1 {
		t.Errorf("arms risen by one command asked for twice: got %d, want %d", opened.Opened, still.Opened+1)
	}
	said := line.next(t)
	line.say(t, said)
	line.say(t, said)
	until(t, "the booth answers the repeated command", patience, func(context.Context) error {
		select {
		case m := <-line.results:
			res, err := wire.Decode[wire.Result](m)
			if err == nil && (res.Command != id || res.Verdict != "replayed") {
				err = fmt.Errorf("result %+v, want command %s replayed", res, id)
			}
			return err
		default:
			return errors.New("no result yet")
		}
	})
	if now := movements(t, r); now != opened {
		t.Errorf("a repeated command moved the arm: got %+v, want %+v as before", now, opened)
	}
	d := settled(t, r)
	if d.Sums.Debt == 0 {
		t.Errorf("a car that was let out unpaid owes: got sums %+v, want a debt", d.Sums)
	}
}

func view(t *testing.T, seat *rig.API) wire.Live {
	t.Helper()
	v, err := seat.View(t.Context(), rig.Lot, rig.ExitLane)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func judge(t *testing.T, seat *rig.API, what, key string, v wire.Live, want string) (command string) {
	t.Helper()
	id, err := seat.Open(t.Context(), strings.ReplaceAll(key, " ", "-"), rig.Lot, v)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got, err := seat.Verdict(t.Context(), id, patience)
	if err != nil || got != want {
		t.Errorf("%s: got %q, %v, want %q", what, got, err, want)
	}
	return id
}

// motion is what the exit's hardware did.
type motion struct {
	Opened, Commands int
	Arm              string
}

func movements(t *testing.T, r *rig.Rig) motion {
	t.Helper()
	rep, err := r.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Hardware(t.Context(), rig.ExitLane)
	if err != nil {
		t.Fatal(err)
	}
	return motion{rep.Opened, l.Commands, string(l.Arm)}
}

// wiretap hears what the cloud says to a booth and can say it again.
type wiretap struct {
	client   paho.Client
	topic    string
	commands chan []byte
	results  chan []byte
}

func listen(t *testing.T, r *rig.Rig, booth string) *wiretap {
	t.Helper()
	cert, err := r.CloudCertificate()
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{
		client: mqtt(t, r, "wiretap", cert), topic: wire.Topic{Lot: rig.Lot, Booth: booth, Channel: wire.CommandTo}.String(),
		commands: make(chan []byte, 64), results: make(chan []byte, 64),
	}
	results := wire.Topic{Lot: rig.Lot, Booth: booth, Channel: wire.ResultFrom}.String()
	for topic, c := range map[string]chan []byte{w.topic: w.commands, results: w.results} {
		if err := done(w.client.Subscribe(topic, 1, func(_ paho.Client, m paho.Message) { c <- m.Payload() })); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *wiretap) drain() {
	for len(w.commands)+len(w.results) > 0 {
		select {
		case <-w.commands:
		case <-w.results:
		}
	}
}

func (w *wiretap) next(t *testing.T) []byte {
	t.Helper()
	w.emptyResults()
	select {
	case m := <-w.commands:
		return m
	case <-time.After(patience):
		t.Fatal("no command was heard")
		return nil
	}
}

// emptyResults forgets what was answered so far.
func (w *wiretap) emptyResults() {
	for len(w.results) > 0 {
		<-w.results
	}
}

func (w *wiretap) say(t *testing.T, m []byte) {
	t.Helper()
	if err := done(w.client.Publish(w.topic, 1, false, m)); err != nil {
		t.Fatal(err)
	}
}

// mqtt connects to the rig's broker.
func mqtt(t *testing.T, r *rig.Rig, client string, cert tls.Certificate) paho.Client {
	t.Helper()
	c := dialMQTT(t, r, client, &cert)
	if err := done(c.Connect()); err != nil {
		t.Fatalf("connect as %s: %v", client, err)
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func dialMQTT(t *testing.T, r *rig.Rig, client string, cert *tls.Certificate, more ...func(*paho.ClientOptions)) paho.Client {
	t.Helper()
	roots, err := r.Roots()
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	show(conf, cert)
	o := paho.NewClientOptions().AddBroker("ssl://" + r.Addresses().Broker).SetClientID(client).SetProtocolVersion(4).
		SetTLSConfig(conf).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second).SetWriteTimeout(10 * time.Second)
	for _, set := range more {
		set(o)
	}
	return paho.NewClient(o)
}

func done(token paho.Token) error {
	if !token.WaitTimeout(patience) {
		return errors.New("no answer from the broker")
	}
	return token.Error()
}

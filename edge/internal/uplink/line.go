package uplink

import (
	"context"
	"errors"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// line is the state of the connection. One goroutine owns it.
type line struct {
	u      *Uplink
	conn   connection       // its zero value when there is none
	sender *exchange.Sender // what is to be sent, and when
	state  bool             // our cursors are to be stated
}

// A batch of facts in one message.
const (
	batchRecords = 500
	batchBytes   = 512 << 10
)

func newLine(u *Uplink) *line {
	return &line{u: u, sender: exchange.NewSender(u.o.Pace.Resend, u.o.Pace.Relay)}
}

func (l *line) run(ctx context.Context) {
	defer l.hangUp()
	watch := l.u.o.Memory.Watch(ctx)
	regular := time.NewTicker(l.u.o.Pace.Cursor)
	defer regular.Stop()
	check := time.NewTicker(min(time.Second, l.u.o.Pace.Resend/2))
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-l.u.conns:
			l.connected(c)
		case <-l.conn.lost:
			l.broke()
		case m := <-l.u.in:
			l.take(m)
		case <-watch.C:
			watch.Take()
		case <-l.u.news:
		case <-regular.C:
			l.state = true
		case <-check.C:
		}
		if l.conn.paho != nil && l.conn.paho.IsConnectionOpen() {
			l.say()
		}
		l.count()
	}
}

// hangUp says good-bye, so that the last will is not needed.
func (l *line) hangUp() {
	if l.conn.paho == nil {
		return
	}
	if l.conn.paho.IsConnectionOpen() {
		if t := l.presence(false); t != nil {
			t.WaitTimeout(time.Second)
		}
	}
	l.broke()
}

// broke lets go of the connection.
func (l *line) broke() {
	l.conn.paho.Disconnect(100)
	l.conn = connection{}
	l.u.set(func(s *Status) { s.Connected, s.Since = false, l.u.o.Now() })
}

func (l *line) presence(online bool) paho.Token {
	p := wire.Presence{Online: online, At: l.u.o.Now().UTC(), Software: l.u.o.Software, Boot: l.u.o.Boot}
	return l.publish(wire.PresenceOf, 1, true, p)
}

// publish gives a message to the client. Nobody waits for the token: what matters is answered by the cloud.
func (l *line) publish(c wire.Channel, qos byte, retained bool, v any) paho.Token {
	b, err := wire.Encode(v)
	if err != nil {
		l.u.o.Log.Error("message cannot be written", "channel", c, "err", err)
		return nil
	}
	return l.conn.paho.Publish(l.u.topic(c), qos, retained, b)
}

func (l *line) take(m message) {
	var err error
	switch m.channel {
	case wire.CursorDown:
		err = l.takeCursor(m.payload)
	case wire.FactsDown:
		err = l.takeFacts(m.payload)
	case wire.ConfigDown:
		err = l.takeConfig(m.payload)
	case wire.RightsDown:
		err = l.takeRights(m.payload)
	case wire.CommandTo:
		err = l.takeCommand(m.payload)
	default:
		err = errors.New("nothing is expected there")
	}
	if err != nil {
		l.u.o.Log.Warn("message from the cloud refused", "channel", m.channel, "err", err)
	}
}

func (l *line) connected(c connection) {
	if l.conn.paho != nil {
		l.broke() // its loss was not read yet
	}
	l.u.o.Log.Info("line to the cloud is up", "broker", l.u.o.Broker)
	l.conn, l.state = c, true
	l.u.set(func(s *Status) { s.Connected, s.Since = true, l.u.o.Now() })
	l.sender.Connected()
	l.presence(true)
	l.u.allLive()
}

func (l *line) takeCursor(b []byte) error {
	c, err := wire.Decode[wire.Cursor](b)
	if err != nil {
		return err
	}
	now := l.u.o.Now()
	if !c.Echo.IsZero() {
		l.u.o.Clock(c.At, c.Echo, now)
	}
	l.sender.Stated(c.Cursors, c.Closed, now)
	l.u.o.Memory.Judged(enroll.Cloud, c.Cursors, c.Closed)
	l.u.o.Memory.Heard(enroll.Cloud, c.Cursors, c.Config)
	l.u.set(func(s *Status) {
		s.Heard, s.Offset, s.Refused, s.Config = now, c.At.Sub(now), c.Closed, c.Config
	})
	return nil
}

func (l *line) takeFacts(b []byte) error {
	m, err := wire.Decode[wire.Facts](b)
	if err != nil {
		return err
	}
	res, err := l.u.o.Memory.Merge(m.Batch)
	if err != nil {
		return err
	}
	l.state = true // tells the cloud what it may send next, or from where
	if res.Verdict == exchange.Refused || res.Verdict == exchange.Forked {
		return res.Cause
	}
	return nil
}

func (l *line) takeConfig(b []byte) error {
	if len(b) == 0 { // a retained message that was cleared
		return nil
	}
	s, err := wire.Decode[wire.Signed](b)
	if err != nil {
		return err
	}
	if err := l.u.o.Memory.Configure(s); err != nil && !errors.Is(err, lot.ErrOlder) {
		return err
	}
	l.state = true
	return nil
}

// takeRights takes a page of rights, and states which entries are wanted next: that is what the cloud answers.
func (l *line) takeRights(b []byte) error {
	p, err := wire.Decode[wire.Rights](b)
	if err != nil {
		return err
	}
	number, wants := l.u.o.Memory.RightsState()
	err = l.u.o.Memory.TakeRights(p)
	now, next := l.u.o.Memory.RightsState()
	l.state = l.state || err == nil && (now != number || next != wants)
	return err
}

// takeCommand hands a command over. One that finds no hand free is dropped: it is about now, and would be late.
func (l *line) takeCommand(b []byte) error {
	c, err := wire.Decode[wire.Command](b)
	if err != nil {
		return err
	}
	if c.ID == "" || !wire.ValidName(c.Lane) {
		return errors.New("command without an id or lane")
	}
	select {
	case l.u.cmds <- c:
		return nil
	default:
		return errors.New("too many commands wait")
	}
}

// say publishes what is due.
func (l *line) say() {
	if l.state {
		l.state = false
		c := wire.Cursor{At: l.u.o.Now().UTC(), Cursors: l.u.o.Memory.Cursors(), Closed: l.u.o.Memory.Closed()}
		if conf, ok := l.u.o.Memory.Config(); ok {
			c.Config = conf.Number
		}
		var wants right.Cursor
		if c.Rights, wants = l.u.o.Memory.RightsState(); c.Rights == 0 || wants != right.After(c.Rights) {
			c.RightsWant = &wants
		}
		l.publish(wire.CursorUp, 1, false, c)
	}
	for _, v := range l.u.takeLive() {
		l.publish(wire.LiveFrom(v.Lane), 0, false, v)
	}
	for _, r := range l.u.takeResults() {
		l.publish(wire.ResultFrom, 1, false, r)
	}
	l.sendFacts()
}

// sendFacts sends what the cloud lacks and is due.
func (l *line) sendFacts() {
	now := l.u.o.Now()
	for _, n := range l.sender.Due(l.u.o.Memory.Cursors(), l.u.o.Memory.Author(), now) {
		b, err := l.u.o.Memory.Batch(n.Author, n.After, batchRecords, batchBytes)
		if err != nil {
			l.u.o.Log.Error("facts cannot be read", "author", n.Author, "seq", n.After, "err", err)
			continue
		}
		if len(b.Records) == 0 {
			continue
		}
		l.publish(wire.FactsUp, 1, false, wire.Facts{Batch: b})
		l.sender.Sent(n.Author, n.After+uint64(len(b.Records)), now)
	}
}

// count tells people how much the cloud lacks.
func (l *line) count() {
	own, waiting, lacking := l.u.o.Memory.Author(), uint64(0), uint64(0)
	for _, n := range l.sender.Lacking(l.u.o.Memory.Cursors()) {
		lacking += n.To - n.After
		if n.Author == own {
			waiting = n.To - n.After
		}
	}
	l.u.set(func(s *Status) { s.Waiting, s.Lacking = waiting, lacking })
}

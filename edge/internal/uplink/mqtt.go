package uplink

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lotkeeper/shared/wire"
)

// message is what came from the broker.
type message struct {
	channel wire.Channel
	payload []byte
}

// connection is one connection to the broker, subscribed. Each has a client of its own and none is ever reconnected: a
// client that reconnects by itself sends old messages again, keeps their numbers, and tells of loss and return in an
// order that nobody can rely on.
type connection struct {
	paho paho.Client
	lost <-chan struct{} // closed when it broke
}

// patience is how long a connection may take until it is subscribed.
const patience = 20 * time.Second

// settled is how long a connection must have lived for the next attempt to be made at once.
const settled = 10 * time.Second

func (u *Uplink) topic(c wire.Channel) string {
	return wire.Topic{Lot: u.o.Lot, Booth: u.o.Booth, Channel: c}.String()
}

// keepConnected connects again and again until ctx ends, and hands each connection over. Waits between attempts grow,
// with a random part, so that a broker that comes back is not met by every booth at once.
func (u *Uplink) keepConnected(ctx context.Context) {
	wait := time.Duration(0)
	said := false // failures that follow each other are said once
	for ctx.Err() == nil {
		began := u.o.Now()
		c, err := u.dial(ctx)
		if err == nil {
			said = false
			select {
			case u.conns <- c:
			case <-ctx.Done():
				c.paho.Disconnect(100)
				return
			}
			select {
			case <-c.lost:
				u.o.Log.Warn("line to the cloud lost", "broker", u.o.Broker)
			case <-ctx.Done():
				return
			}
		} else if !said && ctx.Err() == nil {
			said = true
			u.o.Log.Warn("no line to the cloud; trying on", "broker", u.o.Broker, "err", err)
		}
		if err == nil && u.o.Now().Sub(began) >= settled {
			wait = 0
		}
		wait = min(max(2*wait, 100*time.Millisecond), u.o.Pace.Reconnect)
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// dial connects and subscribes.
func (u *Uplink) dial(ctx context.Context) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lost := make(chan struct{})
	var keep func() bool // lets the connection outlive ctx; set before the connect token is done
	client, err := u.client(sync.OnceFunc(func() { close(lost) }), func(broker *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		conn, err := (&tls.Dialer{Config: u.o.TLS}).DialContext(ctx, "tcp", broker.Host)
		if err != nil {
			return nil, err
		}
		// Until it is subscribed, ctx bounds every step: the client would wait for the broker's answer for ever.
		keep = context.AfterFunc(ctx, func() { _ = conn.Close() })
		return conn, nil
	})
	if err != nil {
		return connection{}, err
	}
	fail := func(err error) (connection, error) {
		cancel() // closes what is open
		client.Disconnect(250)
		return connection{}, err
	}
	if err := await(ctx, client.Connect()); err != nil {
		return fail(fmt.Errorf("connect: %w", err))
	}
	filters := map[string]byte{}
	for _, ch := range []wire.Channel{wire.FactsDown, wire.CursorDown, wire.ConfigDown, wire.RightsDown, wire.CommandTo} {
		filters[u.topic(ch)] = 1
	}
	t := client.SubscribeMultiple(filters, nil) // what comes goes to the default handler
	if err := await(ctx, t); err != nil {
		return fail(fmt.Errorf("subscribe: %w", err))
	}
	if granted, ok := t.(*paho.SubscribeToken); ok {
		for filter, code := range granted.Result() {
			if code == 0x80 && filter == u.topic(wire.RightsDown) {
				u.o.Log.Warn("the cloud is of a release without rights: what other booths have counts", "filter", filter)
			} else if code == 0x80 {
				return fail(fmt.Errorf("the broker refuses the subscription to %s", filter))
			}
		}
	}
	if !keep() {
		return fail(ctx.Err())
	}
	return connection{client, lost}, nil
}

func await(ctx context.Context, t paho.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// client makes an MQTT client for one connection. Its callbacks only put on a queue and never wait: a callback that
// waits stops the whole client. What finds the queue full is dropped; facts and cursors are said again, and a command
// would be late. Its own store is memory: what must not be lost is in the journal.
func (u *Uplink) client(lost func(), open paho.OpenConnectionFunc) (paho.Client, error) {
	will, err := wire.Encode(wire.Presence{Online: false, At: u.o.Now().UTC(), Software: u.o.Software, Boot: u.o.Boot})
	if err != nil {
		return nil, err
	}
	return paho.NewClient(paho.NewClientOptions().
		AddBroker(u.o.Broker).SetClientID(u.o.Booth).SetProtocolVersion(4).
		SetCustomOpenConnectionFn(open).
		SetCleanSession(false). // what the broker holds for us arrives after a short cut
		SetKeepAlive(20*time.Second).SetPingTimeout(5*time.Second).SetWriteTimeout(5*time.Second).
		SetConnectRetry(false).SetAutoReconnect(false).SetOrderMatters(true).
		SetBinaryWill(u.topic(wire.PresenceOf), will, 1, true).
		SetDefaultPublishHandler(u.receive).
		SetConnectionLostHandler(func(paho.Client, error) { lost() })), nil
}

func (u *Uplink) receive(_ paho.Client, m paho.Message) {
	t, err := wire.ParseTopic(m.Topic())
	if err != nil || t.Lot != u.o.Lot || t.Booth != u.o.Booth {
		u.o.Log.Warn("message on a topic that is not ours")
		return
	}
	select {
	case u.in <- message{t.Channel, m.Payload()}:
	default:
		u.o.Log.Warn("message dropped: too many wait", "channel", t.Channel)
	}
}

package uplink

import (
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lotkeeper/shared/wire"
)

// message is what came from the broker.
type message struct {
	channel wire.Channel
	payload []byte
}

func (u *Uplink) topic(c wire.Channel) string {
	return wire.Topic{Lot: u.o.Lot, Booth: u.o.Booth, Channel: c}.String()
}

// client makes the MQTT client. Its callbacks only put on a queue and never wait: a callback that waits stops the whole
// client. What finds the queue full is dropped; facts and cursors are said again, and a command would be late. Its own
// store is memory: what must not be lost is in the journal.
func (u *Uplink) client(stop <-chan struct{}) (paho.Client, error) {
	changed := func(up bool) {
		select {
		case u.turns <- up:
		case <-stop:
		}
	}
	will, err := wire.Encode(wire.Presence{Online: false, At: u.o.Now().UTC(), Software: u.o.Software, Boot: u.o.Boot})
	if err != nil {
		return nil, err
	}
	receive := func(_ paho.Client, m paho.Message) {
		t, err := wire.ParseTopic(m.Topic())
		if err != nil || t.Lot != u.o.Lot || t.Booth != u.o.Booth {
			return
		}
		select {
		case u.in <- message{t.Channel, m.Payload()}:
		default:
			u.o.Log.Warn("message dropped: too many wait", "channel", t.Channel)
		}
	}
	o := paho.NewClientOptions().
		AddBroker(u.o.Broker).SetTLSConfig(u.o.TLS).SetClientID(u.o.Booth).SetProtocolVersion(4).
		SetCleanSession(false). // commands and facts that the broker holds for us arrive after a short cut
		SetKeepAlive(20*time.Second).SetPingTimeout(5*time.Second).
		SetConnectTimeout(5*time.Second).SetWriteTimeout(5*time.Second).
		SetConnectRetry(true).SetConnectRetryInterval(min(time.Second, u.o.Pace.Reconnect)).
		SetAutoReconnect(true).SetMaxReconnectInterval(u.o.Pace.Reconnect).
		SetOrderMatters(true).SetMaxResumePubInFlight(50).
		SetBinaryWill(u.topic(wire.PresenceOf), will, 1, true).
		SetDefaultPublishHandler(receive).
		SetOnConnectHandler(func(c paho.Client) {
			filters := map[string]byte{}
			for _, ch := range []wire.Channel{wire.FactsDown, wire.CursorDown, wire.ConfigDown, wire.CommandTo} {
				filters[u.topic(ch)] = 1
			}
			t := c.SubscribeMultiple(filters, receive)
			go func() { // this is a callback of the client, which must not wait for the client
				select {
				case <-t.Done():
				case <-stop:
					return
				}
				if err := t.Error(); err != nil {
					u.o.Log.Warn("subscribe", "err", err)
					return
				}
				changed(true)
			}()
		}).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			u.o.Log.Warn("line to the cloud lost", "err", err)
			changed(false)
		})
	return paho.NewClient(o), nil
}

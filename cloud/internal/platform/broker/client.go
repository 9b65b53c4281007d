package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Message is what arrived.
type Message struct {
	Topic   string
	Payload []byte
	At      time.Time // when it arrived here
}

// ClientConfig of a Client. URL, ID and Logger are required.
type ClientConfig struct {
	URL    string // ssl://host:8883, tcp://host:1883 on loopback
	TLS    *tls.Config
	ID     string // unique at the broker: two clients with one id throw each other out
	Logger *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// Client is the cloud's connection. It connects and reconnects by itself while Run runs; Subscribe and Publish
// work at any time.
type Client struct {
	cfg  ClientConfig
	paho paho.Client

	mu            sync.Mutex
	subscriptions []*Subscription
}

// NewClient checks the configuration. Run connects.
func NewClient(cfg ClientConfig) (*Client, error) {
	if cfg.URL == "" || cfg.ID == "" || cfg.Logger == nil {
		return nil, errors.New("broker client: URL, ID and Logger are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Client{cfg: cfg}
	c.paho = paho.NewClient(paho.NewClientOptions().
		AddBroker(cfg.URL).SetTLSConfig(cfg.TLS).SetClientID(cfg.ID).SetProtocolVersion(4).
		// Replicas share subscriptions: a session kept for one that is away would swallow its part.
		SetCleanSession(true).
		SetKeepAlive(20 * time.Second).SetPingTimeout(5 * time.Second).
		SetConnectTimeout(5 * time.Second).SetWriteTimeout(5 * time.Second).
		SetConnectRetry(true).SetConnectRetryInterval(time.Second).
		SetAutoReconnect(true).SetMaxReconnectInterval(15 * time.Second).
		// Handlers only put on a queue and never wait, so order costs nothing.
		SetOrderMatters(true).
		SetMaxResumePubInFlight(50).
		SetDefaultPublishHandler(func(paho.Client, paho.Message) {}). // else strays stay unacknowledged
		SetOnConnectHandler(c.connected).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			cfg.Logger.Warn("broker connection lost", "broker", cfg.URL, "err", err)
		}))
	return c, nil
}

// Run keeps the connection until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	c.paho.Connect() // with ConnectRetry the token completes when it has connected at last
	<-ctx.Done()
	c.paho.Disconnect(250)
	return nil
}

// Connected tells whether messages travel now.
func (c *Client) Connected() bool { return c.paho.IsConnectionOpen() }

func (c *Client) connected(paho.Client) {
	c.cfg.Logger.Info("broker connected", "broker", c.cfg.URL)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subscriptions {
		c.subscribe(s)
	}
}

// subscribe asks the broker in the background: this runs in paho's callback, which must not wait.
func (c *Client) subscribe(s *Subscription) {
	token := c.paho.Subscribe(s.filter, s.qos, s.receive)
	go func() {
		if !token.WaitTimeout(10 * time.Second) {
			return // the connection went away; connected asks again
		}
		err := token.Error()
		if t, ok := token.(*paho.SubscribeToken); ok && err == nil {
			for filter, code := range t.Result() {
				if code == 0x80 {
					err = fmt.Errorf("broker refused the subscription to %s", filter)
				}
			}
		}
		if err != nil {
			c.cfg.Logger.Error("subscribe", "filter", s.filter, "err", err)
			return
		}
		s.once.Do(func() { close(s.ready) })
	}()
}

// Subscribe starts a subscription: now if connected, and after each reconnect. Filters may be shared
// ("$share/group/…"), so that replicas split the messages. queue is how many messages may wait for the reader.
func (c *Client) Subscribe(filter string, qos byte, queue int) *Subscription {
	s := &Subscription{filter: filter, qos: qos, queue: make(chan Message, queue), ready: make(chan struct{}), now: c.cfg.Now}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscriptions = append(c.subscriptions, s)
	if c.Connected() {
		c.subscribe(s)
	}
	return s
}

// Publish gives a message to the broker and waits until it has it (QoS 1) or until it is written (QoS 0). That it
// returns nil does not mean that anybody got it. While there is no connection it fails at once.
func (c *Client) Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error {
	if !c.Connected() {
		return fmt.Errorf("publish %s: %w", topic, ErrDisconnected)
	}
	token := c.paho.Publish(topic, qos, retained, payload)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("publish %s: %w", topic, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publish %s: %w", topic, ctx.Err())
	}
}

// ErrDisconnected means that there is no connection to the broker now.
var ErrDisconnected = errors.New("no connection to the broker")

// Subscription is a bounded queue of messages.
type Subscription struct {
	filter  string
	qos     byte
	queue   chan Message
	ready   chan struct{}
	once    sync.Once
	dropped atomic.Int64
	now     func() time.Time
}

// C gives the messages. It is never closed; the reader also waits for its context.
func (s *Subscription) C() <-chan Message { return s.queue }

// Ready is closed when the broker granted the subscription for the first time.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Dropped counts the messages lost because the reader was slow.
func (s *Subscription) Dropped() int64 { return s.dropped.Load() }

func (s *Subscription) receive(_ paho.Client, m paho.Message) {
	select {
	case s.queue <- Message{Topic: m.Topic(), Payload: m.Payload(), At: s.now()}:
	default:
		s.dropped.Add(1)
	}
}

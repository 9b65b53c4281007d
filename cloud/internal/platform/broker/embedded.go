package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/shared/wire"
)

const closeWithin = 10 * time.Second

// EmbeddedConfig of the embedded broker. All but Admit and MaxClients are required.
type EmbeddedConfig struct {
	Address    string       // host:port to listen on; port 0 picks one
	Listener   net.Listener // a plain TCP listener to serve on instead of Address; closed at the end
	TLS        *tls.Config  // must require client certificates
	Logger     *slog.Logger
	MaxClients int64                   // 0: 10,000
	Admit      func(pki.Identity) bool // asked at each connect, as whether the booth is still enrolled; nil: all
}

// Embedded is a running broker for one machine. It keeps nothing on disk: what is not acknowledged is sent again.
type Embedded struct {
	server  *mqtt.Server
	door    *door
	address string
	close   func() error
}

// StartEmbedded listens and serves until Close.
func StartEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	if cfg.TLS == nil || cfg.TLS.ClientAuth != tls.RequireAndVerifyClientCert {
		return nil, errors.New("broker: the listener must require client certificates")
	}
	if cfg.Logger == nil {
		return nil, errors.New("broker: no logger")
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumClients = 10_000
	if cfg.MaxClients > 0 {
		capabilities.MaximumClients = cfg.MaxClients
	}
	capabilities.MaximumPacketSize = wire.MaxMessage + 4096
	capabilities.MaximumSessionExpiryInterval = 3600
	capabilities.MaximumMessageExpiryInterval = 3600
	capabilities.MaximumInflight = 1024
	capabilities.MaximumClientWritesPending = 4096
	server := mqtt.New(&mqtt.Options{Capabilities: capabilities, Logger: slog.New(quieter{cfg.Logger.Handler()})})
	if err := server.AddHook(&gate{admit: cfg.Admit}, nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	plain := cfg.Listener
	if plain == nil {
		var err error
		if plain, err = net.Listen("tcp", cfg.Address); err != nil {
			return nil, fmt.Errorf("broker: listen on %s: %w", cfg.Address, err)
		}
	}
	e := &Embedded{server: server, door: newDoor(plain, greeting), address: plain.Addr().String()}
	e.close = sync.OnceValue(e.end)
	if err := server.AddListener(listeners.NewNet("booths", tls.NewListener(e.door, cfg.TLS))); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: %w", err), plain.Close())
	}
	if err := server.Serve(); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: serve: %w", err), e.Close())
	}
	return e, nil
}

// Address is where it listens.
func (e *Embedded) Address() string { return e.address }

// URL is the address for a client on the same machine.
func (e *Embedded) URL() string { return URLOf(e.address) }

// URLOf makes the URL of a listening address, as seen from the same machine.
func URLOf(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "ssl://" + address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "ssl://" + net.JoinHostPort(host, port)
}

// Cut ends the connection of a booth, as when its enrolment is withdrawn.
func (e *Embedded) Cut(booth string) {
	if client, ok := e.server.Clients.Get(booth); ok {
		_ = e.server.DisconnectClient(client, packets.ErrNotAuthorized) // it is cut also when it cannot be told
	}
}

// Close cuts every connection and ends. It takes no longer than closeWithin, whoever connects meanwhile.
func (e *Embedded) Close() error { return e.close() }

func (e *Embedded) end() error {
	// The server waits for all connections, and itself closes only those that have said who they are.
	e.door.shut()
	closed := make(chan error, 1)
	go func() { closed <- e.server.Close() }()
	late := time.NewTimer(closeWithin)
	defer late.Stop()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("broker: close: %w", err)
		}
		return nil
	case <-late.C:
		return fmt.Errorf("broker: close: not all connections ended in %v", closeWithin)
	}
}

// gate lets in who has a certificate and keeps everybody to his own topics.
type gate struct {
	mqtt.HookBase
	admit func(pki.Identity) bool
}

func (g *gate) ID() string { return "gate" }

func (g *gate) Provides(b byte) bool { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck }

func (g *gate) OnConnectAuthenticate(client *mqtt.Client, pk packets.Packet) bool {
	who, ok := identity(client)
	if !ok {
		return false
	}
	if !who.Cloud && client.ID != string(who.Booth) {
		return false
	}
	// The broker publishes a will without asking, so it is judged here.
	if pk.Connect.WillFlag && !MayPublish(who, pk.Connect.WillTopic) {
		return false
	}
	return g.admit == nil || who.Cloud || g.admit(who)
}

func (g *gate) OnACLCheck(client *mqtt.Client, topic string, write bool) bool {
	who, ok := identity(client)
	if !ok {
		return false
	}
	if write {
		return MayPublish(who, topic)
	}
	return MaySubscribe(who, topic)
}

func identity(client *mqtt.Client) (pki.Identity, bool) {
	conn, ok := client.Net.Conn.(*tls.Conn)
	if !ok {
		return pki.Identity{}, false
	}
	certs := conn.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return pki.Identity{}, false
	}
	who, err := pki.Identify(certs[0])
	return who, err == nil
}

// quieter takes mochi's information, which tells of every connection, down to debug.
type quieter struct{ slog.Handler }

func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, lower(level))
}

func (q quieter) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return q.Handler.Handle(ctx, r)
}

func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

func lower(level slog.Level) slog.Level {
	if level <= slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}

// Command stub is the floor of figure P16: a program with a booth's libraries (bbolt, raft with one voter, MQTT, HTTP,
// TLS) that does nothing with them. It prints "booth is up" when raft has a leader and HTTP answers.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

type nothing struct{}

func (nothing) Apply(*raft.Log) any                 { return nil }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nothing{}, nil }
func (nothing) Restore(r io.ReadCloser) error       { return r.Close() }
func (nothing) Persist(s raft.SnapshotSink) error   { return s.Close() }
func (nothing) Release()                            {}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "stub:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	for _, name := range []string{"journal.db", "lot.db"} {
		db, err := bbolt.Open(filepath.Join(dir, name), 0o600, nil)
		if err != nil {
			return err
		}
		defer db.Close() // it ends by a signal
	}
	store, err := raftboltdb.NewBoltStore(filepath.Join(dir, "raft.db"))
	if err != nil {
		return err
	}
	wire, err := raft.NewTCPTransport("127.0.0.1:0", nil, 2, time.Second, io.Discard)
	if err != nil {
		return err
	}
	c := raft.DefaultConfig()
	c.LocalID, c.LogOutput = "stub", io.Discard
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 150*time.Millisecond, 150*time.Millisecond, 150*time.Millisecond
	group := raft.Configuration{Servers: []raft.Server{{ID: c.LocalID, Address: wire.LocalAddr()}}}
	snapshots := raft.NewInmemSnapshotStore()
	if err := raft.BootstrapCluster(c, store, store, snapshots, wire, group); err != nil {
		return err
	}
	r, err := raft.NewRaft(c, nothing{}, store, store, snapshots, wire)
	if err != nil {
		return err
	}
	_ = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("ssl://127.0.0.1:1").SetTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for !<-r.LeaderCh() {
		}
		fmt.Fprintln(os.Stderr, "booth is up")
	}()
	s := http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })}
	return s.Serve(l)
}

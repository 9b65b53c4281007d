package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	tcpDialTimeout  = 3 * time.Second
	tcpWriteTimeout = 3 * time.Second
	tcpKeepAlive    = 10 * time.Second
)

// NewStream makes a [Conn] of a stream connection, for a dialer of your own.
func NewStream(c net.Conn) Conn { return &stream{Conn: c} }

// stream is a network connection whose writes end.
type stream struct{ net.Conn }

func dialTCP(ctx context.Context, address string) (Conn, error) {
	d := net.Dialer{Timeout: tcpDialTimeout, KeepAlive: tcpKeepAlive}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return NewStream(c), nil
}

func (s *stream) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(tcpWriteTimeout)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

func (s *stream) Discard() error {
	buf := make([]byte, 512)
	// A deadline in the past would return before looking at what is already here.
	if err := s.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return err
	}
	for {
		if _, err := s.Read(buf); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = nil
			}
			return errors.Join(err, s.SetReadDeadline(time.Time{}))
		}
	}
}

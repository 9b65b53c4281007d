package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/shared/wire"
)

// path is where a booth takes another's message.
const path = "/v1/exchange"

// serve answers the other booths until ctx ends.
func (x *Exchange) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, x.answer)
	var conns sync.WaitGroup // the server's own Close does not wait for what it runs
	defer conns.Wait()
	srv := &http.Server{
		Handler: mux, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(x.o.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				conns.Add(1)
			case http.StateClosed:
				conns.Done()
			default:
			}
		},
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = srv.Close() // exchanges may be cut anywhere
	})
	err := srv.Serve(tls.NewListener(x.o.Listener, x.o.Credentials.Serve(x.listed)))
	if !stop() {
		<-closed
	}
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve the other booths: %w", err)
}

func (x *Exchange) answer(w http.ResponseWriter, r *http.Request) {
	from := enroll.PeerOf(r.TLS)
	if !x.listed(from) { // it may have been taken off the list since it connected
		http.Error(w, "this booth is not of the lot", http.StatusForbidden)
		return
	}
	if !x.present(from, r.TLS) {
		http.Error(w, "another box took the place of this one", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxMessage))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	m, err := decode(body, x.o.Lot, from)
	if err != nil {
		x.o.Log.Warn("message of a booth refused", "booth", from, "err", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := x.absorb(m); err != nil {
		x.o.Log.Error("exchange failed", "booth", from, "err", err)
		http.Error(w, "cannot store", http.StatusServiceUnavailable)
		return
	}
	reply, err := x.compose(m.word())
	if err == nil {
		body, err = wire.Encode(reply)
	}
	if err != nil {
		x.o.Log.Error("exchange failed", "booth", from, "err", err)
		http.Error(w, "cannot read", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := w.Write(body); err != nil {
		x.o.Log.Debug("answer not delivered", "booth", from, "err", err)
	}
}

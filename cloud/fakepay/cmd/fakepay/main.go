// Command fakepay runs the double of the WeChat Pay gateway.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"lotkeeper/cloud/fakepay"
)

type options struct {
	Listen string          `default:"127.0.0.1:8090" help:"Address to serve on."`
	Base   string          `help:"URL under which browsers reach the cashier; default is http:// and the address."`
	Keys   string          `default:"fakepay-keys" type:"path" help:"Folder of the keys; made when it has none."`
	Retry  []time.Duration `help:"Waits between notifications, instead of WeChat's schedule (15s,15s,30s,3m,…)."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("fakepay"), kong.Description(
		"A double of the WeChat Pay v3 gateway for tests and demonstrations. It verifies, signs and encrypts as the real one does, "+
			"and misbehaves when asked: POST /sim/faults. No money is involved."))
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, log); err != nil {
		log.Error("fakepay stopped", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, log *slog.Logger) error {
	keys, err := fakepay.LoadKeys(o.Keys)
	if err != nil {
		return err
	}
	if o.Base == "" {
		o.Base = "http://" + o.Listen
	}
	g, err := fakepay.New(keys, fakepay.Options{Base: o.Base, Log: log, Retry: o.Retry})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return err
	}
	log.Info("fakepay serves", "url", o.Base, "keys", o.Keys)
	server := &http.Server{Handler: g.Handler(), ReadHeaderTimeout: 5 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.Run(ctx) })
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		return server.Shutdown(done)
	})
	return group.Wait()
}

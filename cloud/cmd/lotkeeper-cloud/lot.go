package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"lotkeeper/cloud/internal/app"
	"lotkeeper/cloud/internal/ingest"
)

type digestCmd struct {
	Lot string `required:"" help:"The lot."`
}

// Run prints what a lot's stored facts come to; lotkeeper-edge digest prints the same on a booth.
func (c digestCmd) Run(e *environment) (err error) {
	cfg, log, err := e.load()
	if err != nil {
		return err
	}
	store, err := app.OpenStore(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d, err := ingest.DigestOf(e.ctx, store.DB, c.Lot)
	if err != nil {
		return err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, string(text))
	return err
}

type rebuildCmd struct {
	Lot []string `help:"Only these lots; none: all."`
}

// Run makes sessions and passages again from the stored facts. It may run beside a server.
func (c rebuildCmd) Run(e *environment) (err error) {
	cfg, log, err := e.load()
	if err != nil {
		return err
	}
	store, err := app.OpenStore(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	lots := c.Lot
	if len(lots) == 0 {
		if lots, err = ingest.Lots(e.ctx, store.DB); err != nil {
			return err
		}
	}
	for _, lot := range lots {
		n, err := ingest.Rebuild(e.ctx, store.DB, lot)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s: rebuilt from %d facts\n", lot, n)
	}
	return nil
}

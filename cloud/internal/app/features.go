package app

import (
	"context"
	"errors"

	"lotkeeper/cloud/internal/booth"
	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/live"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/parking"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/right"
	"lotkeeper/cloud/internal/seat"
	"lotkeeper/cloud/internal/tariff"
	"lotkeeper/shared/wire"
)

// Features are the services that others build on.
type Features struct {
	Lots    *lot.Service
	Booths  *booth.Service
	Ingest  *ingest.Service
	Parking *parking.Service
	Live    *live.Service
	Seats   *seat.Service
	Tariffs *tariff.Service
	Rights  *right.Service
}

// features puts the features together, one after the other. A feature's constructor gets what it needs from a: DB,
// Audit, Jobs, Broker, CA, Objects, Hub, Now. It registers operations with its Register(a.API), jobs with a.JobSet,
// loops with a.Background, live topics with a.Follow. Nothing here does I/O: the API document is printed from this
// with no database and no broker.
func (a *App) features() error {
	keys, err := a.keys()
	if err != nil {
		return err
	}
	public := a.Config.HTTP.PublicURL
	if public == "" {
		public = "http://" + a.Config.HTTP.Listen
	}
	f := &a.Features
	if f.Lots, err = lot.New(lot.Options{
		DB: a.DB, Audit: a.Audit, Key: keys.config, Broker: a.Broker, PublicURL: public, Now: a.Now, Log: a.Log,
	}); err != nil {
		return err
	}
	// Who waits, and who came and went, is told onwards to services that are made after.
	var seats *seat.Service
	if f.Live, err = live.New(live.Options{
		DB: a.DB, Hub: a.Hub, Lots: f.Lots, Now: a.Now, Log: a.Log,
		OnWaiting: func(ctx context.Context, lot string) { seats.Waiting(ctx, lot) },
	}); err != nil {
		return err
	}
	if seats, err = seat.New(seat.Options{
		DB: a.DB, Audit: a.Audit, Lots: f.Lots, Live: f.Live, Hub: a.Hub, Broker: a.Broker, Now: a.Now, Log: a.Log,
	}); err != nil {
		return err
	}
	f.Seats = seats
	if f.Booths, err = booth.New(booth.Options{
		DB: a.DB, Audit: a.Audit, Authority: a.CA, Lots: f.Lots, Photos: keys.objects, Addresses: a.addresses, Now: a.Now, Log: a.Log,
		OnPresence: f.Live.Presence,
	}); err != nil {
		return err
	}
	if f.Rights, err = right.New(right.Options{DB: a.DB, Audit: a.Audit, Key: keys.config, Broker: a.Broker, Now: a.Now, Log: a.Log}); err != nil {
		return err
	}
	if f.Ingest, err = ingest.New(ingest.Options{
		DB: a.DB, Trust: ingest.CA{Roots: keys.roots, Withdrawn: f.Booths.Withdrawn}, Identity: keys.cloud, Broker: a.Broker,
		Software: "lotkeeper-cloud " + a.Version, Now: a.Now, Log: a.Log, OnCursor: a.heard,
	}); err != nil {
		return err
	}
	if f.Parking, err = parking.New(a.DB, keys.objects); err != nil {
		return err
	}
	if f.Tariffs, err = tariff.New(tariff.Options{DB: a.DB, Audit: a.Audit, Lots: f.Lots, Jobs: a.Jobs, Now: a.Now, Log: a.Log}); err != nil {
		return err
	}
	f.Tariffs.Work(a.JobSet())
	f.Lots.Register(a.API)
	f.Booths.Register(a.API)
	ingest.NewAPI(f.Ingest, a.Audit).Register(a.API)
	f.Parking.Register(a.API)
	f.Live.Register(a.API)
	f.Seats.Register(a.API)
	f.Tariffs.Register(a.API)
	f.Rights.Register(a.API)
	if err := a.pay(keys.config, f.Ingest, f.Lots, f.Rights, lanesNow{f.Live}); err != nil {
		return err
	}
	a.Admit(f.Booths.Admit)
	a.Follow("lot", LiveTopic{
		May: f.Live.Follow,
		Present: func(ctx context.Context, _ scope.Principal, lot string, send func(any)) {
			f.Live.Present(ctx, lot, send)
		},
	})
	a.Follow(seat.Topic, LiveTopic{
		May:     func(_ context.Context, p scope.Principal, name string) bool { return name == "" && f.Seats.Follow(p) },
		Resolve: f.Seats.Resolve,
		Present: func(ctx context.Context, p scope.Principal, _ string, send func(any)) { f.Seats.Present(ctx, p, send) },
	})
	if a.Broker != nil {
		a.listenToBooths()
	}
	return nil
}

// heard tells everybody who wants to know what a booth stated.
func (a *App) heard(ctx context.Context, lot, booth string, c wire.Cursor) error {
	return errors.Join(a.Features.Booths.Heard(ctx, lot, booth, c), a.Features.Rights.Heard(ctx, lot, booth, c))
}

// lanesNow tells the driver's pages who stands at a lane.
type lanesNow struct{ live *live.Service }

func (l lanesNow) Present(lot, lane string) (wire.Live, bool) {
	for _, x := range l.live.Lanes(lot) {
		if x.Lane == lane && x.Online {
			return x.Live, true
		}
	}
	return wire.Live{}, false
}

// waitingMax is how many messages of a kind may wait for their reader; what comes on top is dropped, and said again by the
// booths (facts, cursors) or overtaken by the next (lanes).
const waitingMax = 2000

// listenToBooths subscribes what booths say. Each filter is subscribed once: a client keeps one reader per filter.
func (a *App) listenToBooths() {
	f := &a.Features
	hear := func(filter string, qos byte) <-chan broker.Message {
		return a.Broker.Subscribe(filter, qos, waitingMax).C()
	}
	var up []<-chan broker.Message
	for _, filter := range ingest.Filters() {
		up = append(up, hear(filter, 1))
	}
	lanes, cursors := live.Filters()
	presence, results, laneStates, statements := hear(booth.PresenceFilter(), 1), hear(seat.ResultFilter(), 1), hear(lanes, 0), hear(cursors, 1)
	a.Background("ingest", func(ctx context.Context) error { return f.Ingest.Run(ctx, up...) })
	a.Background("presence", func(ctx context.Context) error { return f.Booths.Run(ctx, presence) })
	a.Background("rights", f.Rights.Run)
	a.Background("seat", func(ctx context.Context) error { return f.Seats.Run(ctx, results) })
	a.Background("live", func(ctx context.Context) error { return f.Live.Run(ctx, laneStates, statements) })
}

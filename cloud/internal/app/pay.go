package app

import (
	"crypto/ed25519"
	"strings"

	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/owner"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/wechat"
	"lotkeeper/cloud/internal/platform/database"
)

// pay adds payments and the driver's pages. lanes may be nil: then a lane's code finds nobody.
func (a *App) pay(key ed25519.PrivateKey, facts *ingest.Service, lots owner.Lots, rights owner.Rights, lanes owner.Lanes) error {
	public := strings.TrimRight(a.Config.HTTP.PublicURL, "/")
	o := payment.Options{
		DB: a.DB, Author: facts, Now: a.Now, Log: a.Log, Notify: public + payment.NotifyPath,
		Owes: owner.NewPricing(a.DB, lots, rights).Owes,
		Raise: func(tx *database.Tx, l payment.Alarm) error {
			return facts.Raise(tx, ingest.Alarm{Lot: l.Lot, Kind: l.Kind, Subject: l.Subject, ZH: l.ZH, EN: l.EN})
		},
	}
	if c := a.Config.Pay.WeChat; c.Set() {
		keys, err := wechat.Load(c)
		if err != nil {
			return err
		}
		if o.Provider, err = wechat.New(c, keys); err != nil {
			return err
		}
	}
	payments, err := payment.New(o)
	if err != nil {
		return err
	}
	drivers, err := owner.New(owner.Options{
		DB: a.DB, Key: key, Lots: lots, Rights: rights, Payments: payments, Lanes: lanes, Public: public, Now: a.Now, Log: a.Log,
	})
	if err != nil {
		return err
	}
	payments.Register(a.API)
	drivers.Register(a.API)
	a.Background("payments", payments.Run)
	return nil
}

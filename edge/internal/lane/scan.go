package lane

import (
	"crypto/ed25519"
	"errors"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
)

type (
	// Prove asks what a scanned text is worth for the vehicle at the lane; the answer is [Proven].
	Prove struct {
		Ask     Ask
		Car     uint64
		Session fact.ID
		Plate   plate.Plate
	}
	// Proven answers a [Prove].
	Proven struct {
		Ask   Ask
		Car   uint64
		Proof Proof
	}
)

func (Prove) effect() {}
func (Proven) input() {}

// Proof is what a scanned text is worth.
type Proof struct {
	Receipt *receipt.Receipt
	Trouble tariff.Text // why it is worth nothing
}

// Scan says what a text that was shown at a lane is worth for a vehicle. It is pure. key signs the cloud's receipts.
func Scan(book *session.Book, lot string, key ed25519.PublicKey, p Prove, at time.Time) Proof {
	if !receipt.IsReceipt(p.Ask.Text) {
		return Proof{Trouble: textNotOurs}
	}
	r, err := receipt.Decode(p.Ask.Text, key)
	switch {
	case errors.Is(err, receipt.ErrForged):
		return Proof{Trouble: textForged}
	case err != nil:
		return Proof{Trouble: textNotOurs}
	case r.Lot != lot:
		return Proof{Trouble: textOtherLot}
	case !r.Good(at):
		return Proof{Trouble: textReceiptOld}
	}
	s, known := book.Session(r.Session)
	switch {
	case known && s.Closed():
		return Proof{Trouble: textReceiptUsed}
	case !known || p.Session.IsZero() || !s.Has(p.Session) || r.Vehicle != receipt.VehicleOf(lot, s.Plate) && r.Vehicle != receipt.VehicleOf(lot, p.Plate):
		return Proof{Trouble: textOtherCar}
	}
	for _, x := range s.Pays {
		if x.Method == r.Provider && x.Order == r.Order {
			return Proof{Trouble: textReceiptCounted}
		}
	}
	return Proof{Receipt: &r}
}

// askScan takes what was scanned for the vehicle at the lane.
func (t *step) askScan(a Ask) {
	c := &t.Car
	if c.Phase != Held || c.Read.IsZero() {
		t.refuse(a, Invalid, textNobodyWaits)
		return
	}
	t.do(Prove{Ask: a, Car: c.N, Session: c.Found.Session, Plate: c.Plate})
}

// proven records a receipt that is good. What it opens is decided afterwards, like any payment.
func (t *step) proven(in Proven) {
	c := &t.Car
	switch {
	case in.Car != c.N || c.Phase != Held:
		t.refuse(in.Ask, Mismatched, textMismatched)
	case in.Proof.Receipt == nil:
		t.refuse(in.Ask, Refused, in.Proof.Trouble)
	default:
		r := in.Proof.Receipt
		t.settled(in.Ask, DoLook, plate.Plate{}, t.draft(fact.KindProved, fact.Proved{
			Session: c.Found.Session, Amount: r.Amount, Curr: r.Curr, Provider: r.Provider, Order: r.Order, Quoted: r.Quoted,
			Lane: t.Lane, By: in.Ask.By, Receipt: in.Ask.Text,
		}, c.Found.Entry))
	}
}

// scene is the picture that shows most.
func scene(photos []fact.Photo) (name string) {
	for _, p := range photos {
		if name == "" || p.Kind == "scene" {
			name = p.SHA256
		}
	}
	return name
}

var (
	textNobodyWaits    = tariff.Text{ZH: "车道上没有等待的车", EN: "no vehicle waits at the lane"}
	textNotOurs        = tariff.Text{ZH: "不是本系统的付款凭证", EN: "this is no receipt of ours"}
	textForged         = tariff.Text{ZH: "付款凭证签名无效", EN: "the receipt is not genuine"}
	textOtherLot       = tariff.Text{ZH: "这是其他车场的付款凭证", EN: "the receipt is of another lot"}
	textReceiptOld     = tariff.Text{ZH: "付款凭证已过期，请联系岗亭", EN: "the receipt has expired: call the booth"}
	textReceiptUsed    = tariff.Text{ZH: "付款凭证已使用过", EN: "the receipt was used before"}
	textReceiptCounted = tariff.Text{ZH: "这笔付款已计入", EN: "this payment is counted already"}
	textOtherCar       = tariff.Text{ZH: "付款凭证不属于这辆车", EN: "the receipt is of another vehicle"}
	textNoPromise      = tariff.Text{ZH: "不符合承诺付款条件：云平台在线，或该车已达上限", EN: "no promise is taken: the cloud is there, or the vehicle has reached its limit"}
)

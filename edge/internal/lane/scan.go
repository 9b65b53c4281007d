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
		Read    fact.ID
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
	Ticket  *receipt.Ticket
	Trouble tariff.Text // why it is worth nothing
}

// Signers tell whose word counts.
type Signers struct {
	Receipts ed25519.PublicKey                   // the cloud's
	Tickets  func(fact.Author) ed25519.PublicKey // of the lot's booths; nil for who is not known
}

// Scan says what a text that was shown at a lane is worth for a vehicle. It is pure.
func Scan(book *session.Book, lot string, by Signers, p Prove, at time.Time) Proof {
	switch {
	case receipt.IsReceipt(p.Ask.Text):
		return scanReceipt(book, lot, by, p, at)
	case receipt.IsTicket(p.Ask.Text) && by.Tickets != nil:
		return scanTicket(book, lot, by, p)
	}
	return Proof{Trouble: textNotOurs}
}

func scanReceipt(book *session.Book, lot string, by Signers, p Prove, at time.Time) Proof {
	r, err := receipt.Decode(p.Ask.Text, by.Receipts)
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

// scanTicket takes a ticket for a vehicle of which nothing is known here. It is worth its entry once.
func scanTicket(book *session.Book, lot string, by Signers, p Prove) Proof {
	k, err := receipt.DecodeTicket(p.Ask.Text, by.Tickets)
	switch {
	case errors.Is(err, receipt.ErrIssuer):
		return Proof{Trouble: textTicketIssuer}
	case errors.Is(err, receipt.ErrForged):
		return Proof{Trouble: textForged}
	case err != nil:
		return Proof{Trouble: textNotOurs}
	case k.Lot != lot:
		return Proof{Trouble: textOtherLot}
	case !p.Session.IsZero():
		return Proof{Trouble: textTicketNeedless}
	}
	if s, known := book.Session(k.Entry); known && s.Closed() || book.Matched(k.Entry, p.Read) {
		return Proof{Trouble: textTicketUsed}
	}
	return Proof{Ticket: &k}
}

// askScan takes what was scanned for the vehicle at the lane.
func (t *step) askScan(a Ask) {
	c := &t.Car
	if c.Phase != Held || c.Read.IsZero() {
		t.refuse(a, Invalid, textNobodyWaits)
		return
	}
	t.do(Prove{Ask: a, Car: c.N, Read: c.Read, Session: c.Found.Session, Plate: c.Plate})
}

// proven records what was shown, if it is good. What it opens is decided afterwards, like any payment.
func (t *step) proven(in Proven) {
	c := &t.Car
	switch {
	case in.Car != c.N || c.Phase != Held:
		t.refuse(in.Ask, Mismatched, textMismatched)
	case in.Proof.Receipt != nil:
		r := in.Proof.Receipt
		t.settled(in.Ask, DoLook, plate.Plate{}, t.draft(fact.KindProved, fact.Proved{
			Session: c.Found.Session, Amount: r.Amount, Curr: r.Curr, Provider: r.Provider, Order: r.Order, Quoted: r.Quoted,
			Lane: t.Lane, By: in.Ask.By, Receipt: in.Ask.Text,
		}, c.Found.Entry))
	case in.Proof.Ticket != nil:
		c.Ticket = in.Proof.Ticket
		t.settled(in.Ask, DoLook, plate.Plate{}, t.draft(fact.KindMatched, fact.Matched{Basis: "ticket", By: in.Ask.By}, c.Read, c.Ticket.Entry))
	default:
		t.refuse(in.Ask, Refused, in.Proof.Trouble)
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
	textTicketIssuer   = tariff.Text{ZH: "凭条由未知岗亭签发，请人工处理", EN: "the ticket is of a booth that is not known here: a person decides"}
	textTicketUsed     = tariff.Text{ZH: "凭条已使用过", EN: "the ticket was used before"}
	textTicketNeedless = tariff.Text{ZH: "该车的入场记录已找到，无需凭条", EN: "the entry of this vehicle is known: no ticket is needed"}
	textOtherCar       = tariff.Text{ZH: "付款凭证不属于这辆车", EN: "the receipt is of another vehicle"}
	textNoPromise      = tariff.Text{ZH: "不符合承诺付款条件：云平台在线，或该车已达上限", EN: "no promise is taken: the cloud is there, or the vehicle has reached its limit"}
)

package lane

import (
	"slices"
	"strings"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// The reasons that rest on rights.
const (
	ReasonBlack      = "black"       // entry: on the black list
	ReasonArrears    = "arrears"     // entry: it owes from earlier stays
	ReasonSpecial    = "special"     // of a special class
	ReasonFreeList   = "free_list"   // on the free list
	ReasonPermit     = "permit"      // with a month card or booking
	ReasonPermitFull = "permit_full" // entry: others hold all places of its card, so it is charged as any other
)

// consult asks the rights who the vehicle is.
func (f *Finding) consult(book *session.Book, terms wire.Terms, q Query) {
	if terms.Rights == nil {
		return
	}
	ask := right.Query{Plate: q.Plate, At: q.At, Where: terms.Place(), Currency: terms.Currency}
	if q.Dir == fact.Entry {
		ask.Inside = holders(book, q.Plate)
	}
	f.Rights, f.Verdict, f.PayURL = terms.InForce, terms.Rights.Judge(ask), terms.PayURL
}

// holders counts the other vehicles inside that hold a place of a permit. What their entries recorded counts.
func holders(book *session.Book, own plate.Plate) func(*right.Right) int {
	return func(r *right.Right) int {
		seen := map[session.ID]bool{}
		for _, p := range r.Plates {
			for _, s := range book.InsideFor(plate.Plate{Text: p.Text, Colour: p.Colour}) {
				// One that comes again has left unseen: it does not stand in its own way.
				if !plate.SameVehicle(s.Plate, own) && !slices.ContainsFunc(s.Uses, func(u fact.RightUse) bool { return u.ID == r.ID && u.Full }) {
					seen[s.ID] = true
				}
			}
		}
		return len(seen)
	}
}

// enter decides about a vehicle at an entry. A special class is never asked for what it owes.
func (f *Finding) enter() (fact.Action, string) {
	switch {
	case f.Verdict.Reason == right.Listed:
		return fact.Hold, ReasonBlack
	case f.barred():
		return fact.Hold, ReasonArrears
	case f.Verdict.Reason != right.Ordinary:
		return fact.Open, string(f.Verdict.Reason)
	case f.owes():
		return fact.Open, ReasonArrears
	}
	return fact.Open, ReasonEntry
}

// owes reports whether the driver is told at the entry of what is owed.
func (f *Finding) owes() bool {
	return f.Policy.Arrears != "" && f.Verdict.Owed > 0 && f.Verdict.Reason != right.SpecialOne
}

// barred reports whether what is owed keeps the vehicle out.
func (f *Finding) barred() bool {
	return f.owes() && f.Policy.Arrears == wire.ArrearsRefuse && f.Verdict.Owed >= f.Policy.ArrearsFrom
}

// given says by which right nothing is due, when it is by one: the first that the stay was priced with.
func (f *Finding) given() string {
	if len(f.Given) == 0 {
		return ReasonFree
	}
	switch id, _, _ := strings.Cut(f.Given[0].ID, "@"); f.kinds[id] {
	case right.Special:
		return ReasonSpecial
	case right.Permit:
		return ReasonPermit
	}
	return ReasonFreeList
}

// price notes the rights that the bill was made with.
func (f *Finding) price(given []tariff.Right, rights *right.Set) {
	f.Given, f.kinds = given, map[string]right.Kind{}
	for _, g := range given {
		id, _, _ := strings.Cut(g.ID, "@")
		if rights != nil {
			if r, ok := rights.ByID(id); ok {
				f.kinds[id] = r.Kind
			}
		}
	}
}

// Listed returns the right of the black list that the vehicle at the lane is on, refused or only watched; "" when there is
// none. It is to be reported.
func (s *State) Listed() string {
	v := &s.Car.Found.Verdict
	switch {
	case s.Car.Phase == Nobody || s.Car.Phase == Arrived || s.Car.Phase == Judging:
	case v.Reason == right.Listed:
		return v.Right.ID
	case v.Watch != nil:
		return v.Watch.ID
	}
	return ""
}

// rightText says what rests on rights; ok is false when nothing does.
func (c *Car) rightText(dir fact.Dir) (lines []string, voice, en string, ok bool) {
	f := &c.Found
	owed := amount(f.Verdict.Owed, f.Currency)
	if c.Action == fact.Hold {
		switch c.Reason {
		case ReasonBlack:
			return []string{"禁止入场", "请联系岗亭"}, "禁止入场，请联系岗亭", "Entry refused: please call the booth", true
		case ReasonArrears:
			lines = []string{"请先补缴" + owed}
			if f.PayURL != "" {
				lines = append(lines, "扫码补缴后入场")
			}
			return lines, "您有欠费" + owed + "，请先补缴", "Please pay " + f.Verdict.Owed.Format(f.Currency) + " from earlier stays first", true
		}
		return nil, "", "", false
	}
	hello, bye := []string{"欢迎光临", "Welcome"}, []string{"一路顺风", "Have a good trip"}
	if dir == fact.Exit {
		hello = bye
	}
	who, ok := map[string][]string{
		ReasonPermit: {"月卡车", "Month card"}, ReasonPermitFull: {"车位已占用 临时计费", "The places of your card are taken, you are charged as a visitor"},
		ReasonFreeList: {"免费车辆", "Free of charge"}, ReasonSpecial: {"特殊车辆", "Special vehicle"},
	}[c.Reason]
	if ok {
		lines, voice, en = []string{who[0] + " " + hello[0]}, strings.ReplaceAll(who[0], " ", "，")+"，"+hello[0], who[1]+". "+hello[1]
	}
	if dir == fact.Entry && f.owes() {
		if !ok {
			lines, voice, en = []string{hello[0]}, hello[0], hello[1]
		}
		lines, voice, en, ok = append(lines, "欠费"+owed+" 请补缴"), voice+"，您有欠费"+owed+"，请补缴", en+". You owe "+f.Verdict.Owed.Format(f.Currency)+" from earlier stays", true
	}
	return lines, voice, en, ok
}

package lane

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// hold gives the site's lot these rights.
func (s *site) hold(rights ...right.Right) {
	s.t.Helper()
	var entries []right.Entry
	for _, r := range rights {
		if r.Version == 0 {
			r.Version = 1
		}
		doc, err := json.Marshal(r)
		if err != nil {
			s.t.Fatal(err)
		}
		entries = append(entries, right.Entry{ID: r.ID, Number: 4, Right: doc})
	}
	var err error
	if s.rights, err = (&right.Set{}).Apply(entries); err != nil || s.rights.Poor() > 0 {
		s.t.Fatalf("%d rights are not understood: %v", s.rights.Poor(), err)
	}
}

func of(kind right.Kind, plates ...string) right.Right {
	r := right.Right{ID: string(kind), Kind: kind}
	for _, p := range plates {
		r.Plates = append(r.Plates, right.Plate{Text: p})
	}
	return r
}

func owes(amount money.Amount) right.Right {
	r := of(right.Arrears, "粤B12345")
	r.Owes = &right.Debt{Amount: amount, Currency: "CNY", Stays: 2}
	return r
}

func police() right.Right {
	return right.Right{ID: "police", Kind: right.Special, Match: &right.Match{Classes: []plate.Class{plate.ClassPolice}}}
}

func TestRightsAtAnEntry(t *testing.T) {
	watch := of(right.Black, "粤B12345")
	watch.Watch = true
	over := of(right.Black, "粤B12345")
	over.Periods = []right.Period{{To: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}}
	for _, c := range []struct {
		name   string
		rights []right.Right
		policy wire.Policy
		plate  string
		story  string
		shown  string
		due    money.Amount
		listed string
	}{
		{"M6.02 black list is refused", []right.Right{of(right.Black, "粤B12345")}, wire.Policy{}, "粤B12345", "read hold:black", "禁止入场 请联系岗亭", 0, "black"},
		{"M6.02 black list out of its period", []right.Right{over}, wire.Policy{}, "粤B12345", "read open:entry open=done", "欢迎光临", 0, ""},
		{"M6.02 black list that only reports", []right.Right{watch}, wire.Policy{}, "粤B12345", "read open:entry open=done", "欢迎光临", 0, "black"},
		{"M6.02 black list before free list", []right.Right{of(right.Black, "粤B12345"), of(right.Free, "粤B12345")}, wire.Policy{}, "粤B12345", "read hold:black", "禁止入场 请联系岗亭", 0, "black"},
		{"month card", []right.Right{of(right.Permit, "粤B12345")}, wire.Policy{}, "粤B12345", "read open:permit open=done", "月卡车 欢迎光临", 0, ""},
		{"M6.03 free list", []right.Right{of(right.Free, "粤B12345")}, wire.Policy{}, "粤B12345", "read open:free_list open=done", "免费车辆 欢迎光临", 0, ""},
		{"M6.04 special class", []right.Right{police()}, wire.Policy{}, "粤B1234警", "read open:special open=done", "特殊车辆 欢迎光临", 0, ""},
		{"another vehicle", []right.Right{of(right.Black, "粤B54321")}, wire.Policy{}, "粤B12345", "read open:entry open=done", "欢迎光临", 0, ""},
		{"M10.08 arrears, lot says nothing", []right.Right{owes(12000)}, wire.Policy{}, "粤B12345", "read open:entry open=done", "欢迎光临", 0, ""},
		{"M10.08 arrears are told", []right.Right{owes(12000)}, wire.Policy{Arrears: wire.ArrearsShow}, "粤B12345", "read open:arrears open=done", "欢迎光临 欠费120元 请补缴", 12000, ""},
		{"M10.08 arrears beside a card", []right.Right{owes(150), of(right.Permit, "粤B12345")}, wire.Policy{Arrears: wire.ArrearsShow}, "粤B12345", "read open:permit open=done", "月卡车 欢迎光临 欠费1.50元 请补缴", 150, ""},
		{"M10.09 arrears below the threshold", []right.Right{owes(9999)}, wire.Policy{Arrears: wire.ArrearsRefuse, ArrearsFrom: 10000}, "粤B12345", "read open:arrears open=done", "欢迎光临 欠费99.99元 请补缴", 9999, ""},
		{"M10.09 arrears from the threshold on", []right.Right{owes(10000)}, wire.Policy{Arrears: wire.ArrearsRefuse, ArrearsFrom: 10000}, "粤B12345", "read hold:arrears", "请先补缴100元 扫码补缴后入场", 10000, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			p.hold(c.rights...)
			p.config.Policy, p.config.PayURL = c.policy, "https://pay.example/pay?lot=riverside"
			p.arrive(c.plate)
			p.wantStory(c.story)
			m := p.shown[len(p.shown)-1]
			if got := strings.Join(m.Lines[1:], " "); got != c.shown || m.Voice == "" || m.En == "" {
				t.Errorf("display shows %q (says %q, %q), want %q", got, m.Voice, m.En, c.shown)
			}
			if _, err := simplifiedchinese.GBK.NewEncoder().String(strings.Join(m.Lines, "") + m.Voice); err != nil {
				t.Errorf("the display cannot show it: %v", err)
			}
			if got := p.state.Listed(); got != c.listed {
				t.Errorf("reported as %q, want %q", got, c.listed)
			}
			d := p.decided()
			if d.Due != c.due || d.Rights != 4 {
				t.Errorf("recorded due %d by rights %d; want %d by 4", d.Due, d.Rights, c.due)
			}
			if l := p.state.Live(p.at()); d.Action == fact.Hold && (l.Due != c.due || (l.Pay != "") != (c.due > 0)) {
				t.Errorf("screens show due %d at %q", l.Due, l.Pay)
			}
		})
	}
}

// decided is the last decision that was recorded.
func (s *site) decided() (d fact.Decision) {
	s.t.Helper()
	for i := range s.facts {
		if s.facts[i].Kind == fact.KindDecision {
			var err error
			if d, err = fact.Decode[fact.Decision](&s.facts[i]); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return d
}

// M10.09: who pays on the spot is let in when the cloud's next list comes; a person may let anybody in.
func TestWhoIsRefusedForArrearsPaysAndComesIn(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.hold(owes(12000))
	p.config.Policy = wire.Policy{Arrears: wire.ArrearsRefuse}
	p.arrive("粤B12345")
	p.wait(30 * time.Second)
	p.hold() // the list without it
	p.feed(Changed{})
	p.cross()
	p.wantStory("read hold:arrears open:entry open=done passed")

	p = newPost(t, fact.Entry)
	p.hold(of(right.Black, "粤B12345"))
	p.arrive("粤B12345")
	if r := p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "police asked for it"}); r.Verdict != Done {
		t.Fatalf("open: %+v", r)
	}
	p.cross()
	p.wantStory("read hold:black open:manual open=done passed")
	if p.state.Listed() != "" {
		t.Error("it is still reported after it left the lane")
	}
}

func TestRightsAtAnExit(t *testing.T) {
	card := of(right.Permit, "粤B12345")
	card.Version, card.Periods = 3, []right.Period{{To: time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)}} // an hour after the entry
	for _, c := range []struct {
		name   string
		rights []right.Right
		beyond right.Beyond
		plate  string
		story  string
		shown  string
		given  string
	}{
		{"month card", []right.Right{of(right.Permit, "粤B12345")}, "", "粤B12345", "read open:permit bill:1000/0 open=done passed", "月卡车 一路顺风", "permit@1"},
		{"M6.03 month card that expired inside", []right.Right{card}, "", "粤B12345", "read hold:unpaid", "请缴费5元", ""},
		{"M6.03 expired inside, lot forgives it", []right.Right{card}, right.BeyondStay, "粤B12345", "read open:permit bill:1000/0 open=done passed", "月卡车 一路顺风", "permit@3"},
		{"free list", []right.Right{of(right.Free, "粤B12345")}, "", "粤B12345", "read open:free_list bill:1000/0 open=done passed", "免费车辆 一路顺风", "free@1"},
		{"M6.04 special class", []right.Right{police()}, "", "粤B1234警", "read open:special bill:1000/0 open=done passed", "特殊车辆 一路顺风", "police@1"},
		{"M6.02 black list does not hold at an exit", []right.Right{of(right.Black, "粤B12345"), of(right.Free, "粤B12345")}, "", "粤B12345",
			"read open:free_list bill:1000/0 open=done passed", "免费车辆 一路顺风", "free@1"},
		{"M10.09 arrears do not hold at an exit", []right.Right{owes(10000), of(right.Free, "粤B12345")}, "", "粤B12345",
			"read open:free_list bill:1000/0 open=done passed", "免费车辆 一路顺风", "free@1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Exit)
			p.hold(c.rights...)
			p.config.Policy = wire.Policy{Beyond: string(c.beyond), Arrears: wire.ArrearsRefuse}
			p.enter(c.plate)
			p.wait(2 * time.Hour)
			p.begin()
			p.arrive(c.plate)
			shown := p.shown[len(p.shown)-1].Lines[1]
			if !strings.Contains(c.story, "hold") {
				p.cross()
			}
			p.wantStory(c.story)
			if shown != c.shown {
				t.Errorf("display shows %q, want %q", shown, c.shown)
			}
			for i := range p.facts {
				if p.facts[i].Kind != fact.KindBill {
					continue
				}
				bill, err := fact.Decode[fact.Bill](&p.facts[i])
				if err != nil || len(bill.Rights) != 1 || bill.Rights[0].ID != c.given {
					t.Fatalf("the bill was priced with %+v, want %s (%v)", bill.Rights, c.given, err)
				}
				p.again(bill)
			}
		})
	}
}

// again prices a bill from what its fact recorded and nothing else, as the cloud does years later.
func (s *site) again(bill fact.Bill) {
	s.t.Helper()
	b := bill.Bill
	t, ok := s.config.Tariff(fact.TariffRef{ID: b.Tariff, Version: b.Version})
	if !ok {
		s.t.Fatal("the tariff is not there")
	}
	got, err := tariff.Rate(t, s.config.Calendar, tariff.Stay{Entry: b.Entry, Exit: b.Exit, Class: b.Class}, tariff.Context{Rights: bill.Rights})
	if err != nil || got.Gross != b.Gross || got.Free != b.Free {
		s.t.Errorf("priced again: gross %d, free %d (%v); the bill says %d and %d", got.Gross, got.Free, err, b.Gross, b.Free)
	}
}

// M9.15: two cars, one place. Whoever comes second pays like anybody, though the first has left by then; what the entries
// recorded decides, at whichever booth.
func TestTheSecondCarOfASharedCardPays(t *testing.T) {
	p := newPost(t, fact.Entry)
	card := of(right.Permit, "粤B12345", "粤B54321", "粤B99999")
	card.Places = 1
	p.hold(card)
	for _, c := range []struct{ plate, reason string }{{"粤B12345", ReasonPermit}, {"粤B54321", ReasonPermitFull}} {
		p.begin()
		p.arrive(c.plate)
		p.cross()
		p.wait(10 * time.Second)
		if d := p.decided(); d.Reason != c.reason || len(d.Uses) != 1 || d.Uses[0].Full != (c.reason == ReasonPermitFull) {
			t.Fatalf("%s: %+v", plate.Mask(c.plate), d)
		}
	}
	p.begin()
	p.arrive("粤B12345") // it comes again without having been seen to leave: it is not in its own way
	p.cross()
	if d := p.decided(); d.Reason != ReasonPermit {
		t.Errorf("the first once more: %+v", d)
	}
	p.wait(2 * time.Hour)
	price := func(text string) money.Amount {
		f := Find(p.book, p.terms(), Query{Dir: fact.Exit, Lane: "exit-1", Plate: mustPlate(t, text), At: p.wall})
		if f.Bill == nil {
			t.Fatalf("no bill: %+v", f)
		}
		return f.Bill.Due
	}
	if first, second := price("粤B12345"), price("粤B54321"); first != 0 || second != 1500 {
		t.Errorf("the first pays %d, the second %d; want 0 and 1500", first, second)
	}
}

// A vehicle of the black list raises one alarm, which ends when it leaves. The alarm does not name the vehicle.
func TestABlackListsVehicleIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Entry)
		r.hold(of(right.Black, "粤B12345"))
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		r.read(t, "粤B12345", "r1")
		<-time.After(20 * time.Second)
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: false}, "i2", false)
		<-time.After(20 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if got, want := strings.Join(r.alarms, ", "), "black_list entry-1 false , black_list entry-1 true black, black_list entry-1 false "; got != want {
			t.Errorf("alarms %q, want %q", got, want)
		}
	})
}

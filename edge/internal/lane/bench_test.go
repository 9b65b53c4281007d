package lane

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

const perHour = `{"id": "per-hour", "version": 1, "name": {"zh": "按小时收费", "en": "By the hour"}, "tz": "Asia/Shanghai", "currency": "CNY",
  "grace_after_payment": 900, "plans": [{"id": "all", "free": {"up_to": 900, "then": "whole"},
  "bands": [{"id": "always", "name": {"zh": "全天", "en": "All day"}, "steps": [{"unit": 3600, "price": 500}]}],
  "caps": [{"amount": 4000, "window": "day"}]}]}`

// site is a lot in memory: one author, a real book, real prices.
type site struct {
	t      testing.TB
	key    ed25519.PrivateKey
	head   fact.Head
	book   *session.Book
	facts  []fact.Fact
	config wire.Config
	rights *right.Set
	broken bool
	slow   bool // writes are under way until land
	under  []Record
	wall   time.Time
	mono   time.Duration
	boot   string // of the clock, when it was set
	shift  time.Duration
}

func newSite(t testing.TB) *site {
	t.Helper()
	tf, err := tariff.Decode([]byte(perHour))
	if err != nil {
		t.Fatal(err)
	}
	return &site{
		t: t, key: ed25519.NewKeyFromSeed(make([]byte, 32)), book: session.NewBook(),
		config: wire.Config{
			Lot: "riverside", Number: 7, TZ: "Asia/Shanghai", Currency: "CNY", Tariffs: []tariff.Tariff{tf},
			Rules: []wire.TariffRule{{Tariff: fact.TariffRef{ID: "per-hour", Version: 1}}},
		},
		wall: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC), mono: time.Second,
	}
}

func (s *site) terms() wire.Terms {
	return wire.Terms{Config: &s.config, Rights: s.rights, InForce: 4}
}

func (s *site) pass(d time.Duration) { s.wall, s.mono = s.wall.Add(d), s.mono+d }

func (s *site) append(drafts ...fact.Draft) []fact.ID {
	author := fact.Author("abcdefghijklmnop")
	head := s.head
	id := func(i int) fact.ID { return fact.ID{Author: author, Seq: head.Seq + 1 + uint64(i)} }
	var out []fact.ID
	for _, d := range Resolve(drafts, id) {
		r, _, next, err := fact.Seal(s.head, s.key, fact.Stamp{Lot: "riverside", Author: author, Boot: "boot1", Mono: int64(s.mono), Now: s.wall}, d)
		if err != nil {
			s.t.Fatalf("seal %s: %v", d.Kind, err)
		}
		f, err := fact.Unseal(r)
		if err != nil {
			s.t.Fatal(err)
		}
		s.head = next
		s.facts = append(s.facts, f)
		s.book.Add(f)
		out = append(out, f.ID())
	}
	return out
}

// pay is a payment by phone: a fact of the cloud.
func (s *site) pay(session fact.ID, yuan money.Amount) {
	s.append(fact.Draft{At: s.wall, Source: "cloud", Kind: fact.KindPayment, Refs: []fact.ID{session},
		Body: fact.Payment{Session: session, Amount: yuan * 100, Curr: "CNY", Provider: "wechat", Order: fmt.Sprint("o", len(s.facts))}})
}

// enter records an entry of a vehicle as another lane would.
func (s *site) enter(text string) fact.ID {
	p := mustPlate(s.t, text)
	ref := fact.TariffRef{ID: "per-hour", Version: 1}
	ids := s.append(
		fact.Draft{At: s.wall, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: "entry-1", Dir: fact.Entry, Device: "cam-0", Event: fmt.Sprint("e", len(s.facts))}, Hidden: fact.Vehicle{Plate: p}},
		fact.Draft{At: s.wall, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{Own(0)}, Body: fact.Decision{Lane: "entry-1", Dir: fact.Entry, Action: fact.Open, Reason: "entry", Session: Own(0), Tariff: &ref}},
		fact.Draft{At: s.wall, Source: "booth", Kind: fact.KindPassage, Refs: []fact.ID{Own(0)}, Body: fact.Passage{Lane: "entry-1", Dir: fact.Entry, Outcome: fact.Passed, Opened: true}},
	)
	return ids[0]
}

func mustPlate(t testing.TB, text string) plate.Plate {
	t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// post is one lane at a site, stepped by hand. It answers Look and Record as the controller does, and keeps what else
// was to be done.
type post struct {
	*site
	state State
	did   []string
	shown []Message
	told  map[uint64]Reply
	reads int
	deaf  bool          // the barrier does not answer
	held  int           // how often the barrier was asked to stay up for a mode or a fire that stands in the facts
	away  time.Duration // for how long the cloud has been
}

func newPost(t testing.TB, dir fact.Dir) *post {
	return newPostOf(t, Setting{Lane: string(dir) + "-1", Dir: dir, Boot: "boot1"})
}

func newPostOf(t testing.TB, s Setting) *post {
	p := &post{site: newSite(t), told: map[uint64]Reply{}}
	p.state = New(s)
	p.feed(Sensed{driver.LoopArrive, false})
	p.feed(Sensed{driver.LoopSafety, false})
	p.feed(Arm{driver.ArmDown})
	return p
}

func (p *post) at() Moment { return Moment{Wall: p.wall, Mono: p.mono, Boot: p.boot, Shift: p.shift} }

func (p *post) feed(in Input) {
	p.t.Helper()
	queue := []Input{in}
	for n := 0; len(queue) > 0; n++ {
		if n > 100 {
			p.t.Fatalf("the lane does not come to rest after %#v", in)
		}
		in, queue = queue[0], queue[1:]
		var effects []Effect
		p.state, effects = Step(p.state, in, p.at())
		for _, e := range effects {
			switch e := e.(type) {
			case Look:
				e.Query.Away = p.away
				queue = append(queue, Found{e.Query.Car, Find(p.book, p.terms(), e.Query)})
			case Prove:
				queue = append(queue, Proven{e.Ask, e.Car, Scan(p.book, p.config.Lot, p.signers(), e, p.wall)})
			case Record:
				if p.slow {
					p.under = append(p.under, e)
					queue = append(queue, Failed{Err: errors.New("the disk has not answered"), Then: e.Then, Facts: e.Facts, Write: uint64(len(p.under))})
					continue
				}
				if p.broken {
					queue = append(queue, Failed{Err: errors.New("disk is full"), Then: e.Then, Facts: e.Facts})
					continue
				}
				queue = append(queue, Recorded{p.append(e.Facts...), e.Then})
			case Raise:
				p.did = append(p.did, "open")
				if _, standing := p.book.Mode(p.state.Lane); standing && p.state.Mode.open() || p.state.Fire {
					p.held++
				}
				m := Moved{Command: "open", Outcome: driver.Done, Car: e.Car, Read: e.Read, ByHand: e.ByHand}
				if p.deaf {
					m.Outcome, m.Err = driver.Unknown, "no answer"
					queue = append(queue, m)
					continue
				}
				queue = append(queue, m, Arm{driver.ArmMoving}, Arm{driver.ArmUp})
			case Lower:
				p.did = append(p.did, "close")
				queue = append(queue, Moved{Command: "close", Outcome: driver.Done, Car: e.Car, Read: e.Read, ByHand: e.ByHand}, Arm{driver.ArmMoving}, Arm{driver.ArmDown})
			case Show:
				p.shown = append(p.shown, e.Message)
			case Shoot:
				p.did = append(p.did, "shoot")
			case Answer:
				p.told[e.Ask] = e.Reply
			}
		}
	}
}

// wait lets time pass, with a tick whenever the lane wants one.
func (p *post) wait(d time.Duration) {
	p.t.Helper()
	end := p.mono + d
	for n := 0; ; n++ {
		w := p.state.Wake()
		if w == 0 || w > end {
			break
		}
		if n > 1000 {
			p.t.Fatalf("the lane wants ticks without end; it stands at %+v", p.state)
		}
		p.pass(max(w-p.mono, time.Millisecond))
		p.feed(Tick{})
	}
	p.pass(max(end-p.mono, 0))
}

func (p *post) read(text string) {
	p.t.Helper()
	p.reads++
	p.feed(Read{Device: "cam-1", Event: fmt.Sprint("r", p.reads), Plate: mustPlate(p.t, text), Confidence: 95, Stamp: p.wall, Received: p.wall})
}

func (p *post) on(in driver.Input)  { p.t.Helper(); p.feed(Sensed{in, true}) }
func (p *post) off(in driver.Input) { p.t.Helper(); p.feed(Sensed{in, false}) }

// arrive brings a vehicle onto the loop and before the camera.
func (p *post) arrive(text string) {
	p.t.Helper()
	p.on(driver.LoopArrive)
	p.wait(300 * time.Millisecond)
	p.read(text)
}

// cross drives the vehicle through.
func (p *post) cross() {
	p.t.Helper()
	p.wait(time.Second)
	p.on(driver.LoopSafety)
	p.wait(time.Second)
	p.off(driver.LoopArrive)
	p.wait(time.Second)
	p.off(driver.LoopSafety)
	p.wait(100 * time.Millisecond)
}

func (p *post) ask(a Ask) Reply {
	p.t.Helper()
	a.ID = uint64(len(p.told) + 1)
	if a.By == "" {
		a.By = "zhang"
	}
	p.feed(a)
	r, ok := p.told[a.ID]
	if !ok {
		p.t.Fatalf("nobody answered %+v", a)
	}
	return r
}

// story is the facts so far as words: "read open:entry moved passed".
func (p *post) story() string {
	var out []string
	for i := range p.facts {
		f := &p.facts[i]
		switch f.Kind {
		case fact.KindRead:
			b, _ := fact.Decode[fact.Read](f)
			if out = append(out, "read"); b.Late {
				out[len(out)-1] = "late"
			}
		case fact.KindDecision:
			b, _ := fact.Decode[fact.Decision](f)
			out = append(out, string(b.Action)+":"+b.Reason)
		case fact.KindPassage:
			b, _ := fact.Decode[fact.Passage](f)
			out = append(out, string(b.Outcome))
		case fact.KindBarrier:
			b, _ := fact.Decode[fact.Barrier](f)
			out = append(out, b.Command+"="+b.Outcome)
		case fact.KindBill:
			b, _ := fact.Decode[fact.Bill](f)
			out = append(out, fmt.Sprintf("bill:%d/%d", b.Bill.Gross, b.Bill.Due))
		case fact.KindCommand:
			b, _ := fact.Decode[fact.Command](f)
			out = append(out, "command="+b.Verdict)
		default:
			out = append(out, string(f.Kind))
		}
	}
	return strings.Join(out, " ")
}

// begin forgets what was recorded before, so that a story tells only what follows.
func (p *post) begin() { p.facts, p.did = nil, nil }

func (p *post) wantStory(want string) {
	p.t.Helper()
	if got := p.story(); got != want {
		p.t.Errorf("facts:\n got %s\nwant %s", got, want)
	}
}

func (p *post) wantDid(want ...string) {
	p.t.Helper()
	if !slices.Equal(p.did, want) {
		p.t.Errorf("did %v, want %v", p.did, want)
	}
}

// only returns the lot's one session of a plate.
func (p *post) only(text string) session.Session {
	p.t.Helper()
	of := p.book.Of(session.Key(text))
	if len(of) != 1 {
		p.t.Fatalf("%s has %d sessions, want 1: %+v", text, len(of), of)
	}
	if poor := p.book.Poor(); len(poor) > 0 {
		p.t.Fatalf("facts without effect: %v", poor)
	}
	return of[0]
}

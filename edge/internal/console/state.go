package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// State is everything the page shows, at one moment.
type State struct {
	At       time.Time      `json:"at"`
	Lot      string         `json:"lot"`
	Name     tariff.Text    `json:"name"` // the lot's
	TZ       string         `json:"tz"`   // the lot's, IANA
	Booth    string         `json:"booth"`
	Software string         `json:"software"`
	Boot     string         `json:"boot"`
	Config   uint64         `json:"config"`
	Currency money.Currency `json:"currency"`
	Inside   int            `json:"inside"`
	Capacity int            `json:"capacity"`
	Lanes    []Lane         `json:"lanes"`
	Sync     Sync           `json:"sync"`
	Duty     *Duty          `json:"duty"`   // null when no shift is open
	Alarms   []Alarm        `json:"alarms"` // open, of every booth of the lot; this booth's first
	Clock    Clock          `json:"clock"`
	Words    []Word         `json:"words"` // how things stand, in plain words; worst first
}

// Duty is who has the booth.
type Duty struct {
	Shift fact.ID   `json:"shift"`
	By    string    `json:"by"`
	Since time.Time `json:"since"`
}

// Lane is one lane of the booth.
type Lane struct {
	wire.Live
	Name    tariff.Text     `json:"name"`
	Display Screen          `json:"display"`
	Devices []device.Health `json:"devices"`
	Stats   Stats           `json:"stats"`
}

// Screen is what the lane's display shows.
type Screen struct {
	Lines []string `json:"lines"`
	Voice string   `json:"voice,omitempty"`
	EN    string   `json:"en,omitempty"`
}

// Stats counts what a lane did since the agent started.
type Stats struct {
	Reads      uint64 `json:"reads"`
	LateReads  uint64 `json:"late_reads"`
	Opened     uint64 `json:"opened"`
	Held       uint64 `json:"held"`
	Passed     uint64 `json:"passed"`
	Unread     uint64 `json:"unread"`
	Failures   uint64 `json:"failures"`
	LostPhotos uint64 `json:"lost_photos"`
}

// Sync is how the booth stands with the cloud and the lot's other booths.
type Sync struct {
	Author    fact.Author `json:"author"`
	Facts     int         `json:"facts"`
	Poor      int         `json:"poor"`  // facts without effect
	Alone     uint64      `json:"alone"` // facts on this disk only, as far as is known
	Cloud     bool        `json:"cloud"`
	Since     time.Time   `json:"since"`
	Heard     time.Time   `json:"heard,omitzero"`
	Waiting   uint64      `json:"waiting"` // own facts that the cloud is not known to have
	Photos    int         `json:"photos"`  // pictures that the cloud does not have
	Journal   string      `json:"journal,omitempty"`
	Peers     []Peer      `json:"peers"`
	Agreement string      `json:"agreement,omitempty"` // this booth's part in the raft group
	Aside     []Aside     `json:"aside,omitempty"`     // files that are out of use and kept
	Group
}

// Group is how the booths of the lot stand with each other.
type Group struct {
	Leader   string    `json:"leader,omitempty"` // booth that leads their agreement; "" when nobody does
	Behind   uint64    `json:"behind"`           // facts here that they have not agreed on
	Fewer    uint64    `json:"fewer"`            // facts on fewer than two disks, whosever they are, as far as is known
	Lost     uint64    `json:"lost"`             // facts that somebody told of and nobody holds
	Takeover *Takeover `json:"takeover,omitempty"`
}

// Takeover is how far a box is that took the place of another one of the booth.
type Takeover struct {
	Done    bool     `json:"done"`
	Held    uint64   `json:"held"`  // facts here, of those that the others hold
	Known   uint64   `json:"known"` // facts that the others hold
	Missing uint64   `json:"missing"`
	Unheard []string `json:"unheard,omitempty"` // booths, or the cloud, that were not heard
}

// Peer is another booth of the lot.
type Peer struct {
	Booth   string    `json:"booth"`
	Reached time.Time `json:"reached,omitzero"`
	Lacks   uint64    `json:"lacks"`
	Error   string    `json:"error,omitempty"`
}

// Clock is how the booth's clock stands to those that it knows of.
type Clock struct {
	Suspect string        `json:"suspect,omitempty"` // why it is not to be trusted
	Sources []ClockSource `json:"sources"`
}

// ClockSource is another clock: how far it is ahead of the booth's, what that may be wrong by, and how old the answer is.
type ClockSource struct {
	Basis    string `json:"basis"` // "cloud", "peer", "camera"
	Name     string `json:"name"`
	OffsetMS int64  `json:"offset_ms"`
	ErrorMS  int64  `json:"error_ms"`
	AgeMS    int64  `json:"age_ms"`
}

// Alarm is something of a booth that a person should look at.
type Alarm struct {
	Booth   string      `json:"booth"`
	Code    string      `json:"code"`
	Subject string      `json:"subject,omitempty"` // the device or lane
	Text    tariff.Text `json:"text"`
	Detail  string      `json:"detail,omitempty"` // for a technician
	Since   time.Time   `json:"since"`
}

// Word is one sentence on how things stand.
type Word struct {
	Level string      `json:"level"` // "bad", "warn", "good"
	Class Class       `json:"class"` // what sort of thing it is about
	Text  tariff.Text `json:"text"`
}

// Class is what a sentence is about. The page gives each a colour and says its name: nobody has to tell colours apart.
type Class string

// The classes.
const (
	OfDevice  Class = "device"
	OfVehicle Class = "vehicle"
	OfNetwork Class = "network"
	OfStorage Class = "storage"
)

// Passage is one vehicle at one lane.
type Passage struct {
	ID        fact.ID      `json:"id"` // the observation
	At        time.Time    `json:"at"`
	Lane      string       `json:"lane"`
	Dir       fact.Dir     `json:"dir"`
	Plate     plate.Plate  `json:"plate"`
	Late      bool         `json:"late,omitempty"`
	Photo     string       `json:"photo,omitempty"`
	Action    fact.Action  `json:"action,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	By        string       `json:"by,omitempty"`
	Note      string       `json:"note,omitempty"`
	Due       money.Amount `json:"due,omitempty"`
	Gross     money.Amount `json:"gross,omitempty"`
	Outcome   fact.Outcome `json:"outcome,omitempty"`
	Session   fact.ID      `json:"session,omitzero"`
	Corrected bool         `json:"corrected,omitempty"`
}

// worst orders levels.
var worst = map[string]int{"bad": 0, "warn": 1, "good": 2}

var roles = map[device.Role]tariff.Text{
	device.Camera: {ZH: "相机", EN: "camera"}, device.Barrier: {ZH: "道闸", EN: "barrier"}, device.Display: {ZH: "显示屏", EN: "display"},
}

// Describe says in plain words how things stand.
func (s *State) Describe(loc *time.Location) []Word {
	var out []Word
	say := func(level string, class Class, text tariff.Text) { out = append(out, Word{level, class, text}) }
	clock := func(at time.Time) string { return at.In(loc).Format("15:04") }
	if s.Sync.Journal != "" {
		say("bad", OfStorage, both("本机日志无法写入：%s", "the journal cannot be written: %s", s.Sync.Journal))
	}
	for i := range s.Sync.Aside {
		out = append(out, s.Sync.Aside[i].word())
	}
	for i := range s.Lanes {
		l := &s.Lanes[i]
		name := l.called()
		for _, d := range l.Devices {
			if d.State == device.Down {
				role := roles[d.Role]
				say("bad", OfDevice, tariff.Text{
					ZH: fmt.Sprintf("%s的%s离线，自 %s", name.ZH, role.ZH, clock(d.Since)),
					EN: fmt.Sprintf("%s: the %s is away since %s", name.EN, role.EN, clock(d.Since)),
				})
			}
		}
		for _, f := range l.Faults {
			switch f {
			case "unread":
				say("warn", OfVehicle, tariff.Text{ZH: name.ZH + "有车未识别到车牌", EN: name.EN + ": a vehicle stands unread"})
			case "arm":
				say("bad", OfDevice, tariff.Text{ZH: name.ZH + "的闸杆不动作", EN: name.EN + ": the arm does not move"})
			}
		}
	}
	for _, x := range s.Alarms {
		if !x.said(s.Booth) {
			say("bad", x.class(), x.words(s.Booth, clock(x.Since)))
		}
	}
	if y := &s.Sync; y.Cloud {
		say("good", OfNetwork, both("云平台已连接，待传 %d 条", "cloud connected, %d facts waiting", y.Waiting))
	} else {
		say("warn", OfNetwork, tariff.Text{
			ZH: fmt.Sprintf("云平台离线，自 %s，待传 %d 条；本岗亭照常工作", clock(y.Since), y.Waiting),
			EN: fmt.Sprintf("cloud away since %s, %d facts waiting; the booth goes on", clock(y.Since), y.Waiting),
		})
	}
	if s.Sync.Photos > 0 {
		say("good", OfNetwork, both("待传照片 %d 张", "%d pictures on their way to the cloud", s.Sync.Photos))
	}
	for _, p := range s.Sync.Peers {
		switch {
		case p.Error != "" && !p.Reached.IsZero():
			say("warn", OfNetwork, both("岗亭 %s 联系不上，自 %s", "booth %s is away since %s", p.Booth, clock(p.Reached)))
		case p.Error != "":
			say("warn", OfNetwork, both("岗亭 %s 联系不上", "booth %s cannot be reached", p.Booth))
		case p.Lacks > 0:
			say("good", OfNetwork, both("岗亭 %s 还缺 %d 条", "booth %s lacks %d facts", p.Booth, p.Lacks))
		default:
			say("good", OfNetwork, both("岗亭 %s 已同步", "booth %s has everything", p.Booth))
		}
	}
	for _, w := range s.Sync.describe() {
		say(w.Level, w.Class, w.Text)
	}
	slices.SortStableFunc(out, func(a, b Word) int { return worst[a.Level] - worst[b.Level] })
	return out
}

// said reports whether an alarm is of what the booth's lanes and its journal already tell.
func (x *Alarm) said(own string) bool {
	switch x.Code {
	case alarm.CameraDown, alarm.BarrierSilent, alarm.DisplayDown, alarm.BarrierStuck, alarm.JournalDown:
		return x.Booth == own
	}
	return false
}

// class says what sort of thing an alarm is about.
func (x *Alarm) class() Class {
	switch {
	case strings.HasPrefix(x.Code, "journal") || strings.HasPrefix(x.Code, "disk") || strings.HasPrefix(x.Code, "file"):
		return OfStorage
	case strings.HasPrefix(x.Code, "peer") || strings.HasPrefix(x.Code, "uplink") || strings.HasPrefix(x.Code, "author"):
		return OfNetwork
	}
	return OfDevice
}

func (x *Alarm) words(own, since string) tariff.Text {
	about := x.Subject
	if x.Booth != own {
		about = strings.TrimSpace(x.Booth + " " + about)
	}
	if about == "" {
		about = own
	}
	return tariff.Text{
		ZH: fmt.Sprintf("%s：%s（自 %s）", about, x.Text.ZH, since),
		EN: fmt.Sprintf("%s: %s (since %s)", about, x.Text.EN, since),
	}
}

// both fills the same values into the sentence's two languages.
func both(zh, en string, args ...any) tariff.Text {
	return tariff.Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}
}

func (l *Lane) called() tariff.Text {
	n := l.Name
	if n.ZH == "" {
		n.ZH = l.Lane
	}
	if n.EN == "" {
		n.EN = l.Lane
	}
	return n
}

package console

import (
	"fmt"
	"time"

	"lotkeeper/edge/internal/device"
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
	Booth    string         `json:"booth"`
	Software string         `json:"software"`
	Boot     string         `json:"boot"`
	Config   uint64         `json:"config"`
	Currency money.Currency `json:"currency"`
	Inside   int            `json:"inside"`
	Capacity int            `json:"capacity"`
	Lanes    []Lane         `json:"lanes"`
	Sync     Sync           `json:"sync"`
	Words    []Word         `json:"words"` // how things stand, in plain words; worst first
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
}

// Peer is another booth of the lot.
type Peer struct {
	Booth   string    `json:"booth"`
	Reached time.Time `json:"reached,omitzero"`
	Lacks   uint64    `json:"lacks"`
	Error   string    `json:"error,omitempty"`
}

// Word is one sentence on how things stand.
type Word struct {
	Level string      `json:"level"` // "bad", "warn", "good"
	Text  tariff.Text `json:"text"`
}

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

// Describe says in plain words how things stand.
func (s *State) Describe(loc *time.Location) []Word {
	var out []Word
	say := func(level, zh, en string, args ...any) {
		out = append(out, Word{level, tariff.Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}})
	}
	if s.Sync.Journal != "" {
		say("bad", "本机日志无法写入：%s", "the journal cannot be written: %s", s.Sync.Journal)
	}
	for _, l := range s.Lanes {
		for _, d := range l.Devices {
			if d.State == device.Down {
				say("bad", "%s 的 %s 离线，自 %s", "%s: %s is away since %s", l.Lane, d.Device, d.Since.In(loc).Format("15:04"))
			}
		}
		for _, f := range l.Faults {
			switch f {
			case "unread":
				say("warn", "%s 有车未识别到车牌", "%s: a vehicle stands unread", l.Lane)
			case "arm":
				say("bad", "%s 的闸杆不动作", "%s: the arm does not move", l.Lane)
			}
		}
	}
	if s.Sync.Cloud {
		say("good", "云平台已连接，待传 %d 条", "cloud connected, %d facts waiting", s.Sync.Waiting)
	} else {
		say("warn", "云平台离线，自 %s，待传 %d 条", "cloud away since %s, %d facts waiting", s.Sync.Since.In(loc).Format("15:04"), s.Sync.Waiting)
	}
	for _, p := range s.Sync.Peers {
		if p.Error != "" {
			say("warn", "岗亭 %s 联系不上", "booth %s cannot be reached", p.Booth)
		} else if p.Lacks > 0 {
			say("good", "岗亭 %s 还缺 %d 条", "booth %s lacks %d facts", p.Booth, p.Lacks)
		}
	}
	return out
}

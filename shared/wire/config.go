package wire

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
)

// Config is everything a lot's booths are told: a numbered snapshot, of which the highest number wins.
type Config struct {
	Lot      string            `json:"lot"`
	Number   uint64            `json:"number"` // 1, 2, 3, …
	Issued   time.Time         `json:"issued"`
	Name     tariff.Text       `json:"name"`
	TZ       string            `json:"tz"`
	Currency money.Currency    `json:"currency"`
	Capacity int               `json:"capacity"`
	Lanes    []Lane            `json:"lanes"`
	Booths   []Booth           `json:"booths"`
	Tariffs  []tariff.Tariff   `json:"tariffs"` // every version that an open stay may be pinned to
	Rules    []TariffRule      `json:"rules"`   // which tariff a new stay gets; first match
	Calendar calendar.Calendar `json:"calendar"`
	Free     []FreePlate       `json:"free,omitempty"`     // plates that need not pay
	Entitled []EntitledPlate   `json:"entitled,omitempty"` // plates for which tariffs have prices of their own
	Policy   Policy            `json:"policy"`
	PayURL   string            `json:"pay_url,omitempty"` // where a driver pays by phone
	Staff    []Staff           `json:"staff,omitempty"`   // who may act at the booths; none: those in the booths' own files
	Zones    []Zone            `json:"zones,omitempty"`   // parts of the lot: nested lots
}

// Lane is a drive-through path and the devices on it.
type Lane struct {
	ID      string      `json:"id"`
	Name    tariff.Text `json:"name"`
	Dir     fact.Dir    `json:"dir"`
	Booth   string      `json:"booth"` // whose agent drives it
	Devices []Device    `json:"devices"`
	From    string      `json:"from,omitempty"` // the zone it comes from, "" outside or a lot without zones
	To      string      `json:"to,omitempty"`   // the zone it leads into; of a lane of both directions, the zone behind it
}

// Device is one device of a lane: which adapter drives it and with what settings.
type Device struct {
	ID       string          `json:"id"`
	Role     string          `json:"role"` // "camera", "barrier", "display"
	Kind     string          `json:"kind"` // of the table of adapters
	Settings json.RawMessage `json:"settings"`
	// Dir is of a camera that sees vehicles of one way only, where its lane's does not say which; "" is the lane's.
	Dir fact.Dir `json:"dir,omitempty"`
}

// Booth is a controller box of the lot and where the others reach it.
type Booth struct {
	ID    string      `json:"id"`
	Name  tariff.Text `json:"name"`
	Raft  string      `json:"raft"` // host:port
	Peer  string      `json:"peer"` // host:port of the exchange between booths
	Voter bool        `json:"voter"`
}

// TariffRule gives vehicles a tariff. A rule holds for a stay when all that it names fits.
type TariffRule struct {
	Class string `json:"class,omitempty"` // plate class; empty is any
	// DayTypes are words of the lot's calendar or names of weekdays, for the date of entry in the lot's zone; empty is any.
	DayTypes []string       `json:"day_types,omitempty"`
	From     time.Time      `json:"from,omitzero"` // it holds for entries from then on; zero is always
	Tariff   fact.TariffRef `json:"tariff"`
}

// FreePlate is a plate that need not pay in a time.
type FreePlate struct {
	Plate string    `json:"plate"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Why   string    `json:"why"`
}

// EntitledPlate is a plate that has entitlements in a time: a company's cars, a resident's, a disabled person's. Plans of
// tariffs name them.
type EntitledPlate struct {
	Plate        string    `json:"plate"`
	Entitlements []string  `json:"entitlements"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Why          string    `json:"why"`
}

// Policy is what a lane does where the design leaves the lot a choice.
type Policy struct {
	NoEntry  string `json:"no_entry"`  // exit without an entry: "hold" or "open"
	JournalX string `json:"journal_x"` // journal cannot be written: "hold" or "open"
	LiveFor  int    `json:"live_for"`  // seconds a read may be old and still move a barrier; 0 means 12
	// Beyond is what is free of a stay of which a right covers a part, as right.Beyond says: "" what is covered, "entry"
	// that for stays that begin covered, "stay" all of a stay that begins covered.
	Beyond string `json:"beyond,omitempty"`
	// Arrears is what an entry does about a vehicle that owes: "" nothing, "show" tells the amount, "refuse" also keeps it
	// out from ArrearsFrom on (0: whatever it owes).
	Arrears     string       `json:"arrears,omitempty"`
	ArrearsFrom money.Amount `json:"arrears_from,omitempty"`

	Promises PromisePolicy `json:"promises,omitzero"`
	// Passage is for passages that are not as they should be.
	Passage PassagePolicy `json:"passage,omitzero"`
}

// What an entry does about a vehicle that owes.
const (
	ArrearsShow   = "show"
	ArrearsRefuse = "refuse"
)

// Signed is a document with its signature: the exact bytes, so that no re-encoding can break it.
type Signed struct {
	Document []byte `json:"document"`
	Sig      []byte `json:"sig"`
}

func configMessage(doc []byte) []byte { return append([]byte("lotkeeper config 1\n"), doc...) }

// SignConfig encodes and signs a configuration.
func SignConfig(c Config, key ed25519.PrivateKey) (Signed, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return Signed{}, fmt.Errorf("encode configuration: %w", err)
	}
	return Signed{doc, ed25519.Sign(key, configMessage(doc))}, nil
}

// OpenConfig checks and decodes a signed configuration.
func OpenConfig(s Signed, key ed25519.PublicKey) (Config, error) {
	var c Config
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, configMessage(s.Document), s.Sig) {
		return c, errors.New("configuration is not signed by the cloud")
	}
	if err := json.Unmarshal(s.Document, &c); err != nil {
		return c, fmt.Errorf("decode configuration: %w", err)
	}
	return c, errors.Join(c.Validate(), checkTariffs(s.Document))
}

// checkTariffs refuses tariffs with a key that this program does not know. Other parts of a message may have such: they
// are for newer readers. But a tariff of which a part is not understood is priced wrongly; whoever cannot read it goes on
// with the configuration it has.
func checkTariffs(doc []byte) error {
	var c struct {
		Tariffs []json.RawMessage `json:"tariffs"`
	}
	if err := json.Unmarshal(doc, &c); err != nil {
		return fmt.Errorf("decode tariffs: %w", err)
	}
	var faults []error
	for _, t := range c.Tariffs {
		if _, err := tariff.Decode(t); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// Validate lists everything wrong with a configuration.
func (c *Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !ValidName(c.Lot) {
		fault("lot %q is not a valid id", c.Lot)
	}
	if c.Number == 0 {
		fault("number is missing")
	}
	if _, err := time.LoadLocation(c.TZ); err != nil || c.TZ == "" {
		fault("time zone %q is unknown", c.TZ)
	}
	booths := map[string]bool{}
	for _, b := range c.Booths {
		if !ValidName(b.ID) || booths[b.ID] {
			fault("booth id %q is not valid or stands twice", b.ID)
		}
		booths[b.ID] = true
	}
	lanes, devices := map[string]bool{}, map[string]bool{}
	for _, l := range c.Lanes {
		if !ValidName(l.ID) || lanes[l.ID] {
			fault("lane id %q is not valid or stands twice", l.ID)
		}
		lanes[l.ID] = true
		if l.Dir != fact.Entry && l.Dir != fact.Exit && l.Dir != fact.Both && l.Dir != fact.Inner {
			fault("lane %s has direction %q, want entry, exit, both or inner", l.ID, l.Dir)
		}
		if !booths[l.Booth] {
			fault("lane %s names booth %q, which the lot does not have", l.ID, l.Booth)
		}
		for _, d := range l.Devices {
			if !ValidName(d.ID) || devices[d.ID] {
				fault("device id %q is not valid or stands twice", d.ID)
			}
			devices[d.ID] = true
			if d.Dir != "" && d.Dir != fact.Entry && d.Dir != fact.Exit {
				fault("device %s sees direction %q, want entry or exit", d.ID, d.Dir)
			}
		}
	}
	c.validateStaff(fault)
	c.validateZones(fault)
	c.Policy.Passage.validate(fault)
	known := map[fact.TariffRef]bool{}
	for _, t := range c.Tariffs {
		known[fact.TariffRef{ID: t.ID, Version: t.Version}] = true
	}
	for _, r := range c.Rules {
		if !known[r.Tariff] {
			fault("rule names tariff %s version %d, which the configuration does not carry", r.Tariff.ID, r.Tariff.Version)
		}
	}
	c.Policy.check(fault)
	return errors.Join(faults...)
}

func (p *Policy) check(fault func(string, ...any)) {
	if !right.Beyond(p.Beyond).Valid() {
		fault("policy beyond %.40q is not known", p.Beyond)
	}
	if p.Arrears != "" && p.Arrears != ArrearsShow && p.Arrears != ArrearsRefuse {
		fault("policy arrears %.40q is not known", p.Arrears)
	}
	if p.ArrearsFrom < 0 {
		fault("policy arrears_from %d is below zero", int64(p.ArrearsFrom))
	}
}

// TariffFor returns the tariff that a stay of a vehicle class is pinned to which begins at the time.
func (c *Config) TariffFor(class string, at time.Time) (fact.TariffRef, bool) {
	for i := range c.Rules {
		r := &c.Rules[i]
		if (r.Class == "" || r.Class == class) && !at.Before(r.From) && (len(r.DayTypes) == 0 || c.dayIs(at, r.DayTypes)) {
			return r.Tariff, true
		}
	}
	return fact.TariffRef{}, false
}

// dayIs reports whether the lot's date at a time is a day of one of the types.
func (c *Config) dayIs(at time.Time, types []string) bool {
	loc, err := time.LoadLocation(c.TZ)
	return err == nil && c.Calendar.Fits(calendar.Of(at.In(loc)), types) // Validate refuses a zone that is not known
}

// Tariff returns a version of a tariff.
func (c *Config) Tariff(ref fact.TariffRef) (tariff.Tariff, bool) {
	for _, t := range c.Tariffs {
		if t.ID == ref.ID && t.Version == ref.Version {
			return t, true
		}
	}
	return tariff.Tariff{}, false
}

// Days returns the calendar.
func (c *Config) Days() calendar.Calendar { return c.Calendar }

// EntitlementsOf returns what the lists of the configuration say that a vehicle which entered at a time is entitled to.
func (c *Config) EntitlementsOf(p plate.Plate, entry time.Time) (out []string) {
	for _, e := range c.Entitled {
		if e.Plate == p.Text && !p.None() && !entry.Before(e.From) && entry.Before(e.To) {
			out = append(out, e.Entitlements...)
		}
	}
	return out
}

// RightsOf returns what the lists of the configuration say that a vehicle need not pay, whatever its stay.
func (c *Config) RightsOf(p plate.Plate, _, _ time.Time, _ []fact.RightUse) []tariff.Right {
	var out []tariff.Right
	for _, f := range c.Free {
		if f.Plate == p.Text && !p.None() {
			out = append(out, tariff.Right{
				ID: "free:" + f.Plate, Kind: tariff.RightCover, From: f.From, Until: f.To,
				Name: tariff.Text{ZH: "免费名单：" + f.Why, EN: "Free list: " + f.Why},
			})
		}
	}
	return out
}

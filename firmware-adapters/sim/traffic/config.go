// Package traffic fills simulated lanes with cars from a seed, keeps the truth about every one of them, and judges the
// barriers by that truth.
//
// The same seed makes the same cars in the same order with the same habits; when each thing happens depends on the
// agent too, which is real.
package traffic

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"lotkeeper/shared/keys"
	"lotkeeper/shared/plate"
)

// Config is lotsim's configuration. Every fault in it is told at once.
type Config struct {
	Seed    uint64   `yaml:"seed"`
	HTTP    string   `yaml:"http"`    // of the control API, host:port on loopback
	Lines   string   `yaml:"lines"`   // folder of the serial lines' fixed names
	Lanes   []Lane   `yaml:"lanes"`   // the lot's lanes
	Lot     string   `yaml:"lot"`     // the lot's id, for paying by phone
	Cloud   string   `yaml:"cloud"`   // base URL of the cloud; empty: nobody pays by phone
	FakePay string   `yaml:"fakepay"` // base URL of the payment provider's double
	Cashier Cashier  `yaml:"cashier"` // who takes cash at the booths; without a name nobody does
	Traffic Settings `yaml:"traffic"`
}

// Lane is one lane's addresses.
type Lane struct {
	Name   string        `yaml:"name"`
	Dir    string        `yaml:"dir"`    // entry or exit
	Camera string        `yaml:"camera"` // host:port to listen on
	Board  string        `yaml:"board"`  // host:port, or "serial": RTU on <lines>/<name>-board
	Travel time.Duration `yaml:"travel"` // of the arm; 800ms by default
	Booth  string        `yaml:"booth"`  // base URL of the booth's console, for cash
}

// Cashier signs in at the booths' consoles.
type Cashier struct {
	Name string `yaml:"name"`
	Code string `yaml:"code"`
}

// Settings is how much goes on. Times are real times; Speed divides the times between arrivals and the stays.
type Settings struct {
	Off        bool          `yaml:"off"`         // no cars but those asked for over HTTP
	Speed      float64       `yaml:"speed"`       // 1 by default
	Every      time.Duration `yaml:"every"`       // mean time between arrivals; 6s by default
	StayMin    time.Duration `yaml:"stay_min"`    // 15s by default
	StayMax    time.Duration `yaml:"stay_max"`    // 90s by default
	LongStays  int           `yaml:"long_stays"`  // cars that have been inside for hours when lotsim starts
	FreeFor    time.Duration `yaml:"free_for"`    // stays up to this are free by the lot's tariff
	Regulars   int           `yaml:"regulars"`    // cars that come again and again; 8 by default
	Permits    []string      `yaml:"permits"`     // plates that need not pay
	Patience   time.Duration `yaml:"patience"`    // how long a driver waits at the exit before paying; 3s by default
	GiveUp     time.Duration `yaml:"give_up"`     // how long a driver waits at all; 45s by default
	MostInside int           `yaml:"most_inside"` // 60 by default
	Mischief   *Mischief     `yaml:"mischief"`    // how often what is not ordinary happens
}

// Mischief is per cent of arrivals.
type Mischief struct {
	Misread    int `yaml:"misread"`
	Reverse    int `yaml:"reverse"`
	Unlicensed int `yaml:"unlicensed"`
	Tailgate   int `yaml:"tailgate"`
	Cash       int `yaml:"cash"` // of those who pay
}

// Parse reads a configuration document (YAML).
func Parse(doc []byte) (c Config, err error) {
	defer func() { // the library dereferences nil on some malformed documents
		if p := recover(); p != nil {
			err = fmt.Errorf("lotsim configuration: not YAML: %v", p)
		}
	}()
	var unknown error
	if err := yaml.NewDecoder(bytes.NewReader(doc), yaml.Strict()).Decode(&c); err != nil {
		// The decoder stops at the first key it does not know.
		var tree map[string]any
		c = Config{}
		if yaml.Unmarshal(doc, &tree) == nil {
			if all := keys.Unknown(tree, reflect.TypeFor[Config](), "yaml"); len(all) > 0 && yaml.Unmarshal(doc, &c) == nil {
				unknown = fmt.Errorf("lotsim configuration: unknown keys: %s", strings.Join(all, ", "))
			}
		}
		if unknown == nil {
			return Config{}, fmt.Errorf("lotsim configuration: %w", err)
		}
	}
	t := &c.Traffic
	if t.Speed == 0 {
		t.Speed = 1
	}
	for _, d := range []struct {
		to *time.Duration
		by time.Duration
	}{
		{&t.Every, 6 * time.Second}, {&t.StayMin, 15 * time.Second}, {&t.StayMax, 90 * time.Second},
		{&t.Patience, 3 * time.Second}, {&t.GiveUp, 45 * time.Second},
	} {
		if *d.to == 0 {
			*d.to = d.by
		}
	}
	if t.Regulars == 0 {
		t.Regulars = 8
	}
	if t.MostInside == 0 {
		t.MostInside = 60
	}
	if t.Mischief == nil {
		t.Mischief = &Mischief{Misread: 6, Reverse: 4, Unlicensed: 3, Tailgate: 3, Cash: 35}
	}
	return c, errors.Join(unknown, c.validate())
}

func (c Config) validate() error {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if len(c.Lanes) == 0 {
		add("lanes: at least one is needed")
	}
	if host, _, err := net.SplitHostPort(c.HTTP); err != nil {
		add("http: %q is not host:port", c.HTTP)
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		add("http: %q is not on loopback: whoever reaches it can open barriers", c.HTTP)
	}
	if c.Lines == "" {
		add("lines: a folder for the serial lines is needed")
	}
	seen := map[string]bool{}
	for i, l := range c.Lanes {
		if l.Name == "" || strings.ContainsAny(l.Name, "/ ") || seen[l.Name] {
			add("lanes[%d].name: %q is empty, used twice or holds a slash or space", i, l.Name)
		}
		seen[l.Name] = true
		if !slices.Contains([]string{"entry", "exit"}, l.Dir) {
			add("lanes[%d].dir: %q is neither entry nor exit", i, l.Dir)
		}
		if _, _, err := net.SplitHostPort(l.Camera); err != nil {
			add("lanes[%d].camera: %q is not host:port", i, l.Camera)
		}
		if _, _, err := net.SplitHostPort(l.Board); l.Board != "serial" && err != nil {
			add("lanes[%d].board: %q is neither host:port nor serial", i, l.Board)
		}
		if l.Travel < 0 || l.Travel > time.Minute {
			add("lanes[%d].travel: %v is not from 0 to 1m", i, l.Travel)
		}
	}
	t := c.Traffic
	if t.Speed < 0.01 || t.Speed > 1000 {
		add("traffic.speed: %v is not from 0.01 to 1000", t.Speed)
	}
	if t.StayMin > t.StayMax || t.StayMin < 0 {
		add("traffic.stay_min: %v is negative or above stay_max %v", t.StayMin, t.StayMax)
	}
	if t.Every < 0 || t.LongStays < 0 || t.LongStays > 5000 || t.Regulars < 0 || t.Regulars > 5000 || t.MostInside < 0 {
		add("traffic: every, long_stays, regulars and most_inside must not be negative, long_stays and regulars at most 5000")
	}
	for _, p := range t.Permits {
		if _, err := plate.Parse(p, plate.ColourUnknown); err != nil {
			add("traffic.permits: %v", err)
		}
	}
	m := *t.Mischief
	for name, v := range map[string]int{"misread": m.Misread, "reverse": m.Reverse, "unlicensed": m.Unlicensed, "tailgate": m.Tailgate, "cash": m.Cash} {
		if v < 0 || v > 100 {
			add("traffic.mischief.%s: %d is not per cent", name, v)
		}
	}
	if c.Cloud != "" && c.Lot == "" {
		add("lot: needed to pay by phone")
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		return errors.New("lotsim configuration: " + strings.Join(faults, "; "))
	}
	return nil
}

package wire

import (
	"lotkeeper/shared/fact"
	"lotkeeper/shared/tariff"
)

// Zone is a part of a lot that vehicles enter and leave through lanes: a nested lot within its parent. Zones of one lot share
// its facts. A lot without zones is one whole.
type Zone struct {
	ID       string      `json:"id"`
	Name     tariff.Text `json:"name"`
	Capacity int         `json:"capacity,omitempty"` // 0: not counted
}

// Zone returns a zone.
func (c *Config) Zone(id string) (Zone, bool) {
	for _, z := range c.Zones {
		if z.ID == id {
			return z, true
		}
	}
	return Zone{}, false
}

// validateZones lists what is wrong with where lanes lead: an entry comes from outside, an exit leads there, and an inner
// lane leads from one zone into another.
func (c *Config) validateZones(fault func(string, ...any)) {
	zones := map[string]bool{}
	for _, z := range c.Zones {
		if !ValidName(z.ID) || zones[z.ID] {
			fault("zone id %q is not valid or stands twice", z.ID)
		}
		if z.Capacity < 0 {
			fault("zone %s has a capacity of %d", z.ID, z.Capacity)
		}
		zones[z.ID] = true
	}
	for _, l := range c.Lanes {
		for _, id := range []string{l.From, l.To} {
			if id != "" && !zones[id] {
				fault("lane %s names zone %q, which the lot does not have", l.ID, id)
			}
		}
		switch {
		case l.Dir == fact.Entry && l.From != "":
			fault("lane %s is an entry and comes from zone %s, want from outside", l.ID, l.From)
		case l.Dir == fact.Exit && l.To != "":
			fault("lane %s is an exit and leads to zone %s, want to outside", l.ID, l.To)
		case l.Dir == fact.Both && l.From != "":
			fault("lane %s is an entry and an exit and comes from zone %s: say with \"to\" which zone lies behind it", l.ID, l.From)
		case l.Dir == fact.Inner && (l.From == "" || l.To == "" || l.From == l.To):
			fault("lane %s is an inner one and leads from zone %q to zone %q, want two zones", l.ID, l.From, l.To)
		}
	}
}

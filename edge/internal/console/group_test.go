package console

import "testing"

func TestGroupInPlainWords(t *testing.T) {
	for _, c := range []struct {
		name  string
		group Group
		level string
		en    string // "" says nothing
	}{
		{"all is well", Group{Leader: "booth-a"}, "", ""},
		{"under way", Group{Takeover: &Takeover{Held: 3, Known: 9}}, "warn", "taking over from the old box: 3 of 9 facts"},
		{"somebody was not heard yet", Group{Takeover: &Takeover{Held: 3, Known: 9, Unheard: []string{"booth-b", "cloud"}}}, "warn", "taking over from the old box: 3 of 9 facts; not heard yet: booth-b, cloud"},
		{"something is gone", Group{Lost: 2, Takeover: &Takeover{Done: true, Missing: 2}}, "bad", "2 facts of the old box are nowhere: check the passages and the money of its last minutes"},
		{"nothing is gone", Group{Takeover: &Takeover{Done: true}}, "", ""},
		{"done without all", Group{Takeover: &Takeover{Done: true, Unheard: []string{"cloud"}}}, "warn", "the old box was taken over without hearing cloud: they may hold more"},
		{"another booth's disk is gone", Group{Lost: 4}, "warn", "4 facts were told of that no booth and not the cloud holds"},
		{"one copy", Group{Fewer: 5}, "good", "5 facts lie on one disk only so far"},
	} {
		got := c.group.describe()
		if c.en == "" {
			if len(got) > 0 {
				t.Errorf("%s: says %+v", c.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Level != c.level || got[0].Text.EN != c.en || got[0].Text.ZH == "" {
			t.Errorf("%s: says %+v, want %s %q", c.name, got, c.level, c.en)
		}
	}
}

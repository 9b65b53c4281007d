package console

import (
	"strings"
	"testing"
	"time"
)

func TestFilesThatWereSetAsideAreTold(t *testing.T) {
	s := State{Sync: Sync{Aside: []Aside{
		{File: "quarantine/journal.db-1", Was: "journal.db", Why: "damaged", Missing: 7},
		{File: "quarantine/journal.db-2", Was: "journal.db", Why: "forked", Open: true},
		{File: "quarantine/journal.db-3", Was: "journal.db", Why: "behind"},
	}}}
	words := s.Describe(time.UTC)
	for _, want := range []struct{ level, zh, en string }{
		{"warn", "本机缺 7 条", "7 facts of it"}, {"bad", "quarantine/journal.db-2", "quarantine/journal.db-2"}, {"warn", "旧备份", "an old copy"},
	} {
		found := false
		for _, w := range words {
			found = found || w.Level == want.level && strings.Contains(w.Text.ZH, want.zh) && strings.Contains(w.Text.EN, want.en)
		}
		if !found {
			t.Errorf("nothing says %q in %+v", want.en, words)
		}
	}
}

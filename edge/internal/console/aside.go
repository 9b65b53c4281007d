package console

import "time"

// Aside is a file that is out of use and kept: a damaged one, or the log of an incarnation that ended.
type Aside struct {
	File    string    `json:"file"` // below the booth's data folder
	Was     string    `json:"was"`  // "journal.db", "lot.db"
	Why     string    `json:"why"`
	At      time.Time `json:"at"`
	Open    bool      `json:"open,omitempty"`    // something is still to be done with it
	Told    uint64    `json:"told,omitempty"`    // facts that the next incarnation told again
	Missing uint64    `json:"missing,omitempty"` // facts of it that were not found on this disk
}

// word says what became of it.
func (a *Aside) word() Word {
	level := "warn"
	if a.Open {
		level = "bad"
	}
	switch a.Why {
	case "damaged":
		return Word{level, OfStorage, both("%s 曾损坏，已隔离到 %s，本机缺 %d 条", "%s was damaged and is kept as %s; %d facts of it are not on this disk", a.Was, a.File, a.Missing)}
	case "behind":
		return Word{level, OfStorage, both("本机日志是旧备份，已换新日志；旧日志在 %[1]s", "the journal was an old copy; a new one was begun, the old one is kept as %[1]s", a.File)}
	}
	return Word{level, OfStorage, both("另有一台机器使用同一份日志，已换新日志；旧日志在 %[1]s", "another machine wrote to a copy of this journal; a new one was begun, the old one is kept as %[1]s", a.File)}
}

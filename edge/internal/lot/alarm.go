package lot

import (
	"cmp"
	"slices"

	"lotkeeper/shared/fact"
)

// Alarm is an open alarm of a booth of the lot.
type Alarm struct {
	Booth string
	fact.Alarm
}

// alarmKey is what of a booth there is one alarm of.
type alarmKey struct{ booth, code, subject string }

// alarmWord is the last word on an alarm.
type alarmWord struct {
	alarm  fact.Alarm
	raised bool
	hlc    fact.HLC
	id     fact.ID
}

// noteAlarm takes an alarm's fact into the list. Like the fold, it does not mind the order in which facts come. The
// caller holds mu.
func (l *Lot) noteAlarm(f *fact.Fact) {
	a, err := fact.Decode[fact.Alarm](f)
	booth := l.boxes.openings[f.Author].booth
	if err != nil || a.Code == "" || booth == "" {
		return
	}
	k := alarmKey{booth, a.Code, a.Subject}
	old, had := l.alarms[k]
	if had && (f.HLC < old.hlc || f.HLC == old.hlc && f.ID().Compare(old.id) < 0) {
		return
	}
	l.alarms[k] = alarmWord{a, f.Kind == fact.KindAlarmRaised, f.HLC, f.ID()}
}

// Alarms returns the open alarms of every booth as their facts tell them, the oldest first.
func (l *Lot) Alarms() []Alarm {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Alarm
	for k, w := range l.alarms {
		if w.raised {
			out = append(out, Alarm{k.booth, w.alarm})
		}
	}
	slices.SortFunc(out, func(x, y Alarm) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Booth, y.Booth), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Subject, y.Subject))
	})
	return out
}

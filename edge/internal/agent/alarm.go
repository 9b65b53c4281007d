package agent

import (
	"lotkeeper/edge/internal/alarm"
	"lotkeeper/edge/internal/console"
	words "lotkeeper/shared/alarm"
)

// openAlarms makes the booth's list of alarms. Those that an earlier run left open go on until somebody says that they are
// over.
func (a *Agent) openAlarms() (*alarm.Book, error) {
	b, err := alarm.New(alarm.Options{Append: a.lot.Append, Now: a.clock.Now, Changed: a.bell.ring, Log: a.o.Log})
	if err != nil {
		return nil, err
	}
	var left []alarm.Alarm
	for _, x := range a.lot.Alarms() {
		if x.Booth == a.identity.Booth {
			left = append(left, alarm.Alarm{Code: x.Code, Subject: x.Subject, Detail: x.Detail, Since: x.Since})
		}
	}
	b.Carry(left)
	return b, nil
}

// alarmList is the open alarms of this booth, from its memory, and of the lot's others, from their facts.
func (a *Agent) alarmList() []console.Alarm {
	out := []console.Alarm{}
	for _, x := range a.alarms.Open() {
		out = append(out, console.Alarm{Booth: a.identity.Booth, Code: x.Code, Subject: x.Subject, Text: words.Text(x.Code), Detail: x.Detail, Since: x.Since.UTC()})
	}
	for _, x := range a.lot.Alarms() {
		if x.Booth != a.identity.Booth {
			out = append(out, console.Alarm{Booth: x.Booth, Code: x.Code, Subject: x.Subject, Text: words.Text(x.Code), Detail: x.Detail, Since: x.Since.UTC()})
		}
	}
	return out
}

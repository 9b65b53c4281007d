package agent

import (
	"time"

	"lotkeeper/edge/internal/alarm"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/journal"
	words "lotkeeper/shared/alarm"
)

// alarm takes what the booth's parts say. How a disk's slow writes make an alarm, its watchdog says.
func (a *Agent) alarm(code, subject string, on bool, detail string) {
	a.o.Alarm(code, subject, on, detail)
	if code == journal.AlarmStall {
		a.disk.Slow(on, time.Duration(a.mono()))
		return
	}
	a.alarms.Set(code, subject, on, detail)
}

// carryAlarms takes over what an earlier run left open, until somebody says that it is over.
func (a *Agent) carryAlarms() {
	var left []alarm.Alarm
	for _, x := range a.lot.Alarms() {
		if x.Booth == a.identity.Booth {
			left = append(left, alarm.Alarm{Code: x.Code, Subject: x.Subject, Detail: x.Detail, Since: x.Since})
		}
	}
	a.alarms.Carry(left)
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

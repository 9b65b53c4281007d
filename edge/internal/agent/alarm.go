package agent

import (
	"context"

	"lotkeeper/edge/internal/alarm"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/journal"
	words "lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

// newAlarms makes the booth's list of alarms. What is said before the journal is open is told once it is.
func (a *Agent) newAlarms() (*alarm.Book, error) {
	return alarm.New(alarm.Options{
		Append: func(ctx context.Context, c journal.Compose) ([]fact.Fact, error) { return a.lot.Append(ctx, c) },
		Now:    a.clock.Now, Changed: a.bell.ring, Log: a.o.Log,
	})
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

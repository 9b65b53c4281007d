package oracle

import (
	"strings"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

var noCalendar calendar.Calendar

func amount(a int64) money.Amount { return money.Amount(a) }

// rest is the month card for office hours with a way to price the rest.
func rest(way string) string { return strings.Replace(office, "%", way, 1) }

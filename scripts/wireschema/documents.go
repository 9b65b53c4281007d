package main

import (
	"reflect"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// document is one schema to write: the file's name, what it describes, a value of the type.
type document struct {
	name, title string
	value       any
	written     bool // by people: unknown keys are refused, and there are short forms
}

// documents lists the messages by their names, and the bodies of facts by "fact." and their kind. A test compares both
// lists with the packages.
func documents() []document {
	docs := []document{
		{name: "facts", title: "A batch of facts of one author, up or down", value: wire.Facts{}},
		{name: "cursor", title: "How far the sender's copies of the logs reach", value: wire.Cursor{}},
		{name: "command", title: "Something a booth is asked to do now", value: wire.Command{}},
		{name: "result", title: "What became of a command", value: wire.Result{}},
		{name: "live", title: "A lane's state as it is now", value: wire.Live{}},
		{name: "presence", title: "Whether a booth is connected", value: wire.Presence{}},
		{name: "signed", title: "A document with its signature", value: wire.Signed{}},
		{name: "config", title: "Everything a lot's booths are told", value: wire.Config{}},
		{name: "rights", title: "A page of a lot's rights", value: wire.Rights{}},
		{name: "rights.head", title: "Which set of rights a page is of, as the cloud signs it", value: right.Head{}},
		{name: "right", title: "One right of a lot: a card, a list's vehicle, what is owed", value: right.Right{}},
	}
	for _, body := range []struct {
		kind  fact.Kind
		value any
	}{
		{fact.KindOpened, fact.Opened{}},
		{fact.KindClock, fact.Clock{}},
		{fact.KindRead, fact.Read{}},
		{fact.KindDecision, fact.Decision{}},
		{fact.KindBarrier, fact.Barrier{}},
		{fact.KindPassage, fact.Passage{}},
		{fact.KindBill, fact.Bill{}},
		{fact.KindCash, fact.Cash{}},
		{fact.KindPayment, fact.Payment{}},
		{fact.KindCorrected, fact.Corrected{}},
		{fact.KindMatched, fact.Matched{}},
		{fact.KindCommand, fact.Command{}},
		{fact.KindShiftOpened, fact.ShiftOpened{}},
		{fact.KindShiftClosed, fact.ShiftClosed{}},
		{fact.KindProved, fact.Proved{}},
		{fact.KindPromised, fact.Promised{}},
		{fact.KindAdded, fact.Added{}},
		{fact.KindMerged, fact.Merged{}},
		{fact.KindSplit, fact.Split{}},
		{fact.KindVoided, fact.Voided{}},
		{fact.KindMode, fact.Mode{}},
		{fact.KindModeEnded, fact.ModeEnded{}},
		{fact.KindFire, fact.Fire{}},
		{fact.KindRetold, fact.Retold{}},
		{fact.KindReplaced, fact.Replaced{}},
		{fact.KindRebuilt, fact.Rebuilt{}},
		{fact.KindRecovered, fact.Recovered{}},
		{fact.KindAlarmRaised, fact.Alarm{}},
		{fact.KindAlarmCleared, fact.Alarm{}},
	} {
		docs = append(docs, document{name: "fact." + string(body.kind), title: "The body of a fact of kind " + string(body.kind), value: body.value})
	}
	return append(docs,
		document{name: "tariff", title: "A tariff, as people write it: see shared/tariff/FORMAT.md", value: tariff.Tariff{}, written: true},
		document{name: "calendar", title: "Day types of dates, as people write them", value: calendar.Calendar{}, written: true},
	)
}

// known says what types write that encode themselves.
func known() map[reflect.Type]schema {
	return map[reflect.Type]schema{
		reflect.TypeFor[money.Rat](): {AnyOf: []*schema{{Type: "integer"}, {Type: "string", Pattern: "^-?[0-9]+/[0-9]+$"}}},
	}
}

// writtenForms says what may be written in documents of people, where that is more than what programs write.
func writtenForms() map[reflect.Type]schema {
	date := "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
	forms := map[reflect.Type]schema{
		reflect.TypeFor[money.Rat]():      {AnyOf: []*schema{{Type: "integer"}, {Type: "string", Pattern: "^[0-9]+(/[0-9]+)?$"}}},
		reflect.TypeFor[tariff.Seconds](): {AnyOf: []*schema{{Type: "integer"}, {Type: "string", Pattern: "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s?)?$"}}},
		reflect.TypeFor[tariff.Clock]():   {Type: "string", Pattern: "^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$"},
		reflect.TypeFor[tariff.Text](): {AnyOf: []*schema{{Type: "string"}, {
			Type: "object", Properties: map[string]*schema{"zh": {Type: "string"}, "en": {Type: "string"}}, Required: []string{"zh", "en"}, Values: false,
		}}},
		reflect.TypeFor[calendar.Date](): {Type: "string", Pattern: date},
	}
	words(forms, tariff.PrecisionSecond, tariff.PrecisionMinute, tariff.PrecisionClock)
	words(forms, tariff.AfterRerate, tariff.AfterNewStay)
	words(forms, tariff.RoundHalfUp, tariff.RoundUp, tariff.RoundDown)
	words(forms, tariff.RoundTotal, tariff.RoundCycle, tariff.RoundUnit)
	words(forms, tariff.OutsideCounted, tariff.OutsideSkipped)
	words(forms, tariff.RestOne, tariff.RestSeparate, tariff.RestThrough)
	words(forms, tariff.FreeTestRest, tariff.FreeTestStay, tariff.FreeTestNone)
	words(forms, tariff.CouponFull, tariff.CouponMinutes, tariff.CouponPercent, tariff.CouponAmount)
	words(forms, tariff.MinutesTrimEnd, tariff.MinutesTrimStart, tariff.MinutesValue)
	words(forms, tariff.CycleBlock, tariff.CycleDay)
	words(forms, tariff.ClockElapsed, tariff.ClockWall)
	words(forms, tariff.ScopeRun, tariff.ScopeCycle, tariff.ScopeStay, tariff.ScopeChargeable)
	words(forms, tariff.CountChargeable, tariff.CountBand, tariff.CountElapsed)
	words(forms, tariff.BoundaryCut, tariff.BoundaryThrough, tariff.BoundaryPause, tariff.BoundaryShare)
	words(forms, tariff.FreeWhole, tariff.FreeDeduct)
	words(forms, tariff.DayOfMoment, tariff.DayOfCycle, tariff.DayOfStay)
	words(forms, tariff.EndCeil, tariff.EndFloor, tariff.EndTail, tariff.EndStarted, tariff.EndExact)
	words(forms, tariff.WindowStay, tariff.WindowBlock, tariff.WindowDay, tariff.WindowRun, tariff.WindowCycle, tariff.WindowClock, tariff.WindowRolling)
	return forms
}

func words[T ~string](forms map[reflect.Type]schema, allowed ...T) {
	s := schema{Type: "string"}
	for _, word := range allowed {
		s.Enum = append(s.Enum, string(word))
	}
	forms[reflect.TypeFor[T]()] = s
}

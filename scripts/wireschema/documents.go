package main

import (
	"reflect"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/wire"
)

// document is one schema to write: the file's name, what it describes, a value of the type.
type document struct {
	name, title string
	value       any
}

// documents lists the messages by their names, and the bodies of facts by "fact." and their kind. A test compares both
// lists with the packages.
func documents() []document {
	docs := []document{
		{"facts", "A batch of facts of one author, up or down", wire.Facts{}},
		{"cursor", "How far the sender's copies of the logs reach", wire.Cursor{}},
		{"command", "Something a booth is asked to do now", wire.Command{}},
		{"result", "What became of a command", wire.Result{}},
		{"live", "A lane's state as it is now", wire.Live{}},
		{"presence", "Whether a booth is connected", wire.Presence{}},
		{"signed", "A document with its signature", wire.Signed{}},
		{"config", "Everything a lot's booths are told", wire.Config{}},
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
	} {
		docs = append(docs, document{"fact." + string(body.kind), "The body of a fact of kind " + string(body.kind), body.value})
	}
	return docs
}

// known says what types write that encode themselves.
func known() map[reflect.Type]schema {
	return map[reflect.Type]schema{
		reflect.TypeFor[money.Rat](): {AnyOf: []*schema{{Type: "integer"}, {Type: "string", Pattern: "^-?[0-9]+/[0-9]+$"}}},
	}
}

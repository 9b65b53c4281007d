package agent

import (
	"lotkeeper/edge/internal/console"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/session"
)

// Ticket implements [console.Booth]. The key is that of the journal, which the others know from its first fact.
func (a *Agent) Ticket(id fact.ID) (out console.Ticket, ok bool, err error) {
	var s session.Session
	a.lot.View(func(b *session.Book) { s, ok = b.Session(id) })
	if !ok || id.Author != a.journal.Author() || s.Closed() || !s.Plate.None() || s.Entry == nil || s.Entry.Fact != id {
		return out, false, nil
	}
	t := receipt.Ticket{Lot: a.identity.Lot, Entry: id, At: s.Entry.At}
	if s.Tariff != nil {
		t.Tariff = *s.Tariff
	} else if c, has := a.lot.Config(); has {
		t.Tariff, _ = c.TariffFor(s.Plate.Class.String(), s.Entry.At)
	}
	text, err := receipt.SignTicket(t, a.identity.Key)
	return console.Ticket{Entry: id, At: s.Entry.At, Lane: s.Entry.Lane, Text: text}, true, err
}

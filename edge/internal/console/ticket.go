package console

import (
	"net/http"
	"time"

	"github.com/skip2/go-qrcode"

	"lotkeeper/shared/fact"
)

// Ticket is what the driver of a vehicle without a plate takes along from the entry.
type Ticket struct {
	Entry fact.ID   `json:"entry"`
	At    time.Time `json:"at"`
	Lane  string    `json:"lane"`
	Text  string    `json:"text"` // what the exit's scanner takes
}

// ticket answers the ticket of an entry. It may be asked for again: the same entry always gives the same text.
func (c *Console) ticket(w http.ResponseWriter, r *http.Request, _ person) {
	if t, ok := c.findTicket(w, r); ok {
		send(w, t)
	}
}

func (c *Console) ticketCode(w http.ResponseWriter, r *http.Request, _ person) {
	t, ok := c.findTicket(w, r)
	if !ok {
		return
	}
	png, err := qrcode.Encode(t.Text, qrcode.Medium, 320)
	if err != nil {
		c.o.Log.Error("ticket", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "凭条二维码无法生成", "the ticket's code cannot be drawn")
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "private, no-store")
	_, _ = w.Write(png) // the reader may be gone
}

func (c *Console) findTicket(w http.ResponseWriter, r *http.Request) (Ticket, bool) {
	id, err := fact.ParseID(r.PathValue("entry"))
	if err == nil {
		t, ok, err := c.booth.Ticket(id)
		if err != nil {
			c.o.Log.Error("ticket", "err", err)
			fail(w, http.StatusInternalServerError, "internal", "凭条无法签发", "the ticket cannot be signed")
			return t, false
		}
		if ok {
			return t, true
		}
	}
	fail(w, http.StatusNotFound, "no_entry", "不是本岗亭在场的无牌车入场记录", "this is no entry, at this booth, of a vehicle without a plate that is inside")
	return Ticket{}, false
}

package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"lotkeeper/edge/internal/amend"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// amendment is the body of everything that a person says of a stay. Which fields count follows from the path.
type amendment struct {
	Reason  string       `json:"reason"`
	Session fact.ID      `json:"session"` // of an added end, when it is of one
	Other   fact.ID      `json:"other"`   // merge: the other session; split: the sighting to cut at
	Dir     fact.Dir     `json:"dir"`
	At      time.Time    `json:"at"`
	Lane    string       `json:"lane"`
	Plate   string       `json:"plate"`
	Colour  plate.Colour `json:"colour"`
}

// amendRoutes adds what a person may say of stays.
func (c *Console) amendRoutes(m *http.ServeMux) {
	m.HandleFunc("POST /api/visits", c.known(func(w http.ResponseWriter, r *http.Request, by person) { c.amend(w, r, by, amend.Add) }))
	for path, kind := range map[string]amend.Kind{"merge": amend.Merge, "split": amend.Split, "void": amend.Void} {
		m.HandleFunc("POST /api/sessions/{session}/"+path, c.known(func(w http.ResponseWriter, r *http.Request, by person) { c.amend(w, r, by, kind) }))
	}
}

func (c *Console) amend(w http.ResponseWriter, r *http.Request, by person, kind amend.Kind) {
	var in amendment
	if !decode(w, r, &in) {
		return
	}
	a := amend.Amendment{Kind: kind, By: by.name, Note: strings.TrimSpace(in.Reason), Session: in.Session, Other: in.Other, Dir: in.Dir, At: in.At.UTC(), Lane: in.Lane}
	if len(a.Note) > 500 || len(a.Lane) > 100 {
		fail(w, http.StatusUnprocessableEntity, "too_long", "内容太长", "the reason or the lane is too long")
		return
	}
	if in.Plate != "" {
		p, err := plate.Parse(in.Plate, in.Colour)
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, "bad_plate", "车牌格式错误", err.Error())
			return
		}
		a.Plate = p
	}
	if kind != amend.Add {
		id, err := fact.ParseID(r.PathValue("session"))
		if err != nil {
			fail(w, http.StatusNotFound, "no_session", "没有这个停车订单", "there is no such session")
			return
		}
		a.Session = id
	}
	id, err := c.booth.Amend(r.Context(), a)
	var no *amend.Refusal
	switch {
	case errors.As(err, &no) && no.Code == "no_session":
		fail(w, http.StatusNotFound, no.Code, no.Text.ZH, no.Text.EN)
	case errors.As(err, &no):
		fail(w, http.StatusUnprocessableEntity, no.Code, no.Text.ZH, no.Text.EN)
	case err != nil:
		c.o.Log.Error("an amendment is not recorded", "kind", string(kind), "session", a.Session.String(), "err", err)
		fail(w, http.StatusServiceUnavailable, "journal", "本机日志无法写入，请稍后再试", "the booth's journal cannot be written: try again later")
	default:
		c.o.Log.Info("amended", "kind", string(kind), "session", a.Session.String(), "operator", by.name)
		send(w, map[string]fact.ID{"fact": id})
	}
}

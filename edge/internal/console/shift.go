package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"lotkeeper/edge/internal/shift"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/wire"
)

// begin opens a shift for who has just signed in, if nobody has the booth and the person may take cash. That it could
// not be written keeps nobody out: the page says that no shift is open.
func (c *Console) begin(ctx context.Context, token string) {
	in, _ := c.door.who(token)
	if p := (person{in.name, token, in.rights}); !p.may(wire.MayCash) {
		return
	}
	if _, err := c.o.Desk.Open(ctx, in.name); err != nil && !errors.Is(err, shift.ErrOpen) {
		c.o.Log.Error("no shift is opened", "operator", in.name, "err", err)
	}
}

// onDuty reports whether the open shift is the person's, and answers when it is not: what is taken lies in one drawer,
// and one person answers for it.
func (c *Console) onDuty(w http.ResponseWriter, by person) bool {
	s, ok := c.o.Desk.OnDuty()
	switch {
	case !ok:
		fail(w, http.StatusConflict, "no_shift", "当前没有开班，请先开班（F10）", "no shift is open: open one first (F10)")
	case s.By != by.name:
		fail(w, http.StatusConflict, "not_on_duty", "当前是 "+s.By+" 的班次，请先交接班（F10）", "this is the shift of "+s.By+": take it over first (F10)")
	default:
		return true
	}
	return false
}

func (c *Console) shift(w http.ResponseWriter, _ *http.Request, _ person) {
	s, ok, err := c.o.Desk.Current()
	switch {
	case err != nil:
		c.o.Log.Error("shift", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "班次数据读取失败", "the shift cannot be read")
	case !ok:
		send(w, map[string]any{"open": nil})
	default:
		send(w, map[string]any{"open": s})
	}
}

// shownShifts is how many shifts the page lists.
const shownShifts = 30

func (c *Console) shifts(w http.ResponseWriter, _ *http.Request, _ person) {
	items := c.o.Desk.Latest(shownShifts)
	if items == nil {
		items = []shift.Shift{}
	}
	send(w, map[string]any{"items": items})
}

func (c *Console) shiftByID(w http.ResponseWriter, r *http.Request, _ person) {
	id, err := fact.ParseID(r.PathValue("shift"))
	if err != nil {
		fail(w, http.StatusNotFound, "no_shift", "没有这个班次", "there is no such shift")
		return
	}
	s, ok, err := c.o.Desk.Find(id)
	switch {
	case err != nil:
		c.o.Log.Error("shift", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "班次数据读取失败", "the shift cannot be read")
	case !ok:
		fail(w, http.StatusNotFound, "no_shift", "没有这个班次", "there is no such shift")
	default:
		send(w, s)
	}
}

func (c *Console) openShift(w http.ResponseWriter, r *http.Request, by person) {
	if !by.may(wire.MayCash) {
		denied(w, wire.MayCash)
		return
	}
	s, err := c.o.Desk.Open(r.Context(), by.name)
	if err != nil {
		c.refuseShift(w, s, err)
		return
	}
	send(w, s)
}

// handover is the body of a shift's closing.
type handover struct {
	Shift   fact.ID      `json:"shift"`
	Counted money.Amount `json:"counted"`
	Note    string       `json:"note"`
	To      *struct {    // who takes over at once
		Name string `json:"name"`
		Code string `json:"code"`
	} `json:"to"`
}

// Closed tells what a shift ended with. Me is who took over.
type Closed struct {
	Shift shift.Shift `json:"shift"`
	Me    *Me         `json:"me,omitempty"`
}

// closeShift hands the booth over. Whoever hands over is signed out; whoever takes over is signed in.
func (c *Console) closeShift(w http.ResponseWriter, r *http.Request, by person) {
	var in handover
	if !decode(w, r, &in) {
		return
	}
	note := strings.TrimSpace(in.Note)
	if in.Counted < 0 || in.Shift.IsZero() || len(note) > 500 {
		fail(w, http.StatusUnprocessableEntity, "bad_handover", "请填写班次和实点现金", "say which shift it is and what cash was counted")
		return
	}
	s, ok, err := c.o.Desk.Current()
	if err != nil {
		c.refuseShift(w, s, err)
		return
	}
	if !ok || s.ID != in.Shift { // closed already, or another
		if s, err = c.o.Desk.Close(r.Context(), shift.Handover{Shift: in.Shift}); err != nil {
			c.refuseShift(w, s, err)
			return
		}
		send(w, Closed{Shift: s})
		return
	}
	if s.By != by.name && !by.may(wire.MayRelieve) {
		denied(w, wire.MayRelieve)
		return
	}
	if in.Counted != s.Totals.Cash && note == "" {
		fail(w, http.StatusUnprocessableEntity, "difference", "实点现金与应有现金不符，请填写原因", "the count differs from what was taken: say why")
		return
	}
	to := ""
	if in.To != nil {
		if !c.takesOver(w, in.To.Name, in.To.Code) {
			return
		}
		to = in.To.Name
	}
	s, err = c.o.Desk.Close(r.Context(), shift.Handover{
		Shift: in.Shift, By: by.name, To: to, Counted: in.Counted, Currency: c.booth.State().Currency, Note: note,
	})
	if err != nil {
		c.refuseShift(w, s, err)
		return
	}
	c.o.Log.Info("shift handed over", "from", s.By, "by", by.name, "to", to)
	c.door.signOut(by.token)
	if to == "" {
		forgetCookie(w, r)
		send(w, Closed{Shift: s})
		return
	}
	token, till, err := c.door.admit(to)
	if err != nil {
		c.o.Log.Error("sign in after a handover", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "已交班，请接班人重新登录", "the shift is handed over: sign in again")
		return
	}
	me := Me{Name: to, Till: till.UTC(), Token: token}
	if in, ok := c.door.who(token); ok {
		me.Rights = rightsOf(in)
	}
	setCookie(w, r, token, till)
	send(w, Closed{s, &me})
}

// takesOver checks who is to have the booth next.
func (c *Console) takesOver(w http.ResponseWriter, name, code string) bool {
	switch err := c.door.check(name, code); {
	case errors.Is(err, errWait):
		fail(w, http.StatusTooManyRequests, "wait", "错误次数过多，请一分钟后再试", "too many wrong codes: try again in a minute")
		return false
	case err != nil:
		fail(w, http.StatusUnprocessableEntity, "wrong_code", "接班人的姓名或口令错误", "name or code of who takes over is wrong")
		return false
	}
	if _, rights, _ := c.door.account(name); !(person{rights: rights}).may(wire.MayCash) {
		denied(w, wire.MayCash)
		return false
	}
	return true
}

func (c *Console) refuseShift(w http.ResponseWriter, s shift.Shift, err error) {
	switch {
	case errors.Is(err, shift.ErrOpen):
		fail(w, http.StatusConflict, "shift_open", "当前是 "+s.By+" 的班次，请先交接班", "this is the shift of "+s.By+": take it over first")
	case errors.Is(err, shift.ErrNone):
		fail(w, http.StatusConflict, "no_shift", "当前没有开班", "no shift is open")
	case errors.Is(err, shift.ErrChange):
		fail(w, http.StatusConflict, "shift_changed", "班次已变更，请重新核对", "another shift is open now: look again")
	default:
		c.o.Log.Error("shift", "err", err)
		fail(w, http.StatusServiceUnavailable, "unavailable", "班次未能记录，请稍后重试", "the shift could not be written: try again")
	}
}

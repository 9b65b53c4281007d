package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// maxBody bounds a request's body.
const maxBody = 64 << 10

// Handler returns the console's routes. Open to whoever is on the LAN are the page itself, the ways in and out, what
// watches over programs, and the digest, which has only hashes and sums. Everything else shows plates and people.
func (c *Console) Handler() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /", http.FileServerFS(c.page))
	m.HandleFunc("GET /api/state", c.known(func(w http.ResponseWriter, _ *http.Request, _ person) { send(w, c.booth.State()) }))
	m.HandleFunc("GET /api/live", c.known(c.live))
	m.HandleFunc("GET /api/passages", c.known(c.passages))
	m.HandleFunc("GET /api/photos/{name}", c.known(c.photo))
	m.HandleFunc("GET /api/me", c.known(c.me))
	m.HandleFunc("GET /api/digest", c.digest)
	m.HandleFunc("GET /api/shift", c.known(c.shift))
	m.HandleFunc("GET /api/shifts", c.known(c.shifts))
	m.HandleFunc("GET /api/shifts/{shift}", c.known(c.shiftByID))
	m.HandleFunc("POST /api/shift/open", c.known(c.openShift))
	m.HandleFunc("POST /api/shift/close", c.known(c.closeShift))
	m.HandleFunc("GET /api/slips/{session}", c.known(c.slip))
	m.HandleFunc("GET /api/tickets/{entry}", c.known(c.ticket))
	m.HandleFunc("GET /api/tickets/{entry}/qr.png", c.known(c.ticketCode))
	m.HandleFunc("POST /api/sign-in", c.signIn)
	m.HandleFunc("POST /api/sign-out", c.signOut)
	for path, want := range map[string]lane.Want{
		"open": lane.WantOpen, "close": lane.WantClose, "cash": lane.WantCash, "correct": lane.WantCorrect, "match": lane.WantMatch,
		"scan": lane.WantScan, "promise": lane.WantPromise,
		"mode": lane.WantMode,
	} {
		m.HandleFunc("POST /api/lanes/{lane}/"+path, c.known(func(w http.ResponseWriter, r *http.Request, by person) { c.ask(w, r, by, want) }))
	}
	c.amendRoutes(m)
	m.HandleFunc("GET /api/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "not_found", "没有这个地址", "there is no such address")
	})
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { send(w, map[string]bool{"ok": true}) })
	m.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.booth.Fault(); err != nil {
			fail(w, http.StatusServiceUnavailable, "not_ready", "岗亭未就绪："+err.Error(), "the booth is not ready: "+err.Error())
			return
		}
		send(w, map[string]bool{"ready": true})
	})
	m.Handle("GET /metrics", promhttp.HandlerFor(c.o.Metrics, promhttp.HandlerOpts{}))
	return c.guard(m)
}

// guard sets what every answer carries and refuses what another site's page sends.
func (c *Console) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		if !sameOrigin(r) {
			fail(w, http.StatusForbidden, "other_origin", "请求来自其他网站", "the request comes from another site")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// sameOrigin reports whether a request may be the page's own or a program's. A websocket is no plain read: browsers let
// another site's page open one, with the operator's cookie.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Header.Get("Sec-Fetch-Site") != "cross-site"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// Problem is an error as RFC 9457 has it, with both languages.
type Problem struct {
	Status   int    `json:"status"`
	Code     string `json:"code"`
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	DetailZH string `json:"detail_zh"`
	DetailEN string `json:"detail_en"`
}

func fail(w http.ResponseWriter, status int, code, zh, en string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{status, code, http.StatusText(status), en, zh, en}) // the reader may be gone
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the reader may be gone
}

// decode reads a request's body strictly.
func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("more than one value")
		}
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_request", "请求格式错误："+err.Error(), "the request cannot be read: "+err.Error())
		return false
	}
	return true
}

// person is a signed-in operator, what the operator may do, and the token that says so.
type person struct {
	name, token string
	rights      []wire.StaffRight
}

func (p person) may(r wire.StaffRight) bool { return slices.Contains(p.rights, r) }

// denied answers a person who lacks a right.
func denied(w http.ResponseWriter, r wire.StaffRight) {
	t := rightNames[r]
	fail(w, http.StatusForbidden, "no_right", "没有"+t.ZH+"的权限，请联系管理员", "you may not "+t.EN+": ask whoever administers the lot")
}

var rightNames = map[wire.StaffRight]tariff.Text{
	wire.MayOpen: {ZH: "手动开关闸", EN: "move the barrier by hand"}, wire.MayCash: {ZH: "收现金", EN: "take cash"},
	wire.MayWaive: {ZH: "免费放行", EN: "let anybody go free"}, wire.MayCorrect: {ZH: "改车牌和认定入场", EN: "correct a plate or pick an entry"},
	wire.MayMode:    {ZH: "常开、锁闸和车队", EN: "hold a lane open, lock it or let a convoy through"},
	wire.MayPromise: {ZH: "承诺付款放行", EN: "let anybody go on a promise"}, wire.MayRelieve: {ZH: "代他人交班", EN: "close another person's shift"},
}

// rightFor is what a person needs to ask something of a lane.
func rightFor(want lane.Want, waive bool) wire.StaffRight {
	switch want {
	case lane.WantCash:
		return wire.MayCash
	case lane.WantCorrect, lane.WantMatch:
		return wire.MayCorrect
	case lane.WantPromise:
		return wire.MayPromise
	case lane.WantMode:
		return wire.MayMode
	case lane.WantScan:
		return "" // the receipt says it, not the person
	}
	if waive {
		return wire.MayWaive
	}
	return wire.MayOpen
}

// known lets only signed-in operators through.
func (c *Console) known(next func(http.ResponseWriter, *http.Request, person)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := tokenOf(r)
		in, ok := c.door.who(token)
		if !ok {
			fail(w, http.StatusUnauthorized, "not_signed_in", "请先登录", "sign in first")
			return
		}
		next(w, r, person{in.name, token, in.rights})
	}
}

func tokenOf(r *http.Request) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	if k, err := r.Cookie(cookieName(r)); err == nil {
		return k.Value
	}
	return ""
}

// cookieName has the port in it: cookies know no ports, and two consoles on one machine must not sign each other out.
func cookieName(r *http.Request) string {
	const name = "lotkeeper_booth"
	_, port, err := net.SplitHostPort(r.Host)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return name
	}
	return name + "_" + port
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Code string }
	if !decode(w, r, &in) {
		return
	}
	token, till, err := c.door.signIn(in.Name, in.Code)
	switch {
	case errors.Is(err, errWait):
		fail(w, http.StatusTooManyRequests, "wait", "错误次数过多，请一分钟后再试", "too many wrong codes: try again in a minute")
		return
	case err != nil:
		c.o.Log.Warn("sign-in refused", "operator", in.Name)
		fail(w, http.StatusUnauthorized, "wrong_code", "姓名或口令错误", "name or code is wrong")
		return
	}
	c.o.Log.Info("signed in", "operator", in.Name)
	c.begin(r.Context(), token)
	c.welcome(w, r, token, till)
}

// welcome tells a person the token, in a cookie and in the answer.
func (c *Console) welcome(w http.ResponseWriter, r *http.Request, token string, till time.Time) {
	setCookie(w, r, token, till)
	in, _ := c.door.who(token)
	send(w, Me{in.name, till.UTC(), rightsOf(in), token})
}

func setCookie(w http.ResponseWriter, r *http.Request, token string, till time.Time) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: token, Path: "/", Expires: till, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
}

func forgetCookie(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	c.door.signOut(tokenOf(r))
	forgetCookie(w, r)
	w.WriteHeader(http.StatusNoContent)
}

// Me tells who is signed in, until when and what the person may do. The token is told once, to whoever signs in.
type Me struct {
	Name   string            `json:"name"`
	Till   time.Time         `json:"expires_at"`
	Rights []wire.StaffRight `json:"rights"`
	Token  string            `json:"token,omitempty"`
}

func (c *Console) me(w http.ResponseWriter, _ *http.Request, by person) {
	in, _ := c.door.who(by.token) // a sign-in that ends at this moment has no name, and shows so
	send(w, Me{Name: in.name, Till: in.till.UTC(), Rights: rightsOf(in)})
}

func rightsOf(in entry) []wire.StaffRight { return append([]wire.StaffRight{}, in.rights...) }

// request is the body of everything that is asked of a lane.
type request struct {
	Token   wire.Token   `json:"token"`
	Reason  string       `json:"reason"`
	Waive   bool         `json:"waive"` // open: what is due is waived
	Amount  money.Amount `json:"amount"`
	Action  string       `json:"action"` // cash: unique id of the taking
	Plate   string       `json:"plate"`
	Colour  plate.Colour `json:"colour"`
	Session fact.ID      `json:"session"`
	Text    string       `json:"text"` // scan: what the scanner read

	Mode wire.ModeOrder `json:"mode"` // of the lane; its mode "" is back to normal
}

// Answer tells what became of what was asked.
type Answer struct {
	Verdict lane.Verdict `json:"verdict"`
	Text    tariff.Text  `json:"text"`
	Fact    fact.ID      `json:"fact,omitzero"`
}

func (c *Console) ask(w http.ResponseWriter, r *http.Request, by person, want lane.Want) {
	var in request
	if !decode(w, r, &in) {
		return
	}
	if need := rightFor(want, in.Waive); need != "" && !by.may(need) {
		denied(w, need)
		return
	}
	if want == lane.WantCash && !c.onDuty(w, by) {
		return
	}
	a := lane.Ask{Want: want, Token: in.Token, By: by.name, Note: strings.TrimSpace(in.Reason), Waive: in.Waive, Session: in.Session, Amount: in.Amount, Action: in.Action, Text: strings.TrimSpace(in.Text), Mode: in.Mode}
	if len(a.Note) > 500 || len(a.Action) > 100 || len(a.Text) > receipt.MaxText {
		fail(w, http.StatusUnprocessableEntity, "too_long", "内容太长", "the reason or the id is too long")
		return
	}
	if want == lane.WantCorrect {
		p, err := plate.Parse(in.Plate, in.Colour)
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, "bad_plate", "车牌格式错误", err.Error())
			return
		}
		a.Plate = p
	}
	reply, found, err := c.booth.Ask(r.Context(), r.PathValue("lane"), a)
	switch {
	case !found:
		fail(w, http.StatusNotFound, "no_lane", "本岗亭没有这条车道", "this booth has no such lane")
	case err != nil:
		fail(w, http.StatusGatewayTimeout, "unknown", "车道无应答，请看现场", "the lane did not answer: look at it")
	case reply.Verdict == lane.Done:
		send(w, Answer{reply.Verdict, reply.Text, reply.Fact})
	case reply.Verdict == lane.Replayed:
		send(w, Answer{reply.Verdict, reply.Text, reply.Fact}) // what was asked has been done
	case reply.Verdict == lane.Invalid:
		fail(w, http.StatusUnprocessableEntity, string(reply.Verdict), reply.Text.ZH, reply.Text.EN)
	case reply.Verdict == lane.Unknown:
		fail(w, http.StatusGatewayTimeout, string(reply.Verdict), reply.Text.ZH, reply.Text.EN)
	default:
		fail(w, http.StatusConflict, string(reply.Verdict), reply.Text.ZH, reply.Text.EN)
	}
}

func (c *Console) passages(w http.ResponseWriter, r *http.Request, _ person) {
	n := 30
	if s := r.URL.Query().Get("size"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 || v > 200 {
			fail(w, http.StatusBadRequest, "bad_size", "size 须为 1 到 200", "size must be 1 to 200")
			return
		}
		n = v
	}
	items, err := c.booth.Passages(n)
	if err != nil {
		c.o.Log.Error("passages", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "读取过车记录失败", "the passages cannot be read")
		return
	}
	send(w, map[string]any{"items": items})
}

func (c *Console) photo(w http.ResponseWriter, r *http.Request, _ person) {
	name := r.PathValue("name")
	b, err := c.booth.Photo(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fail(w, http.StatusNotFound, "no_photo", "没有这张照片", "there is no such picture")
	case err != nil:
		c.o.Log.Error("photo", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "照片无法读取", "the picture cannot be read")
	default:
		w.Header().Set("Content-Type", "image/jpeg")
		// A browser may keep it, but shows it only after asking here again: whoever comes after sign-out sees nothing.
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("ETag", strconv.Quote(name))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

func (c *Console) digest(w http.ResponseWriter, _ *http.Request) {
	d, err := c.booth.Digest()
	if err != nil {
		c.o.Log.Error("digest", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "校验失败："+err.Error(), err.Error())
		return
	}
	send(w, d)
}

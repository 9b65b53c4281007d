package edgetest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/console"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

func TestConsole(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-a"}}})
	b := l.Booths["booth-a"]
	token := b.SignIn()
	car := func() wire.Token { return b.Live("exit-1").Token }
	for _, c := range []struct {
		name, method, path string
		token              string
		body               any
		header             []string
		status             int
		has                string
	}{
		{"page", "GET", "/", "", nil, nil, 200, "page.js"},
		{"script", "GET", "/net.js", "", nil, nil, 200, "WebSocket"},
		{"state", "GET", "/api/state", token, nil, nil, 200, `"booth":"booth-a"`},
		{"state for nobody", "GET", "/api/state", "", nil, nil, 401, "not_signed_in"},
		{"live for nobody", "GET", "/api/live", "", nil, []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}, 401, "not_signed_in"},
		{"passages", "GET", "/api/passages", token, nil, nil, 200, `"items"`},
		{"passages for nobody", "GET", "/api/passages", "", nil, nil, 401, "not_signed_in"},
		{"passages for a forged token", "GET", "/api/passages", "AAAA", nil, nil, 401, "not_signed_in"},
		{"passages with a bad size", "GET", "/api/passages?size=x", token, nil, nil, 400, "bad_size"},
		{"no such picture", "GET", "/api/photos/" + strings.Repeat("a", 64), token, nil, nil, 404, "no_photo"},
		{"a picture for nobody", "GET", "/api/photos/" + strings.Repeat("a", 64), "", nil, nil, 401, "not_signed_in"},
		{"a picture's name that is a path", "GET", "/api/photos/..%2f..%2fjournal.db", token, nil, nil, 404, ""},
		{"health", "GET", "/healthz", "", nil, nil, 200, "ok"},
		{"readiness", "GET", "/readyz", "", nil, nil, 200, "ready"},
		{"metrics", "GET", "/metrics", "", nil, nil, 200, `lotkeeper_edge_device_up{device="entry-1-cam",lane="entry-1",role="camera"} 1`},
		{"digest", "GET", "/api/digest", "", nil, nil, 200, "sessions_digest"},
		{"who nobody is", "GET", "/api/me", "", nil, nil, 401, "not_signed_in"},
		{"who it is", "GET", "/api/me", token, nil, nil, 200, Operator},
		{"wrong code", "POST", "/api/sign-in", "", map[string]string{"name": Operator, "code": "wrong"}, nil, 401, "wrong_code"},
		{"unknown name", "POST", "/api/sign-in", "", map[string]string{"name": "li", "code": Code}, nil, 401, "wrong_code"},
		{"unknown field", "POST", "/api/sign-in", "", map[string]string{"name": Operator, "code": Code, "admin": "yes"}, nil, 400, "admin"},
		{"not JSON", "POST", "/api/sign-in", "", "{", nil, 400, "bad_request"},
		{"two values", "POST", "/api/sign-in", "", `{"name":"a"}{"name":"b"}`, nil, 400, "more than one value"},
		{"far too long", "POST", "/api/sign-in", "", `{"name":"` + strings.Repeat("x", 70000) + `"}`, nil, 400, "too large"},
		{"another site signs in", "POST", "/api/sign-in", "", map[string]string{"name": Operator, "code": Code}, []string{"Origin", "http://evil.example"}, 403, "other_origin"},
		{"another site opens", "POST", "/api/lanes/exit-1/open", token, map[string]any{"token": car(), "reason": "x"}, []string{"Origin", "http://evil.example"}, 403, "other_origin"},
		{"nobody opens", "POST", "/api/lanes/exit-1/open", "", map[string]any{"token": car(), "reason": "x"}, nil, 401, "not_signed_in"},
		{"a forged token opens", "POST", "/api/lanes/exit-1/open", "AAAA", map[string]any{"token": car(), "reason": "x"}, nil, 401, "not_signed_in"},
		{"open without a reason", "POST", "/api/lanes/exit-1/open", token, map[string]any{"token": car()}, nil, 422, "reason"},
		{"open with a blank reason", "POST", "/api/lanes/exit-1/open", token, map[string]any{"token": car(), "reason": "  "}, nil, 422, "reason"},
		{"open for another vehicle", "POST", "/api/lanes/exit-1/open", token, map[string]any{"token": wire.Token{Boot: "x", Car: 5}, "reason": "x"}, nil, 409, "mismatched"},
		{"no such lane", "POST", "/api/lanes/exit-9/open", token, map[string]any{"token": car(), "reason": "x"}, nil, 404, "no_lane"},
		{"a plate that is none", "POST", "/api/lanes/exit-1/correct", token, map[string]any{"token": car(), "plate": strings.Repeat("A", 40), "colour": "blue"}, nil, 422, "bad_plate"},
		{"a colour that is none", "POST", "/api/lanes/exit-1/correct", token, map[string]any{"token": car(), "plate": "粤B12345", "colour": "pink"}, nil, 400, "pink"},
		{"cash for nobody", "POST", "/api/lanes/exit-1/cash", token, map[string]any{"token": car(), "amount": 100, "action": "c"}, nil, 422, "nothing is due"},
		{"cash that is no whole number", "POST", "/api/lanes/exit-1/cash", token, `{"amount":1.5}`, nil, 400, "amount"},
		{"wrong method", "GET", "/api/lanes/exit-1/open", token, nil, nil, 404, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := b.Do(c.method, c.path, c.token, c.body, c.header...)
			if status != c.status || !strings.Contains(string(body), c.has) {
				t.Errorf("%d %.300s; want %d with %q", status, body, c.status, c.has)
			}
			if status >= 400 && strings.HasPrefix(c.path, "/api/") && status != http.StatusMethodNotAllowed {
				var p console.Problem
				if err := json.Unmarshal(body, &p); err != nil || p.Status != status || p.DetailZH == "" || p.DetailEN == "" {
					t.Errorf("not a problem in both languages: %s", body)
				}
			}
		})
	}
	if got := l.Lanes["exit-1"].Board.Commands(); len(got) > 0 {
		t.Fatalf("a barrier was moved: %v", got)
	}

	t.Run("opens and closes by hand", func(t *testing.T) {
		status, body := b.Do("POST", "/api/lanes/exit-1/open", token, map[string]any{"token": car(), "reason": "fault"})
		if status != 200 {
			t.Fatalf("open: %d %s", status, body)
		}
		Until(t, 5*time.Second, "the arm is up", func() bool { return b.Live("exit-1").Arm == "up" })
		if status, body = b.Do("POST", "/api/lanes/exit-1/close", token, map[string]any{"token": car(), "reason": "done"}); status != 200 {
			t.Fatalf("close: %d %s", status, body)
		}
		Until(t, 5*time.Second, "the arm is down", func() bool { return b.Live("exit-1").Arm == "down" })
		_, body = b.Do("GET", "/api/passages", token, nil)
		if s := string(body); !strings.Contains(s, `"reason":"manual"`) || !strings.Contains(s, `"note":"fault"`) || !strings.Contains(s, `"by":"`+Operator) {
			t.Errorf("the passages do not tell who opened and why: %s", s)
		}
	})
	t.Run("tells a browser of changes", func(t *testing.T) {
		url := "ws" + strings.TrimPrefix(b.URL, "http") + "/api/live"
		if _, res, err := websocket.DefaultDialer.Dial(url, http.Header{"Origin": {"http://evil.example"}}); err == nil || res.StatusCode != 403 {
			t.Errorf("another site may listen: %v", err)
		}
		if _, res, err := websocket.DefaultDialer.Dial(url, http.Header{"Origin": {b.URL}}); err == nil || res.StatusCode != 401 {
			t.Errorf("whoever is not signed in may listen: %v", err)
		}
		ws, res, err := websocket.DefaultDialer.Dial(url, http.Header{"Origin": {b.URL}, "Authorization": {"Bearer " + token}})
		must(t, err)
		must(t, res.Body.Close())
		defer ws.Close()
		must(t, ws.SetReadDeadline(time.Now().Add(10*time.Second)))
		l.Arrive("entry-1", Car(t, "粤B12345"))
		for seen := false; !seen; {
			var m struct {
				Type string
				Data console.State
			}
			must(t, ws.ReadJSON(&m))
			for _, x := range m.Data.Lanes {
				seen = seen || x.Plate != nil && x.Plate.Text == "粤B12345" && x.Photo != ""
			}
		}
		photo := b.Live("entry-1").Photo
		Until(t, 5*time.Second, "the picture is there", func() bool {
			status, body := b.Do("GET", "/api/photos/"+photo, token, nil)
			return status == 200 && strings.HasPrefix(string(body), "\xff\xd8")
		})
		if status, body := b.Do("GET", "/api/photos/"+photo, "", nil); status != 401 {
			t.Errorf("the picture for nobody: %d and %d bytes", status, len(body))
		}
		if status, body := b.Do("GET", "/api/photos/"+photo, token, nil, "If-None-Match", `"`+photo+`"`); status != 304 || len(body) > 0 {
			t.Errorf("a picture that the browser has: %d and %d bytes", status, len(body))
		}
		l.Cross("entry-1")
	})
	t.Run("says in plain words that the cloud is away", func(t *testing.T) {
		words := ""
		for _, w := range b.Agent.State().Words {
			words += w.Text.EN + "\n" + w.Text.ZH + "\n"
		}
		if !strings.Contains(words, "cloud away since ") || !strings.Contains(words, "facts waiting") || !strings.Contains(words, "云平台离线") {
			t.Errorf("words:\n%s", words)
		}
	})
	t.Run("locks a name after wrong codes", func(t *testing.T) {
		for range 6 {
			b.Do("POST", "/api/sign-in", "", map[string]string{"name": "guess", "code": "wrong-code"})
		}
		if status, body := b.Do("POST", "/api/sign-in", "", map[string]string{"name": "guess", "code": "wrong-code"}); status != 429 {
			t.Errorf("%d %s", status, body)
		}
		b.SignIn() // others are not kept out
	})
	t.Run("a live page ends with the sign-in", func(t *testing.T) {
		other := b.SignIn()
		ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.URL, "http")+"/api/live", http.Header{"Authorization": {"Bearer " + other}})
		must(t, err)
		must(t, res.Body.Close())
		defer ws.Close()
		must(t, ws.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, _, err = ws.ReadMessage()
		must(t, err)
		b.Do("POST", "/api/sign-out", other, map[string]any{})
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
		if !websocket.IsCloseError(err, 4401) {
			t.Errorf("after sign-out the page ends with: %v", err)
		}
	})
	t.Run("two consoles on one machine keep their own cookies", func(t *testing.T) {
		for _, host := range []string{"booth:8101", "booth:8102", "booth", "[::1]:8103"} {
			body := strings.NewReader(`{"name":"` + Operator + `","code":"` + Code + `"}`)
			req, err := http.NewRequestWithContext(t.Context(), "POST", b.URL+"/api/sign-in", body)
			must(t, err)
			req.Host = host
			res, err := http.DefaultClient.Do(req)
			must(t, err)
			must(t, res.Body.Close())
			want := "lotkeeper_booth"
			if _, port, found := strings.Cut(strings.TrimPrefix(host, "[::1]"), ":"); found {
				want += "_" + port
			}
			k := res.Cookies()
			if len(k) != 1 || k[0].Name != want || !k[0].HttpOnly || k[0].SameSite != http.SameSiteStrictMode || time.Until(k[0].Expires) < 11*time.Hour {
				t.Errorf("%s: cookies %+v, want %s for 12 h", host, k, want)
				continue
			}
			if status, body := b.Do("GET", "/api/me", "", nil, "Cookie", "lotkeeper_booth_9="+k[0].Value); status != 401 {
				t.Errorf("%s: another console's cookie is taken: %d %s", host, status, body)
			}
		}
	})
	t.Run("a signed-out token does nothing", func(t *testing.T) {
		b.Do("POST", "/api/sign-out", token, map[string]any{})
		if status, _ := b.Do("GET", "/api/me", token, nil); status != 401 {
			t.Errorf("status %d", status)
		}
	})
}

func TestLanesFollowTheConfiguration(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-a"}}})
	b := l.Booths["booth-a"]
	names := func() string {
		var out []string
		for _, x := range b.Agent.State().Lanes {
			out = append(out, x.Lane)
		}
		return strings.Join(out, " ")
	}
	shown := func() (exit console.Lane) { // zero while the lane is taken down and set up anew
		for _, x := range b.Agent.State().Lanes {
			if x.Lane == "exit-1" {
				exit = x
			}
		}
		return exit
	}
	exit := l.Config.Lanes[1]
	b.Configure(func(c *wire.Config) { c.Lanes = c.Lanes[:1] })
	Until(t, 10*time.Second, "the exit is gone", func() bool { return names() == "entry-1" })
	broken := exit
	broken.Devices = append([]wire.Device(nil), exit.Devices...)
	broken.Devices[2].Settings = json.RawMessage(`{"serial": "/dev/null", "bogus": 1}`)
	b.Configure(func(c *wire.Config) { c.Lanes = append(c.Lanes[:1:1], broken) })
	Until(t, 10*time.Second, "the exit runs without its display and says so", func() bool {
		x := shown()
		return names() == "entry-1 exit-1" && strings.Join(x.Faults, " ") == "exit-1-led" && x.Arm == "down"
	})
	b.Configure(func(c *wire.Config) { c.Lanes = append(c.Lanes[:1:1], exit) })
	Until(t, 10*time.Second, "the exit is whole again", func() bool {
		x := shown()
		return len(x.Faults) == 0 && x.Arm == "down"
	})
}

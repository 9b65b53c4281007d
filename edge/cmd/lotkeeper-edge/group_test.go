package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/wire"
)

// during runs the agent while f does something.
func during(t *testing.T, data string, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	up := make(chan struct{})
	done := make(chan string, 1)
	go func() {
		var o bytes.Buffer
		code := run(world{ctx, nil, &o, upWriter{up: up, to: &o}, nil, "test"}, []string{"run", "--data", data, "--console", "127.0.0.1:0"})
		if code != 0 {
			done <- o.String()
		}
		close(done)
	}()
	select {
	case <-up:
	case s := <-done:
		t.Fatalf("run ended: %s", s)
	}
	f()
	cancel()
	if s := <-done; s != "" {
		t.Fatalf("run: %s", s)
	}
}

// group is the booths' group that a stopped booth is of.
func group(t *testing.T, data string) (g string) {
	t.Helper()
	var v struct{ Group string }
	b, err := os.ReadFile(filepath.Join(data, "raft", "member.json"))
	if err != nil || json.Unmarshal(b, &v) != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v.Group
}

func TestABoxTakesAnothersPlaceAndAPersonRecoversTheGroup(t *testing.T) {
	ca := enrolltest.New(t)
	config := ca.Sign(wire.Config{Lot: "riverside", Number: 1, TZ: "Asia/Shanghai", Currency: "CNY", Booths: []wire.Booth{{ID: "booth-a", Raft: "127.0.0.1:0", Peer: "127.0.0.1:0", Voter: true}}})
	cloud := httptest.NewServer(cloudOf(t, ca, config))
	defer cloud.Close()
	data := filepath.Join(t.TempDir(), "booth")
	code, out, errs := call(t.Context(), "", nil, "replace", "--cloud", cloud.URL, "--code", "ABCD", "--data", data)
	if code != 0 || !strings.Contains(out, "the place of booth booth-a of lot riverside") {
		t.Fatalf("replace: %d %s%s", code, out, errs)
	}
	if code, _, errs := call(t.Context(), "", nil, "replace", "--cloud", cloud.URL, "--code", "ABCD", "--data", data); code != 1 || !strings.Contains(errs, "begins with an empty one") {
		t.Errorf("replace in a folder that is used: %d %s", code, errs)
	}
	recoverIt := func(typed string) (int, string, string) {
		return call(t.Context(), typed+"\n", nil, "recover", "--data", data, "--by", "li", "--note", "the old box burnt")
	}
	if code, _, errs := recoverIt("riverside"); code != 1 || !strings.Contains(errs, "never ran") {
		t.Errorf("before the first start: %d %s", code, errs)
	}
	during(t, data, func() {
		lottest.Until(t, 10e9, "the member has a name", func() bool {
			_, err := os.Stat(filepath.Join(data, "raft", "raft.db"))
			return err == nil
		})
		if code, _, errs := recoverIt("riverside"); code != 1 || !strings.Contains(errs, "must be stopped") {
			t.Errorf("while the agent runs: %d %s", code, errs)
		}
	})
	if g := group(t, data); g != "" {
		t.Errorf("a box in another's place founded group %s by itself", g)
	}
	_, before, _ := call(t.Context(), "", nil, "digest", "--data", data)
	for typed, want := range map[string]string{"": "nothing was changed", "yes": "nothing was changed", "RIVERSIDE": "nothing was changed"} {
		if code, _, errs := recoverIt(typed); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("typed %q: %d %s", typed, code, errs)
		}
	}
	if code, _, errs := call(t.Context(), "riverside\n", nil, "recover", "--data", data, "--by", " ", "--note", "x"); code != 2 || !strings.Contains(errs, "who you are") {
		t.Errorf("by nobody: %d %s", code, errs)
	}
	if _, after, _ := call(t.Context(), "", nil, "digest", "--data", data); after != before {
		t.Errorf("an act that was not confirmed changed something:\n%s%s", before, after)
	}
	code, out, errs = recoverIt("riverside")
	if code != 0 || !strings.Contains(out, "Recorded: group ") {
		t.Fatalf("recover: %d %s%s", code, out, errs)
	}
	during(t, data, func() {
		lottest.Until(t, 20e9, "the group that was recorded is founded", func() bool {
			b, err := os.ReadFile(filepath.Join(data, "raft", "member.json"))
			var v struct{ Group string }
			return err == nil && json.Unmarshal(b, &v) == nil && v.Group != "" && strings.Contains(out, v.Group)
		})
	})
}

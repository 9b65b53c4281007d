package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/wire"
)

// TestMain lets this binary be the program: `run` starts itself again to check the journal, and a test starts `run` as a
// service manager does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "check" || os.Args[1] == "run") {
		main()
	}
	os.Exit(m.Run())
}

func call(ctx context.Context, in string, env []string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(world{ctx, strings.NewReader(in), &o, &e, env, "v1.2.3"}, args)
	return code, o.String(), e.String()
}

func TestUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "booth.yaml")
	if err := os.WriteFile(file, []byte("data: relative\nphotos: {max_mb: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   string
		env  []string
		args []string
		code int
		has  string // in what it prints anywhere
	}{
		{"help", "", nil, []string{"--help"}, 0, "lotkeeper-edge enroll --cloud"},
		{"help of a command", "", nil, []string{"run", "--help"}, 0, "LOTKEEPER_EDGE_DATA"},
		{"nothing", "", nil, nil, 0, "Usage:"},
		{"version", "", nil, []string{"version"}, 0, "v1.2.3"},
		{"version flag", "", nil, []string{"--version"}, 0, "v1.2.3"},
		{"unknown flag", "", nil, []string{"run", "--fast"}, 2, "--fast"},
		{"unknown command", "", nil, []string{"walk"}, 2, "walk"},
		{"unknown variable", "", []string{"LOTKEEPER_EDGE_DTA=/x"}, []string{"version"}, 2, "LOTKEEPER_EDGE_DTA"},
		{"all faults at once", "", nil, []string{"run", "--config", file}, 2, "photos.max_mb"},
		{"missing file", "", nil, []string{"run", "--config", "/none.yaml"}, 2, "/none.yaml"},
		{"not enrolled", "", nil, []string{"run", "--data", "/nonexistent/booth"}, 1, "not enrolled"},
		{"enrol without a code", "", nil, []string{"enroll", "--cloud", "http://x"}, 2, "--code"},
		{"join is to enrol", "", nil, []string{"join", "--cloud", "http://x"}, 2, "--code"},
		{"replace without a code", "", nil, []string{"replace", "--cloud", "http://x"}, 2, "--code"},
		{"recover by nobody", "", nil, []string{"recover", "--note", "x"}, 2, "--by"},
		{"digest of nothing", "", nil, []string{"digest", "--data", "/nonexistent/booth", "--console", "127.0.0.1:1"}, 1, "identity"},
		{"operator", "open-sesame\n", nil, []string{"operator", "zhang"}, 0, "$argon2id$"},
		{"operator with a short code", "abc\n", nil, []string{"operator", "zhang"}, 2, "6 to 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := call(t.Context(), c.in, c.env, c.args...)
			if code != c.code || !strings.Contains(out+errs, c.has) {
				t.Errorf("code %d, want %d; %q not in:\n%s%s", code, c.code, c.has, out, errs)
			}
		})
	}
}

// TestLife enrols a booth, runs it, stops it, and then asks for its check and digest. Before the last run its journal and
// its store are cut short: it runs all the same, under a new author, and both files are kept.
func TestLife(t *testing.T) {
	ca := enrolltest.New(t)
	config := ca.Sign(wire.Config{Lot: "riverside", Number: 1, TZ: "Asia/Shanghai", Currency: "CNY", Booths: []wire.Booth{{ID: "booth-a", Raft: "127.0.0.1:0", Peer: "127.0.0.1:0", Voter: true}}})
	cloud := httptest.NewServer(cloudOf(t, ca, config))
	defer cloud.Close()
	data := filepath.Join(t.TempDir(), "booth")
	if code, out, errs := call(t.Context(), "", nil, "enroll", "--cloud", cloud.URL, "--code", "ABCD", "--data", data); code != 0 || !strings.Contains(out, "booth-a of lot riverside") {
		t.Fatalf("enroll: %d %s%s", code, out, errs)
	}
	for round := range 3 { // the second time the journal is there already and is checked
		if round == 2 {
			for _, name := range []string{"journal.db", "lot.db"} {
				if err := os.Truncate(filepath.Join(data, name), 9000); err != nil {
					t.Fatal(err)
				}
			}
		}
		during(t, data, func() {})
	}
	if code, out, errs := call(t.Context(), "", nil, "check", "--data", data); code != 0 || !strings.Contains(out, `"booth":"booth-a"`) {
		t.Errorf("check: %d %s%s", code, out, errs)
	}
	aside, err := filepath.Glob(filepath.Join(data, "quarantine", "*.db-*Z"))
	if err != nil || len(aside) != 2 {
		t.Errorf("set aside: %v, %v; want two files", aside, err)
	}
	code, out, errs := call(t.Context(), "", nil, "digest", "--data", data)
	var d struct {
		Facts    int    `json:"facts"`
		Sessions string `json:"sessions_digest"`
		Bills    string `json:"bills_digest"`
		Sum      string `json:"facts_digest"`
		Sums     map[string]int
	}
	if err = json.Unmarshal([]byte(out), &d); code != 0 || err != nil || d.Facts < 1 || len(d.Sessions) != 64 || len(d.Bills) != 64 || len(d.Sum) != 64 {
		t.Errorf("digest: %d %v %s%s", code, err, out, errs)
	}
}

// TestAFileThatFaultsWhoeverMapsItIsSetAside: a journal and a store that are cut short below what their headers say, one
// that is torn inside and one that is busy.
func TestAFileThatFaultsWhoeverMapsItIsSetAside(t *testing.T) {
	ca := enrolltest.New(t)
	id := ca.Booth("riverside", "booth-a", nil)
	b := lottest.Open(t, id, t.TempDir())
	for range 200 {
		b.Enter("粤B12345")
	}
	path := filepath.Join(b.Dir, "journal.db")
	if err := checkApart(t.Context(), path); err == nil || errors.Is(err, disk.ErrDamaged) {
		t.Errorf("a file in use: %v", err)
	}
	b.Stop()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, c := range map[string]struct {
		content []byte
		sound   bool
	}{
		"whole":        {body, true},
		"truncated":    {body[:len(body)/3], false},
		"torn inside":  {slices.Concat(body[:4*page], bytes.Repeat([]byte{0xff}, len(body)-4*page)), false},
		"zeroed tail":  {slices.Concat(body[:len(body)/3], make([]byte, len(body)-len(body)/3)), false},
		"wild numbers": {slices.Concat(body[:2*page], wild(body[2*page:])), false},
	} {
		p := filepath.Join(t.TempDir(), "journal.db")
		if err := os.WriteFile(p, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		err := checkApart(t.Context(), p)
		if c.sound != (err == nil) || err != nil && !errors.Is(err, disk.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(p); err != nil || !bytes.Equal(after, c.content) {
			t.Errorf("%s: the check changed the file: %v", name, err)
		}
	}
}

// wild makes page headers point far beyond the file.
func wild(b []byte) []byte {
	b = bytes.Clone(b)
	for at := 0; at+32 < len(b); at += os.Getpagesize() {
		binary.LittleEndian.PutUint64(b[at+16:], 0x7fffffff_00000010)
	}
	return b
}

// upWriter tells when the log says that the booth is up.
type upWriter struct {
	up chan struct{}
	to *bytes.Buffer
}

func (w upWriter) Write(b []byte) (int, error) {
	w.to.Write(b)
	if bytes.Contains(b, []byte("booth is up")) {
		close(w.up)
	}
	return len(b), nil
}

// cloudOf answers enrolments as the cloud does.
func cloudOf(t *testing.T, ca *enrolltest.Authority, config wire.Signed) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q enroll.Request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Code != "ABCD" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if err := json.NewEncoder(w).Encode(ca.Answer("riverside", "booth-a", keyOf(t, q.CSR), config)); err != nil {
			t.Error(err)
		}
	})
}

func keyOf(t *testing.T, text string) ed25519.PublicKey {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Error("the request holds no PEM")
		return nil
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Error(err)
		return nil
	}
	return csr.PublicKey.(ed25519.PublicKey)
}

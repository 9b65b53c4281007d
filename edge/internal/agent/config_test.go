package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigListsAllFaultsAndRefusesStrangers(t *testing.T) {
	c, err := ParseConfig([]byte("data: here\nlisten: {console: nowhere, peer: alsonowhere}\nphotos: {max_mb: 1}\nlog: {level: loud, format: xml}\nconsole: {operators: [{name: a, hash: b}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = c.Validate()
	for _, want := range []string{"data:", "listen.console", "listen.peer", "photos.max_mb", "log.level", "log.format", "operators"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("faults do not name %s: %v", want, err)
		}
	}
	for _, in := range []string{"bogus: 1", "listen: {consol: x}", "data: [1]", "data: {", "\x00"} {
		if _, err := ParseConfig([]byte(in)); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
	_, err = ParseConfig([]byte("bogus: 1\nlisten: {consol: x}\nconsole: {operators: [{name: a, hsh: b}]}\nphotos: {max_mb: 1}\n"))
	for _, want := range []string{"bogus", "listen.consol", "console.operators[0].hsh", "photos.max_mb", "not an argon2id hash"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("faults beside unknown keys do not name %s: %v", want, err)
		}
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("data: /srv/booth\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = ReadConfig(path)
	if err != nil || c.Validate() != nil || c.Data != "/srv/booth" || c.Listen.Console == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("data: /srv/booth\nlisten:\n  console: 0.0.0.0:8600\n"))
	f.Add([]byte("console:\n  operators:\n    - {name: zhang, hash: \"$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB\"}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err != nil {
			return
		}
		_ = c.Validate() // any answer, no panic
	})
}

package app

import (
	"reflect"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	c := Defaults()
	if err := c.Load([]byte("data_dir: /srv/x\nhttp:\n  public_url: https://park.example\n  trusted_proxies: [10.0.0.0/8]\n")); err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.DataDir, want.HTTP.PublicURL, want.HTTP.TrustedProxies = "/srv/x", "https://park.example", []string{"10.0.0.0/8"}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestUnknownKeysAreAllNamed(t *testing.T) {
	c := Defaults()
	err := c.Load([]byte("datadir: /srv\nhttp:\n  listn: x\n  listen: :80\nbroker: {urll: y}\nlog: {level: loud}\n"))
	if err == nil {
		t.Fatal("taken")
	}
	for _, key := range []string{"datadir", "http.listn", "broker.urll", "log.level"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
	if !reflect.DeepEqual(c, Defaults()) {
		t.Error("a refused file changed the configuration")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("data_dir: x\n"))
	f.Add([]byte("http: [1, 2]\n"))
	f.Add([]byte("? {a: b}\n: c"))
	f.Add([]byte("http:\n  listen:\n   !0 #0"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		c := Defaults()
		if c.Load(text) == nil {
			_ = c.Validate() // any answer is fine; a panic is not
		}
	})
}

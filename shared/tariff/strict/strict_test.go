package strict

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lotkeeper/shared/money"
)

type inner struct {
	Price money.Rat `json:"price"`
	Count int       `json:"count"`
}

type outer struct {
	Name  string            `json:"name"`
	On    bool              `json:"on"`
	Items []inner           `json:"items"`
	One   *inner            `json:"one,omitempty"`
	Words map[string]string `json:"words"`
}

func TestUnmarshalReads(t *testing.T) {
	var got outer
	faults := Unmarshal([]byte(` {"name":"a","on":true,"items":[{"price":"1/3","count":2},{}],"one":{"count":7},"words":{"k":"v"}} `), &got)
	if faults.Err() != nil {
		t.Fatal(faults)
	}
	want := outer{"a", true, []inner{{money.Rat{Num: 1, Den: 3}, 2}, {}}, &inner{Count: 7}, map[string]string{"k": "v"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnmarshalListsEveryFault(t *testing.T) {
	for in, want := range map[string]string{
		`{"name":1,"nmae":"x","on":"yes"}`:                  "name: want a string, got 1\nnmae: no such key; there are name, on, items, one, words\non: want true or false, got \"yes\"",
		`{"items":[{"count":1.5},{"price":0.5,"Count":1}]}`: "items[0].count: want a whole number, got 1.5\nitems[1].price: 0.5 is not a price: want minor units like 150 or \"5/3\"\nitems[1].Count: no such key; there are price, count",
		`{"name":"a","name":"b"}`:                           "name: given twice: keep one of them",
		`{"words":{"k":"v","k":"w","n":3}}`:                 "words.k: given twice: keep one of them\nwords.n: want a string, got 3",
		`{"one":null}`:                                      "one: null is no value: leave the key out",
		`{"items":{}}`:                                      "items: want a list, got {}",
		`[]`:                                                "want an object, got []",
		"{\n\"name\":}":                                     "not JSON: line 2: invalid character '}' looking for beginning of value",
		`{} {}`:                                             "not JSON: line 1: invalid character '{' after top-level value",
		``:                                                  "not JSON: line 1: unexpected end of JSON input",
		`{"name":["0123456789012345678901234567890123456789"]}`: "name: want a string, got [\"01234567890123456789012345678901234567…",
	} {
		var v outer
		err := Unmarshal([]byte(in), &v).Err()
		if err == nil || err.Error() != want {
			t.Errorf("Unmarshal(%s):\n got %v\nwant %s", in, err, want)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{`{"name":"a","items":[{"price":"1/3"}]}`, `{"words":{"":""}}`, `[`, `{"one":{"one":{}}}`, "null"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v outer
		for _, fault := range Unmarshal(data, &v) {
			for _, text := range []string{fault.ZH(), fault.EN()} {
				if text == "" || (strings.Contains(text, "%!") && !bytes.Contains(data, []byte("%!"))) {
					t.Fatalf("Unmarshal(%q) found a fault at %q that says %q", data, fault.Place, text)
				}
			}
		}
	})
}

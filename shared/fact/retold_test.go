package fact

import (
	"encoding/json"
	"testing"
)

func FuzzTold(f *testing.F) {
	inner, _, _, err := Seal(Head{Seq: 4, Hash: Hash{1}}, testKey, Stamp{Lot: "riverside", Author: testAuthor, Boot: "b", Now: noon},
		Draft{At: noon, Source: "booth", Kind: KindDecision, Refs: []ID{{testAuthor, 3}, {testAuthor, 4}}, Body: Decision{Lane: "l", Session: ID{testAuthor, 4}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []Retold{{Public: inner.Public, Sig: inner.Sig}, {Public: inner.Public, Fork: 4, Other: Branch(inner)}, {Public: []byte("{}"), Fork: 1}} {
		b, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, []byte(`{"private":"e30="}`))
	}
	f.Fuzz(func(t *testing.T, body, private []byte) {
		told, err := Told(&Fact{Lot: "riverside", Author: "zzzzzzzzzzzzzzzz", Seq: 9, Kind: KindRetold, Body: body, Private: private})
		if err == nil && (told.Seq == 0 || !told.Author.Valid() || told.Lot != "riverside" || told.Kind == KindRetold || told.Kind == KindOpened) {
			t.Errorf("took %q as %+v", body, told)
		}
	})
}

func TestAForkRenamesOnlyWhatItParted(t *testing.T) {
	r, _, _, err := Seal(Head{Seq: 4, Hash: Hash{1}}, testKey, Stamp{Lot: "riverside", Author: testAuthor, Boot: "b", Now: noon},
		Draft{At: noon, Source: "booth", Kind: KindDecision, Refs: []ID{{testAuthor, 3}, {testAuthor, 4}}, Body: Decision{Lane: "l", Session: ID{testAuthor, 4}, Note: string(testAuthor) + ".4"}})
	if err != nil {
		t.Fatal(err)
	}
	other := Branch(r)
	d, err := Tell(r, 4, other)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(d.Body)
	if err != nil {
		t.Fatal(err)
	}
	told, err := Told(&Fact{Lot: "riverside", Author: "zzzzzzzzzzzzzzzz", Seq: 9, Kind: KindRetold, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := Decode[Decision](&told)
	if err != nil || told.ID() != (ID{other, 5}) || told.Refs[0] != (ID{testAuthor, 3}) || told.Refs[1] != (ID{other, 4}) || dec.Session != (ID{other, 4}) {
		t.Errorf("%+v %+v %v", told, dec, err)
	}
	if d.Refs[0] != told.ID() {
		t.Errorf("it is found by %v", d.Refs)
	}
	if _, err := Tell(r, 6, other); err == nil {
		t.Error("a fact before the fork was told as of the branch")
	}
}

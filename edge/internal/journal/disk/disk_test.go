package disk

import (
	"bytes"
	"testing"

	"lotkeeper/shared/fact"
)

func FuzzDecode(f *testing.F) {
	f.Add(Encode(fact.Record{Public: []byte(`{"a":1}`), Private: []byte("p"), Sig: []byte("s")}))
	f.Add(Encode(fact.Record{Public: []byte("x")}))
	f.Add([]byte{0x80, 0x80})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{1, 2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(r))
		if err != nil || !bytes.Equal(again.Public, r.Public) || !bytes.Equal(again.Private, r.Private) || !bytes.Equal(again.Sig, r.Sig) {
			t.Fatalf("decoded %+v, again %+v, %v", r, again, err)
		}
	})
}

// What a commit acknowledges must be on the disk: a kill cannot tell, only a power cut would.
func TestEveryCommitIsSynced(t *testing.T) {
	db, err := Open(t.TempDir() + "/a.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if db.NoSync || db.NoGrowSync {
		t.Errorf("the file is opened with NoSync %v, NoGrowSync %v; want neither", db.NoSync, db.NoGrowSync)
	}
}

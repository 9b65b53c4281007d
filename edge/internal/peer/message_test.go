package peer

import (
	"testing"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

func FuzzDecode(f *testing.F) {
	good, err := wire.Encode(Message{
		Lot: "riverside", Booth: "booth-b", Cursors: exchange.Cursors{"abcdefghijklmnop": fact.Head{Seq: 3}},
		Batches: []exchange.Batch{{Lot: "riverside", Author: "abcdefghijklmnop", Records: []fact.Record{{Public: []byte("{}")}}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"lot":"riverside","booth":"booth-b","cursors":null}`))
	f.Add([]byte{0x1f, 0x8b, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b, "riverside", "booth-b")
		if err == nil && (m.Lot != "riverside" || m.Booth != "booth-b" || len(m.Batches) > maxBatches) {
			t.Fatalf("took %+v", m)
		}
	})
}

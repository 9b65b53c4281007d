package journal

import (
	"path/filepath"
	"testing"

	"lotkeeper/edge/internal/journal/spare"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

func TestMoneyFactsHaveASecondCopy(t *testing.T) {
	o := options()
	o.Spare = filepath.Join(t.TempDir(), "spare")
	j := running(t, filepath.Join(t.TempDir(), "j.db"), o)
	want := map[fact.Hash]bool{}
	for _, k := range []fact.Kind{fact.KindRead, fact.KindBill, fact.KindDecision, fact.KindCash, fact.KindPassage, fact.KindPayment} {
		facts, err := j.Append(t.Context(), one(k, map[string]int{"amount": 5}))
		if err != nil {
			t.Fatal(err)
		}
		if k.Money() {
			records, err := j.Records(facts[0].Seq-1, 1)
			if err != nil {
				t.Fatal(err)
			}
			want[records[0].Hash()] = true
		}
	}
	if len(want) != 3 {
		t.Fatalf("%d kinds are money", len(want))
	}
	if _, err := j.Append(t.Context(), one("n", 1)); err != nil { // the copy comes after the answer, and before the next one
		t.Fatal(err)
	}
	got := 0
	if err := spare.Read(o.Spare, func(r fact.Record) {
		if !want[r.Hash()] || !fact.VerifySig(r, publicKey()) {
			t.Errorf("the copy holds %s", r.Public)
		}
		got++
	}); err != nil || got != len(want) {
		t.Errorf("the copy holds %d of %d, %v", got, len(want), err)
	}
}

func TestABoothWithoutASecondCopyGoesOnAndSaysSo(t *testing.T) {
	o, a := options(), &alarms{}
	dir := t.TempDir()
	o.Spare, o.Alarm = filepath.Join(dir, "j.db", "spare"), a.tell // below a file: it cannot be made
	j := running(t, filepath.Join(dir, "j.db"), o)
	if _, err := j.Append(t.Context(), one(fact.KindCash, 1)); err != nil {
		t.Fatal(err)
	}
	if !a.is(alarm.SecondCopy) {
		t.Error("nobody is told")
	}
}

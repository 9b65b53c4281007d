package edgetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// Fill makes the data folder of an enrolled booth with so many vehicles inside. The cloud it names is not there.
func Fill(t testing.TB, data string, inside int) {
	t.Helper()
	must(t, os.MkdirAll(data, 0o700))
	ca := enrolltest.New(t)
	config := ca.Sign(wire.Config{
		Lot: Name, Number: 1, TZ: "Asia/Shanghai", Currency: "CNY", Booths: []wire.Booth{{ID: "booth-a", Raft: "127.0.0.1:0", Peer: "127.0.0.1:0", Voter: true}},
	})
	id := ca.Booth(Name, "booth-a", func(r *enroll.Response) { r.Config = config })
	must(t, id.Save(data))
	began := time.Now()
	j, err := journal.Open(filepath.Join(data, "journal.db"), journal.Options{
		Lot: Name, Booth: "booth-a", Key: id.Key, Cert: id.Cert, Boot: "fill", Now: time.Now, Mono: func() int64 { return int64(time.Since(began)) + 1 },
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	const group = 200
	for n := 0; n < inside; n += group {
		_, err := j.Append(context.Background(), func(own func(int) fact.ID) (out []fact.Draft) {
			for i := range min(group, inside-n) {
				at, read := time.Now().Add(-time.Hour), own(len(out))
				lane := fact.Read{Lane: "entry-1", Dir: fact.Entry, Device: "cam-1", Event: fmt.Sprint("e", n+i), Confidence: 95, Trigger: "video"}
				out = append(out,
					fact.Draft{At: at, Source: "booth", Kind: fact.KindRead, Body: lane, Hidden: fact.Vehicle{Plate: Car(t, fmt.Sprintf("粤B%05d", n+i)).Read}},
					fact.Draft{At: at, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{read}, Body: fact.Decision{Lane: "entry-1", Dir: fact.Entry, Action: fact.Open, Reason: "entry", Session: read}},
					fact.Draft{At: at, Source: "booth", Kind: fact.KindPassage, Refs: []fact.ID{read}, Body: fact.Passage{Lane: "entry-1", Dir: fact.Entry, Outcome: fact.Passed, Opened: true}})
			}
			return out
		})
		must(t, err)
	}
	cancel()
	must(t, <-done)
	must(t, j.Close())
}

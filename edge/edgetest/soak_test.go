package edgetest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Snapshots every few entries, and boxes that die, come back, lose raft's files or their whole disk in between: where
// comparable systems broke. After each round everybody has agreed on the same facts. What happens follows the seed; raft's
// own schedule does not.
func TestSnapshotsAndRestartsSoak(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				g := buildWith(t, shapes[4], slow, 4)
				taken := 0
				for round := range 8 {
					for i := range 2 + random.IntN(4) {
						g.boxes[random.IntN(len(g.boxes))].Enter(fmt.Sprintf("粤B%02d%d00", round, i))
						<-time.After(200 * time.Millisecond) // so that they are entries of their own
					}
					b := g.boxes[random.IntN(len(g.boxes))]
					b.kill()
					for i := range random.IntN(14) { // beyond the trailing entries at times: it comes back by a snapshot
						g.living()[random.IntN(len(g.boxes)-1)].Enter(fmt.Sprintf("粤C%02d%02d0", round, i))
						<-time.After(200 * time.Millisecond)
					}
					taken += snapshots(t, g)
					switch random.IntN(4) {
					case 0:
						b.replace()
					case 1:
						must(t, os.RemoveAll(filepath.Join(b.Dir, "raft")))
						b.comeBack(slow)
					default:
						b.comeBack(slow)
					}
					level(t, time.Minute, g.boxes)
					agreed(t, 3*time.Minute, g.boxes)
					g.members(3, 1) // before the next one dies: one voter of two is too few
				}
				if taken == 0 {
					t.Error("no snapshot was taken")
				}
			})
		})
	}
}

// snapshots counts the snapshots on the disks of a group.
func snapshots(t *testing.T, g *group) (n int) {
	t.Helper()
	for _, b := range g.boxes {
		found, err := filepath.Glob(filepath.Join(b.Dir, "raft", "snapshots", "*", "state.bin"))
		must(t, err)
		n += len(found)
	}
	return n
}

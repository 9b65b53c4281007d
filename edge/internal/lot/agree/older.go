package agree

import (
	"errors"

	"github.com/hashicorp/raft"
)

// errStartOver ends a member that cannot go on with the files it has. It puts them aside and joins again as another one.
var errStartOver = errors.New("this box cannot follow the booths' group any more and joins it anew")

// received refuses snapshots that would leave a hole. Raft installs whatever a leader sends, also what is older than what
// it applied already, and goes on from there with its log; where that begins later, it panics (hashicorp/raft v1.8.0,
// installSnapshot and processLogs), and the lanes would go with it.
type received struct {
	raft.SnapshotStore
	log     raft.LogStore
	applied func() uint64
	fail    func(error)
}

// Create implements raft.SnapshotStore. What this member takes of itself is never older than its log.
func (s received) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, t raft.Transport) (raft.SnapshotSink, error) {
	first, err := s.log.FirstIndex()
	if err != nil {
		return nil, err
	}
	if index < s.applied() && (first == 0 || index+1 < first) {
		s.fail(errStartOver)
		return nil, errStartOver
	}
	return s.SnapshotStore.Create(version, index, term, c, at, t)
}

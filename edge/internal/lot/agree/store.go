package agree

import (
	"fmt"
	"runtime"

	"github.com/hashicorp/raft"
)

// stable is raft's store of term and vote. Raft panics when its term cannot be written, and would take the lanes with
// it. Here the member fails instead: the goroutine that must not go on ends, and Run shuts the rest down.
type stable struct {
	raft.StableStore
	w    *writes
	fail func(error)
}

// SetUint64 implements raft.StableStore.
func (s stable) SetUint64(key []byte, v uint64) error {
	if err := s.w.time(func() error { return s.StableStore.SetUint64(key, v) }); err != nil {
		s.fail(fmt.Errorf("write raft's term: %w", err))
		runtime.Goexit()
	}
	return nil
}

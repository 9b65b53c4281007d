package agree

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// logger hands raft's log lines on to slog.
type logger = struct{ hclog.Logger }

func newLogger(to *slog.Logger) *logger {
	return &logger{hclog.New(&hclog.LoggerOptions{Name: "raft", Level: hclog.Info, DisableTime: true, Output: lines{to}})}
}

// lines takes lines of the form "[LEVEL] name: text". Raft's own warnings (a peer does not answer, an election) are
// daily life here, so they count as information; its errors as warnings.
type lines struct{ to *slog.Logger }

// Write implements io.Writer.
func (w lines) Write(b []byte) (int, error) {
	level := slog.LevelDebug
	text := bytes.TrimSpace(b)
	switch {
	case bytes.HasPrefix(text, []byte("[ERROR]")):
		level = slog.LevelWarn
	case bytes.HasPrefix(text, []byte("[WARN]")):
		level = slog.LevelInfo
	}
	if _, rest, ok := bytes.Cut(text, []byte("] ")); ok {
		text = bytes.TrimSpace(rest)
	}
	w.to.Log(context.Background(), level, string(text))
	return len(b), nil
}

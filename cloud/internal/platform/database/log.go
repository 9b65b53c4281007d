package database

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm/logger"
)

// queryLog logs slow statements, without their parameters. Errors are returned to callers and logged once, by
// whoever handles them.
type queryLog struct {
	log  *slog.Logger
	slow time.Duration
}

func (q queryLog) LogMode(logger.LogLevel) logger.Interface { return q }

func (q queryLog) Info(ctx context.Context, msg string, args ...any) {
	q.log.DebugContext(ctx, fmt.Sprintf(msg, args...))
}

func (q queryLog) Warn(ctx context.Context, msg string, args ...any) {
	q.log.WarnContext(ctx, fmt.Sprintf(msg, args...))
}

func (q queryLog) Error(ctx context.Context, msg string, args ...any) {
	q.log.ErrorContext(ctx, fmt.Sprintf(msg, args...))
}

func (q queryLog) Trace(ctx context.Context, begin time.Time, describe func() (string, int64), _ error) {
	took := time.Since(begin)
	if took < q.slow {
		return
	}
	sql, rows := describe()
	q.log.WarnContext(ctx, "slow query", "took", took.Round(time.Millisecond), "rows", rows, "sql", sql)
}

// ParamsFilter drops the parameters before GORM writes them into the text that Trace gets.
func (q queryLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

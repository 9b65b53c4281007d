package lot

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// Merge takes a batch of any author's facts: see [Lot.MergeAll].
func (l *Lot) Merge(b exchange.Batch) (exchange.Result, error) {
	res, err := l.MergeAll([]exchange.Batch{b})
	if err != nil {
		return exchange.Result{}, err
	}
	return res[0], nil
}

// MergeAll judges batches by the rules of exchange, stores what is new in one synced transaction, then folds it. The
// results are in step with the batches. An error means that the disk failed and nothing was taken; what a batch itself
// deserves (a gap, a forgery, another lot) is in its result.
func (l *Lot) MergeAll(batches []exchange.Batch) ([]exchange.Result, error) {
	l.merge.Lock()
	defer l.merge.Unlock()
	tx, err := l.db.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // a no-op after the commit
	m := merging{l: l, tx: tx, logs: map[fact.Author]exchange.Log{}}
	results := make([]exchange.Result, len(batches))
	for i, b := range batches {
		if results[i], err = m.take(b); err != nil {
			return nil, fmt.Errorf("merge %s: %w", b.Author, err)
		}
	}
	if len(m.logs) > 0 {
		if err := tx.Commit(); err != nil {
			return nil, fmt.Errorf("merge: %w", err)
		}
	}
	l.take(m, results)
	return results, nil
}

// merging is one transaction of merges.
type merging struct {
	l    *Lot
	tx   *bbolt.Tx
	logs map[fact.Author]exchange.Log // as they will be; only those that change
}

func (m *merging) take(b exchange.Batch) (exchange.Result, error) {
	l := m.l
	if b.Author == l.own.Author() {
		return l.mirror(b)
	}
	log, changed := m.logs[b.Author]
	if !changed {
		l.mu.RLock()
		log = l.logs[b.Author]
		l.mu.RUnlock()
	}
	res, next, err := l.rules.Take(log, b, func(after uint64, n int) ([]fact.Record, error) {
		return disk.Range(m.tx.Bucket(factsBucket).Bucket([]byte(b.Author)), after, log.Head.Seq, n)
	})
	if err != nil {
		return res, err
	}
	switch res.Verdict {
	case exchange.Accepted:
		bucket, err := m.tx.Bucket(factsBucket).CreateBucketIfNotExists([]byte(b.Author))
		if err != nil {
			return res, fmt.Errorf("make its bucket: %w", err)
		}
		for i, r := range res.Records {
			if err := disk.Put(bucket, res.Facts[i].Seq, r); err != nil {
				return res, err
			}
		}
	case exchange.Forked:
		l.o.Log.Error("author wrote two logs and is closed", "author", b.Author, "seq", log.Head.Seq, "err", res.Cause)
		l.o.Alarm(alarm.AuthorClosed, string(b.Author), true, res.Cause.Error())
	case exchange.Gap, exchange.Known:
		return res, nil
	default:
		l.o.Log.Warn("facts refused", "author", b.Author, "seq", log.Head.Seq, "err", res.Cause)
		return res, nil
	}
	for _, p := range res.Poor {
		l.o.Log.Warn("fact cannot be applied; it is kept and passed over", "author", p.ID.Author, "seq", p.ID.Seq, "err", p.Cause)
	}
	m.logs[b.Author] = next
	return res, putLog(m.tx, b.Author, next)
}

// take folds what was stored.
func (l *Lot) take(m merging, results []exchange.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a, log := range m.logs {
		l.logs[a] = log
		l.own.Observe(log.Head.HLC)
	}
	var all []fact.Fact
	for _, r := range results {
		if r.Verdict == exchange.Accepted {
			all = append(all, r.Facts...)
		}
	}
	if len(all) > 0 {
		l.fold(all)
	}
}

var errOther = errors.New("it is another log of this booth than the booth's own")

// mirror judges a batch of our own log, as it comes back from a peer or the cloud. Nothing is ever taken from it. One
// that goes on after our end, or that says otherwise, shows that ours is a copy: this incarnation ends.
func (l *Lot) mirror(b exchange.Batch) (exchange.Result, error) {
	l.mu.RLock()
	log := l.logs[b.Author]
	l.mu.RUnlock()
	res, _, err := l.rules.Take(log, b, func(after uint64, n int) ([]fact.Record, error) {
		return l.own.Records(after, int(min(uint64(n), log.Head.Seq-after)))
	})
	if err != nil || res.Verdict != exchange.Accepted && res.Verdict != exchange.Forked {
		return res, err
	}
	why := WhyForked
	if res.Verdict == exchange.Accepted {
		why = WhyBehind
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.Author != l.own.Author() { // it ended meanwhile
		return exchange.Result{Verdict: exchange.Refused, Head: log.Head, Cause: errOther}, nil
	}
	if head := l.own.Head(); res.Verdict == exchange.Accepted && head.Seq > log.Head.Seq {
		// What it took for more than we have may be what was appended and is not folded yet.
		return exchange.Result{Verdict: exchange.Known, Head: log.Head}, nil
	}
	if why == WhyBehind {
		l.agreed = log.Head
	}
	l.end(why)
	return exchange.Result{Verdict: exchange.Refused, Head: log.Head, Cause: errOther}, nil
}

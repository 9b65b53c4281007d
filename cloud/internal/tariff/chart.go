package tariff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/money"
)

const (
	chartPoints = 500 // at most
	chartGrid   = 250 // evenly spaced; the rest is for the two sides of jumps
	chartHours  = 31 * 24
)

// Point is what a stay of a length costs.
type Point struct {
	Seconds int64
	Gross   money.Amount
	Due     money.Amount
}

// Chart is a fee over the length of the stay.
type Chart struct {
	Currency money.Currency
	Points   []Point
	Step     int64 // seconds between the points that are evenly spaced
	Exact    bool  // every jump between them is there with both its sides
}

// Chart prices stays of 0 to so many hours from one entry. Between two even points that differ it looks for the second at
// which the fee jumps; where it jumps too often for that, the even points stand closer instead.
func (s *Service) Chart(ctx context.Context, sc scope.Scope, c Case, v Vehicle, entry time.Time, hours int, x Extras) (Chart, error) {
	if hours < 1 || hours > chartHours {
		return Chart{}, ErrStay.With("body.hours", fmt.Sprintf("须为 1 至 %d", chartHours), fmt.Sprintf("want 1 to %d", chartHours))
	}
	b, err := s.bench(ctx, sc, c)
	if err != nil {
		return Chart{}, err
	}
	known, err := b.context(v.stay(entry, entry.Add(time.Duration(hours)*time.Hour)), x)
	if err != nil {
		return Chart{}, err
	}
	at := func(seconds int64) (Point, error) {
		if err := ctx.Err(); err != nil { // whoever asked is gone
			return Point{}, fmt.Errorf("draw a chart: %w", err)
		}
		q, err := b.rater.Quote(v.stay(entry, entry.Add(time.Duration(seconds)*time.Second)), known)
		if err != nil {
			return Point{}, nonsense(err)
		}
		return Point{seconds, q.Gross, q.Due}, nil
	}
	length := int64(hours) * 3600
	grid, step, err := evenly(length, chartGrid, at)
	if err != nil {
		return Chart{}, err
	}
	out := Chart{Currency: b.doc.Currency, Points: grid[:1:1], Step: step, Exact: true}
	for i := 1; i < len(grid); i++ {
		low, high := grid[i-1], grid[i]
		sides, err := jumps(low, high, at)
		if err != nil {
			return Chart{}, err
		}
		for _, p := range append(sides, high) {
			if p.Seconds > out.Points[len(out.Points)-1].Seconds { // the ends of the stretch may be sides of a jump themselves
				out.Points = append(out.Points, p)
			}
		}
		if len(out.Points)+len(grid)-1-i > chartPoints {
			out.Points, out.Step, err = evenly(length, chartPoints, at)
			out.Exact = false
			return out, err
		}
	}
	return out, nil
}

// evenly prices at most so many points from 0 to length, whole minutes apart.
func evenly(length int64, most int64, at func(int64) (Point, error)) ([]Point, int64, error) {
	step := (length + most - 2) / (most - 1)
	step = (step + 59) / 60 * 60
	var out []Point
	for t := int64(0); ; t = min(t+step, length) {
		p, err := at(t)
		if err != nil {
			return nil, 0, err
		}
		if out = append(out, p); t == length {
			return out, step, nil
		}
	}
}

// jumps finds the seconds between two points at which the fee changes, each as its last second before and its first after.
// It halves the stretch while its ends differ, so that a change and its way back within one stretch is not seen.
func jumps(low, high Point, at func(int64) (Point, error)) ([]Point, error) {
	same := func(p, q Point) bool { return p.Gross == q.Gross && p.Due == q.Due }
	if same(low, high) {
		return nil, nil
	}
	if high.Seconds-low.Seconds == 1 {
		return []Point{low, high}, nil
	}
	mid, err := at((low.Seconds + high.Seconds) / 2)
	if err != nil {
		return nil, err
	}
	left, err := jumps(low, mid, at)
	if err != nil {
		return nil, err
	}
	right, err := jumps(mid, high, at)
	if err != nil {
		return nil, err
	}
	return slices.CompactFunc(slices.Concat(left, right), func(p, q Point) bool { return p.Seconds == q.Seconds }), nil
}

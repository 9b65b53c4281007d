package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
)

// past is what is stored of a lot, as far as a fold needs it.
type past interface {
	// seen returns the observations among ids, those of the vehicles, and those timed by the clocks.
	seen(ctx context.Context, ids []fact.ID, vehicles []session.Key, clocks []clock) ([]seen, error)
	// about returns the records of the observations, of the facts that name them, and of the authors' clock facts; it may
	// leave out the fresh ones.
	about(ctx context.Context, observations []fact.ID, authors []fact.Author) ([]fact.Record, error)
}

type seen struct {
	id      fact.ID
	vehicle session.Key
}

// clock names the times of one source in one run of an author.
type clock struct {
	author       fact.Author
	source, boot string
}

// gather loads into a book what the fresh facts touch: the vehicles that they are of now, and were of before, whole.
// It returns those vehicles. What it loads is closed: folding it gives these vehicles the sessions that folding the
// whole lot would.
func gather(ctx context.Context, from past, fresh []fact.Fact) (*session.Book, []session.Key, error) {
	book := session.NewBook()
	book.Add(fresh...)
	g := gathering{book: book, vehicles: map[session.Key]bool{}, asked: map[fact.ID]bool{}, loaded: map[fact.ID]bool{}, authors: map[fact.Author]bool{}}
	for i := range fresh {
		g.touch(&fresh[i])
	}
	for g.open() {
		ids, vehicles, clocks := g.next()
		found, err := from.seen(ctx, ids, vehicles, clocks)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range found {
			g.want(o.vehicle)
			g.load(o.id)
		}
		if len(g.toLoad) == 0 {
			continue
		}
		load, authors := g.toLoad, g.newAuthors()
		g.toLoad = nil
		records, err := from.about(ctx, load, authors)
		if err != nil {
			return nil, nil, err
		}
		if err := g.add(records, load); err != nil {
			return nil, nil, err
		}
	}
	return book, slices.Sorted(maps.Keys(g.vehicles)), nil
}

type gathering struct {
	book     *session.Book
	vehicles map[session.Key]bool // wanted; false until asked for
	asked    map[fact.ID]bool     // ids wanted as observations; false until asked for
	loaded   map[fact.ID]bool     // observations whose facts are in the book, or on the way
	authors  map[fact.Author]bool // whose clock facts are in the book
	clocks   []clock              // to ask for
	toLoad   []fact.ID
}

func (g *gathering) want(k session.Key) {
	if _, known := g.vehicles[k]; !known && k != "" {
		g.vehicles[k] = false
	}
}

func (g *gathering) load(id fact.ID) {
	if !g.loaded[id] {
		g.loaded[id] = true
		g.toLoad = append(g.toLoad, id)
	}
}

// touch notes what a fact says something about.
func (g *gathering) touch(f *fact.Fact) {
	if f.Kind == fact.KindRetold {
		if told, err := fact.Told(f); err == nil { // else it has no effect
			g.touch(&told)
		}
		return
	}
	if k, ok := g.book.KeyOf(f.ID()); ok {
		g.want(k)
		g.load(f.ID()) // facts that name it may have come before it
	}
	for _, r := range f.Refs {
		if _, known := g.asked[r]; !known {
			g.asked[r] = false
		}
		if k, ok := g.book.KeyOf(r); ok {
			g.want(k)
		}
	}
	if f.Kind == fact.KindClock {
		if c, err := fact.Decode[fact.Clock](f); err == nil {
			g.clocks = append(g.clocks, clock{f.Author, c.Source, c.Boot})
		}
	}
}

func (g *gathering) open() bool {
	return len(g.clocks) > 0 || len(g.toLoad) > 0 || slices.Contains(slices.Collect(maps.Values(g.vehicles)), false) ||
		slices.Contains(slices.Collect(maps.Values(g.asked)), false)
}

func (g *gathering) next() (ids []fact.ID, vehicles []session.Key, clocks []clock) {
	for id, done := range g.asked {
		if !done {
			ids, g.asked[id] = append(ids, id), true
		}
	}
	for k, done := range g.vehicles {
		if !done {
			vehicles, g.vehicles[k] = append(vehicles, k), true
		}
	}
	clocks, g.clocks = g.clocks, nil
	return ids, vehicles, clocks
}

func (g *gathering) newAuthors() []fact.Author {
	var out []fact.Author
	for _, id := range g.toLoad {
		if !g.authors[id.Author] {
			g.authors[id.Author] = true
			out = append(out, id.Author)
		}
	}
	return out
}

// add takes records into the book and follows where they and the loaded observations lead.
func (g *gathering) add(records []fact.Record, load []fact.ID) error {
	facts := make([]fact.Fact, 0, len(records))
	for _, r := range records {
		f, err := fact.Unseal(r)
		if err != nil {
			return fmt.Errorf("open a stored fact: %w", err)
		}
		if !g.book.Has(f.ID()) {
			facts = append(facts, f)
		}
	}
	// Which vehicle an observation is of follows from corrections and matches, so it is asked only when all are in.
	for _, k := range g.book.Add(facts...) {
		g.want(k)
	}
	for i := range facts {
		if facts[i].Kind != fact.KindClock {
			g.touch(&facts[i])
		}
	}
	for _, id := range load {
		if k, ok := g.book.KeyOf(id); ok {
			g.want(k)
		}
	}
	return nil
}

// sessionRow and passageRow are rows of the projections.
type sessionRow struct {
	vehicle session.Key
	s       session.Session
	doc     []byte
	sum     int64
}

type passageRow struct {
	session.Observation
	session string
	sum     int64
}

// rows turns a vehicle's fold into rows.
func rows(book *session.Book, k session.Key) (sessions []sessionRow, passages []passageRow) {
	of := map[fact.ID]string{}
	for _, s := range book.Of(k) {
		doc, err := json.Marshal(s)
		if err != nil { // a time beyond what JSON can say: the row stands, its document says why it is empty
			doc, _ = json.Marshal(map[string]any{"id": s.ID, "plate": s.Plate, "state": s.State, "unreadable": err.Error()})
		}
		sessions = append(sessions, sessionRow{k, s, doc, sum(append([]byte(k), doc...))})
		for _, id := range s.Facts {
			of[id] = s.ID.String()
		}
	}
	for _, o := range book.Observations(k) {
		p := passageRow{Observation: o, session: of[o.ID]}
		text := fmt.Sprintf("%s|%s|%d|%s|%s|%v|%s|%s", o.Vehicle, o.ID, o.At.UnixMilli(), o.Plate.Text, o.Plate.Colour, o.Plate.Class, o.Outcome, p.session)
		if o.Decision != nil {
			text += "|" + string(o.Decision.Action) + "|" + o.Decision.Reason
		}
		p.sum = sum([]byte(text))
		passages = append(passages, p)
	}
	return sessions, passages
}

func sum(b []byte) int64 {
	h := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(h[:8]))
}

// refold brings the projections of the vehicles that fresh facts touch up to the stored facts.
func (s *Service) refold(tx *database.Tx, lot string, fresh []fact.Fact) error {
	if !slices.ContainsFunc(fresh, func(f fact.Fact) bool { return f.Kind != fact.KindOpened }) {
		return nil
	}
	book, vehicles, err := gather(tx.Context(), lotPast{tx, lot, fresh[0].Author, fresh[0].Seq}, fresh)
	if err != nil {
		return fmt.Errorf("gather what %d facts touch: %w", len(fresh), err)
	}
	return s.store.reproject(tx, lot, book, vehicles)
}

// reproject writes the rows of vehicles, as far as they differ from those that stand.
func (s store) reproject(tx *database.Tx, lot string, book *session.Book, vehicles []session.Key) error {
	if len(vehicles) == 0 {
		return nil
	}
	var sessions []sessionRow
	var passages []passageRow
	haveS, haveP, err := s.sums(tx, lot, vehicles)
	if err != nil {
		return err
	}
	for _, k := range vehicles {
		ss, ps := rows(book, k)
		for _, r := range ss {
			if have, ok := haveS[r.s.ID.String()]; !ok || have != r.sum {
				sessions = append(sessions, r)
			}
			delete(haveS, r.s.ID.String())
		}
		for _, r := range ps {
			if have, ok := haveP[r.ID]; !ok || have != r.sum {
				passages = append(passages, r)
			}
		}
	}
	return s.project(tx, lot, sessions, passages, slices.Sorted(maps.Keys(haveS)))
}

// colour and class of a plate as text; unknown numbers of a newer release are "unknown" and "foreign".
func plateWords(p plate.Plate) (colour, class string) {
	c, err := p.Colour.MarshalText()
	if err != nil {
		c = []byte(plate.ColourUnknown.String())
	}
	k, err := p.Class.MarshalText()
	if err != nil {
		k = []byte(plate.ClassForeign.String())
	}
	return string(c), strings.TrimSpace(string(k))
}

package right_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/right"
)

// cloud is the publisher of a lot's rights: the newest set and every head it signed.
type cloud struct {
	set    *right.Set
	number uint64
}

func (c *cloud) head() right.Head { return c.set.HeadOf("riverside", c.number, monday) }

// publish gives the changes the next number.
func (c *cloud) publish(t testing.TB, changes ...right.Entry) {
	t.Helper()
	c.number++
	for i := range changes {
		changes[i].Number = c.number
	}
	var err error
	if c.set, err = c.set.Apply(changes); err != nil {
		t.Fatal(err)
	}
}

func gone(id string) right.Entry { return right.Entry{ID: id} }

// pull takes pages of n entries until nothing more comes, and returns the new set, if any.
func pull(c *cloud, in *right.Intake, n int) (*right.Set, error) {
	for {
		p := right.Page{After: in.Wants()}
		p.Entries, p.More = c.set.Page(p.After, n, 1<<20)
		s, err := in.Take(c.head(), p)
		if err != nil || !p.More {
			return s, err
		}
	}
}

func TestALotThatWasAwayAMonthConverges(t *testing.T) {
	c := &cloud{set: &right.Set{}}
	c.publish(t, entry(month("a", 0, "粤B00001"), 0), entry(month("b", 0, "粤B00002"), 0), entry(month("c", 0, "粤B00003"), 0))
	in := right.NewIntake(nil, right.Head{})
	if s, err := pull(c, in, 2); err != nil || s.Digest() != c.set.Digest() {
		t.Fatalf("the first set: %v", err)
	}
	for i := range 100 {
		c.publish(t, gone("a"), entry(month(fmt.Sprintf("x%d", i%7), 0, "粤B00009"), 0))
		if i == 50 {
			c.publish(t, gone("b"))
		}
	}
	page, _ := c.set.Page(in.Wants(), 1000, 1<<20)
	if len(page) != 9 {
		t.Errorf("%d entries tell of a hundred changes of nine rights", len(page))
	}
	s, err := pull(c, in, 1000)
	if err != nil || s.Digest() != c.set.Digest() || s.Count() != 8 || in.Number() != c.number {
		t.Errorf("after a month: %v", err)
	}
}

func TestAlteredOlderForeignAndMissingRightsAreRefused(t *testing.T) {
	c := &cloud{set: &right.Set{}}
	c.publish(t, entry(month("a", 0, "粤B00001"), 0))
	old := c.head()
	in := right.NewIntake(nil, right.Head{})
	if _, err := pull(c, in, 10); err != nil {
		t.Fatal(err)
	}
	before := in.Number()
	c.publish(t, entry(month("b", 0, "粤B00002"), 0), entry(month("c", 0, "粤B00003"), 0))
	page, _ := c.set.Page(in.Wants(), 10, 1<<20)
	forged := slices.Clone(page)
	forged[0].Right = must(json.Marshal(month("b", 0, "粤B66666")))
	late := slices.Clone(page)
	late[1].Number = c.number + 1
	other := c.head()
	other.Number, other.Digest = before, fact.Hash{1}
	for _, tc := range []struct {
		name string
		head right.Head
		page right.Page
		want error
	}{
		{"altered", c.head(), right.Page{After: right.After(1), Entries: forged}, right.ErrDigest},
		{"one left out", c.head(), right.Page{After: right.After(1), Entries: page[:1]}, right.ErrDigest},
		{"of no number yet", c.head(), right.Page{After: right.After(1), Entries: late}, right.ErrDigest},
		{"out of order", c.head(), right.Page{After: right.After(1), Entries: []right.Entry{page[1], page[0]}}, right.ErrDigest},
		{"after a gap", c.head(), right.Page{After: right.After(c.number), Entries: nil}, right.ErrGap},
		{"older", right.Head{Lot: "riverside"}, right.Page{}, right.ErrOlder},
		{"two of a number", other, right.Page{}, right.ErrTwo},
	} {
		fresh := right.NewIntake(in2(t, c, old), old)
		if s, err := fresh.Take(tc.head, tc.page); s != nil || !errors.Is(err, tc.want) || fresh.Number() != before {
			t.Errorf("%s: %v, number %d; want %v and number %d to stay", tc.name, err, fresh.Number(), tc.want, before)
		}
		// Whatever came, it then takes what is right.
		if s, err := pull(c, fresh, 1); err != nil || s.Digest() != c.set.Digest() {
			t.Errorf("%s: afterwards %v", tc.name, err)
		}
	}
}

// in2 is the set of the first number.
func in2(t testing.TB, c *cloud, old right.Head) *right.Set {
	t.Helper()
	s, err := (&right.Set{}).Apply([]right.Entry{entry(month("a", 0, "粤B00001"), 1)})
	if err != nil || old.Is(s) != nil {
		t.Fatalf("the set of number 1: %v, %v", err, old.Is(s))
	}
	return s
}

func TestARightThatIsNotUnderstoodIsKeptAndHasNoEffect(t *testing.T) {
	raw := json.RawMessage(`{"id":"n","version":1,"kind":"teleport","plates":[{"text":"粤B00001"}],"to":"Mars"}`)
	s, err := (&right.Set{}).Apply([]right.Entry{{ID: "n", Number: 3, Right: raw}})
	if err != nil || s.Count() != 1 || s.Poor() != 1 || len(s.For(car("粤B00001"))) != 0 {
		t.Fatalf("%d rights, %d not understood, %v", s.Count(), s.Poor(), err)
	}
	if e := s.Entries(); len(e) != 1 || string(e[0].Right) != string(raw) {
		t.Errorf("handed on as %+v", e)
	}
}

// TestHoweverPagesComeTheSetsAreEqual: booths that take pages from the cloud and from each other, of any size, cut off and
// mixed, with changes in between, end with the cloud's set.
func TestHoweverPagesComeTheSetsAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cloud{set: &right.Set{}}
		type booth struct {
			in   *right.Intake
			set  *right.Set
			head right.Head
		}
		booths := []*booth{{in: right.NewIntake(nil, right.Head{})}, {in: right.NewIntake(nil, right.Head{})}}
		take := func(b *booth, set *right.Set, head right.Head, n int) {
			p := right.Page{After: b.in.Wants()}
			p.Entries, p.More = set.Page(p.After, n, 1<<20)
			s, err := b.in.Take(head, p)
			if errors.Is(err, right.ErrDigest) || errors.Is(err, right.ErrTwo) {
				t.Fatalf("honest pages: %v", err)
			}
			if s != nil {
				b.set, b.head = s, head
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			b := booths[rapid.IntRange(0, 1).Draw(t, "booth")]
			other := booths[0]
			if b == other {
				other = booths[1]
			}
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				var changes []right.Entry
				for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(0, 12), 1, 6, rapid.ID[int]).Draw(t, "ids") {
					name := fmt.Sprintf("r%d", id)
					if rapid.Bool().Draw(t, "gone") {
						changes = append(changes, gone(name))
						continue
					}
					r := month(name, 0, fmt.Sprintf("粤B0000%d", id%10))
					r.Version = c.number + 1
					changes = append(changes, entry(r, 0))
				}
				c.number++
				for i := range changes {
					changes[i].Number = c.number
				}
				c.set = must(c.set.Apply(changes))
			case 2:
				if c.number > 0 {
					take(b, c.set, c.head(), rapid.IntRange(1, 5).Draw(t, "page"))
				}
			case 3:
				if other.set != nil {
					take(b, other.set, other.head, rapid.IntRange(1, 5).Draw(t, "page"))
				}
			case 4:
				b.in = right.NewIntake(b.set, b.head) // it restarts
			}
		}
		for _, b := range booths {
			for c.number > 0 && b.head.Number < c.number {
				take(b, c.set, c.head(), 3)
			}
			if c.number > 0 && b.set.Digest() != c.set.Digest() {
				t.Fatalf("digests differ at number %d", c.number)
			}
		}
	})
}

// Fifty thousand rights are looked up at a lane in microseconds, and a change of one does not build them anew.
func TestFiftyThousandRights(t *testing.T) {
	var entries []right.Entry
	for i := range 50_000 {
		entries = append(entries, entry(month(fmt.Sprintf("card-%05d", i), 1, fmt.Sprintf("粤B%05d", i), fmt.Sprintf("粤C%05d", i)), 1))
	}
	start := time.Now()
	s := must((&right.Set{}).Apply(entries))
	built := time.Since(start)
	start = time.Now()
	next := must(s.Apply([]right.Entry{{ID: "card-00001", Number: 2}}))
	changed := time.Since(start)
	start = time.Now()
	for i := range 1000 {
		if v := next.Judge(right.Query{Plate: car(fmt.Sprintf("粤C%05d", i+2)), At: monday, Where: here}); v.Reason != right.OnPermit {
			t.Fatalf("card %d: %q", i+2, v.Reason)
		}
	}
	asked := time.Since(start) / 1000
	t.Logf("built in %v, one changed in %v, asked in %v", built, changed, asked)
	if changed > built || asked > built/5000 { // against the building of all, so that a busy machine does not matter
		t.Errorf("one changed in %v, asked in %v, all built in %v", changed, asked, built)
	}
}

package right_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
)

var (
	shanghai = must(time.LoadLocation("Asia/Shanghai"))
	monday   = time.Date(2026, 11, 2, 8, 0, 0, 0, shanghai)
	here     = right.Place{Zone: shanghai, Days: calendar.Calendar{ID: "cn", Version: 1, Dates: map[calendar.Date]string{{Year: 2026, Month: 11, Day: 4}: calendar.Holiday}}}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func car(text string) plate.Plate { return must(plate.Parse(text, plate.ColourUnknown)) }

// month is a month card of plates for November.
func month(id string, places int, plates ...string) right.Right {
	r := right.Right{ID: id, Version: 1, Kind: right.Permit, Places: places, Periods: []right.Period{{
		From: time.Date(2026, 11, 1, 0, 0, 0, 0, shanghai), To: time.Date(2026, 12, 1, 0, 0, 0, 0, shanghai),
	}}}
	for _, p := range plates {
		r.Plates = append(r.Plates, right.Plate{Text: p})
	}
	return r
}

func entry(r right.Right, number uint64) right.Entry {
	return right.Entry{ID: r.ID, Number: number, Right: must(json.Marshal(r))}
}

func setOf(t testing.TB, rights ...right.Right) *right.Set {
	t.Helper()
	var entries []right.Entry
	for _, r := range rights {
		if err := r.Validate(); err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		entries = append(entries, entry(r, 1))
	}
	s, err := (&right.Set{}).Apply(entries)
	if err != nil || s.Poor() != 0 || s.Count() != len(rights) {
		t.Fatalf("%d rights make a set of %d, %d not understood: %v", len(rights), s.Count(), s.Poor(), err)
	}
	return s
}

func named(id string, kind right.Kind, plates ...string) right.Right {
	r := month(id, 0, plates...)
	r.Kind, r.Periods = kind, nil
	return r
}

func TestWhoeverStandsAtALaneHasOneReason(t *testing.T) {
	watch := named("watch", right.Black, "粤B00009")
	watch.Watch = true
	later := named("later", right.Black, "粤B00008")
	later.Periods = []right.Period{{From: monday.Add(time.Hour), To: monday.Add(2 * time.Hour)}}
	owes := named("owes", right.Arrears, "粤B00005")
	owes.Owes = &right.Debt{Amount: 12000, Currency: "CNY", Stays: 3}
	more := named("more", right.Arrears, "粤B00005")
	more.Owes = &right.Debt{Amount: 500, Currency: "CNY", Stays: 1}
	blue := named("blue", right.Black)
	blue.Plates = []right.Plate{{Text: "粤B00007", Colour: plate.ColourBlue}}
	police := right.Right{ID: "police", Version: 4, Kind: right.Special, Match: &right.Match{Classes: []plate.Class{plate.ClassPolice}, Patterns: []string{"WJ*", "粤?9999?"}}}
	nights := month("nights", 0, "粤B00006")
	nights.Hours = []tariff.ClockWindow{{From: 18 * 3600, To: 8 * 3600, DayTypes: []string{calendar.Workday}}}
	s := setOf(t, watch, later, owes, more, blue, police, nights, month("card", 0, "粤B00001"), named("vip", right.Free, "粤B00001", "粤B00002"),
		named("banned", right.Black, "粤B00002"))
	for _, tc := range []struct {
		name, plate string
		colour      plate.Colour
		at          time.Duration // after Monday 8:00
		want        right.Reason
		by          string
		owed        int64
	}{
		{"nobody knows it", "粤B12345", 0, 0, right.Ordinary, "", 0},
		{"free list before month card", "粤B00001", 0, 0, right.OnFree, "vip", 0},
		{"month card expired, still on the free list", "粤B00001", 0, 31 * 24 * time.Hour, right.OnFree, "vip", 0},
		{"black list before free list", "粤B00002", 0, 0, right.Listed, "banned", 0},
		{"black list not yet in its period", "粤B00008", 0, 0, right.Ordinary, "", 0},
		{"black list in its period", "粤B00008", 0, time.Hour, right.Listed, "later", 0},
		{"black list after its period", "粤B00008", 0, 2 * time.Hour, right.Ordinary, "", 0},
		{"black list that only reports", "粤B00009", 0, 0, right.Ordinary, "", 0},
		{"another vehicle with the plate's text", "粤B00007", plate.ColourYellow, 0, right.Ordinary, "", 0},
		{"a colour that was not read may be either", "粤B00007", plate.ColourUnknown, 0, right.Listed, "blue", 0},
		{"class", "粤B1234警", 0, 0, right.SpecialOne, "police", 0},
		{"pattern with a star", "WJ12345", 0, 0, right.SpecialOne, "police", 0},
		{"pattern with question marks", "粤C99991", 0, 0, right.SpecialOne, "police", 0},
		{"what is owed is summed", "粤B00005", 0, 0, right.Ordinary, "", 12500},
		{"nights end at eight", "粤B00006", 0, 0, right.Ordinary, "", 0},
		{"a second before", "粤B00006", 0, -time.Second, right.Ordinary, "", 0}, // Sunday's night is no workday's
		{"Monday's night", "粤B00006", 0, 10 * time.Hour, right.OnPermit, "nights", 0},
		{"it lasts into Tuesday", "粤B00006", 0, 24*time.Hour - time.Second, right.OnPermit, "nights", 0},
		{"a holiday has no night", "粤B00006", 0, 2*24*time.Hour + 10*time.Hour, right.Ordinary, "", 0},
	} {
		p := must(plate.Parse(tc.plate, tc.colour))
		v := s.Judge(right.Query{Plate: p, At: monday.Add(tc.at), Where: here})
		by := ""
		if v.Right != nil {
			by = v.Right.ID
		}
		if v.Reason != tc.want || by != tc.by || int64(v.Owed) != tc.owed {
			t.Errorf("%s: %q by %q, owed %d; want %q by %q, %d", tc.name, v.Reason, by, v.Owed, tc.want, tc.by, tc.owed)
		}
	}
	if v := s.Judge(right.Query{Plate: car("粤B00009"), At: monday, Where: here}); v.Watch == nil || v.Watch.ID != "watch" || len(v.Uses) != 1 {
		t.Errorf("a watched vehicle is reported as %+v", v)
	}
	if v := s.Judge(right.Query{At: monday, Where: here}); v.Reason != right.Ordinary {
		t.Errorf("a vehicle without a plate is %q", v.Reason)
	}
}

// M9.15: of a card with one place for two vehicles, the second one inside is charged.
func TestTheSecondVehicleOfASharedCardIsTemporary(t *testing.T) {
	s := setOf(t, month("family", 1, "粤B00001", "粤B00002"))
	inside := 0
	at := func(p string) right.Verdict {
		return s.Judge(right.Query{Plate: car(p), At: monday, Where: here, Inside: func(*right.Right) int { return inside }})
	}
	first := at("粤B00001")
	inside = 1
	second := at("粤B00002")
	if first.Reason != right.OnPermit || second.Reason != right.PermitFull {
		t.Fatalf("first %q, second %q", first.Reason, second.Reason)
	}
	want := []fact.RightUse{{ID: "family", Version: 1, Kind: "permit", Full: true}}
	if !reflect.DeepEqual(second.Uses, want) {
		t.Fatalf("recorded %+v, want %+v", second.Uses, want)
	}
	covers := func(p string, uses []fact.RightUse) int {
		return len(s.Covers(right.Stay{Plate: car(p), Entry: monday, Exit: monday.Add(time.Hour), Uses: uses, Where: here}))
	}
	if a, b, c := covers("粤B00001", first.Uses), covers("粤B00002", second.Uses), covers("粤B00002", nil); a != 1 || b != 0 || c != 1 {
		t.Errorf("covers: first %d, second %d, one of which nothing was recorded %d; want 1, 0, 1", a, b, c)
	}
}

func TestCoversFollowTheLotsPolicy(t *testing.T) {
	card := month("card", 0, "粤B00001")
	nights := month("nights", 0, "粤B00002")
	nights.Hours = []tariff.ClockWindow{{From: 20 * 3600, To: 7 * 3600}}
	always := named("vip", right.Free, "粤B00003")
	s := setOf(t, card, nights, always)
	on := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, shanghai)
	}
	for _, tc := range []struct {
		name, plate string
		from, to    time.Time
		then        right.Beyond
		want        string // kind and hours from the entry on
	}{
		{"inside the card", "粤B00001", on(11, 2, 8), on(11, 2, 10), right.BeyondCovered, "cover -32+688"},
		{"card expires during the stay", "粤B00001", on(11, 30, 22), on(12, 1, 3), right.BeyondCovered, "cover -718+2"},
		{"card begins during the stay", "粤B00001", on(10, 31, 22), on(11, 1, 3), right.BeyondCovered, "cover +2+722"},
		{"began before the card, policy entry", "粤B00001", on(10, 31, 22), on(11, 1, 3), right.BeyondEntry, ""},
		{"card expires, policy entry", "粤B00001", on(11, 30, 22), on(12, 1, 3), right.BeyondEntry, "cover -718+2"},
		{"card expires, policy stay", "粤B00001", on(11, 30, 22), on(12, 1, 3), right.BeyondStay, "free"},
		{"began before the card, policy stay", "粤B00001", on(10, 31, 22), on(11, 1, 3), right.BeyondStay, ""},
		{"after the card", "粤B00001", on(12, 1, 0), on(12, 1, 3), right.BeyondCovered, ""},
		{"two nights", "粤B00002", on(11, 2, 19), on(11, 4, 6), right.BeyondCovered, "cover +1+12, cover +25+36"},
		{"a night that runs into the card's end", "粤B00002", on(11, 30, 19), on(12, 1, 9), right.BeyondCovered, "cover +1+5"},
		{"days only", "粤B00002", on(11, 2, 8), on(11, 2, 19), right.BeyondCovered, ""},
		{"always free", "粤B00003", on(11, 2, 8), on(11, 2, 19), right.BeyondEntry, "free"},
		{"no right", "粤B00009", on(11, 2, 8), on(11, 2, 19), right.BeyondCovered, ""},
	} {
		var got []string
		for _, r := range s.Covers(right.Stay{Plate: car(tc.plate), Entry: tc.from, Exit: tc.to, Where: here, Then: tc.then}) {
			if r.Kind == tariff.RightFree {
				got = append(got, "free")
				continue
			}
			got = append(got, fmt.Sprintf("cover %+d%+d", int(r.From.Sub(tc.from).Hours()), int(r.Until.Sub(tc.from).Hours())))
		}
		if got := strings.Join(got, ", "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestABillNamesTheRightAtItsVersion(t *testing.T) {
	r := month("card", 0, "粤B00001")
	r.Version, r.Name = 7, tariff.Text{ZH: "三栋", EN: "block 3"}
	got := setOf(t, r).Covers(right.Stay{Plate: car("粤B00001"), Entry: monday, Exit: monday, Where: here})
	if len(got) != 1 || got[0].ID != "card@7" || got[0].Name != (tariff.Text{ZH: "月卡：三栋", EN: "Month card: block 3"}) {
		t.Errorf("got %+v", got)
	}
}

func TestEntitlementsHoldInTheirTime(t *testing.T) {
	resident := month("r", 0, "粤B12345")
	resident.Kind, resident.Entitlements = right.Entitled, []string{"resident", "green"}
	s := setOf(t, resident)
	if got := s.Entitlements(car("粤B12345"), monday, here); !reflect.DeepEqual(got, []string{"green", "resident"}) {
		t.Errorf("in its time: %q", got)
	}
	if got := s.Entitlements(car("粤B12345"), monday.AddDate(0, 1, 0), here); got != nil {
		t.Errorf("after it: %q", got)
	}
}

func TestWhatIsWrongWithARightIsListed(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*right.Right)
		want string
	}{
		{"id", func(r *right.Right) { r.ID = "a b" }, "id "},
		{"version", func(r *right.Right) { r.Version = 0 }, "version"},
		{"kind", func(r *right.Right) { r.Kind = "gold" }, "kind"},
		{"nobody", func(r *right.Right) { r.Plates = nil }, "no vehicle"},
		{"plate as typed", func(r *right.Right) { r.Plates[0].Text = "粤b·12345" }, "plates[0]"},
		{"period", func(r *right.Right) { r.Periods[0].To = r.Periods[0].From }, "periods[0]"},
		{"places of a free list", func(r *right.Right) { r.Kind, r.Places = right.Free, 1 }, "places"},
		{"pattern of a month card", func(r *right.Right) { r.Match = &right.Match{Patterns: []string{"粤*"}} }, "match is for"},
		{"pattern of everybody", func(r *right.Right) { r.Kind, r.Match = right.Black, &right.Match{Patterns: []string{"*?"}} }, "patterns[0]"},
		{"arrears of nothing", func(r *right.Right) { r.Kind, r.Owes = right.Arrears, &right.Debt{Currency: "CNY", Stays: 1} }, "arrears need"},
		{"a card that owes", func(r *right.Right) { r.Owes = &right.Debt{Amount: 1, Currency: "CNY", Stays: 1} }, "only arrears"},
		{"entitled to nothing", func(r *right.Right) { r.Kind = right.Entitled }, "entitlements"},
	} {
		r := month("card", 0, "粤B12345")
		tc.edit(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v does not name %q", tc.name, err, tc.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"a","version":1,"kind":"permit","plates":[{"text":"粤B12345"}],"hours":[{"from":"08:00","to":"18:00"}]}`))
	f.Add([]byte(`{"id":"b","version":1,"kind":"special","match":{"classes":["police"],"patterns":["WJ*"]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := right.Decode(doc)
		if err != nil {
			return
		}
		again, err := right.Decode(must(json.Marshal(r)))
		if err != nil {
			t.Fatalf("%s is read and then refused: %v", doc, err)
		}
		s := setOf(t, again)
		for _, p := range []plate.Plate{car("粤B12345"), car("WJ12345"), {}} {
			v := s.Judge(right.Query{Plate: p, At: monday, Where: here})
			covers := s.Covers(right.Stay{Plate: p, Entry: monday, Exit: monday.AddDate(0, 0, 40), Uses: v.Uses, Where: here})
			for _, c := range covers {
				if c.Kind == tariff.RightCover && !c.Until.IsZero() && !c.From.Before(c.Until) {
					t.Errorf("a cover from %s to %s", c.From, c.Until)
				}
			}
		}
	})
}

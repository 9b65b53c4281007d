package plate

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in     string
		colour Colour
		text   string
		class  Class
	}{
		{"粤B12345", ColourBlue, "粤B12345", ClassSmall},
		{"粤B12345", ColourUnknown, "粤B12345", ClassSmall},
		{"粤B12345", ColourYellow, "粤B12345", ClassLarge},
		{" 粤 b·1234５ ", ColourBlue, "粤B12345", ClassSmall},
		{"粤Ｂ•12-345", ColourBlue, "粤B12345", ClassSmall},
		{"粤OI2O45", ColourBlue, "粤O12045", ClassSmall}, // the authority's letter stays, the serial has no I, O
		{"京AD12345", ColourGreen, "京AD12345", ClassNewEnergySmall},
		{"京AFA2345", ColourUnknown, "京AFA2345", ClassNewEnergySmall},
		{"京AK12345", ColourGreen, "京AK12345", ClassNewEnergySmall},
		{"京ADO2345", ColourGreen, "京AD02345", ClassNewEnergySmall},
		{"京A12345D", ColourYellowGreen, "京A12345D", ClassNewEnergyLarge},
		{"京A1234OF", ColourYellowGreen, "京A12340F", ClassNewEnergyLarge},
		{"京A123456", ColourGreen, "京A123456", ClassForeign},
		{"京AL12345", ColourGreen, "京AL12345", ClassForeign},
		{"鲁B1234挂", ColourYellow, "鲁B1234挂", ClassTrailer},
		{"鲁B12I4学", ColourYellow, "鲁B1214学", ClassTraining},
		{"苏A1234警", ColourWhite, "苏A1234警", ClassPolice},
		{"使224578", ColourBlack, "使224578", ClassEmbassy},
		{"224·578使", ColourBlack, "224578使", ClassEmbassy},
		{"沪A0023领", ColourBlack, "沪A0023领", ClassConsulate},
		{"粤Z1234港", ColourBlack, "粤Z1234港", ClassHongKong},
		{"粤Z1234澳", ColourBlack, "粤Z1234澳", ClassMacao},
		{"WJ京1234J", ColourWhite, "WJ京1234J", ClassArmedPolice},
		{"WJ31-12345", ColourWhite, "WJ3112345", ClassArmedPolice},
		{"WJ31-12345", ColourYellow, "WJ3112345", ClassForeign},
		{"VA12345", ColourWhite, "VA12345", ClassMilitary},
		{"VA12345", ColourUnknown, "VA12345", ClassMilitary},
		{"VA12345", ColourBlue, "VA12345", ClassForeign},
		{"军A12345", ColourWhite, "军A12345", ClassMilitary},
		{"川X0123应急", ColourWhite, "川X0123应急", ClassEmergency},
		{"民航A1234", ColourGreen, "民航A1234", ClassAviation},
		{"粤B12345临", ColourBlue, "粤B12345临", ClassTemporary},
		{"临粤B12345", ColourUnknown, "临粤B12345", ClassTemporary},
		{"京A1234试", ColourUnknown, "京A1234试", ClassTemporary},
		{"B-IO 123", ColourWhite, "BIO123", ClassForeign}, // letters of other countries stay
		{"АВ123С77", ColourWhite, "АВ123С77", ClassForeign},
		{"粤B1", ColourBlue, "粤B1", ClassForeign},
		{"", ColourBlue, "", ClassNone},
		{"  ", ColourUnknown, "", ClassNone},
		{"无牌车", ColourUnknown, "", ClassNone},
		{"_无_", ColourUnknown, "", ClassNone},
		{"unlicensed", ColourUnknown, "", ClassNone},
	} {
		got, err := Parse(c.in, c.colour)
		want := Plate{c.text, c.colour, c.class}
		if err != nil || got != want {
			t.Errorf("Parse(%q, %s) = {%s %s %s}, %v; want {%s %s %s}", c.in, c.colour,
				got.Text, got.Colour, got.Class, err, want.Text, want.Colour, want.Class)
		}
	}
	if p, err := Parse(strings.Repeat("A", maxRunes+1), ColourUnknown); err == nil {
		t.Errorf("a text of %d letters was taken for a plate of class %s", maxRunes+1, p.Class)
	}
	if p, err := Parse("粤B12345", colours); err == nil {
		t.Errorf("a colour out of range was taken: %v", p.Colour)
	}
}

func TestSameVehicle(t *testing.T) {
	blue, yellow := Plate{Text: "粤B12345", Colour: ColourBlue}, Plate{Text: "粤B12345", Colour: ColourYellow}
	unread, other := Plate{Text: "粤B12345"}, Plate{Text: "粤B12346"}
	none := Plate{}
	for _, c := range []struct {
		a, b Plate
		want bool
	}{
		{blue, blue, true}, {blue, unread, true}, {unread, unread, true}, {unread, yellow, true},
		{blue, yellow, false}, {unread, other, false}, {none, none, false},
	} {
		if got := SameVehicle(c.a, c.b); got != c.want {
			t.Errorf("SameVehicle(%+q, %+q) = %v, want %v", c.a.Text+c.a.Colour.String(), c.b.Text+c.b.Colour.String(), got, c.want)
		}
		if SameVehicle(c.a, c.b) != SameVehicle(c.b, c.a) {
			t.Errorf("SameVehicle is not symmetric for %q and %q", c.a.Text, c.b.Text)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"粤B12345": "粤B·**345", "粤b·d12345": "粤B·***345", "粤B1234警": "粤B·**34警", "ABC1234": "****234",
		"AB12C": "****C", "AB12": "****", "": "",
	} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
	if got := (Plate{Text: "粤B12345"}).String(); strings.Contains(got, "12") {
		t.Errorf("a printed plate shows its number: %s", got)
	}
}

func TestSimilar(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"粤B12345", "粤B12345", true},
		{"粤B12345", "粤B1234S", true},  // look-alike
		{"粤B12345", "粤81234S", true},  // two look-alikes
		{"粤B12345", "粤8I234S", false}, // three
		{"粤B0D345", "粤BDQ345", true},
		{"粤B12345", "湘B12345", true},  // province
		{"粤B12345", "湘8I2345", false}, // province and two look-alikes
		{"粤B12345", "粤B17345", true},  // one character
		{"粤B12345", "粤B17745", false},
		{"粤B12345", "粤B123456", true}, // one more
		{"粤B12345", "粤B2345", true},   // one less, in the middle
		{"粤B12345", "B12345", true},   // cut off in front
		{"粤B12345", "2345", true},
		{"粤B12345", "粤B12", true}, // cut off behind
		{"粤B12345", "345", false}, // too little left
		{"粤B12345", "粤C98765", false},
		{"", "", false},
		{"粤B12345", "", false},
	} {
		a, b := Plate{Text: c.a}, Plate{Text: c.b}
		if got := Similar(a, b); got != c.want {
			t.Errorf("Similar(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
		if Similar(a, b) != Similar(b, a) {
			t.Errorf("Similar is not symmetric for %q and %q", c.a, c.b)
		}
	}
}

func TestOneEditIsSimilar(t *testing.T) {
	char := rapid.SampledFrom([]rune("粤湘ABDIOQSZ0123456789"))
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SliceOfN(char, 5, 8).Draw(t, "plate")
		i := rapid.IntRange(0, len(r)-1).Draw(t, "at")
		edited := append([]rune{}, r...)
		switch rapid.SampledFrom([]string{"change", "lose", "gain"}).Draw(t, "edit") {
		case "change":
			edited[i] = char.Draw(t, "to")
		case "lose":
			edited = append(edited[:i], edited[i+1:]...)
		case "gain":
			edited = append(edited[:i], append([]rune{char.Draw(t, "new")}, edited[i:]...)...)
		}
		if !Similar(Plate{Text: string(r)}, Plate{Text: string(edited)}) {
			t.Fatalf("%q and %q are one edit apart and not similar", string(r), string(edited))
		}
	})
}

func TestJSON(t *testing.T) {
	for class := ClassNone; class < classes; class++ {
		for colour := ColourUnknown; colour < colours; colour++ {
			p := Plate{Text: "粤B12345", Colour: colour, Class: class}
			out, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var got Plate
			if err := json.Unmarshal(out, &got); err != nil || got != p {
				t.Errorf("%s read back as class %s colour %s, %v", out, got.Class, got.Colour, err)
			}
			if class.Chinese() == "" || colour.Chinese() == "" {
				t.Errorf("%s or %s has no Chinese name", class, colour)
			}
		}
	}
	out, err := json.Marshal(Plate{Text: "粤B12345", Colour: ColourYellowGreen, Class: ClassNewEnergyLarge})
	if want := `{"text":"粤B12345","colour":"yellow-green","class":"new-energy-large"}`; err != nil || string(out) != want {
		t.Errorf("Marshal = %s, %v; want %s", out, err, want)
	}
	var p Plate
	for _, bad := range []string{`{"colour":"pink"}`, `{"class":"tank"}`, `{"colour":1}`, `{"class":""}`} {
		if err := json.Unmarshal([]byte(bad), &p); err == nil {
			t.Errorf("Unmarshal(%s) was accepted", bad)
		}
	}
	if _, err := json.Marshal(Plate{Colour: colours}); err == nil {
		t.Error("a colour out of range was written")
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"粤B12345", "粤O·I2O45", "ＷＪ31-12345", "使224578", "川X0123应急", "ıſǆ\xff", "临粤BIOIOI", "京ADO2345", "粤Z1O34港"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Normalise(s)
		if !utf8.ValidString(once) {
			t.Fatalf("Normalise(%q) = %q is not UTF-8", s, once)
		}
		if twice := Normalise(once); twice != once {
			t.Fatalf("Normalise(%q) = %q, and again %q", s, once, twice)
		}
		if hidden, n := Mask(s), utf8.RuneCountInString(once); n > 0 && strings.Count(hidden, "*") < min(n, 2) {
			t.Fatalf("Mask(%q) = %q hides too little", s, hidden)
		}
	})
}

func FuzzParse(f *testing.F) {
	for i, s := range []string{"粤B12345", "无牌车", "", "VA12345", "京A12345D", "224·578使", strings.Repeat("粤", 30)} {
		f.Add(s, uint8(i))
	}
	f.Fuzz(func(t *testing.T, s string, colour uint8) {
		p, err := Parse(s, Colour(colour))
		if err != nil {
			return
		}
		if (p.Text == "") != (p.Class == ClassNone) {
			t.Fatalf("Parse(%q): text %q with class %s", s, p.Text, p.Class)
		}
		if again, err := Parse(p.Text, p.Colour); err != nil || again != p {
			t.Fatalf("Parse(%q) = %q %s; parsed again %q %s, %v", s, p.Text, p.Class, again.Text, again.Class, err)
		}
		if !p.None() && (!SameVehicle(p, p) || !Similar(p, p)) {
			t.Fatalf("Parse(%q) is not the same vehicle as itself", s)
		}
	})
}

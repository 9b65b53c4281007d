package money

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func ratGen() *rapid.Generator[Rat] {
	num := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100, 100), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 0}))
	den := rapid.OneOf(rapid.Int64Range(1, math.MaxInt64), rapid.Int64Range(1, 100))
	return rapid.Custom(func(t *rapid.T) Rat { return Rat{num.Draw(t, "num"), den.Draw(t, "den")} })
}

func toBig(r Rat) *big.Rat { return big.NewRat(r.norm().Num, r.norm().Den) }

// agree fails unless got is exactly want, or want does not fit and an error was given.
func agree(t *rapid.T, what string, got Rat, err error, want *big.Rat) {
	t.Helper()
	fits := want.Num().IsInt64() && want.Denom().IsInt64()
	switch {
	case fits && err != nil:
		t.Fatalf("%s: %v; want %s", what, err, want)
	case !fits && err == nil:
		t.Fatalf("%s = %s; want an overflow for %s", what, got, want)
	case fits && (got.Num != want.Num().Int64() || got.Den != want.Denom().Int64()):
		t.Fatalf("%s = %d/%d; want %s in lowest terms", what, got.Num, got.Den, want)
	}
}

func TestRatAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, s := ratGen().Draw(t, "r"), ratGen().Draw(t, "s")
		n := rapid.Int64().Draw(t, "n")
		br, bs := toBig(r), toBig(s)

		got, err := r.Add(s)
		agree(t, "add", got, err, new(big.Rat).Add(br, bs))
		got, err = r.Times(n)
		agree(t, "times", got, err, new(big.Rat).Mul(br, new(big.Rat).SetInt64(n)))
		if s.norm().Num != math.MinInt64 { // -s is needed on the way
			got, err = r.Sub(s)
			agree(t, "sub", got, err, new(big.Rat).Sub(br, bs))
		}
		if got, want := r.Cmp(s), br.Cmp(bs); got != want {
			t.Fatalf("%s cmp %s = %d, want %d", r, s, got, want)
		}

		// floor(r + 1/2)
		half := new(big.Rat).Add(br, big.NewRat(1, 2))
		floor := new(big.Int).Div(half.Num(), half.Denom())
		if got := r.Round(); int64(got) != floor.Int64() {
			t.Fatalf("round %s = %d, want %s", r, got, floor)
		}
	})
}

func TestRoundHalfUp(t *testing.T) {
	for _, c := range []struct {
		r    Rat
		want Amount
	}{
		{Rat{}, 0}, {Rat{1, 2}, 1}, {Rat{-1, 2}, 0}, {Rat{3, 2}, 2}, {Rat{-3, 2}, -1}, {Rat{1, 3}, 0}, {Rat{2, 3}, 1}, {Rat{500, 3}, 167},
	} {
		if got := c.r.Round(); got != c.want {
			t.Errorf("round %s = %d, want %d", c.r, got, c.want)
		}
	}
}

func TestRatJSON(t *testing.T) {
	for in, want := range map[string]string{`"1/3"`: `"1/3"`, `150`: `150`, `"150"`: `150`, `"6/4"`: `"3/2"`, `"-4/2"`: `-2`, `0`: `0`} {
		var r Rat
		if err := json.Unmarshal([]byte(in), &r); err != nil {
			t.Errorf("Unmarshal(%s): %v", in, err)
			continue
		}
		if out, err := json.Marshal(r); err != nil || string(out) != want {
			t.Errorf("%s read and written = %s, %v; want %s", in, out, err, want)
		}
	}
	for _, bad := range []string{`1.5`, `"1/0"`, `"1/-3"`, `"/3"`, `"1/"`, `""`, `"1/2/3"`, `true`, `1e3`, `"9223372036854775808"`, `"1/9223372036854775808"`, `{}`} {
		var r Rat
		if err := json.Unmarshal([]byte(bad), &r); err == nil {
			t.Errorf("Unmarshal(%s) was accepted as %s", bad, r)
		}
	}
}

func FuzzParseRat(f *testing.F) {
	for _, s := range []string{"1/3", "-5", "0/7", "1/0", "x", "9223372036854775807/9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRat(s)
		if err != nil {
			return
		}
		again, err := ParseRat(r.String())
		if err != nil || again != r {
			t.Fatalf("ParseRat(%q) = %s, read back as %s, %v", s, r, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"15.00", "-0.05", ".", "1e9", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s, CNY)
		if err != nil {
			return
		}
		again, err := Parse(a.String(), CNY)
		if err != nil || again != a {
			t.Fatalf("Parse(%q) = %d, read back as %d, %v", s, a, again, err)
		}
	})
}

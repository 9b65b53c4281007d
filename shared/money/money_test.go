package money

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestAmountText(t *testing.T) {
	for _, c := range []struct {
		amount          Amount
		currency        Currency
		str, dec, human string
	}{
		{1500, CNY, "15.00", "15.00", "¥15.00"},
		{0, CNY, "0.00", "0.00", "¥0.00"},
		{5, CNY, "0.05", "0.05", "¥0.05"},
		{-5, CNY, "-0.05", "-0.05", "-¥0.05"},
		{-12345, "HKD", "-123.45", "-123.45", "-HK$123.45"},
		{500, "JPY", "5.00", "500", "JP¥500"},
		{7, "KWD", "0.07", "0.007", "KWD 0.007"},
		{math.MinInt64, CNY, "-92233720368547758.08", "-92233720368547758.08", "-¥92233720368547758.08"},
		{math.MaxInt64, CNY, "92233720368547758.07", "92233720368547758.07", "¥92233720368547758.07"},
	} {
		if got := c.amount.String(); got != c.str {
			t.Errorf("Amount(%d).String() = %q, want %q", int64(c.amount), got, c.str)
		}
		if got := c.amount.Decimal(c.currency); got != c.dec {
			t.Errorf("Amount(%d).Decimal(%s) = %q, want %q", int64(c.amount), c.currency, got, c.dec)
		}
		if got := c.amount.Format(c.currency); got != c.human {
			t.Errorf("Amount(%d).Format(%s) = %q, want %q", int64(c.amount), c.currency, got, c.human)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency Currency
		want     Amount
		bad      bool
	}{
		{text: "15", currency: CNY, want: 1500},
		{text: "15.5", currency: CNY, want: 1550},
		{text: "-0.05", currency: CNY, want: -5},
		{text: "-92233720368547758.08", currency: CNY, want: math.MinInt64},
		{text: "500", currency: "JPY", want: 500},
		{text: "0.007", currency: "KWD", want: 7},
		{text: "92233720368547758.08", currency: CNY, bad: true},
		{text: "1.005", currency: CNY, bad: true},
		{text: "1.0", currency: "JPY", bad: true},
		{text: "", currency: CNY, bad: true},
		{text: "-", currency: CNY, bad: true},
		{text: ".5", currency: CNY, bad: true},
		{text: "5.", currency: CNY, bad: true},
		{text: "1e3", currency: CNY, bad: true},
		{text: "+5", currency: CNY, bad: true},
		{text: "--5", currency: CNY, bad: true},
		{text: "1,000", currency: CNY, bad: true},
		{text: " 5", currency: CNY, bad: true},
		{text: "１５", currency: CNY, bad: true},
	} {
		got, err := Parse(c.text, c.currency)
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("Parse(%q, %s) = %d, %v; want %d, error %v", c.text, c.currency, got, err, c.want, c.bad)
		}
	}
}

func TestParseReadsBackWhatDecimalWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Amount(rapid.Int64().Draw(t, "a"))
		c := rapid.SampledFrom([]Currency{CNY, "JPY", "KWD"}).Draw(t, "c")
		got, err := Parse(a.Decimal(c), c)
		if err != nil || got != a {
			t.Fatalf("Parse(%q) = %d, %v; want %d", a.Decimal(c), got, err, a)
		}
	})
}

func TestAmountArithmeticAgreesWithBig(t *testing.T) {
	fits := func(b *big.Int) bool { return b.IsInt64() }
	edge := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := edge.Draw(t, "a"), edge.Draw(t, "b")
		sum := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		diff := new(big.Int).Sub(big.NewInt(a), big.NewInt(b))
		if got, err := Amount(a).Add(Amount(b)); fits(sum) != (err == nil) || (err == nil && int64(got) != sum.Int64()) {
			t.Fatalf("%d + %d = %d, %v; want %s", a, b, got, err, sum)
		}
		if got, err := Amount(a).Sub(Amount(b)); fits(diff) != (err == nil) || (err == nil && int64(got) != diff.Int64()) {
			t.Fatalf("%d - %d = %d, %v; want %s", a, b, got, err, diff)
		}
	})
	if _, err := Sum(math.MaxInt64, 1); !errors.Is(err, ErrOverflow) {
		t.Errorf("Sum(max, 1): %v, want ErrOverflow", err)
	}
}

func TestCurrencyValid(t *testing.T) {
	for c, ok := range map[Currency]bool{"CNY": true, "XYZ": true, "cny": false, "": false, "CNYX": false, "C1Y": false} {
		if err := c.Valid(); (err == nil) != ok {
			t.Errorf("Currency(%q).Valid() = %v, want ok %v", c, err, ok)
		}
	}
}

func TestAmountJSON(t *testing.T) {
	out, err := json.Marshal(Amount(-1500))
	if err != nil || string(out) != "-1500" {
		t.Fatalf("Marshal = %s, %v", out, err)
	}
	var a Amount
	for _, bad := range []string{`"15"`, `1.5`, `1e3`, `9223372036854775808`} {
		if err := json.Unmarshal([]byte(bad), &a); err == nil {
			t.Errorf("Unmarshal(%s) was accepted as %d", bad, a)
		}
	}
}

package money

import "fmt"

// Currency is an ISO 4217 code in capitals: "CNY".
type Currency string

// CNY is the yuan, in fen.
const CNY Currency = "CNY"

// Valid says whether the code has the shape of a currency code; it does not say that such a currency exists.
func (c Currency) Valid() error {
	if len(c) == 3 {
		ok := true
		for i := range len(c) {
			ok = ok && c[i] >= 'A' && c[i] <= 'Z'
		}
		if ok {
			return nil
		}
	}
	return fmt.Errorf("money: currency %q is not three capital letters", string(c))
}

// Digits is the number of decimals of the currency, from ISO 4217; 2 for a code not listed there with another.
func (c Currency) Digits() int {
	switch c {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// Symbol is what stands before an amount. A currency without one here shows its code and a space.
func (c Currency) Symbol() string {
	switch c {
	case "CNY":
		return "¥"
	case "JPY":
		return "JP¥"
	case "HKD":
		return "HK$"
	case "MOP":
		return "MOP$"
	case "TWD":
		return "NT$"
	case "SGD":
		return "S$"
	case "AUD":
		return "A$"
	case "NZD":
		return "NZ$"
	case "CAD":
		return "C$"
	case "USD":
		return "$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "KRW":
		return "₩"
	}
	return string(c) + " "
}

package plate

import "strings"

// Mask hides the middle of a plate for logs and public screens: "粤B·**345". Text of another form keeps at most its
// last three characters, and text of four or fewer keeps none. There is one star for each hidden character.
func Mask(text string) string {
	r := []rune(Normalise(text))
	n := len(r)
	if n >= 7 && province(r[0]) && letter(r[1]) {
		return string(r[:2]) + "·" + strings.Repeat("*", n-5) + string(r[n-3:])
	}
	if n <= 4 {
		return strings.Repeat("*", n)
	}
	shown := min(3, n-4)
	return strings.Repeat("*", n-shown) + string(r[n-shown:])
}

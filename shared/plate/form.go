package plate

import (
	"strings"
	"unicode"
)

const provinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

// Normalise brings a plate as people type it and readers send it to one form: half-width, capitals, without spaces,
// dots, hyphens and invisible characters. In the serial part of a GA 36 plate, where the letters I and O do not
// exist, they become 1 and 0; the authority's letter (粤O) and plates of other forms keep theirs. Han stays.
func Normalise(text string) string {
	r := make([]rune, 0, len(text))
	for _, c := range text {
		if c >= '！' && c <= '～' { // full-width forms stand in the order of ASCII
			c -= '！' - '!'
		}
		c = unicode.ToUpper(c)
		if !dropped(c) {
			r = append(r, c)
		}
	}
	if f := shape(r); f.han {
		for i := f.from; i < f.to; i++ {
			switch r[i] {
			case 'I':
				r[i] = '1'
			case 'O':
				r[i] = '0'
			}
		}
	}
	return string(r)
}

func dropped(c rune) bool {
	switch c {
	case '·', '•', '・', '･', '.', '‧', '∙', '-', '‐', '–', '—', unicode.ReplacementChar:
		return true
	}
	return unicode.IsSpace(c) || !unicode.IsPrint(c)
}

// form is what the letters of a plate alone say.
type form struct {
	class    Class
	from, to int  // the serial part
	han      bool // a Chinese character marks the plate as GA 36
}

// shape recognises a plate's form. It treats I and O as any letter, so that it sees the same before and after they
// are replaced. The class of an ordinary plate is ClassSmall here; only its colour tells more.
func shape(r []rune) form {
	n := len(r)
	serial := func(class Class, from, to, least, most int, han bool) form {
		if to-from < least || to-from > most {
			return form{class: ClassForeign}
		}
		for _, c := range r[from:to] {
			if !letter(c) && !digit(c) {
				return form{class: ClassForeign}
			}
		}
		return form{class, from, to, han}
	}
	switch {
	case n < 5:
		return form{class: ClassForeign}
	case r[0] == '民' && r[1] == '航':
		return serial(ClassAviation, 2, n, 4, 6, true)
	case r[0] == '使':
		return serial(ClassEmbassy, 1, n, 6, 6, true)
	case r[n-1] == '使' && !province(r[0]):
		return serial(ClassEmbassy, 0, n-1, 6, 6, true)
	case r[0] == '军' && letter(r[1]):
		return serial(ClassMilitary, 2, n, 5, 5, true)
	case r[0] == '临' && province(r[1]) && letter(r[2]):
		return serial(ClassTemporary, 3, n, 4, 6, true)
	case r[0] == 'W' && r[1] == 'J' && province(r[2]):
		return serial(ClassArmedPolice, 3, n, 4, 5, true)
	case r[0] == 'W' && r[1] == 'J':
		return serial(ClassArmedPolice, 2, n, 5, 7, false)
	case province(r[0]) && letter(r[1]):
		return registered(r, serial)
	case n == 7 && letter(r[0]) && letter(r[1]) && strings.ContainsRune("VKHBSLJNGCEZ", r[0]):
		f := serial(ClassMilitary, 2, n, 5, 5, false)
		for _, c := range r[n-3:] { // the tail of a military serial is digits
			if !digit(c) {
				return form{class: ClassForeign}
			}
		}
		return f
	}
	return form{class: ClassForeign}
}

// registered is the form of a plate that begins with a province and the authority's letter.
func registered(r []rune, serial func(class Class, from, to, least, most int, han bool) form) form {
	n := len(r)
	switch r[n-1] {
	case '急':
		if r[n-2] == '应' {
			return serial(ClassEmergency, 2, n-2, 3, 5, true)
		}
		return form{class: ClassForeign}
	case '挂':
		return serial(ClassTrailer, 2, n-1, 4, 4, true)
	case '学':
		return serial(ClassTraining, 2, n-1, 4, 4, true)
	case '警':
		return serial(ClassPolice, 2, n-1, 4, 4, true)
	case '使':
		return serial(ClassEmbassy, 2, n-1, 4, 4, true)
	case '领':
		return serial(ClassConsulate, 2, n-1, 4, 4, true)
	case '港':
		return serial(ClassHongKong, 2, n-1, 4, 4, true)
	case '澳':
		return serial(ClassMacao, 2, n-1, 4, 4, true)
	case '临', '试', '超': // temporary plates of ordinary, test and outsize vehicles
		return serial(ClassTemporary, 2, n-1, 4, 6, true)
	}
	if n == 8 {
		f := serial(ClassNewEnergySmall, 2, n, 6, 6, true)
		if f.class == ClassNewEnergySmall {
			f.class = newEnergy(r[2:])
		}
		return f
	}
	return serial(ClassSmall, 2, n, 5, 5, true)
}

// newEnergy tells the two new-energy forms apart. Small: an energy letter first, then a letter or digit, then four
// digits. Large: five digits, then the energy letter. Energy letters are A–K without I (A–E pure electric, of which
// D came first; F–K others, of which F came first). O and I in a digit's place count as the digits they stand for.
func newEnergy(s []rune) Class {
	energy := func(c rune) bool { return c >= 'A' && c <= 'K' && c != 'I' }
	number := func(s []rune) bool {
		for _, c := range s {
			if !digit(c) && c != 'I' && c != 'O' {
				return false
			}
		}
		return true
	}
	switch {
	case energy(s[0]) && number(s[2:]):
		return ClassNewEnergySmall
	case energy(s[5]) && number(s[:5]):
		return ClassNewEnergyLarge
	}
	return ClassForeign
}

// classify adds what the colour says to what the form says.
func classify(r []rune, colour Colour) Class {
	f := shape(r)
	switch {
	case f.class == ClassSmall && colour == ColourYellow:
		return ClassLarge
	case !f.han && colour.Known() && colour != ColourWhite:
		// Without a Chinese character only a white plate is one of the forces'; any other with such letters came
		// from abroad.
		return ClassForeign
	}
	return f.class
}

func province(c rune) bool { return strings.ContainsRune(provinces, c) }
func letter(c rune) bool   { return c >= 'A' && c <= 'Z' }
func digit(c rune) bool    { return c >= '0' && c <= '9' }

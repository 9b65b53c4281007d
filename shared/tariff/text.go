package tariff

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a booth without the system's zone files must price as any other machine does

	"lotkeeper/shared/tariff/strict"
)

// Seconds is a length of time; its JSON form is a whole number. "1h30m" is read too: days, hours, minutes, seconds.
type Seconds int64

// UnmarshalJSON reads 5400 and "1h30m".
func (s *Seconds) UnmarshalJSON(data []byte) error {
	text := string(data)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*s = Seconds(n)
		return nil
	}
	bad := strict.Wrong(notSpan, text)
	if len(text) < 3 || text[0] != '"' || text[len(text)-1] != '"' {
		return bad
	}
	text = text[1 : len(text)-1]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*s = Seconds(n)
		return nil
	}
	var sum Seconds
	units := "dhms"
	for text != "" {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		if digits == 0 || digits > 9 || digits == len(text) {
			return bad
		}
		i := strings.IndexByte(units, text[digits])
		if i < 0 {
			return bad
		}
		n, err := strconv.ParseInt(text[:digits], 10, 64)
		if err != nil {
			return bad
		}
		sum += Seconds(n) * map[byte]Seconds{'d': day, 'h': 3600, 'm': 60, 's': 1}[units[i]]
		units, text = units[i+1:], text[digits+1:]
	}
	*s = sum
	return nil
}

// Text is something for customers to read, in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// ReadShort makes one string serve for both languages.
func (t *Text) ReadShort(both string) { *t = Text{both, both} }

// Clock is a time of day in seconds after midnight, 0 to 86400. Its text form is "08:00", "08:00:30" or "24:00".
type Clock int

const day = 24 * 60 * 60

// String is "08:00", with seconds only where there are some.
func (c Clock) String() string {
	if c%60 != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", c/3600, c/60%60, c%60)
	}
	return fmt.Sprintf("%02d:%02d", c/3600, c/60%60)
}

// MarshalText writes "08:00".
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "08:00", "08:00:30" and, for an end, "24:00".
func (c *Clock) UnmarshalText(text []byte) error {
	bad := strict.Wrong(notClock, string(text))
	parts := strings.Split(string(text), ":")
	if len(parts) < 2 || len(parts) > 3 {
		return bad
	}
	sum, unit := 0, 3600
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) != 2 || (i > 0 && n > 59) {
			return bad
		}
		sum, unit = sum+int(n)*unit, unit/60
	}
	if sum > day {
		return bad
	}
	*c = Clock(sum)
	return nil
}

// Zone is a time zone of the IANA database, looked up once, when it is read. The zero Zone is UTC.
type Zone struct{ loc *time.Location }

// LoadZone finds a zone by name, such as "Asia/Shanghai". "Local" is refused: a bill must not depend on where it is made.
func LoadZone(name string) (Zone, error) {
	if name == "" || name == "Local" {
		return Zone{}, strict.Wrong(notZone, name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return Zone{}, strict.Wrong(notZone, name)
	}
	return Zone{loc}, nil
}

// Location is the zone for package time.
func (z Zone) Location() *time.Location {
	if z.loc == nil {
		return time.UTC
	}
	return z.loc
}

// String is the zone's name.
func (z Zone) String() string { return z.Location().String() }

// Equal says whether both are the zone of one name.
func (z Zone) Equal(other Zone) bool { return z.String() == other.String() }

// MarshalText writes the name.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// UnmarshalText reads a name.
func (z *Zone) UnmarshalText(text []byte) error {
	loaded, err := LoadZone(string(text))
	if err != nil {
		return err
	}
	*z = loaded
	return nil
}

// text writes a length of time for people: "30分钟", "30 minutes".
func (s Seconds) text() Text {
	switch {
	case s != 0 && s%3600 == 0:
		return Text{fmt.Sprintf("%d小时", s/3600), plural(int64(s/3600), "hour")}
	case s != 0 && s%60 == 0:
		return Text{fmt.Sprintf("%d分钟", s/60), plural(int64(s/60), "minute")}
	}
	return Text{fmt.Sprintf("%d秒", s), plural(int64(s), "second")}
}

// per is the length of time after "per": "小时", "hour", but "2小时", "2 hours".
func (s Seconds) per() Text {
	t := s.text()
	if en, one := strings.CutPrefix(t.EN, "1 "); one {
		return Text{strings.TrimPrefix(t.ZH, "1"), en}
	}
	return t
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.FormatInt(n, 10) + " " + word + "s"
}

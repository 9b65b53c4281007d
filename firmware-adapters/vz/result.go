package vz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/plate"
)

// message is the JSON part of a packet. The fields are those of the camera's TCP protocol; others are ignored.
type message struct {
	Cmd       string       `json:"cmd"`
	ID        json.Number  `json:"-"`
	RawID     any          `json:"id"` // a number in results, the caller's text in answers
	Value     string       `json:"value"`
	State     *int         `json:"state_code"`
	ErrorText string       `json:"error_msg"`
	Plate     *plateResult `json:"PlateResult"`
	FullSize  int          `json:"fullImgSize"`
	ClipSize  int          `json:"clipImgSize"`
	TimeText  string       `json:"timeString"`
}

type plateResult struct {
	License    string `json:"license"`
	PlateID    int64  `json:"plateid"`
	Confidence *int   `json:"confidence"`
	ColourType int    `json:"colorType"`
	Trigger    int    `json:"triggerType"`
	Offline    int    `json:"isoffline"`
	TimeStamp  *struct {
		Timeval struct {
			Sec  int64 `json:"sec"`
			USec int64 `json:"usec"`
		} `json:"Timeval"`
	} `json:"timeStamp"`
}

// decode splits a JSON packet's body into its message and its pictures. text is the JSON alone, as it came (GBK).
func decode(body []byte) (m message, text []byte, pictures []byte, err error) {
	text, pictures, _ = bytes.Cut(body, []byte{0})
	if len(text) > MaxJSON {
		return m, nil, nil, fmt.Errorf("%w: JSON of %d bytes, at most %d are taken", ErrFrame, len(text), MaxJSON)
	}
	utf8, err := simplifiedchinese.GBK.NewDecoder().Bytes(text)
	if err != nil {
		return m, text, nil, fmt.Errorf("%w: not GBK: %w", ErrFrame, err)
	}
	dec := json.NewDecoder(bytes.NewReader(utf8))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		return m, text, nil, fmt.Errorf("%w: not JSON: %w", ErrFrame, err)
	}
	if n, ok := m.RawID.(json.Number); ok {
		m.ID = n
	}
	return m, text, pictures, nil
}

// idText is the id of an answer, however the camera wrote it.
func (m message) idText() string {
	if m.RawID == nil {
		return ""
	}
	return fmt.Sprint(m.RawID)
}

// event makes an event of a recognition. The ID holds the camera's serial number, its number of the record and the
// moment it gave it, because cameras count from one again after a restart.
func (m message) event(serial string, text, pictures []byte, received time.Time, zone *time.Location) (driver.Event, error) {
	r := m.Plate
	p, err := parsePlate(r.License, r.ColourType)
	if err != nil {
		return driver.Event{}, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	photos, err := m.photos(pictures)
	if err != nil {
		return driver.Event{}, err
	}
	confidence := -1
	if r.Confidence != nil && *r.Confidence >= 0 && *r.Confidence <= 100 {
		confidence = *r.Confidence
	}
	at := m.time(zone)
	return driver.Event{
		ID:         m.eventID(serial, at),
		DeviceTime: at,
		Received:   received,
		Late:       r.Offline != 0,
		Raw:        text,
		Body:       driver.PlateRead{Plate: p, Confidence: confidence, Trigger: trigger(r.Trigger), Photos: photos},
	}, nil
}

func (m message) eventID(serial string, at time.Time) string {
	number := "i" + m.ID.String()
	if m.Plate.PlateID > 0 {
		number = fmt.Sprintf("p%d", m.Plate.PlateID)
	}
	if at.IsZero() {
		return serial + "/" + number
	}
	return fmt.Sprintf("%s/%s/%d", serial, number, at.UnixMilli())
}

// time is when the camera says it read the plate: Unix time where it gives that, else its local wall clock in zone.
func (m message) time(zone *time.Location) time.Time {
	if ts := m.Plate.TimeStamp; ts != nil && ts.Timeval.Sec > 0 {
		return time.Unix(ts.Timeval.Sec, ts.Timeval.USec%1_000_000*1000).UTC()
	}
	if t, err := time.ParseInLocation(time.DateTime, m.TimeText, zone); err == nil {
		return t.UTC()
	}
	return time.Time{}
}

// photos cuts the pictures off the packet: the scene first, then the plate. A picture that is no JPEG is left out; the
// read is worth more than its picture.
func (m message) photos(b []byte) ([]driver.Photo, error) {
	var out []driver.Photo
	for _, part := range []struct {
		kind string
		size int
	}{{"scene", m.FullSize}, {"plate", m.ClipSize}} {
		switch {
		case part.size < 0 || part.size > MaxPicture:
			return nil, fmt.Errorf("%w: picture of %d bytes announced, at most %d are taken", ErrFrame, part.size, MaxPicture)
		case part.size > len(b):
			return nil, fmt.Errorf("%w: picture of %d bytes announced, %d came", ErrFrame, part.size, len(b))
		case part.size == 0:
			continue
		}
		picture := b[:part.size]
		b = b[part.size:]
		if bytes.HasPrefix(picture, []byte{0xFF, 0xD8}) {
			out = append(out, driver.Photo{Kind: part.kind, JPEG: picture})
		}
	}
	return out, nil
}

// parsePlate maps the camera's colour numbers and its ways to say "no plate".
func parsePlate(license string, colour int) (plate.Plate, error) {
	switch license {
	case "", "_无_", "无牌", "无牌车":
		return plate.Plate{}, nil
	}
	c := plate.ColourUnknown
	switch colour {
	case 1:
		c = plate.ColourBlue
	case 2:
		c = plate.ColourYellow
	case 3:
		c = plate.ColourWhite
	case 4:
		c = plate.ColourBlack
	case 5:
		c = plate.ColourGreen
	case 6:
		c = plate.ColourYellowGreen
	}
	return plate.Parse(license, c)
}

// trigger names what made the camera read; the number is a set of bits, of which the most telling one counts.
func trigger(bits int) string {
	switch {
	case bits&4 != 0:
		return "soft"
	case bits&2 != 0:
		return "loop"
	case bits&(1|8) != 0:
		return "video"
	}
	return ""
}

package vz

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/plate"
)

func TestGoldenGetSN(t *testing.T) {
	want, err := hex.DecodeString("565A00000000000F7B22636D64223A22676574736E227D")
	if err != nil {
		t.Fatal(err)
	}
	if got := AppendPacket(nil, Packet{Body: []byte(`{"cmd":"getsn"}`)}); !bytes.Equal(got, want) {
		t.Errorf("getsn = % x, want % x", got, want)
	}
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(want), "byte by byte": iotest.OneByteReader(bytes.NewReader(want))} {
		p, err := ReadPacket(bufio.NewReader(r))
		if err != nil || p.Type != TypeJSON || string(p.Body) != `{"cmd":"getsn"}` {
			t.Errorf("%s: ReadPacket = %d %q, %v", name, p.Type, p.Body, err)
		}
	}
}

// transcript reads a packet from its hexadecimal form.
func transcript(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	body, err := hex.DecodeString(strings.Join(strings.Fields(string(b)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestTranscripts(t *testing.T) {
	zone := time.FixedZone("+08:00", 8*3600)
	received := time.Date(2022, 7, 25, 11, 12, 55, 0, time.UTC)
	blue := func(text string, c plate.Colour) plate.Plate {
		p, err := plate.Parse(text, c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		file   string
		id     string
		at     time.Time
		late   bool
		read   driver.PlateRead
		photos int
	}{
		{
			"local_time.hex", "sn/i112/1658747570000", time.Date(2022, 7, 25, 11, 12, 50, 0, time.UTC), false,
			driver.PlateRead{Plate: blue("苏PC3K36", plate.ColourUnknown), Confidence: -1}, 1,
		},
		{
			"unix_time_offline.hex", "sn/p21085/1686299994687", time.Unix(1686299994, 687772000).UTC(), true,
			driver.PlateRead{Plate: blue("粤Z9065澳", plate.ColourBlack), Confidence: 96, Trigger: "soft"}, 2,
		},
		{
			"no_plate.hex", "sn/p7/1686299994000", time.Unix(1686299994, 0).UTC(), false,
			driver.PlateRead{Confidence: 0, Trigger: "loop"}, 0,
		},
	} {
		t.Run(c.file, func(t *testing.T) {
			p, err := ReadPacket(bufio.NewReader(bytes.NewReader(transcript(t, c.file))))
			if err != nil {
				t.Fatal(err)
			}
			m, text, pictures, err := decode(p.Body)
			if err != nil {
				t.Fatal(err)
			}
			e, err := m.event("sn", text, pictures, received, zone)
			if err != nil {
				t.Fatal(err)
			}
			got := e.Body.(driver.PlateRead)
			if len(got.Photos) != c.photos {
				t.Errorf("%d pictures, want %d", len(got.Photos), c.photos)
			}
			if e.ID != c.id || !e.DeviceTime.Equal(c.at) || e.Late != c.late || got.Plate != c.read.Plate || got.Confidence != c.read.Confidence || got.Trigger != c.read.Trigger {
				t.Errorf("event %q at %v late %v %+v\nwant %q at %v late %v %+v", e.ID, e.DeviceTime, e.Late, got, c.id, c.at, c.late, c.read)
			}
			if bytes.Contains(e.Raw, []byte{0xFF, 0xD8, 0xFF}) {
				t.Error("the raw frame holds the picture")
			}
		})
	}
}

func TestMalformedPackets(t *testing.T) {
	long := AppendPacket(nil, Packet{Body: make([]byte, 10)})
	binary.BigEndian.PutUint32(long[4:], MaxPacket+1)
	for name, b := range map[string][]byte{
		"magic": []byte("XY\x00\x00\x00\x00\x00\x00"), "too long": long, "heartbeat with a body": AppendPacket(nil, Packet{Type: TypeHeartbeat, Body: []byte("x")}),
	} {
		if _, err := ReadPacket(bufio.NewReader(bytes.NewReader(b))); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
	for name, body := range map[string]string{
		"no JSON": "hello", "empty": "", "cut": `{"cmd":"ivs`, "too much JSON": `{"cmd":"` + strings.Repeat("x", MaxJSON) + `"}`,
	} {
		if _, _, _, err := decode([]byte(body)); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
	for name, body := range map[string]string{
		"picture longer than the packet": `{"cmd":"ivs_result","PlateResult":{"license":"x"},"fullImgSize":99}`,
		"negative picture":               `{"cmd":"ivs_result","PlateResult":{"license":"x"},"fullImgSize":-1}`,
		"giant picture":                  `{"cmd":"ivs_result","PlateResult":{"license":"x"},"fullImgSize":99999999}`,
		"a plate of a thousand letters":  `{"cmd":"ivs_result","PlateResult":{"license":"` + strings.Repeat("A", 1000) + `"}}`,
	} {
		m, text, pictures, err := decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.event("sn", text, pictures, time.Unix(0, 0), time.UTC); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
}

// TestSampleSettingsFile: the settings that the README shows.
func TestSampleSettingsFile(t *testing.T) {
	b, err := os.ReadFile("testdata/settings.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(json.RawMessage(b), driver.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now}); err != nil {
		t.Error(err)
	}
}

// FuzzPacket: whatever comes, nothing panics, and what is accepted keeps the limits.
func FuzzPacket(f *testing.F) {
	for _, name := range []string{"local_time.hex", "unix_time_offline.hex", "no_plate.hex"} {
		f.Add(transcript(f, name))
	}
	f.Add([]byte("VZ\x00\x00\x00\x00\x00\x10{\"cmd\":\"getsn\"}\x00"))
	f.Add([]byte("VZ\x01\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		for {
			p, err := ReadPacket(r)
			if err != nil {
				return
			}
			m, text, pictures, err := decode(p.Body)
			if err != nil || m.Plate == nil {
				continue
			}
			e, err := m.event("sn", text, pictures, time.Unix(1, 0), time.UTC)
			if err != nil {
				continue
			}
			read := e.Body.(driver.PlateRead)
			if e.ID == "" || read.Confidence < -1 || read.Confidence > 100 {
				t.Fatalf("accepted %+v", e)
			}
			for _, p := range read.Photos {
				if len(p.JPEG) > MaxPicture {
					t.Fatalf("picture of %d bytes", len(p.JPEG))
				}
			}
		}
	})
}

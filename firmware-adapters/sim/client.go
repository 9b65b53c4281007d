package sim

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lotkeeper/firmware-adapters/vz"
	"lotkeeper/shared/plate"
)

const (
	cameraHeartbeat = 5 * time.Second
	cameraResend    = 5 * time.Second
	cameraTries     = 4 // on one connection
)

// client is one connection to a camera.
type client struct {
	camera *Camera
	conn   net.Conn
	woken  chan struct{}
	out    chan []byte // answers to commands

	// under the camera's mutex
	subscribed, offline bool
	pictures            int // -1 none, 0 scene, 1 plate, 2 both
	flying              []*record
}

func newClient(c *Camera, conn net.Conn) *client {
	return &client{camera: c, conn: conn, woken: make(chan struct{}, 1), out: make(chan []byte, 16)}
}

func (cl *client) cut() { _ = cl.conn.Close() }

func (cl *client) wake() {
	select {
	case cl.woken <- struct{}{}:
	default:
	}
}

// serve talks to the client until either end closes.
func (cl *client) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, cl.cut)
	defer stop()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer cancel()
		r := bufio.NewReader(cl.conn)
		for {
			p, err := vz.ReadPacket(r)
			if err != nil {
				return
			}
			if p.Type == vz.TypeJSON {
				cl.command(ctx, p.Body)
			}
		}
	}()
	cl.write(ctx)
	cancel()
	cl.cut()
	<-read
}

func (cl *client) write(ctx context.Context) {
	beat := time.NewTicker(cameraHeartbeat)
	defer beat.Stop()
	again := time.NewTicker(cameraResend / 5)
	defer again.Stop()
	for {
		var frame []byte
		select {
		case <-ctx.Done():
			return
		case frame = <-cl.out:
		case <-beat.C:
			frame = vz.AppendPacket(nil, vz.Packet{Type: vz.TypeHeartbeat})
		case <-cl.woken:
		case <-again.C:
		}
		if frame != nil {
			if _, err := cl.conn.Write(frame); err != nil {
				return
			}
			continue
		}
		if !cl.deliver() {
			return
		}
	}
}

// deliver sends what is due; false when the connection is over.
func (cl *client) deliver() bool {
	for {
		r, pictures, torn := cl.next()
		if r == nil {
			return true
		}
		frame, err := cl.camera.frame(r, pictures)
		if err != nil {
			cl.camera.env.Log.Error("camera cannot make a picture", "camera", cl.camera.serial, "err", err)
			return false
		}
		if torn {
			frame = frame[:len(frame)/2]
		}
		if _, err := cl.conn.Write(frame); err != nil || torn {
			return false
		}
	}
}

// next picks what to send: what is new at once, what is from memory one at a time, what was not acknowledged again.
func (cl *client) next() (*record, int, bool) {
	c := cl.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	if !cl.subscribed {
		return nil, 0, false
	}
	now := time.Now()
	busy := slices.ContainsFunc(cl.flying, func(r *record) bool { return r.late })
	for _, r := range c.records {
		switch {
		case r.client == nil && !r.late:
		case r.client == nil && cl.offline && !busy:
		case r.client == cl && cl.offline && now.Sub(r.sent) >= cameraResend && r.tries < cameraTries:
			c.stats.Resent++
		default:
			continue
		}
		r.client, r.sent = cl, now
		r.tries++
		c.stats.Sent++
		copied := *r
		if cl.offline {
			cl.flying = append(cl.flying, r)
		} else {
			c.strike(r) // nobody will acknowledge it
		}
		torn := c.tear > 0
		if torn {
			c.tear--
			c.stats.Torn++
		}
		return &copied, cl.pictures, torn
	}
	return nil, 0, false
}

func (c *Camera) strike(r *record) {
	c.records = slices.DeleteFunc(c.records, func(other *record) bool { return other == r })
}

// frame makes the packet of a record.
func (c *Camera) frame(r *record, pictures int) ([]byte, error) {
	var scene, clip []byte
	if pictures >= 0 {
		var err error
		if scene, clip, err = c.painter.Scene(r.reading.Shown, c.caption, r.reading.At); err != nil {
			return nil, err
		}
		if pictures == 0 {
			clip = nil
		}
		if pictures == 1 {
			scene = nil
		}
	}
	license, late := r.reading.Plate.Text, 0
	if r.reading.Plate.None() {
		license = "_无_"
	}
	if r.late {
		late = 1
	}
	text, err := json.Marshal(map[string]any{
		"cmd": "ivs_result", "id": r.number, "imageformat": "jpg", "fullImgSize": len(scene), "clipImgSize": len(clip),
		"timeString": r.reading.At.In(time.FixedZone("", 8*3600)).Format(time.DateTime),
		"PlateResult": map[string]any{
			"license": license, "plateid": r.number, "confidence": r.reading.Confidence,
			"colorType": colourNumber(r.reading.Plate.Colour), "triggerType": r.reading.Trigger, "isoffline": late,
			"timeStamp": map[string]any{"Timeval": map[string]any{
				"sec": r.reading.At.Unix(), "usec": r.reading.At.Nanosecond() / 1000,
			}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	body, err := simplifiedchinese.GBK.NewEncoder().Bytes(text)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	body = append(body, 0)
	body = append(append(body, scene...), clip...)
	return vz.AppendPacket(nil, vz.Packet{Type: vz.TypeJSON, Body: body}), nil
}

func colourNumber(c plate.Colour) int {
	switch c {
	case plate.ColourBlue:
		return 1
	case plate.ColourYellow:
		return 2
	case plate.ColourWhite:
		return 3
	case plate.ColourBlack:
		return 4
	case plate.ColourGreen:
		return 5
	case plate.ColourYellowGreen:
		return 6
	case plate.ColourUnknown:
	}
	return 0
}

// command does what a client asks.
func (cl *client) command(ctx context.Context, body []byte) {
	for len(body) > 0 && body[len(body)-1] == 0 { // the vendor's own sample counts a trailing NUL
		body = body[:len(body)-1]
	}
	var m struct {
		Cmd       string `json:"cmd"`
		ID        any    `json:"id"`
		Enable    *bool  `json:"enable"`
		Image     bool   `json:"image"`
		ImageType int    `json:"image_type"`
		Response  string `json:"response"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		cl.camera.env.Log.Warn("camera got no JSON", "camera", cl.camera.serial, "err", err)
		return
	}
	answer := map[string]any{"cmd": m.Cmd, "state_code": 200}
	if m.ID != nil {
		answer["id"] = m.ID
	}
	c := cl.camera
	switch m.Cmd {
	case "getsn":
		answer["value"] = c.serial
	case "ivsresult":
		c.mu.Lock()
		cl.subscribed = m.Enable == nil || *m.Enable
		cl.pictures = m.ImageType
		if !m.Image {
			cl.pictures = -1
		}
		c.mu.Unlock()
	case "offline":
		c.mu.Lock()
		cl.offline = true
		c.mu.Unlock()
	case "ivs_result":
		cl.acknowledged(m.Response)
		return
	case "trigger":
		c.mu.Lock()
		look := c.trigger
		c.mu.Unlock()
		if look == nil {
			answer["state_code"], answer["error_msg"] = 404, "nothing to read"
		} else if r, ok := look(); ok {
			r.Trigger = 4
			c.Read(r)
		}
	default:
		answer["state_code"], answer["error_msg"] = 400, "unknown command"
	}
	defer cl.wake()
	c.mu.Lock()
	mute := c.mute && m.Cmd != "getsn" // a camera that does not even tell its number is no camera
	c.mu.Unlock()
	text, err := json.Marshal(answer)
	if err != nil || mute {
		return
	}
	select {
	case cl.out <- vz.AppendPacket(nil, vz.Packet{Type: vz.TypeJSON, Body: text}):
	case <-ctx.Done():
	}
}

// acknowledged strikes the record sent first of those under way: acknowledgements carry no number.
func (cl *client) acknowledged(response string) {
	c := cl.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	if response != "ok" || len(cl.flying) == 0 {
		return
	}
	r := cl.flying[0]
	cl.flying = cl.flying[1:]
	if slices.Contains(c.records, r) {
		c.strike(r)
		c.stats.Acknowledged++
	}
	cl.wake()
}

package sim

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"strings"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"lotkeeper/shared/plate"
)

// hanzi holds 32×32 bitmaps, one line a character, of the Han characters that plates carry, drawn from Noto Sans CJK
// (SIL Open Font License).
//
//go:embed hanzi.txt
var hanzi string

const (
	sceneWidth, sceneHeight = 640, 360
	plateWidth, plateHeight = 220, 56
)

// Painter draws what a camera would see. It is safe for concurrent use.
type Painter struct {
	glyphs map[rune][32]uint32
	font   *opentype.Font
}

// NewPainter reads the fonts it draws with.
func NewPainter() (*Painter, error) {
	p := &Painter{glyphs: map[rune][32]uint32{}}
	for line := range strings.Lines(hanzi) {
		name, bits, _ := strings.Cut(strings.TrimSpace(line), " ")
		b, err := hex.DecodeString(bits)
		if err != nil || len(b) != 128 || len([]rune(name)) != 1 {
			return nil, fmt.Errorf("bitmap of %q is damaged: %w", name, err)
		}
		var g [32]uint32
		for y := range g {
			g[y] = binary.BigEndian.Uint32(b[4*y:])
		}
		p.glyphs[[]rune(name)[0]] = g
	}
	var err error
	if p.font, err = opentype.Parse(gomonobold.TTF); err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return p, nil
}

// Scene is a picture of a car with its plate, and Plate the plate alone; both are JPEG. A car without a plate gives no
// plate picture.
func (p *Painter) Scene(pl plate.Plate, caption string, at time.Time) (scene, clip []byte, err error) {
	img := image.NewRGBA(image.Rect(0, 0, sceneWidth, sceneHeight))
	fill(img, img.Bounds(), color.RGBA{0xB8, 0xC4, 0xCE, 0xFF})
	fill(img, image.Rect(0, 210, sceneWidth, sceneHeight), color.RGBA{0x6A, 0x6E, 0x72, 0xFF})
	for x := 20; x < sceneWidth; x += 120 {
		fill(img, image.Rect(x, 330, x+60, 338), color.RGBA{0xE8, 0xE8, 0xE0, 0xFF})
	}
	p.car(img, pl)
	if !pl.None() {
		board, err := p.plate(pl)
		if err != nil {
			return nil, nil, err
		}
		at := image.Rect(0, 0, plateWidth, plateHeight).Add(image.Pt((sceneWidth-plateWidth)/2, 234))
		draw.Draw(img, at, board, image.Point{}, draw.Src)
		if clip, err = encode(board, 80); err != nil {
			return nil, nil, err
		}
	}
	fill(img, image.Rect(0, 0, sceneWidth, 18), color.RGBA{0x10, 0x18, 0x20, 0xFF})
	d := font.Drawer{Dst: img, Src: image.White, Face: basicfont.Face7x13, Dot: fixed.P(6, 13)}
	d.DrawString(caption + "  " + at.Format("2006-01-02 15:04:05"))
	scene, err = encode(img, 70)
	return scene, clip, err
}

// car draws a saloon from the front, in a colour that follows from its plate so that one car always looks the same.
func (p *Painter) car(img draw.Image, pl plate.Plate) {
	var sum uint32 = 17
	for _, r := range pl.Text {
		sum = sum*31 + uint32(r)
	}
	body := []color.RGBA{
		{0xF2, 0xF2, 0xF0, 0xFF}, {0x22, 0x26, 0x2A, 0xFF}, {0x8C, 0x92, 0x98, 0xFF}, {0x9A, 0x1F, 0x24, 0xFF},
		{0x1F, 0x3F, 0x77, 0xFF}, {0x2F, 0x5D, 0x46, 0xFF}, {0xC7, 0xB8, 0x96, 0xFF},
	}[sum%7]
	dark, glass := color.RGBA{0x14, 0x16, 0x18, 0xFF}, color.RGBA{0x3A, 0x4E, 0x5E, 0xFF}
	fill(img, image.Rect(120, 292, 190, 340), dark)
	fill(img, image.Rect(450, 292, 520, 340), dark)
	for y := range 90 { // the cabin, narrower at the top
		fill(img, image.Rect(205-y/2, 60+y, 435+y/2, 61+y), body)
	}
	for y := range 66 {
		fill(img, image.Rect(216-y/2, 74+y, 424+y/2, 75+y), glass)
	}
	fill(img, image.Rect(112, 150, 528, 312), body)
	fill(img, image.Rect(200, 178, 440, 222), dark)
	lamp := color.RGBA{0xFF, 0xF4, 0xC8, 0xFF}
	fill(img, image.Rect(126, 178, 190, 214), lamp)
	fill(img, image.Rect(450, 178, 514, 214), lamp)
	fill(img, image.Rect(112, 300, 528, 312), dark)
}

func (p *Painter) plate(pl plate.Plate) (image.Image, error) {
	img := image.NewRGBA(image.Rect(0, 0, plateWidth, plateHeight))
	ground, ink := paint(pl.Colour)
	fill(img, img.Bounds(), ink)
	fill(img, img.Bounds().Inset(2), ground)
	if pl.Colour == plate.ColourYellowGreen {
		fill(img, image.Rect(2, 2, 62, plateHeight-2), color.RGBA{0xE8, 0xB8, 0x10, 0xFF})
	}
	face, err := opentype.NewFace(p.font, &opentype.FaceOptions{Size: 40, DPI: 72})
	if err != nil {
		return nil, fmt.Errorf("size font: %w", err)
	}
	defer func() { _ = face.Close() }()
	text := []rune(pl.Text)
	step := (plateWidth - 12) / max(len(text), 7)
	for i, r := range text {
		x := 6 + i*step
		if g, ok := p.glyphs[r]; ok {
			for y, row := range g {
				for dx := range 32 {
					if row>>(31-dx)&1 == 1 && dx*step/32 < step {
						img.Set(x+dx*min(step, 32)/32, 12+y, ink)
					}
				}
			}
			continue
		}
		d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(x+2, 43)}
		d.DrawString(string(r))
	}
	return img, nil
}

func paint(c plate.Colour) (ground, ink color.RGBA) {
	white, black := color.RGBA{0xFA, 0xFA, 0xFA, 0xFF}, color.RGBA{0x10, 0x10, 0x10, 0xFF}
	switch c {
	case plate.ColourYellow:
		return color.RGBA{0xF0, 0xB9, 0x0B, 0xFF}, black
	case plate.ColourWhite:
		return white, black
	case plate.ColourBlack:
		return black, white
	case plate.ColourGreen, plate.ColourYellowGreen:
		return color.RGBA{0x6F, 0xC9, 0x8A, 0xFF}, black
	case plate.ColourBlue, plate.ColourUnknown:
	}
	return color.RGBA{0x0B, 0x3E, 0xA8, 0xFF}, white
}

func fill(img draw.Image, r image.Rectangle, c color.RGBA) {
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func encode(img image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return b.Bytes(), nil
}

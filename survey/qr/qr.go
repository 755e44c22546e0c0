// Package qr makes QR codes of survey links: as SVG for paper and pages, as PNG, and as text
// for a terminal.
//
//	code, err := qr.New("HTTPS://S.EXAMPLE.COM/K7Q29F3MX2TD", qr.M)
//	os.WriteFile("till.svg", code.SVG(qr.Look{Title: "How was it?"}), 0o644)
//
// A text of capitals, digits and $%*+-./: is stored in two thirds of the space: a link of 30
// characters takes 25 x 25 modules instead of 29 x 29 and is read from farther away. Scheme
// and host of a link may always be capitals; its path only where the server takes capitals,
// as for the codes of survey/invite.
//
// A code of the level H is read with a fifth of its area under one patch in its middle, as under a
// logo, from version 8 on (Options.MinVersion; 49 x 49 modules): zbar and jsQR read all of 20 of each
// version from 8 to 14. Of the smallest code of a link, 29 x 29, they read 10 and 4 of 20, because
// a patch spoils each codeword that it touches and small codes have few; of a seventh of
// the area all of them. No version helps against more than that: of codes under a patch of a
// quarter, or under five spots that cover a fifth together, no version to 14 was read each time; of those with
// each twelfth module lost, here and there, hardly any, because 30 % of codewords are what H
// corrects and one lost module spoils the eight of its codeword. A patch on the lower right
// corner takes the mark that jsQR looks for there: zbar alone read codes with a fifth covered so.
//
// The codes are made by rsc.io/qr (ISO/IEC 18004).
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"

	"rsc.io/qr/coding"
)

// Level is how much of a code may be unreadable: the higher, the more modules it has.
type Level int

const (
	M Level = iota // 15 %: the default, for screens and leaflets
	L              // 7 %: small stickers
	Q              // 25 %
	H              // 30 %: what gets dirty or has a logo on it, of a seventh of its modules at most
)

var levels = map[Level]coding.Level{L: coding.L, M: coding.M, Q: coding.Q, H: coding.H}

// ErrText is wrapped by the errors of New.
var ErrText = errors.New("survey/qr: text")

// Code is a QR code without its quiet zone.
type Code struct {
	size int
	dark []bool
}

// New makes the smallest code of a text. The text is stored as it is, bytes that are no
// alphanumeric characters of the standard as UTF-8. It fails with ErrText for an empty text,
// one of more than 1,000 bytes, which no telephone reads reliably, and an unknown level.
func New(text string, level Level) (*Code, error) { return Options{Level: level}.New(text) }

// Options are what New takes for granted. The zero value is New with M.
type Options struct {
	Level Level
	// MinVersion makes the code larger than its text needs: version v has 17 + 4v modules a side, 1
	// to 40. 0: as small as possible.
	MinVersion int
}

// New makes a code as the function New does. It fails with ErrText also where MinVersion is not 0 to 40.
func (o Options) New(text string) (*Code, error) {
	level := o.Level
	l, ok := levels[level]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: level %d is not L, M, Q or H", ErrText, level)
	case o.MinVersion < 0 || o.MinVersion > coding.MaxVersion:
		return nil, fmt.Errorf("%w: version %d is not 0 to 40", ErrText, o.MinVersion)
	case text == "":
		return nil, fmt.Errorf("%w: it is empty", ErrText)
	case len(text) > 1000:
		return nil, fmt.Errorf("%w: %d bytes are more than 1,000", ErrText, len(text))
	}
	var enc coding.Encoding = coding.String(text)
	switch {
	case coding.Num(text).Check() == nil:
		enc = coding.Num(text)
	case coding.Alpha(text).Check() == nil:
		enc = coding.Alpha(text)
	}
	v := coding.Version(max(o.MinVersion, coding.MinVersion))
	for v < coding.MaxVersion && enc.Bits(v) > v.DataBytes(l)*8 {
		v++
	}
	var best *coding.Code
	least := 0
	for mask := range coding.Mask(8) {
		p, err := coding.NewPlan(v, l, mask)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrText, err)
		}
		c, err := p.Encode(enc)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrText, err)
		}
		if worse := penalty(c.Size, c.Black); best == nil || worse < least {
			best, least = c, worse
		}
	}
	code := &Code{size: best.Size, dark: make([]bool, best.Size*best.Size)}
	for y := range best.Size {
		for x := range best.Size {
			code.dark[y*best.Size+x] = best.Black(x, y)
		}
	}
	return code, nil
}

// Size is the number of modules of a side.
func (c *Code) Size() int { return c.size }

// Dark reports whether the module at column x of row y is dark; outside the code it is not.
func (c *Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.size && y < c.size && c.dark[y*c.size+x]
}

// quiet is the width of the empty border that the standard asks for, in modules.
const quiet = 4

// Look is how a code is drawn; the zero value is black on white.
type Look struct {
	// Title is what a screen reader says; empty: "QR code".
	Title string
	// Dark is the colour of the dark modules, as #rrggbb; empty: #000000. A light one is
	// refused by not being used, because readers need the contrast: it must be below a
	// luminance of .18.
	Dark string
}

// SVG draws the code with its quiet zone, one unit a module; its size is that of the element
// it is put into. It needs no style sheet and may stand in a page or in a file of its own.
func (c *Code) SVG(look Look) []byte {
	title := look.Title
	if title == "" {
		title = "QR code"
	}
	dark := "#000000"
	if ink, ok := parseColour(look.Dark); ok && luminance(ink) < .18 {
		dark = look.Dark
	}
	var b bytes.Buffer
	side := c.size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges"><title>%s</title><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="%s" d="`, side, side, html.EscapeString(title), side, side, dark)
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			if !c.Dark(x, y) {
				continue
			}
			end := x
			for c.Dark(end, y) {
				end++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, end-x, end-x)
			x = end
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}

func parseColour(s string) (color.RGBA, bool) {
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return color.RGBA{}, false
	}
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}, true
}

// luminance is near enough that of WCAG: gamma 2.2 instead of its two pieces.
func luminance(c color.RGBA) float64 {
	lin := func(v uint8) float64 { f := float64(v) / 255; return f * f * (0.2 + 0.8*f) }
	return .2126*lin(c.R) + .7152*lin(c.G) + .0722*lin(c.B)
}

// Image draws the code in black and white with its quiet zone, scale pixels a module, 1 to
// 64; what is outside counts as the nearest of the two.
func (c *Code) Image(scale int) image.Image {
	scale = min(max(scale, 1), 64)
	side := (c.size + 2*quiet) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if c.Dark(x/scale-quiet, y/scale-quiet) {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	return img
}

// PNG is Image as a file.
func (c *Code) PNG(scale int) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, c.Image(scale))
	return b.Bytes(), err
}

// Text draws the code for a terminal, two modules a character, dark on light by colours of
// its own (ANSI), so that it can be read in a dark window and in a light one.
func (c *Code) Text() string {
	var b strings.Builder
	for y := -quiet / 2; y < c.size+quiet/2; y += 2 {
		b.WriteString("\x1b[30;107m")
		for x := -quiet / 2; x < c.size+quiet/2; x++ {
			switch up, down := c.Dark(x, y), c.Dark(x, y+1); {
			case up && down:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case down:
				b.WriteString("▄")
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}

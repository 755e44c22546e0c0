// Package chart draws figures as SVG: scales with round ticks, lines, areas, bars, dots and
// texts. A drawing is a string that depends on what was drawn alone; it loads nothing and runs no
// script. Its colours are the custom properties of the page around it (--ink, --soft, --line,
// --first, --second, --good, --bad, --card), so that it is readable by day, by night and on paper;
// Style has the rules. Every text is escaped, whatever it holds. What has no finite place is left
// out, and a curve has a gap there.
//
// A drawing says what it shows in its title and description. They do not replace the figures:
// put a table beside the drawing.
package chart

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
)

// Style has the rules of the classes of drawings: of their texts ("ch-label" is darker, "ch-small" smaller, "ch-end"
// and "ch-mid" say at which point of a text its place is), and the colours "ch-ink", "ch-soft",
// "ch-line", "ch-first", "ch-second", "ch-good" and "ch-bad". "ch-band" is a light area, "ch-dash"
// a dashed line, "ch-hollow" a dot with an empty middle.
//
//go:embed style.css
var Style string

// Point is a place in pixels.
type Point struct{ X, Y float64 }

// Drawing is one SVG being made. Make one with New.
type Drawing struct {
	body                strings.Builder
	width, height       float64
	class, title, about string
}

// New returns an empty drawing of a size in pixels. title names it and about says what it shows;
// screen readers read both out in place of the drawing. Sizes are made finite: 1 to 100,000.
func New(class string, width, height float64, title, about string) *Drawing {
	size := func(v float64) float64 {
		if !(v >= 1) {
			return 1
		}
		return min(v, 1e5)
	}
	return &Drawing{width: size(width), height: size(height), class: class, title: title, about: about}
}

// String returns the SVG element. It has neither ids nor styles of its own.
func (d *Drawing) String() string {
	label := d.title
	if d.about != "" {
		label += ". " + d.about
	}
	var b strings.Builder
	b.WriteString(`<svg class="` + escape(strings.TrimSpace("ch "+d.class)) + `" viewBox="0 0 ` + Number(d.width) + " " + Number(d.height) + `" role="img" aria-label="` + escape(label) + `">`)
	b.WriteString("<title>" + escape(d.title) + "</title>")
	if d.about != "" {
		b.WriteString("<desc>" + escape(d.about) + "</desc>")
	}
	b.WriteString(d.body.String())
	b.WriteString("</svg>")
	return b.String()
}

// Line draws a straight line.
func (d *Drawing) Line(class string, from, to Point) { d.Curve(class, from, to) }

// Curve draws a line through the points. A point that is not finite makes a gap; a point between
// two gaps is not drawn.
func (d *Drawing) Curve(class string, points ...Point) {
	var path strings.Builder
	var run []Point
	flush := func() {
		if len(run) > 1 {
			trace(&path, run)
		}
		run = run[:0]
	}
	for _, p := range points {
		if !p.finite() {
			flush()
			continue
		}
		run = append(run, p)
	}
	flush()
	if path.Len() > 0 {
		d.element("path", class+" ch-stroke", "", "d", path.String())
	}
}

// Area fills what lies between two curves of as many points; where a point of either is not
// finite, there is a gap.
func (d *Drawing) Area(class string, upper, lower []Point) {
	var path strings.Builder
	start := 0
	flush := func(end int) {
		if end-start > 1 {
			around := append([]Point{}, upper[start:end]...)
			for i := end - 1; i >= start; i-- {
				around = append(around, lower[i])
			}
			trace(&path, around)
			path.WriteString("Z")
		}
		start = end + 1
	}
	n := min(len(upper), len(lower))
	for i := range n {
		if !upper[i].finite() || !lower[i].finite() {
			flush(i)
		}
	}
	flush(n)
	if path.Len() > 0 {
		d.element("path", class, "", "d", path.String())
	}
}

// Box draws a rectangle with what it shows when it is pointed at; an empty tip is none.
func (d *Drawing) Box(class string, at Point, width, height float64, tip string) {
	if at.finite() && (Point{width, height}).finite() && width > 0 && height > 0 {
		d.element("rect", class, tip, "x", Number(at.X), "y", Number(at.Y), "width", Number(width), "height", Number(height))
	}
}

// Shape is the form of a mark, so that colour alone says nothing.
type Shape string

// The shapes: a circle, and triangles with the tip up and down.
const (
	Circle Shape = ""
	Up     Shape = "up"
	Down   Shape = "down"
)

// Mark draws a mark of a size around a place, with what it shows when it is pointed at.
func (d *Drawing) Mark(class string, shape Shape, at Point, size float64, tip string) {
	if !at.finite() || !(size > 0) || math.IsInf(size, 0) {
		return
	}
	up := size
	switch shape {
	case Down:
		up = -size
		fallthrough
	case Up:
		var path strings.Builder
		trace(&path, []Point{{at.X, at.Y - 1.2*up}, {at.X + 1.1*size, at.Y + 0.8*up}, {at.X - 1.1*size, at.Y + 0.8*up}})
		d.element("path", class, tip, "d", path.String()+"Z")
	default:
		d.element("circle", class, tip, "cx", Number(at.X), "cy", Number(at.Y), "r", Number(size))
	}
}

// Text writes a text at the base line of a place, no wider than so many pixels; 0 is any width.
// The whole of a text that is cut shows when it is pointed at.
func (d *Drawing) Text(class string, at Point, text string, width float64) {
	if !at.finite() || text == "" {
		return
	}
	shown := text
	if width > 0 {
		shown = Fit(text, width)
	}
	d.open("text", class, "x", Number(at.X), "y", Number(at.Y))
	d.body.WriteString(">" + escape(shown))
	if shown != text {
		d.body.WriteString("<title>" + escape(text) + "</title>")
	}
	d.body.WriteString("</text>")
}

// element writes an element that holds a tip at most.
func (d *Drawing) element(name, class, tip string, attributes ...string) {
	d.open(name, class, attributes...)
	if tip == "" {
		d.body.WriteString("/>")
		return
	}
	d.body.WriteString("><title>" + escape(tip) + "</title></" + name + ">")
}

// open writes the beginning of an element up to its last attribute.
func (d *Drawing) open(name, class string, attributes ...string) {
	d.body.WriteString("<" + name)
	if class = strings.TrimSpace(class); class != "" {
		d.body.WriteString(` class="` + escape(class) + `"`)
	}
	for i := 0; i+1 < len(attributes); i += 2 {
		d.body.WriteString(" " + attributes[i] + `="` + attributes[i+1] + `"`)
	}
}

// trace writes a path through finite points.
func trace(b *strings.Builder, points []Point) {
	for i, p := range points {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		b.WriteString(letter + Number(p.X) + " " + Number(p.Y))
	}
}

func (p Point) finite() bool {
	return math.Abs(p.X) <= 1e6 && math.Abs(p.Y) <= 1e6 // false for NaN, too
}

// Number writes a coordinate with one digit behind the point at most, the same on every machine;
// 0 for what is not finite.
func Number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	s := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/report"
	"github.com/vefacrm/vefa/segment/rfm"
)

// answers are all that is said about the focus and its neighbours.
type answers struct {
	w         *world
	at        time.Time
	days      int // between the two dates
	def       segment.Definition
	preview   segment.Preview
	waterfall segment.Waterfall
	overlap   segment.Comparison
	nearest   []segment.Neighbour
	lint      string // what is probably not meant, a line each
	uses      []use
	why       []why
	micro     segment.Micros
	moves     []rfm.Move
	moved     string // who entered and left since the earlier date
}

// use says who uses a tag, a leaf or a segment.
type use struct {
	Kind, Name string
	By         []segment.User
	Ignored    []string // segments that ignore its red
}

// why explains one customer.
type why struct {
	segment.Explanation
	History []segment.MembershipChange // oldest first
	Flips   []segment.Flip             // what would change the answer
}

func (w *world) answer(ctx context.Context, o options) (*answers, error) {
	a := &answers{w: w, at: o.at, days: int(o.at.Sub(o.before).Hours() / 24)}
	var err error
	if a.def, _, err = w.view.Definition(w.focus); err != nil {
		return nil, err
	}
	if a.preview, err = w.view.Preview(w.focus, o.at); err != nil {
		return nil, err
	}
	if a.waterfall, err = w.view.Waterfall(w.focus, o.at); err != nil {
		return nil, err
	}
	var names []string
	for _, d := range w.defs {
		names = append(names, d.Name)
	}
	if len(names) <= 200 { // a matrix that nobody reads is not worth its time
		if a.overlap, err = w.view.Compare(o.at, names...); err != nil {
			return nil, err
		}
	}
	if a.nearest, err = w.view.Nearest(w.focus, 5, o.at); err != nil {
		return nil, err
	}
	found, unproven, err := w.view.Lint(ctx, o.at, segment.LintOptions{})
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		a.lint += f.String() + "\n"
	}
	for _, name := range unproven {
		a.lint += "segment " + name + ": too intricate to prove anything about\n"
	}
	a.uses = w.usesOf(a.def)
	if a.moved, err = w.movedSince(o.before, o.at); err != nil {
		return nil, err
	}
	for _, c := range o.customers {
		e, err := w.view.Explain(w.focus, c, o.at)
		if err != nil {
			return nil, err
		}
		x := why{Explanation: e}
		if e.Live {
			if x.Flips, err = w.view.Flips(w.focus, c, o.at); err != nil {
				return nil, err
			}
		}
		if e.Known {
			if x.History, err = w.history(c, o.at); err != nil {
				return nil, err
			}
		}
		a.why = append(a.why, x)
	}
	if err := a.cells(o); err != nil {
		return nil, err
	}
	a.moves = rfm.Migrate(w.before, w.scores, rfm.RPackageGroups())
	return a, nil
}

// history lists a customer's changes in the focus up to a time, the latest of each moment.
func (w *world) history(customer string, at time.Time) (out []segment.MembershipChange, err error) {
	for {
		m, ok, err := w.idx.Since(w.focus, customer, at)
		var before *segment.HistoryError
		if errors.As(err, &before) || err == nil && !ok {
			slices.Reverse(out)
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, m)
		at = m.At.Add(-time.Nanosecond)
	}
}

// movedSince counts who entered and left the focus since a date, if that is known.
func (w *world) movedSince(from, to time.Time) (string, error) {
	entered, left, err := w.idx.MembersBetween(w.focus, from, to)
	var unknown *segment.HistoryError
	if errors.As(err, &unknown) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("since %s: %d entered, %d left\n", from.Format(time.DateOnly), entered.Len(), left.Len()), nil
}

// usesOf lists who else uses what the definition mentions, and who uses it.
func (w *world) usesOf(d segment.Definition) []use {
	users := func(kind, name string, of segment.References) use {
		return use{Kind: kind, Name: name, By: w.view.Users(of)}
	}
	out := []use{users("segment", d.Name, segment.References{Segments: []string{d.Name}})}
	refs := d.References()
	for _, tag := range refs.Tags {
		u := users("tag", tag, segment.References{Tags: []string{tag}})
		for other := range w.view.Definitions() {
			if slices.Contains(other.IgnoreRed, tag) {
				u.Ignored = append(u.Ignored, other.Name)
			}
		}
		out = append(out, u)
	}
	for _, leaf := range refs.Leaves {
		out = append(out, users("leaf", leaf, segment.References{Leaves: []string{leaf}}))
	}
	for _, s := range refs.Segments {
		out = append(out, users("segment", s, segment.References{Segments: []string{s}}))
	}
	return out
}

func (u use) String() string {
	var by []string
	for _, x := range u.By {
		if x.Direct {
			by = append(by, x.Segment)
		} else {
			by = append(by, x.Segment+" (through another)")
		}
	}
	if len(by) == 0 {
		by = []string{"nothing; it can be removed"}
	}
	line := fmt.Sprintf("%s %s is used by %s", u.Kind, u.Name, strings.Join(by, ", "))
	if len(u.Ignored) > 0 {
		line += "; its red is ignored by " + strings.Join(u.Ignored, ", ")
	}
	return line
}

// cells finds the micro-segments of the focus.
func (a *answers) cells(o options) error {
	if len(o.by) == 0 {
		return nil
	}
	var dims []segment.Dimension
	for _, field := range o.by {
		d, err := a.w.view.FieldDimension(field)
		if err != nil {
			return fmt.Errorf("-by: %w", err)
		}
		dims = append(dims, d)
	}
	var err error
	a.micro, err = a.w.view.MicroSegments(o.at, dims, segment.MicroOptions{Within: a.w.focus, MinSize: o.min})
	return err
}

// since tells a customer's history in the focus, and what would change it.
func (x why) since() string {
	var b strings.Builder
	if len(x.History) == 0 && x.In {
		b.WriteString("  in since before the first dated row\n")
	}
	for _, h := range x.History {
		word := "left"
		if h.Entered {
			word = "entered"
		}
		fmt.Fprintf(&b, "  %s %s: %s %s\n", word, h.At.Format(time.DateOnly), h.Cause.Kind, h.Cause.Name)
	}
	if len(x.Flips) > 0 {
		word := "in"
		if x.In {
			word = "out"
		}
		fmt.Fprintf(&b, "  would be %s", word)
		for i, f := range x.Flips {
			if i > 0 {
				b.WriteString(" and")
			}
			fmt.Fprintf(&b, " %s", f)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// print writes the answers as text.
func (a *answers) print(out io.Writer) error {
	b := bufio.NewWriter(out)
	fmt.Fprintf(b, "%s\nas of %s\n", a.def, a.at.Format(time.DateOnly))
	b.WriteString(a.moved)
	part := func(title, text string) {
		if text != "" {
			fmt.Fprintf(b, "\n%s\n%s", title, text)
		}
	}
	part("How many are in each part:", a.preview.String())
	part("What each exclusion costs:", a.waterfall.String())
	part("What it overlaps with:", a.near())
	part("Who uses what:", a.used())
	for _, x := range a.why {
		part("Why, and since when:", x.String()+x.since())
	}
	if a.micro.Dimensions != nil {
		part("Micro-segments:", a.micros())
	}
	part("What is probably not meant:", a.lint)
	return b.Flush()
}

func (a *answers) near() string {
	var b strings.Builder
	for _, n := range a.nearest {
		fmt.Fprintf(&b, "%s: %d members, %d in common, Jaccard %.3f\n", n.Segment, n.Size, n.Common, n.Jaccard)
	}
	return b.String()
}

func (a *answers) used() string {
	var b strings.Builder
	for _, u := range a.uses {
		fmt.Fprintln(&b, u)
	}
	return b.String()
}

func (a *answers) micros() string {
	var b strings.Builder
	for _, m := range a.micro.Segments[:min(20, len(a.micro.Segments))] {
		fmt.Fprintf(&b, "%s: %d\n", m.Definition.Name, m.Size)
	}
	fmt.Fprintf(&b, "%d micro-segments hold %d of %d members\n", len(a.micro.Segments), a.micro.Covered, a.micro.Population)
	return b.String()
}

// sentence makes one of a line.
func sentence(line string) string {
	if line == "" {
		return ""
	}
	return strings.ToUpper(line[:1]) + strings.TrimSpace(line[1:]) + "."
}

// write writes the answers as a page.
func (a *answers) write(path string) error {
	p := report.Page{
		Title:  "Segment " + a.def.Name,
		Lead:   fmt.Sprintf("%d of %d customers on %s. %s", a.preview.Members, a.preview.Population, a.at.Format("2 January 2006"), sentence(a.moved)),
		Footer: "Written by go run ./examples/segments of vefa.",
	}
	add := func(title, lead string, pictures ...report.Picture) {
		p.Sections = append(p.Sections, report.Section{Title: title, Lead: lead, Pictures: pictures})
	}
	add("Definition", "", report.Text("As it is written", a.def.String()), report.Counts("Each part by itself", a.preview))
	add("Exclusions", "", report.Waterfall("From everybody to the members", a.waterfall))
	if len(a.overlap.Names) > 1 {
		add("Overlap", "", report.Overlap("How much of each segment is in each other", a.overlap))
	}
	if a.micro.Dimensions != nil {
		pictures := []report.Picture{report.MicroSegments("Its members, by "+strings.Join(a.micro.Dimensions, " and "), a.micro, 20)}
		if len(a.micro.Dimensions) == 2 {
			pictures = append(pictures, report.Grid("The same as a table", a.micro, nil))
		}
		add("Micro-segments", "", pictures...)
	}
	if a.w.orders {
		groups := rfm.RPackageGroups()
		add("Value", "Recency, frequency and monetary value of all who bought.",
			report.RFM("Where customers stand", a.w.scores), report.Groups("By name", a.w.scores, groups),
			report.Migration(fmt.Sprintf("Where they went in %d days", a.days), a.moves, groups))
	}
	var pictures []report.Picture
	for _, x := range a.why {
		pictures = append(pictures, report.Text(x.Customer, x.String()+x.since()))
	}
	if len(pictures) > 0 {
		add("Why, and since when", "A star marks what decides.", pictures...)
	}
	add("Housekeeping", "", report.Text("Who uses what", a.used()), report.Text("What is probably not meant", a.lint))
	return output.Write(path, output.Private, func(w io.Writer) error { return p.Write(w) })
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/rfm"
)

// answers are all that is said about the focus and its neighbours.
type answers struct {
	w         *world
	l         *speak.Locale
	at        time.Time
	days      int // between the two dates
	def       segment.Definition
	preview   segment.Preview
	waterfall segment.Waterfall
	overlap   segment.Comparison
	nearest   []segment.Neighbour
	lint      []string // what is probably not meant
	uses      []use
	why       []why
	micro     segment.Micros
	moves     []rfm.Move
	moved     *moved // nil: it is not known
}

// moved counts who entered and left the focus since a date.
type moved struct {
	since         time.Time
	entered, left int
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

func (w *world) answer(ctx context.Context, o options, l *speak.Locale) (*answers, error) {
	a := &answers{w: w, l: l, at: o.at, days: int(o.at.Sub(o.before).Hours() / 24)}
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
		proof := l.Say("lint.present")
		if f.Proven {
			proof = l.Say("lint.proven")
		}
		a.lint = append(a.lint, l.Say("lint."+f.Kind, f.Segment, f.Other, proof))
	}
	for _, name := range unproven {
		a.lint = append(a.lint, l.Say("lint.unproven", name))
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
func (w *world) movedSince(from, to time.Time) (*moved, error) {
	entered, left, err := w.idx.MembersBetween(w.focus, from, to)
	var unknown *segment.HistoryError
	if errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &moved{from, entered.Len(), left.Len()}, nil
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

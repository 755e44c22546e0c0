package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/segment"
)

func (c *console) segmentRoutes(mux *http.ServeMux) {
	c.get(mux, "/segments", c.segments)
	c.post(mux, "/segments", func(r *http.Request) (string, error) {
		text := strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
		return "/segments?d=" + c.kept.put(draft(text)) + "#try", nil
	})
}

const exampleSegment = "segment loyal-watch = watch-buyer and loyal except staff"

// draft is a text that is tried and not stored.
type draft string

// fault is what is wrong in a text, and where.
type fault struct {
	Line, Column int
	Text         string
	Snippet      string
}

// audiences are the segments with their counts, and one that is tried.
type audiences struct {
	Known bool
	All   int
	List  []audience
	Tags  []tagCount
	Text  string // of the editor
	Tried []audience
	Fault *fault
	Found []string // what is probably not meant
}

// audience is a segment with how it comes to its members.
type audience struct {
	Name, Definition string
	Members          int
	Width            int // permille of everybody
	Base             int
	Steps            []step
}

// step is an exclusion.
type step struct {
	Label          string
	Removed, Left  int
	Red            bool
	Alone, Nowhere int
}

// tagCount is a tag with its carriers.
type tagCount struct {
	Name  string
	N     int
	Red   bool
	Width int
}

// maxTags is how many tags a page lists.
const maxTags = 40

func (c *console) segments(r *http.Request, w *words) (shown, error) {
	f := c.last.Get()
	out := audiences{Known: f.Segments != nil, Text: exampleSegment}
	if f.Segments == nil {
		return shown{page: "segments", section: "segments", title: w.Say("segments.title"), data: out}, nil
	}
	v := f.Segments
	out.All = int(v.Population().Len())
	var err error
	if out.List, err = look(v, slices.Collect(v.Definitions())); err != nil {
		return shown{}, err
	}
	for tag := range v.Tags() {
		if n := int(v.Tag(tag).Len()); n > 0 && len(out.Tags) < maxTags {
			out.Tags = append(out.Tags, tagCount{tag, n, v.Polarity(tag, time.Time{}).Polarity == segment.Red, n * 1000 / max(1, out.All)})
		}
	}
	if id := r.URL.Query().Get("d"); id != "" {
		text, ok := of[draft](&c.kept, id)
		if !ok {
			return shown{}, errGone
		}
		out.Text = string(text)
		if err := try(v, &out); err != nil {
			return shown{}, err
		}
	}
	return shown{page: "segments", section: "segments", title: w.Say("segments.title"), data: out}, nil
}

// look counts segments.
func look(v *segment.View, defs []segment.Definition) (out []audience, err error) {
	all := int(v.Population().Len())
	for _, d := range defs {
		fall, err := v.Waterfall(d.Name, time.Time{})
		if err != nil {
			return nil, err
		}
		a := audience{Name: d.Name, Definition: d.String(), Members: fall.Members, Base: fall.Base, Width: fall.Members * 1000 / max(1, all)}
		for _, s := range fall.Steps {
			a.Steps = append(a.Steps, step{Label: s.Label, Removed: s.Removed, Left: s.Left, Red: s.Red != (segment.PolarityRule{}), Alone: s.Alone, Nowhere: s.Only})
		}
		out = append(out, a)
	}
	return out, nil
}

// try counts what is typed in the editor as if it were in force, or says where it is wrong.
func try(v *segment.View, out *audiences) error {
	defs, err := segment.ParseDefinitions(out.Text, segment.Limits{})
	if err == nil && len(defs) == 0 {
		err = &segment.ParseError{Line: 1, Column: 1, Msg: "segment NAME = …"}
	}
	if err == nil {
		for _, d := range defs {
			if n := len(d.References().Leaves); n > 0 {
				err = fmt.Errorf("%w: %s reads conditions on fields, which are counted by the night only", crm.ErrInvalid, d.Name)
			}
		}
	}
	if err == nil {
		if v, err = v.With(defs...); err == nil {
			out.Tried, err = look(v, defs)
		}
	}
	var wrong *segment.ParseError
	switch {
	case err == nil:
	case errors.As(err, &wrong):
		out.Fault = &fault{wrong.Line, wrong.Column, wrong.Msg, caret(out.Text, wrong.Line, wrong.Column)}
	default:
		out.Fault = &fault{Text: err.Error()}
	}
	return nil
}

// caret shows a line of a text with a mark below a column.
func caret(text string, line, column int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) || column < 1 {
		return ""
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string([]rune(lines[line-1])[:min(column-1, len([]rune(lines[line-1])))]))
	return lines[line-1] + "\n" + pad + "^"
}

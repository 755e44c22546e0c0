package vefa

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/segment"
)

// TagDef is what is known about a tag: its polarity over time and who answers
// for it. It is kept as a document of kind "tag".
type TagDef struct {
	Name  string    `json:"name"`
	Owner string    `json:"owner,omitempty"`
	Turns []TagTurn `json:"turns,omitempty"` // by time
}

// TagTurn is one decision about a tag's polarity.
type TagTurn struct {
	At  time.Time `json:"at"`
	Red bool      `json:"red"`
	By  string    `json:"by,omitempty"`
	Why string    `json:"why,omitempty"`
}

const tagKind = "tag"

// SetPolarity turns a tag red, which takes its carriers out of every audience
// and withholds what is planned for them, or neutral again. It takes effect
// with the transaction that stores it.
func (e *Engine) SetPolarity(ctx context.Context, tag string, red bool, by, why string) error {
	now := e.svc.Now()
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		docs, err := tx.Documents(ctx, tagKind, tag)
		if err != nil {
			return err
		}
		def, rev := TagDef{Name: tag, Owner: by}, int64(0)
		if docs[0] != nil {
			if err := docs[0].Decode(&def); err != nil {
				return err
			}
			rev = docs[0].Rev
		}
		if len(def.Turns) == 0 && !red || len(def.Turns) > 0 && def.Turns[len(def.Turns)-1].Red == red {
			return nil
		}
		def.Turns = append(def.Turns, TagTurn{At: now, Red: red, By: by, Why: why})
		doc, err := crm.NewDocument(tagKind, tag, def)
		if err != nil {
			return err
		}
		doc.Rev = rev
		return tx.PutDocuments(ctx, doc)
	})
}

// loadTags reads all tag definitions, sorted by name.
func loadTags(ctx context.Context, r crm.Reader) ([]TagDef, error) {
	var out []TagDef
	for d, err := range crm.Documents(ctx, r, tagKind) {
		if err != nil {
			return nil, err
		}
		var def TagDef
		if err := d.Decode(&def); err != nil {
			return nil, err
		}
		slices.SortStableFunc(def.Turns, func(a, b TagTurn) int { return a.At.Compare(b.At) })
		out = append(out, def)
	}
	slices.SortFunc(out, func(a, b TagDef) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// redAt reports whether a tag was red at an instant.
func redAt(defs []TagDef, tag string, at time.Time) bool {
	i, found := slices.BinarySearchFunc(defs, tag, func(d TagDef, name string) int { return cmp.Compare(d.Name, name) })
	if !found {
		return false
	}
	red := false
	for _, t := range defs[i].Turns {
		if !t.At.After(at) {
			red = t.Red
		}
	}
	return red
}

// redTags returns the tags that are red at an instant, but those ignored.
func redTags(defs []TagDef, at time.Time, ignored []string) []string {
	var out []string
	for _, d := range defs {
		if redAt(defs, d.Name, at) && !slices.Contains(ignored, d.Name) {
			out = append(out, d.Name)
		}
	}
	return out
}

// newTurns returns the turns that are in defs and not in was. Turns are only
// ever added.
func newTurns(was, defs []TagDef) []TagDef {
	known := make(map[string]int, len(was))
	for _, d := range was {
		known[d.Name] = len(d.Turns)
	}
	var out []TagDef
	for _, d := range defs {
		if n := known[d.Name]; n < len(d.Turns) {
			out = append(out, TagDef{Name: d.Name, Turns: d.Turns[n:]})
		}
	}
	return out
}

// polarity translates the definitions for package segment.
func polarity(defs []TagDef) []segment.PolarityRule {
	var out []segment.PolarityRule
	for _, d := range defs {
		for _, t := range d.Turns {
			p := segment.Neutral
			if t.Red {
				p = segment.Red
			}
			out = append(out, segment.PolarityRule{Tag: d.Name, Polarity: p, From: t.At, Owner: t.By, Reason: t.Why})
		}
	}
	return out
}

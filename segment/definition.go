package segment

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/internal/fold"
)

// Definition is a named segment.
type Definition struct {
	// Name is unique in an index: at most 255 bytes of UTF-8 without control characters.
	Name string
	// Expr selects the members, before red tags.
	Expr Expr
	// IgnoreRed lists the tags whose red polarity this segment does not care
	// about, sorted. Every other red tag excludes its customers.
	IgnoreRed []string
}

// validate reports the first fault of the definition; see Expr.Validate.
func (d Definition) validate(limits Limits) error {
	if err := checkName("segment", d.Name); err != nil {
		return err
	}
	for _, tag := range d.IgnoreRed {
		if err := checkName("ignoring red", tag); err != nil {
			return err
		}
	}
	return d.Expr.validate(limits)
}

// equal reports whether both definitions are the same.
func (d Definition) equal(e Definition) bool {
	return d.Name == e.Name && d.Expr.equal(e.Expr) && slices.Equal(d.IgnoreRed, e.IgnoreRed)
}

// References lists what the definition mentions itself, each sorted and once. What
// nested segments mention is theirs.
func (d Definition) References() References { return d.Expr.references() }

// sorted returns the definition with its names composed and IgnoreRed in its
// canonical order.
func (d Definition) sorted() Definition {
	d.Name = fold.Compose(d.Name)
	if len(d.IgnoreRed) == 0 {
		d.IgnoreRed = nil
		return d
	}
	d.IgnoreRed = slices.Clone(d.IgnoreRed)
	for i, tag := range d.IgnoreRed {
		d.IgnoreRed[i] = fold.Compose(tag)
	}
	slices.Sort(d.IgnoreRed)
	d.IgnoreRed = slices.Compact(d.IgnoreRed)
	return d
}

// String returns the canonical text, which ParseDefinitions reads back.
func (d Definition) String() string {
	d = d.sorted()
	var b strings.Builder
	b.WriteString("segment ")
	writeName(&b, d.Name)
	b.WriteString(" = ")
	writeExpr(&b, d.Expr, false)
	for i, tag := range d.IgnoreRed {
		if i == 0 {
			b.WriteString(" ignoring red ")
		} else {
			b.WriteString(", ")
		}
		writeName(&b, tag)
	}
	return b.String()
}

// definitionJSON is a Definition without its methods, so that encoding/json writes the
// fields in this order.
type definitionJSON struct {
	Name      string   `json:"name"`
	Expr      Expr     `json:"members"`
	IgnoreRed []string `json:"ignoreRed,omitempty"`
}

// MarshalJSON writes {"name": …, "members": expression, "ignoreRed": [tags]}.
func (d Definition) MarshalJSON() ([]byte, error) {
	d = d.sorted()
	return json.Marshal(definitionJSON(d))
}

// UnmarshalJSON reads what MarshalJSON writes, within the default Limits, and
// refuses unknown and repeated fields. Errors are *ParseError, *LimitError or *InvalidError.
func (d *Definition) UnmarshalJSON(data []byte) error {
	p := newJSONParser(data, Limits{})
	got, err := p.definition()
	if err != nil {
		return err
	}
	*d = got
	return nil
}

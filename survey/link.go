package survey

import (
	"math"
	"slices"
	"strings"
)

const maxFloat = math.MaxFloat64

// link prepares what sessions look up: questions by the name of their answer, and those whose
// choices follow another's answer.
func (d *Definition) link() {
	d.logic.byKey = map[string][]*Question{}
	d.logic.lists = map[string]bool{}
	d.logic.followers = map[string][]*Question{}
	d.logic.bound = map[string][]*Question{}
	for _, q := range d.questions {
		d.logic.byKey[q.Key()] = append(d.logic.byKey[q.Key()], q)
		if q.chooses() {
			d.logic.lists[strings.ToLower(q.Key())] = true
		}
		if q.rules.bound != "" {
			d.logic.bound[q.rules.bound] = append(d.logic.bound[q.rules.bound], q)
		}
		if from := q.rules.from; from != "" {
			if source := d.names[from]; source != nil {
				from = source.Key()
			}
			d.logic.followers[from] = append(d.logic.followers[from], q)
		}
	}
	d.tree.prepare()
	d.logic.setters = d.tree.sets()
	d.logic.quiet = d.isQuiet()
}

// sets tells whether a question sets its value by an expression after a change.
func (t *tree) sets() bool {
	return slices.ContainsFunc(t.questions, func(q *Question) bool {
		ru := q.rules
		return ru.setIf != nil || ru.setExpr != nil || ru.resetIf != nil || q.repeats() && q.inner().sets()
	})
}

// prepare notes which questions have choices with conditions and which stand below what, also
// inside others.
func (t *tree) prepare() {
	for _, el := range t.elements {
		if el.parent == nil {
			el.gather()
		}
	}
	for _, q := range t.questions {
		for _, c := range q.Choices {
			q.someConditional = q.someConditional || c.visibleIf != nil || c.enableIf != nil
		}
		if q.repeats() {
			q.inner().prepare()
		}
		if q.fixedRows() {
			q.rules.rowAt = make(map[string]int, len(q.Matrix.Rows))
			for i := len(q.Matrix.Rows) - 1; i >= 0; i-- {
				q.rules.rowAt[q.Matrix.Rows[i].Key()] = i
			}
		}
	}
}

// gather fills in below.
func (el *element) gather() []*element {
	el.below = nil
	if el.kind == questionElement {
		el.below = []*element{el}
	}
	for _, c := range el.children {
		el.below = append(el.below, c.gather()...)
	}
	return el.below
}

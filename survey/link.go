package survey

import "math"

const maxFloat = math.MaxFloat64

// link prepares what sessions look up: questions by the name of their answer, and those whose
// choices follow another's answer.
func (d *Definition) link() {
	d.logic.byKey = map[string][]*Question{}
	d.logic.followers = map[string][]*Question{}
	d.logic.bound = map[string][]*Question{}
	for _, q := range d.questions {
		d.logic.byKey[q.Key()] = append(d.logic.byKey[q.Key()], q)
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

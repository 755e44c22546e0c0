package survey

// tree is a set of elements that share names: those of a survey, of the template of a dynamic
// panel, or of the columns of a matrix.
type tree struct {
	elements  []*element // pages, panels and questions, parents first
	questions []*Question
	names     map[string]*Question
}

// add numbers an element.
func (t *tree) add(el *element) {
	el.index = len(t.elements)
	t.elements = append(t.elements, el)
}

// addQuestion adds a question below an element.
func (t *tree) addQuestion(q *Question, parent *element) {
	el := &element{kind: questionElement, name: q.Name, question: q, conditions: q.rules.conditions}
	q.self = el
	el.hangOn(parent)
	t.add(el)
	q.index = len(t.questions)
	t.questions = append(t.questions, q)
	if t.names == nil {
		t.names = map[string]*Question{}
	}
	if t.names[q.Name] == nil {
		t.names[q.Name] = q
	}
}

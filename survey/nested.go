package survey

import (
	"fmt"
	"slices"
)

// matrix reads a table of one choice for each row.
func (p *parser) matrix(r *reader, path string) func() {
	q := r.q
	m := &Matrix{}
	q.Matrix = m
	p.rows(r)
	r.add(properties{
		"columns":         func(v *node, at string) { m.Columns = p.choices(v, at, q.Name, "matrixcolumn") },
		"cells":           func(v *node, at string) { p.cellTexts(m, v, at, q.Name) },
		"eachRowRequired": r.yes(&m.EachRequired),
		"eachRowUnique":   r.yes(&m.EachUnique),
		"cellType":        func(v *node, _ string) { q.Multiple = v.text == "checkbox" },
	})
	return func() {
		if len(m.Columns) == 0 {
			p.find(badValue, failure, path, q.Name, "the matrix has no columns")
		}
	}
}

// rows adds what the matrices have in common: their rows, and which of them show.
func (p *parser) rows(r *reader) {
	m, ru := r.q.Matrix, r.q.rules
	r.add(properties{
		"rows":             func(v *node, at string) { m.Rows = p.choices(v, at, r.q.Name, "itemvalue") },
		"rowOrder":         r.str(&ru.order),
		"hideIfRowsEmpty":  r.yes(&ru.hideIfEmpty),
		"showHeader":       func(v *node, _ string) { m.HideHeader = v.kind == kindBool && !v.truth },
		"rowsVisibleIf":    r.when(&ru.rowsVisibleIf),
		"columnsVisibleIf": r.when(&ru.columnsVisibleIf),
	})
}

// cellTexts reads what stands in the cells: texts by row and column.
func (p *parser) cellTexts(m *Matrix, v *node, at, question string) {
	if v.kind != kindObject {
		return
	}
	m.CellText = map[string]Text{}
	for _, row := range v.members {
		for _, col := range row.value.members {
			m.CellText[row.name+"\x00"+col.name] = p.localized(col.value, join(join(at, row.name), col.name), question)
		}
	}
}

// Cell is the text of a cell, or a zero Text where the cell is an empty circle.
func (m *Matrix) Cell(row, column Choice) Text { return m.CellText[row.Key()+"\x00"+column.Key()] }

// maxNesting bounds questions inside questions.
const maxNesting = 4

// nested runs fn with the elements of a template of its own, and the panel around them.
func (p *parser) nested(path, question string, fn func(t *tree, root *element)) {
	if p.depth >= maxNesting {
		p.find(overLimit, failure, path, question, fmt.Sprintf("questions inside questions deeper than %d", maxNesting))
		return
	}
	p.depth++
	outer := p.tree
	p.tree = &tree{}
	root := &element{kind: panelElement, conditions: conditions{static: true}}
	p.tree.add(root)
	fn(p.tree, root)
	p.tree = outer
	p.depth--
}

// table reads a matrix with a question in each cell.
func (p *parser) table(r *reader, typ, path string) func() {
	q, ru := r.q, r.q.rules
	m := &Matrix{CanAdd: true, CanRemove: true, RowCount: 2, MaxRows: 1000}
	q.Matrix = m
	var columns, choices *node
	var columnsAt, choicesAt string
	cellType := "dropdown"
	p.rows(r)
	r.add(properties{
		"columns":             func(v *node, at string) { columns, columnsAt = v, at },
		"choices":             func(v *node, at string) { choices, choicesAt = v, at },
		"cellType":            r.str(&cellType),
		"placeholder":         r.loc(&q.Placeholder),
		"keyDuplicationError": r.loc(&m.KeyText),
		"totalText":           r.loc(&m.TotalText),
	})
	if typ == "matrixdynamic" {
		r.add(properties{
			"allowAddRows": r.yes(&m.CanAdd), "allowRemoveRows": r.yes(&m.CanRemove),
			"rowCount": r.num(&m.RowCount), "minRowCount": r.num(&m.MinRows), "maxRowCount": r.num(&m.MaxRows),
			"rowCountExpression": r.formula(&ru.countExpr), "keyName": r.str(&m.Key),
			"defaultRowValue":               func(v *node, _ string) { ru.defaultRow = v.value() },
			"copyDefaultValueFromLastEntry": r.yes(&ru.copyLast),
			"addRowText":                    r.loc(&m.AddText),
			"removeRowText":                 r.loc(&m.RemoveText),
			"noRowsText":                    r.loc(&m.NoRowsText),
			"hideColumnsIfEmpty":            r.yes(&ru.hideColumns),
		})
	}
	return func() {
		m.MaxRows = min(max(m.MaxRows, 1), 1000)
		m.MinRows = min(max(m.MinRows, 0), m.MaxRows)
		m.RowCount = min(max(m.RowCount, m.MinRows), m.MaxRows)
		var shared []Choice
		if choices != nil {
			shared = p.choices(choices, choicesAt, q.Name, "choiceitem")
		}
		if columns != nil {
			p.nested(path, q.Name, func(t *tree, root *element) { p.columns(q, t, root, columns, columnsAt, cellType, shared) })
		}
		if len(m.Cells) == 0 {
			p.find(badValue, failure, path, q.Name, "the matrix has no columns")
		}
		if typ == "matrixdropdown" && len(m.Rows) == 0 {
			p.find(badValue, failure, path, q.Name, "the matrix has no rows")
		}
	}
}

// cellTypes are the types that a cell can have.
var cellTypes = []string{"dropdown", "tagbox", "checkbox", "radiogroup", "text", "comment", "boolean", "expression",
	"rating", "slider", "file", "image", "imagepicker", "signaturepad", "html", "ranking", "buttongroup"}

// columns reads the questions of the cells. A column without choices offers those of the matrix.
func (p *parser) columns(q *Question, t *tree, root *element, v *node, at, cellType string, shared []Choice) {
	each := func(n *node, at string) {
		if p.elements++; p.elements > p.d.limits.Questions {
			p.err = &ParseError{Path: at, Err: fmt.Errorf("more than %d questions and panels: %w", p.d.limits.Questions, ErrLimit)}
			return
		}
		typ, name := cellType, ""
		if c := n.get("cellType"); c != nil && c.kind == kindString && c.text != "" && c.text != "default" {
			typ = c.text
		}
		if c := n.get("name"); c != nil && (c.kind == kindString || c.kind == kindNumber) {
			name = c.text
		}
		switch {
		case !slices.Contains(cellTypes, typ):
			f := p.find(unknownType, failure, join(at, "cellType"), q.Name, quote(typ))
			f.Suggestion = nearest(typ, slices.Clone(cellTypes))
			return
		case name == "":
			p.find(missingName, failure, at, q.Name, "a column without a name cannot be answered")
			return
		case t.names[name] != nil:
			p.find(duplicateName, failure, at, q.Name, "a second column of this name is not asked")
			return
		}
		cell := p.column(n, at, typ, name, len(shared) > 0)
		if cell.takesChoices() && len(cell.Choices) == 0 {
			cell.Choices = shared
		}
		t.addQuestion(cell, root)
	}
	if v.kind == kindArray { // old files name the columns only
		v = objectsOf(v)
	}
	p.items(v, at, q.Name, "columns", each)
	for _, c := range t.questions {
		q.Matrix.Cells = append(q.Matrix.Cells, *c)
	}
	q.Matrix.tree = t
}

// objectsOf makes {"name": x} of the texts in a list.
func objectsOf(v *node) *node {
	out := &node{kind: kindArray, items: slices.Clone(v.items)}
	for i, it := range out.items {
		if it.kind == kindString {
			out.items[i] = &node{kind: kindObject, members: []member{{"name", it}}}
		}
	}
	return out
}

// takesChoices tells the types that offer a list of choices.
func (q *Question) takesChoices() bool {
	switch q.Type {
	case "dropdown", "checkbox", "radiogroup", "tagbox", "ranking", "imagepicker", "buttongroup":
		return true
	}
	return false
}

// column reads the question of a column.
func (p *parser) column(n *node, path, typ, name string, haveChoices bool) *Question {
	outer := p.inherited
	p.inherited = haveChoices
	defer func() { p.inherited = outer }()
	r := p.reader(typ, name)
	r.q.rules.path = path
	finish := p.typed(r, typ, path)
	ru := r.q.rules
	total := properties{
		"cellType": func(*node, string) {}, "isUnique": r.yes(&ru.unique), "totalType": r.str(&ru.total),
		"totalExpression": r.formula(&ru.totalExpr),
	}
	r.add(total)
	p.object(n, path, name, r.read, "matrixdropdowncolumn", typ)
	if finish != nil {
		finish()
	}
	if r.q.Title.IsZero() {
		r.q.Title = plainText(name)
	}
	return r.q
}

// multipleText reads the fields of a multiple text.
func (p *parser) multipleText(r *reader, v *node, at string) {
	q := r.q
	p.nested(at, q.Name, func(t *tree, root *element) {
		p.items(objectsOf(v), at, q.Name, "items", func(n *node, at string) {
			var name string
			if c := n.get("name"); c != nil {
				p.text(c, join(at, "name"), q.Name, &name)
			}
			switch {
			case name == "":
				p.find(missingName, failure, at, q.Name, "a field without a name cannot be answered")
				return
			case t.names[name] != nil:
				p.find(duplicateName, failure, at, q.Name, "a second field of this name is not asked")
				return
			}
			in := p.reader("text", name)
			finish := p.typed(in, "text", at)
			p.object(n, at, q.Name, in.read, "multipletextitem", "text")
			finish()
			if in.q.Title.IsZero() {
				in.q.Title = plainText(name)
			}
			t.addQuestion(in.q, root)
		})
		for _, f := range t.questions {
			q.Items = append(q.Items, *f)
		}
		r.q.rules.fields = t
	})
}

// repeat reads a dynamic panel.
func (p *parser) repeat(r *reader, path string) func() {
	q, ru := r.q, r.q.rules
	d := &Repeat{Max: 100, CanAdd: true, CanRemove: true}
	q.Repeat = d
	var children *node
	var childrenAt string
	r.add(properties{
		"templateElements":              func(v *node, at string) { children, childrenAt = v, at },
		"templateTitle":                 r.loc(&d.Title),
		"templateDescription":           r.loc(&d.Description),
		"noEntriesText":                 r.loc(&d.NoEntriesText),
		"allowAddPanel":                 r.yes(&d.CanAdd),
		"allowRemovePanel":              r.yes(&d.CanRemove),
		"panelCount":                    r.num(&d.Count),
		"panelCountExpression":          r.formula(&ru.countExpr),
		"minPanelCount":                 r.num(&d.Min),
		"maxPanelCount":                 r.num(&d.Max),
		"defaultPanelValue":             func(v *node, _ string) { ru.defaultRow = v.value() },
		"copyDefaultValueFromLastEntry": r.yes(&ru.copyLast),
		"keyName":                       r.str(&d.Key),
		"keyDuplicationError":           r.loc(&d.KeyText),
		"addPanelText":                  r.loc(&d.AddText),
		"removePanelText":               r.loc(&d.RemoveText),
		"templateVisibleIf":             r.when(&ru.templateIf),
	})
	return func() {
		d.Max = min(max(d.Max, 1), 100)
		d.Min = min(max(d.Min, 0), d.Max)
		d.Count = min(max(d.Count, d.Min), d.Max)
		if children == nil {
			p.find(badValue, failure, path, q.Name, "the panel has no questions")
			return
		}
		p.nested(path, q.Name, func(t *tree, root *element) {
			p.elementsOf(children, childrenAt, root, Text{}, "")
			for _, f := range t.questions {
				d.Questions = append(d.Questions, *f)
			}
			d.tree = t
		})
	}
}

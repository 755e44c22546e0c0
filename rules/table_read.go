package rules

import (
	"fmt"
	"strconv"
)

// parameters reads name: value, name: {expr: …, doc: …}, or a list of
// {name, expr, doc}.
func (d *decoder) parameters(v *value) {
	d.entries(v, "parameters", func(path, name string, v *value) {
		p := Parameter{Name: name}
		d.rule = "parameter " + name
		switch {
		case v.shape == isMap:
			d.fields(v, path, map[string]func(string, *value){
				"name": d.str(&p.Name), "doc": d.str(&p.Doc),
				"expr": d.str(&p.Expr),
			})
		case v.shape == isList:
			d.book.places[path+".expr"] = v.place
			p.Expr = "["
			for i, item := range v.items {
				if !d.want(item, path+".expr", isScalar) {
					continue
				}
				if i > 0 {
					p.Expr += ", "
				}
				p.Expr += literal(item)
			}
			p.Expr += "]"
		default:
			at := v.place
			at.verbatim = at.verbatim && !v.isText
			d.book.places[path+".expr"] = at
			p.Expr = literal(v)
		}
		d.rule = ""
		d.book.Parameters = append(d.book.Parameters, p)
	})
}

// literal spells a scalar of a file as a constant of the language.
func literal(v *value) string {
	if v.isText {
		return strconv.Quote(v.text)
	}
	return v.text
}

// tables reads a list of tables.
func (d *decoder) tables(v *value) {
	d.list(v, "tables", func(path string, v *value) {
		t := Table{}
		handlers := d.ruleKeys(&t.Rule)
		for i, k := range v.keys {
			if k.name == "name" && v.items[i].shape == isScalar {
				d.rule = "table " + v.items[i].text
			}
		}
		defer func() { d.rule = "" }()
		handlers["hit"] = d.str(&t.Hit)
		handlers["inputs"] = d.columns(&t.Inputs, true)
		handlers["outputs"] = d.columns(&t.Outputs, false)
		var rows *value
		var rowsPath string
		handlers["rows"] = func(path string, v *value) { rows, rowsPath = v, path }
		d.fields(v, path, handlers)
		if rows != nil { // last, because a row may be one list for inputs and outputs
			d.list(rows, rowsPath, func(path string, v *value) { t.Rows = append(t.Rows, d.tableRow(path, v, len(t.Inputs))) })
		}
		d.book.Tables = append(d.book.Tables, t)
	})
}

// columns reads a list of columns: of inputs {expr, name, values} or the expression alone,
// of outputs {name, values} or the name alone.
func (d *decoder) columns(dst *[]Column, inputs bool) func(string, *value) {
	return func(path string, v *value) {
		d.list(v, path, func(path string, v *value) {
			var c Column
			alone, keys := d.str(&c.Name), map[string]func(string, *value){"name": d.str(&c.Name), "values": d.strs(&c.Values)}
			if inputs {
				alone = d.str(&c.Expr)
				keys["expr"] = alone
			}
			if v.shape == isMap {
				d.fields(v, path, keys)
			} else {
				alone(path, v)
			}
			*dst = append(*dst, c)
		})
	}
}

// tableRow reads {name, when, then}, or one list: cells, then values.
func (d *decoder) tableRow(path string, v *value, inputs int) TableRow {
	row := TableRow{When: []string{}, Then: []string{}}
	if v.shape == isMap {
		d.fields(v, path, map[string]func(string, *value){
			"name": d.str(&row.Name), "doc": d.str(&row.Doc), "when": d.strs(&row.When), "then": d.strs(&row.Then),
		})
		return row
	}
	var all []string
	d.strs(&all)(path, v)
	n := min(inputs, len(all))
	row.When, row.Then = append(row.When, all[:n]...), append(row.Then, all[n:]...)
	for i := range all {
		to := fmt.Sprintf("%s.when[%d]", path, i)
		if i >= n {
			to = fmt.Sprintf("%s.then[%d]", path, i-n)
		}
		d.book.places[to] = d.book.places[fmt.Sprintf("%s[%d]", path, i)]
	}
	return row
}

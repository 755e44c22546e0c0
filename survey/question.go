package survey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reader reads the properties of one question: short names for the helpers of parser with the
// question's name filled in.
type reader struct {
	p    *parser
	q    *Question
	read properties
}

func (r *reader) loc(dst *Text) func(*node, string) {
	return func(v *node, at string) { *dst = r.p.localized(v, at, r.q.Name) }
}

func (r *reader) str(dst *string) func(*node, string) {
	return func(v *node, at string) { r.p.text(v, at, r.q.Name, dst) }
}

func (r *reader) num(dst *int) func(*node, string) {
	return func(v *node, at string) { r.p.integer(v, at, r.q.Name, dst) }
}

func (r *reader) float(dst *float64) func(*node, string) {
	return func(v *node, at string) { r.p.number(v, at, r.q.Name, dst) }
}

func (r *reader) yes(dst *bool) func(*node, string) {
	return func(v *node, at string) { r.p.truth(v, at, r.q.Name, dst) }
}

func (r *reader) when(dst **expression) func(*node, string) {
	return func(v *node, at string) { *dst = r.p.condition(v, at, r.q.Name) }
}

func (r *reader) formula(dst **expression) func(*node, string) {
	return func(v *node, at string) { *dst = r.p.formula(v, at, r.q.Name) }
}

// add takes further properties.
func (r *reader) add(more properties) {
	for k, fn := range more {
		r.read[k] = fn
	}
}

// question reads a question of a type that is asked. One without a name, or with a name that is
// taken, is left out: its answer could not be told from another's.
func (p *parser) question(n *node, path, typ, name string, parent *element, panelTitle Text, panel string) {
	shows := typ == "html" || typ == "image"
	if name == "" {
		if !shows {
			p.find(missingName, failure, path, "", "a question without a name cannot be answered")
			return
		}
		p.warn("property/required", path, "", "it has no name")
		name = p.freeName()
	}
	if _, dup := p.tree.names[name]; dup && !shows {
		p.find(duplicateName, failure, path, name, "a second question of this name is not asked")
		return
	}
	q := p.newQuestion(n, path, typ, name)
	q.Page, q.Panel, q.PanelTitle = max(len(p.d.head.Pages)-1, 0), panel, panelTitle
	p.checkMetric(q, path)
	p.tree.addQuestion(q, parent)
}

// freeName is the name that SurveyJS gives to what has none.
func (p *parser) freeName() string {
	for i := 1; ; i++ {
		if name := "question" + strconv.Itoa(i); p.tree.names[name] == nil {
			return name
		}
	}
}

// newQuestion reads a question, without a place.
func (p *parser) newQuestion(n *node, path, typ, name string) *Question {
	r := p.reader(typ, name)
	r.q.rules.path = path
	finish := p.typed(r, typ, path)
	p.object(n, path, name, r.read, classOf(typ))
	p.dead(n, r.q, path)
	if finish != nil {
		finish()
	}
	if r.q.Title.IsZero() {
		r.q.Title = plainText(name)
	}
	return r.q
}

// classOf is the class of the schema that describes a type.
func classOf(typ string) string { return typ }

// reader has what all questions have in common.
func (p *parser) reader(typ, name string) *reader {
	q := &Question{Name: name, Type: typ, index: -1, rules: &questionRules{
		conditions: conditions{static: true}, maxFraction: -1, minFraction: -1, precision: -1,
	}}
	r := &reader{p: p, q: q}
	ru := q.rules
	r.read = properties{
		"type":                           func(*node, string) {},
		"name":                           func(*node, string) {},
		"title":                          r.loc(&q.Title),
		"titleLocation":                  func(v *node, _ string) { q.HideTitle = v.text == "hidden" },
		"showTitle":                      func(v *node, _ string) { q.HideTitle = v.kind == kindBool && !v.truth },
		"description":                    r.loc(&q.Description),
		"requiredErrorText":              r.loc(&q.RequiredText),
		"valueName":                      r.str(&q.ValueName),
		"isRequired":                     r.yes(&ru.required),
		"requiredIf":                     r.when(&ru.requiredIf),
		"visible":                        r.yes(&ru.static),
		"visibleIf":                      r.when(&ru.visibleIf),
		"enableIf":                       r.when(&ru.enableIf),
		"readOnly":                       r.yes(&ru.readOnly),
		"defaultValue":                   func(v *node, at string) { p.defaultValue(r, v, at) },
		"defaultValueExpression":         r.formula(&ru.defaultExpr),
		"setValueIf":                     r.when(&ru.setIf),
		"setValueExpression":             r.formula(&ru.setExpr),
		"resetValueIf":                   r.when(&ru.resetIf),
		"clearIfInvisible":               r.str(&ru.clearIf),
		"correctAnswer":                  func(v *node, _ string) { q.CorrectAnswer = v.value() },
		"validators":                     func(v *node, at string) { ru.validators = p.validators(v, at, name) },
		"showCommentArea":                r.yes(&q.Comment),
		"commentText":                    r.loc(&q.CommentText),
		"commentPlaceholder":             r.loc(&q.CommentPlaceholder),
		"useDisplayValuesInDynamicTexts": r.yes(&ru.displayText),
		"defaultDisplayValue":            r.loc(&ru.defaultText),
		"bindings":                       func(v *node, at string) { p.bindings(r, v, at) },
		extensionName:                    func(v *node, at string) { q.Extension = p.extension(v, at, name) },
	}
	ru.displayText = true
	return r
}

// defaultValue reads a value, or an expression where it begins with "=".
func (p *parser) defaultValue(r *reader, v *node, at string) {
	if v.kind == kindString && strings.HasPrefix(v.text, "=") {
		r.q.rules.defaultExpr = p.formula(&node{kind: kindString, text: v.text[1:]}, at, r.q.Name)
		return
	}
	r.q.rules.defaultValue = v.value()
}

// bindings ties the number of panels or rows to the answer of another question.
func (p *parser) bindings(r *reader, v *node, at string) {
	if v.kind != kindObject {
		return
	}
	for _, m := range v.members {
		if (m.name == "panelCount" || m.name == "rowCount") && m.value.kind == kindString {
			r.q.rules.bound = m.value.text
			continue
		}
		p.find(unsupportedProperty, failure, join(at, m.name), r.q.Name, "a binding of "+quote(m.name)+" has no effect")
	}
}

// typed adds the properties of a type. What it returns is called when all are read.
func (p *parser) typed(r *reader, typ, path string) func() {
	q, ru := r.q, r.q.rules
	switch typ {
	case "text":
		p.line(r)
		return func() { p.lineFaults(r, path) }
	case "comment":
		r.add(properties{"maxLength": r.num(&q.MaxLength), "rows": r.num(&q.Rows), "placeholder": r.loc(&q.Placeholder)})
	case "rating":
		return p.rating(r, path)
	case "boolean":
		return p.boolean(r, path)
	case "radiogroup", "dropdown", "buttongroup":
		p.selection(r)
		return p.choicesOrElse(r, path)
	case "checkbox", "tagbox", "ranking":
		q.Multiple = true
		p.selection(r)
		return p.choicesOrElse(r, path)
	case "imagepicker":
		p.selection(r)
		r.add(properties{"multiSelect": r.yes(&q.Multiple)})
		return p.choicesOrElse(r, path)
	case "matrix":
		return p.matrix(r, path)
	case "matrixdropdown", "matrixdynamic":
		return p.table(r, typ, path)
	case "multipletext":
		r.add(properties{"items": func(v *node, at string) { p.multipleText(r, v, at) }})
		return func() {
			if len(q.Items) == 0 {
				p.find(badValue, failure, path, q.Name, "there is nothing to fill in")
			}
		}
	case "paneldynamic":
		return p.repeat(r, path)
	case "html":
		r.add(properties{"html": r.loc(&q.HTML)})
	case "image":
		q.Image = &Image{}
		r.add(properties{
			"imageLink": r.loc(&q.Image.Link), "altText": r.loc(&q.Image.Alt), "contentMode": r.str(&q.Image.Mode),
			"imageFit": r.str(&q.Image.Fit), "imageHeight": r.str(&q.Image.Height), "imageWidth": r.str(&q.Image.Width),
		})
	case "expression":
		r.add(properties{"expression": r.formula(&ru.expr)})
		r.add(p.format(r))
	case "file":
		p.upload(r)
	case "signaturepad":
		q.Upload = &Upload{Signature: true, Format: "png"}
		r.add(properties{"dataFormat": r.str(&q.Upload.Format)})
		q.Upload.MaxFiles = 1
	case "slider":
		return p.slider(r, path)
	}
	return nil
}

// format has how an expression or a total is written.
func (p *parser) format(r *reader) properties {
	ru := r.q.rules
	ru.grouping = true
	return properties{
		"format": r.loc(&ru.format), "displayStyle": r.str(&ru.style), "currency": r.str(&ru.currency),
		"maximumFractionDigits": r.num(&ru.maxFraction), "minimumFractionDigits": r.num(&ru.minFraction),
		"useGrouping": r.yes(&ru.grouping), "precision": r.num(&ru.precision),
	}
}

// inputTypes are those of SurveyJS.
var inputTypes = []string{"text", "email", "tel", "number", "url", "date", "color", "datetime-local", "month",
	"password", "range", "time", "week", "datetime"}

// line reads a single line of text.
func (p *parser) line(r *reader) {
	q, ru := r.q, r.q.rules
	q.InputType = "text"
	written := func(dst *string) func(*node, string) {
		return func(v *node, at string) { p.bound(v, at, q.Name, dst, ru) }
	}
	mask := Mask{Decimal: ".", Thousands: ",", Precision: 2}
	r.add(properties{
		"inputType":          func(v *node, at string) { p.inputType(v, at, q.Name, &q.InputType) },
		"maxLength":          r.num(&q.MaxLength),
		"placeholder":        r.loc(&q.Placeholder),
		"autocomplete":       r.str(&q.Autocomplete),
		"min":                written(&q.Min),
		"max":                written(&q.Max),
		"step":               written(&q.Step),
		"minErrorText":       r.loc(&q.MinErrorText),
		"maxErrorText":       r.loc(&q.MaxErrorText),
		"minValueExpression": r.formula(&ru.minExpr),
		"maxValueExpression": r.formula(&ru.maxExpr),
		"dataList": func(v *node, at string) {
			for i, it := range v.items {
				q.Suggestions = append(q.Suggestions, p.localized(it, fmt.Sprintf("%s[%d]", at, i), q.Name))
			}
		},
		"maskType":     r.str(&mask.Type),
		"maskSettings": func(v *node, at string) { p.mask(r, v, at, &mask) },
	})
	r.q.Mask = &mask
}

// lineFaults finishes a line: a mask that is none is dropped.
func (p *parser) lineFaults(r *reader, path string) {
	m := r.q.Mask
	switch m.Type {
	case "", "none":
		r.q.Mask = nil
	case "pattern", "datetime":
		if m.Pattern == "" {
			r.q.Mask = nil
		}
	case "numeric", "currency":
	default:
		p.find(badValue, warning, join(path, "maskType"), r.q.Name, "there is no mask "+quote(m.Type))
		r.q.Mask = nil
	}
	if r.q.Mask == nil {
		return
	}
	if r.q.InputType != "text" && r.q.InputType != "tel" {
		r.q.Mask = nil // SurveyJS, too, masks nothing that the browser formats
	}
}

// mask reads how a line is written.
func (p *parser) mask(r *reader, v *node, at string, m *Mask) {
	if v.kind != kindObject {
		return
	}
	p.object(v, at, r.q.Name, properties{
		"pattern":             r.str(&m.Pattern),
		"patternPreset":       func(*node, string) {},
		"decimalSeparator":    r.str(&m.Decimal),
		"thousandsSeparator":  r.str(&m.Thousands),
		"precision":           r.num(&m.Precision),
		"min":                 r.str(&m.Min),
		"max":                 r.str(&m.Max),
		"allowNegativeValues": func(v *node, _ string) { m.NoNegative = v.kind == kindBool && !v.truth },
		"prefix":              r.str(&m.Prefix),
		"suffix":              r.str(&m.Suffix),
		"saveMaskedValue":     r.yes(&m.SaveMasked),
	}, "currencymask", "datetimemask", "patternmask", "numericmask")
}

// inputType reads the kind of a single line.
func (p *parser) inputType(v *node, at, question string, dst *string) {
	var t string
	p.text(v, at, question, &t)
	if t == "" {
		return
	}
	if !slices.Contains(inputTypes, t) {
		f := p.find(badValue, warning, at, question, "input type "+quote(t)+" is asked as text")
		f.Suggestion = nearest(t, slices.Clone(inputTypes))
		return
	}
	*dst = t
}

// bound reads min, max or step as written: a number, a date, or an expression after "=".
func (p *parser) bound(v *node, at, question string, dst *string, ru *questionRules) {
	switch v.kind {
	case kindString, kindNumber:
		if strings.HasPrefix(v.text, "=") {
			x := p.formula(&node{kind: kindString, text: v.text[1:]}, at, question)
			if strings.HasSuffix(at, "min") {
				ru.minExpr = x
			} else {
				ru.maxExpr = x
			}
			return
		}
		*dst = v.text
	case kindNull:
	default:
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", neither a number nor a date")
	}
}

// upload reads what a file question accepts.
func (p *parser) upload(r *reader) {
	u := &Upload{}
	r.q.Upload = u
	var size float64
	r.add(properties{
		"allowMultiple": func(v *node, at string) {
			p.truth(v, at, r.q.Name, &u.Multiple)
			r.q.Multiple = u.Multiple
		},
		"acceptedTypes": r.str(&u.Accept),
		"acceptedCategories": func(v *node, _ string) {
			for _, it := range v.items {
				if t := acceptedBy[it.text]; t != "" {
					u.Accept = strings.TrimPrefix(u.Accept+","+t, ",")
				}
			}
		},
		"maxSize": func(v *node, at string) {
			if p.number(v, at, r.q.Name, &size) {
				u.MaxSize = int64(size)
			}
		},
		"maxFiles":   r.num(&u.MaxFiles),
		"sourceType": func(v *node, _ string) { u.Camera = v.text == "camera" || v.text == "file-camera" },
	})
}

// acceptedBy are the types of the categories of files.
var acceptedBy = map[string]string{
	"image": "image/*", "video": "video/*", "audio": "audio/*",
	"document": ".pdf,.doc,.docx,.odt,.txt,.rtf", "spreadsheet": ".xls,.xlsx,.ods,.csv", "presentation": ".ppt,.pptx,.odp",
}

// slider reads a value on a scale, or a range.
func (p *parser) slider(r *reader, path string) func() {
	q, ru := r.q, r.q.rules
	q.Min, q.Max, q.Step = "0", "100", "1"
	written := func(dst *string) func(*node, string) {
		return func(v *node, at string) { p.bound(v, at, q.Name, dst, ru) }
	}
	r.add(properties{
		"sliderType": func(v *node, _ string) { q.Multiple = v.text == "range" },
		"min":        written(&q.Min), "max": written(&q.Max), "step": written(&q.Step),
		"minValueExpression": r.formula(&ru.minExpr), "maxValueExpression": r.formula(&ru.maxExpr),
		"minRangeLength": r.float(&ru.minRange), "maxRangeLength": r.float(&ru.maxRange),
	})
	return func() {
		lo, hi := textToNumber(q.Min), textToNumber(q.Max)
		if !(lo < hi) && ru.minExpr == nil && ru.maxExpr == nil {
			p.find(badValue, failure, path, q.Name, "there is no scale from "+quote(q.Min)+" to "+quote(q.Max))
		}
	}
}

// checkMetric reports a metric whose scale differs from the question's: NPS
// asked from 1 to 10 is not NPS.
func (p *parser) checkMetric(q *Question, path string) {
	lo, hi, ok := q.Extension.Metric.scale()
	if !ok {
		return
	}
	wrong := ""
	switch {
	case q.Type != "rating" && q.Type != "radiogroup":
		wrong = "is not asked on a scale"
	default:
		for i, c := range q.Choices {
			if f, isNum := c.Value.(float64); !isNum || f != float64(lo+i) {
				wrong = fmt.Sprintf("is asked from %d to %d by 1", lo, hi)
				break
			}
		}
		if len(q.Choices) != hi-lo+1 {
			wrong = fmt.Sprintf("is asked from %d to %d by 1", lo, hi)
		}
	}
	if wrong != "" {
		p.find(badValue, failure, join(path, extensionName), q.Name, string(q.Extension.Metric)+" "+wrong)
		q.Extension.Metric = ""
	}
}

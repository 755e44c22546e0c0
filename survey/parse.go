package survey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a SurveyJS definition. The error is a *ParseError for a text
// that is no definition at all or exceeds the limits; everything that can be
// read but not acted upon is in Findings.
func Parse(data []byte, limits Limits) (*Definition, error) {
	limits = limits.withDefaults()
	root, err := readTree(data, limits)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	if err := json.Compact(&raw, bytes.TrimPrefix(data, []byte("\uFEFF"))); err != nil {
		return nil, &ParseError{Err: err}
	}
	p := &parser{d: &Definition{raw: raw.Bytes(), limits: limits}}
	p.tree = &p.d.tree
	p.survey(root)
	if p.err != nil {
		return nil, p.err
	}
	p.d.link()
	p.lint()
	slices.Sort(p.langs)
	p.d.head.Languages = slices.Compact(p.langs)
	return p.d, nil
}

// parser turns the tree of a file into a definition and notes what it cannot act on. It goes on
// after a finding, so that an author is told of all of them.
type parser struct {
	d         *Definition
	tree      *tree // that elements are added to: the survey's, or that of a template
	langs     []string
	elements  int
	depth     int // of questions inside questions
	uses      []use
	inherited bool  // a column's matrix has choices for it
	err       error // a limit was exceeded
}

// use is an expression and where it stands, for lint.
type use struct {
	x              *expression
	path, question string
	condition      bool
	tree           *tree
	row            bool // inside a template, where {panel.x} and {row.x} are known
}

// properties maps each property that is acted upon to its reader.
type properties map[string]func(v *node, at string)

// object walks the members of an object: reads those that are acted upon,
// and reports the others by what SurveyJS knows of the classes of the object.
// Older names of a property are read as its present one.
func (p *parser) object(n *node, path, question string, read properties, classes ...string) {
	seen := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		at := join(path, m.name)
		if seen[m.name] {
			p.find(duplicateName, failure, at, question, "the member is repeated; the last one counts")
			continue
		}
		seen[m.name] = true
		name, known := m.name, false
		for _, c := range classes {
			if now := schema()[c].properties[m.name]; now != "" {
				name, known = now, true
				break
			}
		}
		if name != m.name && n.get(name) != nil {
			continue // the present name is there, too, and counts
		}
		if fn, ok := read[name]; ok {
			fn(n.get(m.name), at)
			continue
		}
		switch {
		case known && name == "detailElements" && n.hidesDetails():
			p.warn("page/empty", at, question, quote(name)+" never shows: there is no \"detailPanelMode\"")
		case known:
			p.unacted(name, at, question, n.get(m.name), classes)
		case m.name == "type" || m.name == "$schema":
		case strings.HasPrefix(m.name, "x-"):
			p.find(unknownProperty, warning, at, question, "extension "+quote(m.name)+" is kept and not read")
		default:
			p.unknown(m.name, at, question, classes, keys(read))
		}
	}
}

// hidesDetails tells a matrix whose rows have no details that show.
func (n *node) hidesDetails() bool {
	mode := n.get("detailPanelMode")
	return mode == nil || mode.kind == kindNull || mode.kind == kindString && (mode.text == "" || mode.text == "none")
}

// unacted reports a property of SurveyJS that is not acted upon, unless it concerns looks or
// what happens on a screen with scripts.
func (p *parser) unacted(name, at, question string, v *node, classes []string) {
	for _, of := range classes {
		for c := schema()[of]; c != nil; c = c.parent {
			if f, ok := notActedUpon[c.name+"."+name]; ok {
				if !f.harmless(v) {
					p.find(unsupportedProperty, f.severity, at, question, quote(name)+" "+f.why)
				}
				return
			}
		}
	}
}

// harmless tells a value with which the property would have no effect either.
func (f omission) harmless(v *node) bool {
	switch v.kind {
	case kindString:
		return v.text == "" || slices.Contains(strings.Fields(f.unless), v.text)
	case kindBool:
		return slices.Contains(strings.Fields(f.unless), strconv.FormatBool(v.truth))
	case kindArray:
		return len(v.items) == 0
	case kindObject:
		return len(v.members) == 0
	}
	return v.kind == kindNull
}

// omission is why a property of SurveyJS has no effect here.
type omission struct{ severity, unless, why string }

// notActedUpon lists, by class and property, what changes what is asked, checked or stored and
// has no effect here. Everything else that is not read is about looks.
var notActedUpon = map[string]omission{
	"survey.showPreviewBeforeComplete":  {warning, "false noPreview", "shows no preview"},
	"survey.previewMode":                {warning, "", "shows no preview"},
	"selectbase.choicesByUrl":           {failure, "", "asks another server for the choices, which a survey never does"},
	"dropdown.choicesLazyLoadEnabled":   {failure, "false", "asks a program for the choices"},
	"tagbox.choicesLazyLoadEnabled":     {failure, "false", "asks a program for the choices"},
	"matrixdropdownbase.detailElements": {failure, "", "is not asked: questions behind a row's button"},
	"choiceitem.elements":               {failure, "", "is not asked: questions inside a choice"},
}

// find notes a finding and returns it, for what its caller has to add.
func (p *parser) find(kind, sev, path, question, detail string) *Finding {
	if len(p.d.findings) >= maxFindings {
		return &Finding{} // a file of nothing but faults: the first thousands tell enough
	}
	p.d.findings = append(p.d.findings, Finding{Kind: kind, Severity: sev, Path: path, Question: question, Detail: detail})
	f := &p.d.findings[len(p.d.findings)-1]
	f.Rule = officialRule[kind]
	return f
}

// officialRule is the rule of SurveyJS's linter for the kinds that have one.
var officialRule = map[string]string{
	badExpression: "expression/syntax", unknownFunction: "expression/unknown-function", unknownType: "element/unknown-type",
	unknownProperty: "property/unknown", missingName: "property/required", duplicateName: "name/duplicate",
	badValue: "property/invalid-value",
}

// ruled is find for a finding of another rule than its kind has.
func (p *parser) ruled(rule, kind, sev, path, question, detail string) *Finding {
	f := p.find(kind, sev, path, question, detail)
	f.Rule = rule
	return f
}

// warn notes what can be read and is probably not meant.
func (p *parser) warn(rule, path, question, detail string) *Finding {
	return p.ruled(rule, lintKind, warning, path, question, detail)
}

// maxFindings bounds what is told of one file.
const maxFindings = 10_000

// unknown reports a property that SurveyJS does not have. One that is close to
// a known name is a failure: its author meant something by it.
func (p *parser) unknown(name, at, question string, classes, extras []string) {
	f := p.find(unknownProperty, warning, at, question, quote(name))
	if f.Suggestion = nearest(name, append(known(classes), extras...)); f.Suggestion != "" {
		f.Severity = failure
	}
}

// text, truth, integer and number read a property of one type into dst, or report it and leave
// dst as it is.
func (p *parser) text(v *node, at, question string, dst *string) {
	switch v.kind {
	case kindString:
		*dst = v.text
	case kindNumber, kindBool:
		*dst = toText(v.value()) // as JavaScript would use it
	case kindNull:
	default:
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", not a string")
	}
}

func (p *parser) truth(v *node, at, question string, dst *bool) {
	switch {
	case v.kind == kindBool:
		*dst = v.truth
	case v.kind == kindString && (v.text == "true" || v.text == "false"):
		*dst = v.text == "true"
	case v.kind == kindString && (v.text == "inherit" || v.text == "default" || v.text == "hide" || v.text == "show" || v.text == ""):
		if v.text == "hide" || v.text == "show" {
			*dst = v.text == "show"
		}
	case v.kind == kindNull:
	default:
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", not true or false")
	}
}

// integer also takes a number in quotes, which SurveyJS writes for some properties. It reports
// whether there was one.
func (p *parser) integer(v *node, at, question string, dst *int) bool {
	var f float64
	if !p.number(v, at, question, &f) {
		return false
	}
	if f != math.Trunc(f) {
		p.find(badValue, failure, at, question, "is not a whole number within a thousand million")
		return false
	}
	*dst = int(f)
	return true
}

func (p *parser) number(v *node, at, question string, dst *float64) bool {
	f, ok := v.number()
	if v.kind == kindString {
		var err error
		f, err = strconv.ParseFloat(strings.TrimSpace(v.text), 64)
		ok = err == nil
	}
	if !ok || math.Abs(f) > 1e9 || math.IsNaN(f) {
		if v.kind != kindNull && (v.kind != kindString || v.text != "") {
			p.find(badValue, failure, at, question, "is not a number within a thousand million")
		}
		return false
	}
	*dst = f
	return true
}

// localized reads a text in one or several languages and notes the languages.
func (p *parser) localized(v *node, at, question string) Text {
	switch v.kind {
	case kindString:
		return plainText(v.text)
	case kindNumber, kindBool:
		return plainText(toText(v.value()))
	case kindNull:
		return Text{}
	case kindObject:
		var t Text
		for _, m := range v.members {
			if m.value.kind != kindString && m.value.kind != kindNumber {
				if m.value.kind != kindNull {
					p.find(badValue, failure, join(at, m.name), question, "is "+m.value.kind.String()+", not a string")
				}
				continue
			}
			t.add(m.name, m.value.text)
			if m.name != "default" {
				p.langs = append(p.langs, m.name)
			}
		}
		return t
	case kindArray: // some old files hold the lines of a text
		var lines []string
		for _, it := range v.items {
			if it.kind != kindString {
				p.find(badValue, failure, at, question, "is an array, not a text")
				return Text{}
			}
			lines = append(lines, it.text)
		}
		return plainText(strings.Join(lines, ""))
	default:
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", not a text")
		return Text{}
	}
}

// condition compiles an expression. One that does not compile is reported and
// counts as absent: the question shows, because an answer too many does less
// harm than a question never asked.
func (p *parser) condition(v *node, at, question string) *expression {
	return p.expression(v, at, question, true)
}

// formula compiles an expression that gives a value.
func (p *parser) formula(v *node, at, question string) *expression {
	return p.expression(v, at, question, false)
}

func (p *parser) expression(v *node, at, question string, condition bool) *expression {
	var src string
	p.text(v, at, question, &src)
	if strings.TrimSpace(src) == "" {
		return nil
	}
	x, err := compileExpr(src, p.d.limits.Expression)
	if err == nil {
		for _, name := range x.unknown {
			f := p.find(unknownFunction, failure, at, question, "there is no function "+quote(name))
			f.Suggestion = nearest(name, functionNames())
		}
		p.uses = append(p.uses, use{x, at, question, condition, p.tree, p.depth > 0})
		return x
	}
	kind := badExpression
	if errors.Is(err, ErrLimit) {
		kind = overLimit
	}
	p.find(kind, failure, at, question, err.Error())
	return nil
}

// items goes through an array of objects. What is none is reported and passed over.
func (p *parser) items(v *node, at, question, what string, each func(n *node, at string)) {
	if v.kind == kindNull {
		return
	}
	if v.kind != kindArray {
		p.ruled("property/not-an-array", badValue, failure, at, question, what+" is "+v.kind.String()+", not an array")
		return
	}
	for i, it := range v.items {
		path := fmt.Sprintf("%s[%d]", at, i)
		if it.kind != kindObject {
			p.find(badValue, failure, path, question, what+" holds "+it.kind.String()+", not an object")
			continue
		}
		if each(it, path); p.err != nil {
			return
		}
	}
}

// join appends a member's name to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// quote bounds what a finding repeats of the file.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

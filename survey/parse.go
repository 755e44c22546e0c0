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
	p := &parser{d: &Definition{raw: raw.Bytes(), byName: map[string]int{}, limits: limits}}
	p.survey(root)
	if p.err != nil {
		return nil, p.err
	}
	slices.Sort(p.langs)
	p.d.head.Languages = slices.Compact(p.langs)
	return p.d, nil
}

// parser turns the tree of a file into a definition and notes what it cannot act on. It goes on
// after a finding, so that an author is told of all of them.
type parser struct {
	d        *Definition
	langs    []string
	elements int
	err      error // a limit was exceeded
}

// survey reads the root.
func (p *parser) survey(root *node) {
	d := p.d
	read := properties{
		"title":        func(v *node, at string) { d.head.Title = p.localized(v, at, "") },
		"description":  func(v *node, at string) { d.head.Description = p.localized(v, at, "") },
		"completeText": func(v *node, at string) { d.head.CompleteText = p.localized(v, at, "") },
		"pageNextText": func(v *node, at string) { d.head.NextText = p.localized(v, at, "") },
		"completedHtml": func(v *node, at string) {
			written := p.localized(v, at, "")
			if d.head.Thanks = written.withoutMarkup(); !slices.Equal(d.head.Thanks.all(), written.all()) {
				p.find(unsupportedProperty, warning, at, "", "is shown without its markup")
			}
		},
		"locale": func(v *node, at string) { p.text(v, at, "", &d.head.Language) },
		"clearInvisibleValues": func(v *node, at string) {
			var mode string
			p.text(v, at, "", &mode)
			switch mode {
			case "none":
				d.keepHidden = true
			case "onComplete", "":
			default:
				p.find(unsupportedProperty, warning, at, "", "clearInvisibleValues "+quote(mode)+" is read as onComplete")
			}
		},
		"pages":       func(v *node, at string) { p.pages(v, at) },
		"elements":    func(v *node, at string) { p.loosePage(v, at) },
		extensionName: func(v *node, at string) { p.surveyExtension(v, at) },
	}
	p.members(root, "", "", read, surveyVocabulary)
	if p.err == nil && len(d.questions) == 0 {
		p.find(noQuestion, failure, "", "", "there is nothing to ask")
	}
}

// surveyExtension reads the x-retail object of the survey itself.
func (p *parser) surveyExtension(n *node, at string) {
	if n.kind != kindObject {
		p.find(badValue, failure, at, "", "x-retail is "+n.kind.String()+", not an object")
		return
	}
	p.members(n, at, "", properties{
		"name":    func(v *node, at string) { p.text(v, at, "", &p.d.head.Name) },
		"version": func(v *node, at string) { p.d.head.Version = toText(v.value()) },
	}, vocabulary{})
}

// pages reads the list of pages; what is no page in it is reported and passed over.
func (p *parser) pages(n *node, path string) {
	if n.kind != kindArray {
		p.find(badValue, failure, path, "", "pages is "+n.kind.String()+", not an array")
		return
	}
	for i, pg := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if pg.kind != kindObject {
			p.find(badValue, failure, at, "", "a page is "+pg.kind.String()+", not an object")
			continue
		}
		p.page(pg, at)
	}
}

// loosePage reads questions that stand at the root of the file, without pages.
func (p *parser) loosePage(n *node, path string) {
	p.d.head.Pages = append(p.d.head.Pages, Page{})
	p.d.containers = append(p.d.containers, container{parent: -1, static: true})
	p.elementsOf(n, path, len(p.d.containers)-1, Text{}, "")
}

// page reads one page and then its elements.
func (p *parser) page(n *node, path string) {
	page := len(p.d.head.Pages)
	p.d.head.Pages = append(p.d.head.Pages, Page{})
	self := len(p.d.containers)
	p.d.containers = append(p.d.containers, container{parent: -1, static: true})
	pg := &p.d.head.Pages[page]
	var children, childPath = (*node)(nil), ""
	p.members(n, path, "", properties{
		"name":        func(v *node, at string) { p.text(v, at, "", &pg.Name) },
		"title":       func(v *node, at string) { pg.Title = p.localized(v, at, "") },
		"description": func(v *node, at string) { pg.Description = p.localized(v, at, "") },
		"visible":     func(v *node, at string) { p.truth(v, at, "", &p.d.containers[self].static) },
		"visibleIf":   func(v *node, at string) { p.d.containers[self].visibleIf = p.condition(v, at, "") },
		"elements":    func(v *node, at string) { children, childPath = v, at },
	}, pageVocabulary)
	if children != nil {
		p.elementsOf(children, childPath, self, Text{}, "")
	}
}

// elementsOf reads the elements of a page or panel. It stops at Limits.Questions: that is an
// error and no finding.
func (p *parser) elementsOf(n *node, path string, parent int, panelTitle Text, panel string) {
	if n.kind != kindArray {
		p.find(badValue, failure, path, "", "elements is "+n.kind.String()+", not an array")
		return
	}
	for i, el := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if p.elements++; p.elements > p.d.limits.Questions {
			p.err = &ParseError{Path: at, Err: fmt.Errorf("more than %d questions and panels: %w", p.d.limits.Questions, ErrLimit)}
			return
		}
		if el.kind != kindObject {
			p.find(badValue, failure, at, "", "an element is "+el.kind.String()+", not an object")
			continue
		}
		p.element(el, at, parent, panelTitle, panel)
		if p.err != nil {
			return
		}
	}
}

// element reads a question or a panel. A type of SurveyJS that is not asked here is told apart
// from one that is misspelt.
func (p *parser) element(n *node, path string, parent int, panelTitle Text, panel string) {
	var name string
	if v := n.get("name"); v != nil && v.kind == kindString {
		name = v.text
	}
	typ := n.get("type")
	if typ == nil || typ.kind != kindString {
		p.find(unknownType, failure, path, name, "an element without a type")
		return
	}
	switch typ.text {
	case "panel":
		p.panel(n, path, parent)
	case rating, radiogroup, comment, input, boolean:
		p.question(n, path, typ.text, name, parent, panelTitle, panel)
	default:
		if slices.Contains(laterTypes, typ.text) {
			p.find(unsupportedType, failure, join(path, "type"), name, quote(typ.text))
			return
		}
		f := p.find(unknownType, failure, join(path, "type"), name, quote(typ.text))
		f.Suggestion = nearest(typ.text, append([]string{"panel", "rating", "radiogroup", "comment", "text", "boolean"}, laterTypes...))
	}
}

// panel reads a panel, and last its elements, whatever the order of members: they are told its
// title. Questions know the innermost panel only.
func (p *parser) panel(n *node, path string, parent int) {
	self := len(p.d.containers)
	p.d.containers = append(p.d.containers, container{parent: parent, static: true})
	var name string
	var title Text
	var children, childPath = (*node)(nil), ""
	p.members(n, path, "", properties{
		"type":      func(*node, string) {},
		"name":      func(v *node, at string) { p.text(v, at, "", &name) },
		"title":     func(v *node, at string) { title = p.localized(v, at, "") },
		"visible":   func(v *node, at string) { p.truth(v, at, "", &p.d.containers[self].static) },
		"visibleIf": func(v *node, at string) { p.d.containers[self].visibleIf = p.condition(v, at, "") },
		"elements":  func(v *node, at string) { children, childPath = v, at },
	}, panelVocabulary)
	if children != nil {
		p.elementsOf(children, childPath, self, title, name)
	}
}

// properties maps each property that is acted upon to its reader.
type properties map[string]func(v *node, at string)

// members walks the members of an object: reads those that are acted upon,
// and reports the others by what the vocabulary knows of them.
func (p *parser) members(n *node, path, question string, read properties, voc vocabulary) {
	seen := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		at := join(path, m.name)
		if seen[m.name] {
			p.find(duplicateName, failure, at, question, "the member is repeated; the last one counts")
			continue
		}
		seen[m.name] = true
		if fn, ok := read[m.name]; ok {
			fn(n.get(m.name), at)
			continue
		}
		switch {
		case slices.Contains(voc.ignored, m.name):
		case slices.Contains(voc.later, m.name):
			p.find(unsupportedProperty, failure, at, question, quote(m.name))
		case strings.HasPrefix(m.name, "x-"):
			p.find(unknownProperty, warning, at, question, "extension "+quote(m.name)+" is kept and not read")
		default:
			p.unknown(m.name, at, question, append(keys(read), append(slices.Clone(voc.ignored), voc.later...)...))
		}
	}
}

// find notes a finding and returns it, for what its caller has to add.
func (p *parser) find(kind, sev, path, question, detail string) *Finding {
	p.d.findings = append(p.d.findings, Finding{Kind: kind, Severity: sev, Path: path, Question: question, Detail: detail})
	return &p.d.findings[len(p.d.findings)-1]
}

// unknown reports a property that SurveyJS does not have. One that is close to
// a known name is a failure: its author meant something by it.
func (p *parser) unknown(name, at, question string, known []string) {
	f := p.find(unknownProperty, warning, at, question, quote(name))
	if f.Suggestion = nearest(name, known); f.Suggestion != "" {
		f.Severity = failure
	}
}

// text, truth, integer and number read a property of one type into dst, or report it and leave
// dst as it is.
func (p *parser) text(v *node, at, question string, dst *string) {
	if v.kind != kindString {
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", not a string")
		return
	}
	*dst = v.text
}

func (p *parser) truth(v *node, at, question string, dst *bool) {
	if v.kind != kindBool {
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", not true or false")
		return
	}
	*dst = v.truth
}

// integer also takes a number in quotes, which SurveyJS writes for some properties. It reports
// whether there was one.
func (p *parser) integer(v *node, at, question string, dst *int) bool {
	f, ok := v.number()
	if v.kind == kindString {
		var err error
		f, err = strconv.ParseFloat(v.text, 64)
		ok = err == nil
	}
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1e9 {
		p.find(badValue, failure, at, question, "is not a whole number within a thousand million")
		return false
	}
	*dst = int(f)
	return true
}

func (p *parser) number(v *node, at, question string, dst *float64) bool {
	f, ok := v.number()
	if !ok || math.Abs(f) > 1e9 {
		p.find(badValue, failure, at, question, "is not a number within a thousand million")
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
	case kindObject:
		var t Text
		for _, m := range v.members {
			if m.value.kind != kindString {
				p.find(badValue, failure, join(at, m.name), question, "is "+m.value.kind.String()+", not a string")
				continue
			}
			t.add(m.name, m.value.text)
			if m.name != "default" {
				p.langs = append(p.langs, m.name)
			}
		}
		return t
	default:
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", not a text")
		return Text{}
	}
}

// condition compiles an expression. One that does not compile is reported and
// counts as absent: the question shows, because an answer too many does less
// harm than a question never asked.
func (p *parser) condition(v *node, at, question string) *expression {
	var src string
	p.text(v, at, question, &src)
	if strings.TrimSpace(src) == "" {
		return nil
	}
	x, err := compileExpr(src, p.d.limits.Expression)
	if err == nil {
		return x
	}
	kind := badExpression
	switch {
	case errors.Is(err, errUnsupported):
		kind = unsupportedExpression
	case errors.Is(err, ErrLimit):
		kind = overLimit
	}
	p.find(kind, failure, at, question, err.Error())
	return nil
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

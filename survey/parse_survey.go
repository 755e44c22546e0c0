package survey

import (
	"fmt"
	"slices"
)

// survey reads the root.
func (p *parser) survey(root *node) {
	d := p.d
	loc := func(dst *Text) func(*node, string) {
		return func(v *node, at string) { *dst = p.localized(v, at, "") }
	}
	str := func(dst *string) func(*node, string) {
		return func(v *node, at string) { p.text(v, at, "", dst) }
	}
	yes := func(dst *bool) func(*node, string) {
		return func(v *node, at string) { p.truth(v, at, "", dst) }
	}
	num := func(dst *int) func(*node, string) {
		return func(v *node, at string) { p.integer(v, at, "", dst) }
	}
	back, mode, errorsMode, paging := true, "", "", ""
	d.logic.othersApart = true
	read := properties{
		"title":                    loc(&d.head.Title),
		"description":              loc(&d.head.Description),
		"startSurveyText":          loc(&d.head.StartText),
		"completeText":             loc(&d.head.CompleteText),
		"pageNextText":             loc(&d.head.NextText),
		"pagePrevText":             loc(&d.head.BackText),
		"completedHtml":            loc(&d.head.CompletedHTML),
		"locale":                   str(&d.head.Language),
		"showPrevButton":           yes(&back),
		"firstPageIsStartPage":     yes(&d.head.StartPage),
		"timeLimit":                num(&d.head.TimeLimit),
		"timeLimitPerPage":         num(&d.head.PageTimeLimit),
		"readOnly":                 yes(&d.head.ReadOnly),
		"mode":                     func(v *node, at string) { d.head.ReadOnly = d.head.ReadOnly || v.text == "display" },
		"questionsOnPageMode":      str(&paging),
		"isSinglePage":             yes(&d.head.OnePage),
		"questionOrder":            str(&d.logic.order),
		"storeOthersAsComment":     yes(&d.logic.othersApart),
		"maxTextLength":            num(&d.logic.maxText),
		"maxCommentLength":         num(&d.logic.maxComment),
		"checkErrorsMode":          str(&errorsMode),
		"clearInvisibleValues":     func(v *node, at string) { p.clearMode(v, at, &mode) },
		"navigateToUrl":            loc(&d.logic.navigateTo),
		"completedHtmlOnCondition": func(v *node, at string) { d.logic.completedIf = p.conditionals(v, at, "htmlconditionitem", "html") },
		"navigateToUrlOnCondition": func(v *node, at string) { d.logic.navigateIf = p.conditionals(v, at, "urlconditionitem", "url") },
		"calculatedValues":         p.calculatedValues,
		"pages":                    p.pages,
		"elements":                 p.loosePage,
		extensionName:              func(v *node, at string) { p.surveyExtension(v, at) },
	}
	// Triggers name questions: they are read when all are known.
	read["triggers"] = func(*node, string) {}
	p.object(root, "", "", read, "survey")
	if v := root.get("triggers"); v != nil && p.err == nil {
		p.triggers(v, "triggers")
	}
	d.logic.clear = mode
	d.logic.validateLate = errorsMode == "onComplete"
	d.head.NoBack = !back
	d.head.OnePage = d.head.OnePage || paging == "singlePage"
	d.head.OneQuestion = paging == "questionPerPage" || paging == "questionOnPage"
	d.head.OneQuestion = d.head.OneQuestion || paging == "inputPerPage"
	d.head.Thanks = d.head.CompletedHTML.withoutMarkup()
	if d.head.StartPage && len(d.pages) < 2 {
		d.head.StartPage = false // there would be nothing behind it
	}
	if d.head.OnePage {
		paging = "singlePage"
	}
	p.paginate(paging)
	switch {
	case p.err != nil || slices.ContainsFunc(d.questions, (*Question).asks):
	case len(d.questions) > 0:
		p.find(noQuestion, warning, "", "", "there is nothing to ask; it only shows something")
	default:
		p.find(noQuestion, failure, "", "", "there is nothing to ask")
	}
}

// asks tells questions from what only shows.
func (q *Question) asks() bool { return q.Type != "html" && q.Type != "image" }

// clearMode reads clearInvisibleValues, also as the truth value of old files.
func (p *parser) clearMode(v *node, at string, dst *string) {
	if v.kind == kindBool {
		if !v.truth {
			*dst = "none"
		}
		return
	}
	p.text(v, at, "", dst)
	switch *dst {
	case "", "onComplete", "none", "onHidden", "onHiddenContainer":
	default:
		p.find(badValue, warning, at, "", "there is no mode "+quote(*dst)+"; onComplete is used")
		*dst = ""
	}
}

// surveyExtension reads the x-retail object of the survey itself.
func (p *parser) surveyExtension(n *node, at string) {
	if n.kind != kindObject {
		p.find(badValue, failure, at, "", "x-retail is "+n.kind.String()+", not an object")
		return
	}
	p.object(n, at, "", properties{
		"name":     func(v *node, at string) { p.text(v, at, "", &p.d.head.Name) },
		"version":  func(v *node, at string) { p.d.head.Version = toText(v.value()) },
		"caseFold": func(v *node, at string) { p.caseFold(v, at) },
	})
}

// caseFold reads how the letters of texts compare: "" as SurveyJS does, "tr" as Turkish does.
func (p *parser) caseFold(v *node, at string) {
	p.text(v, at, "", &p.d.logic.caseFold)
	if f := p.d.logic.caseFold; f != "" && f != "tr" {
		p.find(badValue, failure, at, "", "there is no case folding "+quote(f))
		p.d.logic.caseFold = ""
	}
}

// conditionals reads a list of expressions with a text each.
func (p *parser) conditionals(v *node, at, class, member string) []conditional {
	var out []conditional
	p.items(v, at, "", member, func(n *node, at string) {
		var c conditional
		p.object(n, at, "", properties{
			"expression": func(v *node, at string) { c.when = p.condition(v, at, "") },
			member:       func(v *node, at string) { c.text = p.localized(v, at, "") },
		}, class)
		if c.when != nil {
			out = append(out, c)
		}
	})
	return out
}

// calculatedValues reads the values that follow from others.
func (p *parser) calculatedValues(v *node, at string) {
	p.items(v, at, "", "calculatedValues", func(n *node, at string) {
		c := calculated{path: at}
		p.object(n, at, "", properties{
			"name":              func(v *node, at string) { p.text(v, at, "", &c.name) },
			"expression":        func(v *node, at string) { c.expr = p.formula(v, at, "") },
			"includeIntoResult": func(v *node, at string) { p.truth(v, at, "", &c.include) },
		}, "calculatedvalue")
		if c.name == "" {
			p.find(missingName, failure, at, "", "a calculated value without a name")
			return
		}
		p.d.logic.calculated = append(p.d.logic.calculated, c)
	})
}

// pages reads the list of pages; what is no page in it is reported and passed over.
func (p *parser) pages(n *node, path string) { p.items(n, path, "", "pages", p.page) }

// loosePage reads questions that stand at the root of the file, without pages.
func (p *parser) loosePage(n *node, path string) {
	el := p.addPage()
	p.elementsOf(n, path, el, Text{}, "")
}

// addPage adds an empty page.
func (p *parser) addPage() *element {
	el := &element{kind: pageElement, name: fmt.Sprintf("page%d", len(p.d.pages)+1), conditions: conditions{static: true}}
	p.tree.add(el)
	p.d.pages = append(p.d.pages, el)
	p.d.head.Pages = append(p.d.head.Pages, Page{})
	return el
}

// page reads one page and then its elements.
func (p *parser) page(n *node, path string) {
	el := p.addPage()
	el.path = path
	pg := &p.d.head.Pages[len(p.d.head.Pages)-1]
	children, childPath := p.container(n, path, el, "page", properties{
		"timeLimit":   func(v *node, at string) { p.integer(v, at, "", &el.timeLimit) },
		extensionName: func(*node, string) {},
	})
	pg.Title, pg.Description, pg.TimeLimit = el.title, el.description, el.timeLimit
	if v := n.get("name"); v != nil && v.kind == kindString && v.text != "" {
		pg.Name = v.text
	}
	if children != nil {
		p.elementsOf(children, childPath, el, Text{}, "")
	}
}

// container reads what pages and panels have in common and gives back their elements: those are
// read last, whatever the order of members, since they are told the title.
func (p *parser) container(n *node, path string, el *element, class string, more properties) (children *node, childPath string) {
	read := properties{
		"name":              func(v *node, at string) { p.text(v, at, "", &el.name) },
		"title":             func(v *node, at string) { el.title = p.localized(v, at, "") },
		"description":       func(v *node, at string) { el.description = p.localized(v, at, "") },
		"visible":           func(v *node, at string) { p.truth(v, at, "", &el.static) },
		"readOnly":          func(v *node, at string) { p.truth(v, at, "", &el.readOnly) },
		"isRequired":        func(v *node, at string) { p.truth(v, at, "", &el.required) },
		"requiredErrorText": func(v *node, at string) { el.errorText = p.localized(v, at, "") },
		"visibleIf":         func(v *node, at string) { el.visibleIf = p.condition(v, at, "") },
		"enableIf":          func(v *node, at string) { el.enableIf = p.condition(v, at, "") },
		"requiredIf":        func(v *node, at string) { el.requiredIf = p.condition(v, at, "") },
		"questionOrder":     func(v *node, at string) { p.text(v, at, "", &el.order) },
		"elements":          func(v *node, at string) { children, childPath = v, at },
	}
	for k, fn := range more {
		read[k] = fn
	}
	p.object(n, path, "", read, class)
	return children, childPath
}

// elementsOf reads the elements of a page or panel. It stops at Limits.Questions: that is an
// error and no finding.
func (p *parser) elementsOf(n *node, path string, parent *element, panelTitle Text, panel string) {
	p.items(n, path, "", "elements", func(el *node, at string) {
		if p.elements++; p.elements > p.d.limits.Questions {
			p.err = &ParseError{Path: at, Err: fmt.Errorf("more than %d questions and panels: %w", p.d.limits.Questions, ErrLimit)}
			return
		}
		p.element(el, at, parent, panelTitle, panel)
	})
}

// element reads a question or a panel. A type of SurveyJS that is not asked here is told apart
// from one that is misspelt.
func (p *parser) element(n *node, path string, parent *element, panelTitle Text, panel string) {
	var name string
	if v := n.get("name"); v != nil && (v.kind == kindString || v.kind == kindNumber) {
		name = v.text
	}
	typ := n.get("type")
	if typ == nil || typ.kind != kindString {
		p.find(unknownType, failure, path, name, "an element without a type")
		return
	}
	switch {
	case typ.text == "panel" || typ.text == "flowpanel":
		el := &element{kind: panelElement, name: name, path: path, conditions: conditions{static: true}}
		el.hangOn(parent)
		p.tree.add(el)
		children, childPath := p.container(n, path, el, typ.text, nil)
		if children != nil {
			p.elementsOf(children, childPath, el, el.title, el.name)
		}
	case typ.text == "empty": // SurveyJS shows nothing for it
	case slices.Contains(Types(), typ.text):
		p.question(n, path, typ.text, name, parent, panelTitle, panel)
	case typ.text == "imagemap":
		p.find(unsupportedType, failure, join(path, "type"), name, quote(typ.text))
	default:
		f := p.find(unknownType, failure, join(path, "type"), name, quote(typ.text))
		f.Suggestion = nearest(typ.text, append([]string{"panel"}, Types()...))
	}
}

// hangOn puts an element below another.
func (el *element) hangOn(parent *element) {
	el.parent = parent
	parent.children = append(parent.children, el)
}

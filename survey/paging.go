package survey

// paginate follows questionsOnPageMode: one page with the pages of the file as its panels, or a
// page for each question. A start page stays as it is. Of "inputPerPage" the questions of panels
// have pages of their own, too; those in dynamic panels and tables stay together, because how many
// there are is not known before.
func (p *parser) paginate(mode string) {
	d := p.d
	switch mode {
	case "singlePage", "questionPerPage", "questionOnPage", "inputPerPage":
	default:
		return
	}
	var start []*element
	var heads []Page
	rest := d.pages
	if d.head.StartPage {
		start, heads, rest = d.pages[:1:1], d.head.Pages[:1:1], d.pages[1:]
	}
	d.pages, d.head.Pages = start, heads
	switch mode {
	case "singlePage":
		page := &element{kind: pageElement, name: "single-page", conditions: conditions{static: true}, children: rest}
		for _, el := range rest {
			el.kind, el.parent = panelElement, page
		}
		p.turnInto(page, Page{Name: page.name})
	case "questionPerPage", "questionOnPage":
		for _, el := range rest {
			for _, child := range el.children {
				p.ownPage(child, el.title, el.description)
			}
		}
	case "inputPerPage":
		for _, el := range rest {
			for _, child := range el.gather() {
				p.ownPage(child, el.title, el.description)
			}
		}
	}
}

// ownPage gives an element a page of its own, below copies of what stands around it: what they say
// of being shown and read-only holds. That one of several is to be answered is no matter of a page
// with one.
func (p *parser) ownPage(el *element, title, description Text) {
	below := el
	for around := el.parent; around != nil; around = around.parent {
		c := *around
		c.children, c.below = []*element{below}, nil
		c.required, c.requiredIf = false, nil
		below.parent = &c
		if c.kind == pageElement {
			p.turnInto(&c, Page{Name: el.name, Title: title, Description: description, TimeLimit: c.timeLimit})
			return
		}
		p.tree.add(&c)
		below = &c
	}
}

// turnInto adds a page and tells its questions.
func (p *parser) turnInto(page *element, head Page) {
	p.tree.add(page)
	p.d.pages = append(p.d.pages, page)
	p.d.head.Pages = append(p.d.head.Pages, head)
	for _, el := range page.gather() {
		el.question.Page = len(p.d.pages) - 1
	}
}

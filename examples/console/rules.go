package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

func (c *console) ruleRoutes(mux *http.ServeMux) {
	c.get(mux, "/rules", c.rules)
	c.post(mux, "/rules", func(r *http.Request) (string, error) {
		text := strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
		return "/rules?d=" + c.kept.put(draft(text)) + "#try", nil
	})
}

// rulebook is what is in force, and rules that are tried.
type rulebook struct {
	Known  bool // everybody was read, so that a rule can be counted
	List   []ruleRow
	Text   string
	Faults []fault
	Tried  []reach
	Tally  int // customers that were looked at
}

// ruleRow is a rule in force.
type ruleRow struct {
	Name, Doc, When, Unless, Each, On, Once string
	Then                                    []string
	Disabled                                bool
}

// reach is whom a rule that is tried would be about.
type reach struct {
	Name             string
	Matched, Firings int
	Width            int // permille of everybody
	Cost             int64
	Sample           []row
}

// sampled is how many customers are named of those whom a rule is about.
const sampled = 8

const exampleRule = `rules:
  - name: many-visits
    doc: came to the technical service three times and bought nothing
    when: ServiceVisits >= 3 and Orders == 0 and reachable
    once: year
    then:
      - tag: watch-prospect
`

func (c *console) rules(r *http.Request, w *words) (shown, error) {
	f := c.last.Get()
	out := rulebook{Known: f.Columns != nil, Text: exampleRule}
	for _, x := range c.eng.Rules().Active().Rules() {
		out.List = append(out.List, w.ruleRow(x))
	}
	slices.SortFunc(out.List, func(a, b ruleRow) int { return cmp.Compare(a.Name, b.Name) })
	if id := r.URL.Query().Get("d"); id != "" && f.Columns != nil {
		text, ok := of[draft](&c.kept, id)
		if !ok {
			return shown{}, errGone
		}
		out.Text = string(text)
		if err := c.tryRules(r, w, f, &out); err != nil {
			return shown{}, err
		}
	}
	return shown{page: "rules", section: "rules", title: w.Say("rules.title"), data: out}, nil
}

func (w *words) ruleRow(x *rules.Rule) ruleRow {
	out := ruleRow{Name: x.Name, Doc: x.Doc, When: x.When, Unless: x.Unless, Each: x.Each, On: x.On.String(), Once: x.Once, Disabled: x.Disabled}
	for _, a := range x.Then {
		text := w.Name("action", a.Kind) + " " + a.Name
		for _, more := range []struct{ key, value string }{{"rules.after", a.After}, {"rules.at", a.At}, {"rules.for", a.For}} {
			if more.value != "" {
				text += ", " + w.Say(more.key, more.value)
			}
		}
		out.Then = append(out.Then, text)
	}
	return out
}

// tryRules says whom the rules in the editor would be about, or what is wrong with them and where.
func (c *console) tryRules(r *http.Request, w *words, f *figures, out *rulebook) error {
	book, err := rules.ReadYAML("", []byte(out.Text))
	if err == nil {
		err = c.compiles(book)
	}
	if out.take(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, x := range book.Rules {
		named := x.Name
		if c.eng.Rules().Active().Rule(x.Name) != nil {
			x.Name += "-edited" // beside the one in force, which has the name
		}
		p, err := f.Columns.Preview(r.Context(), x, sampled)
		if out.take(err) {
			continue
		}
		if err != nil {
			return err
		}
		out.Tally = p.Customers
		got := reach{Name: named, Matched: p.Matched, Firings: p.Firings, Width: p.Matched * 1000 / max(1, p.Customers), Cost: p.Cost}
		var who []*crm.Customer
		err = c.town.store.View(r.Context(), func(rd crm.Reader) (err error) {
			who, err = c.svc.FoldMany(r.Context(), rd, p.Sample)
			return err
		})
		if err != nil {
			return err
		}
		for _, x := range present(who) {
			got.Sample = append(got.Sample, w.rowOf(x))
		}
		out.Tried = append(out.Tried, got)
	}
	return nil
}

// compiles checks rules together with those in force, which they take the place of by name, so that
// each fault has its place in the text.
func (c *console) compiles(book *rules.Book) error {
	set := c.eng.Rules().Active()
	all := []*rules.Book{book}
	for _, b := range set.Books() {
		rest := *b
		rest.Rules = slices.DeleteFunc(slices.Clone(b.Rules), func(x rules.Rule) bool {
			return slices.ContainsFunc(book.Rules, func(y rules.Rule) bool { return y.Name == x.Name })
		})
		all = append(all, &rest)
	}
	_, err := set.Schema().Compile(all...)
	return err
}

// take lists the faults of rules, and reports whether there are some.
func (b *rulebook) take(err error) bool {
	var wrong *rules.CompileError
	if !errors.As(err, &wrong) {
		return false
	}
	for _, x := range wrong.Faults {
		text := x.Msg
		if x.Rule != "" {
			text = strings.TrimSuffix(x.Rule+" · "+x.Field, " · ") + ": " + text
		}
		b.Faults = append(b.Faults, fault{x.Line, x.Column, text, x.Snippet})
	}
	return true
}

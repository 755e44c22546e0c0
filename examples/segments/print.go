package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/report"
	"github.com/vefacrm/vefa/segment/rfm"
)

// print writes the answers as text.
func (a *answers) print(out io.Writer) error {
	var b strings.Builder
	line := func(text string) { b.WriteString(text + "\n") }
	line(a.def.String())
	line(a.l.Say("head", a.l.Date(a.at)))
	if m := a.moved; m != nil {
		line(a.l.Say("moved", a.l.Date(m.since), m.entered, m.left))
	}
	part := func(title string, lines []string) {
		if len(lines) > 0 {
			line("\n" + a.l.Say(title) + "\n" + strings.Join(lines, "\n"))
		}
	}
	part("parts", append([]string{a.l.Say("count.of", a.preview.Members, a.preview.Population)}, a.tree(a.preview.Tree, 1, false)...))
	part("costs", a.fall())
	part("near", a.near())
	part("used", a.used())
	for _, x := range a.why {
		part("why", append(strings.Split(strings.TrimSpace(x.Text(a.l.Tag)), "\n"), indented(a.since(x))...))
	}
	if a.micro.Dimensions != nil {
		part("micro", a.micros())
	}
	part("lint", a.lint)
	_, err := io.WriteString(out, terminal.Printable(b.String()))
	return err
}

func indented(lines []string) []string {
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// operand says what package segment calls a part of a definition.
func (a *answers) operand(label string) string {
	var least int
	if n, _ := fmt.Sscanf(label, "at least %d of", &least); n == 1 {
		return a.l.Say("set.at-least", least)
	}
	if kind, name, ok := strings.Cut(label, " "); ok && (kind == "tag" || kind == "leaf" || kind == "segment") {
		return a.l.Say("set."+kind, name)
	}
	return a.l.Name("set", label)
}

// tree lists how many are in each part of the definition, parts of parts further right.
func (a *answers) tree(t segment.TreeCount, depth int, excluded bool) []string {
	label, key := a.operand(t.Label), "count.part"
	if excluded {
		label = a.l.Say("excluded", label)
	}
	if t.Shown {
		key = "count.above"
	}
	out := []string{strings.Repeat("  ", min(depth, 40)) + a.l.Say(key, label, a.l.Int(t.Count))}
	for i, k := range t.Children {
		out = append(out, a.tree(k, depth+1, i > 0 && t.Label == "in the first and in none of the others")...)
	}
	return out
}

func (a *answers) fall() []string {
	out := []string{a.l.Say("fall.base", a.waterfall.Base)}
	for _, s := range a.waterfall.Steps {
		label := s.Label
		if s.Red.Tag != "" {
			label = a.l.Say("fall.red", s.Red.Tag)
		}
		out = append(out, "  "+a.l.Say("fall.step", s.Removed, label, s.Alone, s.Only, s.Left))
	}
	return append(out, a.l.Say("fall.members", a.waterfall.Members))
}

func (a *answers) near() []string {
	var out []string
	for _, n := range a.nearest {
		out = append(out, a.l.Say("near.line", n.Size, n.Segment, n.Common, a.l.Decimal(n.Jaccard, 3)))
	}
	if len(out) > 0 {
		out = append(out, a.l.Say("near.jaccard"))
	}
	return out
}

func (a *answers) used() []string {
	var out []string
	for _, u := range a.uses {
		var by []string
		for _, x := range u.By {
			if x.Direct {
				by = append(by, x.Segment)
			} else {
				by = append(by, a.l.Say("use.through", x.Segment))
			}
		}
		if len(by) == 0 {
			by = []string{a.l.Say("use.nothing")}
		}
		line := a.l.Say("use.by", a.l.Say("set."+u.Kind, u.Name), strings.Join(by, ", "))
		if len(u.Ignored) > 0 {
			line = a.l.Say("use.ignored", line, strings.Join(u.Ignored, ", "))
		}
		out = append(out, line)
	}
	return out
}

func (a *answers) micros() []string {
	var out []string
	for _, m := range a.micro.Segments[:min(20, len(a.micro.Segments))] {
		name := m.Definition.Name
		if name == strings.Join(m.Cells, " / ") {
			var cells []string
			for _, c := range m.Cells {
				cells = append(cells, a.l.Name("rfm.group", c))
			}
			name = strings.Join(cells, " / ")
		}
		out = append(out, a.l.Say("micro.line", name, a.l.Int(m.Size)))
	}
	return append(out, a.l.Say("micro.all", len(a.micro.Segments), a.micro.Covered, a.micro.Population))
}

// since tells a customer's history in the focus, and what would change it.
func (a *answers) since(x why) []string {
	var out []string
	if len(x.History) == 0 && x.In {
		out = append(out, a.l.Say("since.always"))
	}
	for _, h := range x.History {
		key := "since.left"
		if h.Entered {
			key = "since.entered"
		}
		out = append(out, a.l.Say(key, a.l.Date(h.At), a.l.Say("cause."+h.Cause.Kind, h.Cause.Name)))
	}
	if len(x.Flips) > 0 {
		all := ""
		for i, f := range x.Flips {
			key := "flip.without"
			if f.Hold {
				key = "flip.with"
			}
			_, leaf, _ := strings.Cut(f.String(), " ") // "with tag vip"
			if one := a.l.Say(key, a.operand(leaf)); i == 0 {
				all = one
			} else {
				all = a.l.Say("flip.and", all, one)
			}
		}
		if x.In {
			out = append(out, a.l.Say("flip.out", all))
		} else {
			out = append(out, a.l.Say("flip.in", all))
		}
	}
	return out
}

// write writes the answers as a page.
func (a *answers) write(path string) error {
	l := a.l
	p := report.Page{Title: l.Say("page.title", a.def.Name), Locale: l.Tag, Footer: l.Say("page.footer"),
		Lead: l.Say("page.lead", a.preview.Members, a.preview.Population, l.Date(a.at))}
	if m := a.moved; m != nil {
		p.Lead += " " + l.Say("moved.page", l.Date(m.since), m.entered, m.left)
	}
	add := func(title, lead string, pictures ...report.Picture) {
		p.Sections = append(p.Sections, report.Section{Title: title, Lead: lead, Pictures: pictures})
	}
	add(l.Say("page.definition"), "", report.Text(l.Say("page.written"), a.def.String()), report.Counts(l.Say("page.each"), a.preview))
	add(l.Say("page.exclusions"), "", report.Waterfall(l.Say("page.fall"), a.waterfall))
	if len(a.overlap.Names) > 1 {
		add(l.Say("page.overlap"), "", report.Overlap(l.Say("page.overlap.each"), a.overlap))
	}
	if a.micro.Dimensions != nil {
		by := ""
		for i, d := range a.micro.Dimensions {
			if i == 0 {
				by = d
			} else {
				by = l.Say("page.micro.and", by, d)
			}
		}
		pictures := []report.Picture{report.MicroSegments(l.Say("page.micro.by", by), a.micro, 20)}
		if len(a.micro.Dimensions) == 2 {
			pictures = append(pictures, report.Grid(l.Say("page.micro.table"), a.micro, nil))
		}
		add(l.Say("page.micro"), "", pictures...)
	}
	if a.w.orders {
		groups := rfm.RPackageGroups()
		add(l.Say("page.value"), l.Say("page.value.lead"),
			report.RFM(l.Say("page.stand"), a.w.scores), report.Groups(l.Say("page.names"), a.w.scores, groups),
			report.Migration(l.Say("page.went", a.days), a.moves, groups))
	}
	var pictures []report.Picture
	for _, x := range a.why {
		pictures = append(pictures, report.Explained(x.Customer, x.Explanation, a.since(x)...))
	}
	if len(pictures) > 0 {
		add(l.Say("page.why"), l.Say("page.why.lead"), pictures...)
	}
	found := slices.Clone(a.lint)
	if len(found) == 0 {
		found = []string{l.Say("page.lint.none")}
	}
	add(l.Say("page.order"), "", report.Text(l.Say("page.uses"), strings.Join(a.used(), "\n")), report.Text(l.Say("page.lint"), strings.Join(found, "\n")))
	return output.Write(path, output.Private, func(w io.Writer) error { return p.Write(w) })
}

package report

import (
	"cmp"
	"slices"

	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/survey/rollup"
)

// Tree draws what an audience sees of a hierarchy, rollup.Tree.Figures: each node with its value,
// its interval and its answers below the one that it is a part of. A suppressed one is named and
// has no figure. At the end stands the definition. name gives the name of a node by its path;
// nil shows the last of the path.
func Tree(title string, figures []rollup.Figure, name func(path []string) string) Picture {
	return kit.DrawIn("rows", func(l *page.Locale) any {
		w := words{Locale: l}
		out := rows{Title: title, Name: w.Say("score.name"), Score: w.Say("score.score")}
		any, hidden := false, false
		var lo, hi float64
		for _, f := range figures {
			if f.Suppressed || f.Result.N == 0 {
				continue
			}
			if i := f.Result.Interval; !any {
				any, lo, hi = true, i.Low, i.High
			} else {
				lo, hi = min(lo, i.Low), max(hi, i.High)
			}
		}
		if !any {
			out.Caption = w.Say("score.few", least)
			return out
		}
		w.metric = figures[0].Definition.Metric
		axis := scale(lo, hi, 0, 100, 8)
		out.ends(w, axis)
		out.Caption = w.Say("score.tree")
		for i, f := range figures {
			r := row{Hidden: true, Label: nodeLabel(w, f.Path, name), Depth: min(len(f.Path)-len(figures[0].Path), 4)}
			switch {
			case f.Suppressed:
				hidden = true
				r.Detail = w.Say("score.suppressed")
				n := besides(figures, i)
				if n > mostHidden {
					continue
				}
				if n < 0 { // the last of many: one row for all
					r.Label, r.Detail = w.Say("score.more", -n), w.Say("score.suppressed")
				}
			case f.Result.N == 0:
				r.Detail = w.Say("score.none")
			default:
				laid := rowOf(w, axis, f.Result)
				laid.Label, laid.Depth = r.Label, r.Depth
				r = laid
			}
			out.Rows = append(out.Rows, r)
		}
		if hidden {
			out.Notes = append(out.Notes, w.Say("score.hidden.tree"))
		}
		out.Notes = append(out.Notes, defined(w, figures[0].Definition))
		return out
	})
}

// mostHidden is how many suppressed nodes of one parent are named; more are counted.
const mostHidden = 3

// besides counts the suppressed nodes of the same parent as the one at i, itself too; negative, if they
// are more than mostHidden and it is the last of them.
func besides(figures []rollup.Figure, i int) int {
	n, last := 0, i
	parent := figures[i].Path[:max(len(figures[i].Path)-1, 0)]
	for j, f := range figures {
		if f.Suppressed && len(f.Path) == len(figures[i].Path) && slices.Equal(f.Path[:len(parent)], parent) {
			n, last = n+1, j
		}
	}
	if n > mostHidden && last == i {
		return -n
	}
	return n
}

// nodeLabel is what a node is called.
func nodeLabel(w words, path []string, name func([]string) string) string {
	if len(path) == 0 {
		return w.Say("score.whole")
	}
	said := ""
	if name != nil {
		said = name(path)
	}
	return cmp.Or(said, path[len(path)-1], w.Say("score.unstated"))
}

// defined writes a definition: what was counted, by which formula, of which time.
func defined(w words, d rollup.Definition) string {
	from, until := "…", "…"
	if !d.From.IsZero() {
		from = w.Date(d.From)
	}
	if !d.Until.IsZero() {
		until = w.Date(d.Until)
	}
	formula := d.Formula
	if formula == rollup.Formula(d.Metric) {
		formula = w.Say("score.formula." + string(d.Metric)) // the same in the reader's language
	}
	out := w.Say("score.defined", d.Name, d.Version, w.Name("score", string(d.Metric)), formula)
	if d.From.IsZero() && d.Until.IsZero() {
		return out
	}
	return out + " " + w.Say("score.window", from, until)
}

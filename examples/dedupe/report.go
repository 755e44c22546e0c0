package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/report"
	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
)

const (
	reviewed  = 12   // questions for a person
	drawn     = 6    // clusters
	explained = 4    // of their weakest pairs, and as many of the questions
	selfed    = 2000 // records that are compared with themselves
)

// writeReport draws what was found.
func (j *job) writeReport(ctx context.Context) error {
	r := j.result
	questions := r.Review[:min(len(r.Review), reviewed)]
	clusters := j.remarkable()
	pairs := j.doubtful(clusters)
	rows := map[int32]bool{}
	for _, c := range clusters {
		for _, m := range c.Members {
			rows[rowOf(m)] = true
		}
	}
	for _, q := range questions {
		rows[rowOf(q.A)], rows[rowOf(q.B)] = true, true
	}
	step := max(1, len(j.cluster)/selfed)
	for i := 0; i < len(j.cluster); i += step {
		rows[int32(i)] = true
	}
	found, err := j.lookUp(ctx, rows)
	if err != nil {
		return err
	}
	l, err := wordsIn(j.o.lang)
	if err != nil {
		return err
	}
	name := func(id string) string {
		return l.Say("row", j.place(rowOf(id)), j.engine.describe(found[rowOf(id)]))
	}

	st := r.Stats
	facts := []report.Fact{
		{Name: l.Say("rows"), Value: l.Int(j.rows), Note: strings.Join(names(j.tables), ", ")},
		{Name: l.Name("of", j.of), Value: l.Int(st.Clusters)},
		{Name: l.Say("duplicates"), Value: l.Int(j.rows - st.Clusters)},
		{Name: l.Say("compared"), Value: l.Int(int(st.Pairs))},
		{Name: l.Say("linked"), Value: l.Int(st.Edges), Note: l.Say("rightly", l.Decimal(st.Matches, 0))},
	}
	if j.bad > 0 {
		facts = append(facts, report.Fact{Name: l.Say("bad"), Value: l.Int(j.bad)})
	}
	page := report.Page{Title: l.Say("page.title"), Lead: l.Say("page.lead", l.Name("one", j.of)), Locale: l.Tag, Footer: l.Say("page.footer")}
	add := func(title, lead string, pictures ...report.Picture) {
		if len(pictures) > 0 {
			page.Sections = append(page.Sections, report.Section{Title: title, Lead: lead, Pictures: pictures})
		}
	}
	add(l.Say("result"), "", report.Facts(l.Say("found"), facts...), report.Sizes(l.Say("sizes"), r.Clusters))
	if len(j.curve) > 0 {
		add(l.Say("answers"), l.Say("answers.lead", len(j.answers)), report.Facts(l.Say("answers"), j.changed(l)...), report.Learning(l.Say("answers.curve"), j.curve...))
	}
	var pictures []report.Picture
	for _, c := range clusters {
		pictures = append(pictures, report.Cluster(l.Say("group", l.Int(int(j.cluster[rowOf(c.Members[0])]))), c, name))
	}
	add(l.Say("worth"), l.Say("worth.lead"), pictures...)
	pictures = nil
	for _, p := range pairs {
		e, err := j.engine.explain(found[rowOf(p[0])], found[rowOf(p[1])])
		if err != nil {
			return err
		}
		pictures = append(pictures, report.Waterfall(l.Say("and", name(p[0]), name(p[1])), e))
	}
	add(l.Say("why"), l.Say("why.lead"), pictures...)
	add(l.Say("questions"), l.Say("questions.lead"), report.Questions(l.Say("same"), questions, name))
	if m := j.measure; m != nil {
		add(l.Say("truth"), l.Say("truth.lead", int(m.TruePairs), j.o.truth),
			report.Facts(l.Say("measured"), report.Fact{Name: l.Say("f1.clusters"), Value: l.Decimal(m.Clusters.F1, 4), Note: l.Say("f1.note", l.Decimal(m.Clusters.Precision, 4), l.Decimal(m.Clusters.Recall, 4))},
				report.Fact{Name: l.Say("f1.pairs"), Value: l.Decimal(m.Edges.F1, 4)}, report.Fact{Name: l.Say("bcubed"), Value: l.Decimal(m.BCubed, 4)},
				report.Fact{Name: l.Say("blocking"), Value: l.Percent(m.BlockingRecall, 1)}),
			report.PrecisionRecall(l.Say("curve"), st.Weights, m.TruePairs))
	}
	self, err := j.selfWeights(found, step)
	if err != nil {
		return err
	}
	add(l.Say("learnt"), "", report.Levels(l.Say("levels"), r.Model), report.Weights(l.Say("weights"), st.Weights), report.SelfWeights(l.Say("self"), self))
	add(l.Say("blocks"), "", report.Blocks(l.Say("blocks.title"), st))
	return output.Write(j.o.report, output.Private, func(w io.Writer) error { return page.Write(w) })
}

// changed says what the answers of people changed.
func (j *job) changed(l *speak.Locale) []report.Fact {
	yes := 0
	for _, a := range j.answers {
		if a.Same {
			yes++
		}
	}
	return []report.Fact{
		{Name: l.Say("answers.before"), Value: l.Int(j.unanswered)}, {Name: l.Say("answers.after"), Value: l.Int(j.result.Stats.Clusters)},
		{Name: l.Say("answers.yes"), Value: l.Int(yes)}, {Name: l.Say("answers.no"), Value: l.Int(len(j.answers) - yes)},
	}
}

func names(tables []*table) []string {
	out := make([]string, len(tables))
	for i, t := range tables {
		out[i] = t.path
	}
	return out
}

// remarkable returns the largest clusters and those of several rows that hang together by
// the weakest edges.
func (j *job) remarkable() []dedup.Cluster {
	var several []dedup.Cluster
	for _, c := range j.result.Clusters {
		if len(c.Members) > 2 {
			several = append(several, c)
		}
	}
	first := func(a, b dedup.Cluster) int { return cmp.Compare(rowOf(a.Members[0]), rowOf(b.Members[0])) }
	slices.SortFunc(several, func(a, b dedup.Cluster) int { return cmp.Or(cmp.Compare(len(b.Members), len(a.Members)), first(a, b)) })
	out := slices.Clone(several[:min(len(several), drawn/2)])
	rest := several[len(out):]
	weakest := func(c dedup.Cluster) float64 {
		if _, _, e, ok := c.Split(); ok {
			return e.Weight
		}
		return 1e9
	}
	slices.SortFunc(rest, func(a, b dedup.Cluster) int { return cmp.Or(cmp.Compare(weakest(a), weakest(b)), first(a, b)) })
	return append(out, rest[:min(len(rest), drawn-len(out))]...)
}

// doubtful returns pairs worth explaining: the weakest edges of clusters and the first
// questions.
func (j *job) doubtful(clusters []dedup.Cluster) [][2]string {
	var out [][2]string
	for _, c := range clusters {
		if _, _, e, ok := c.Split(); ok && len(out) < explained && !e.Decided {
			out = append(out, [2]string{e.A, e.B})
		}
	}
	for i, q := range j.result.Review {
		if pair := [2]string{q.A, q.B}; i < explained && !slices.Contains(out, pair) {
			out = append(out, pair)
		}
	}
	return out
}

// lookUp reads some rows again.
func (j *job) lookUp(ctx context.Context, rows map[int32]bool) (map[int32]*entry, error) {
	out := make(map[int32]*entry, len(rows))
	base := 0
	for i, t := range j.tables {
		err := t.rows(func(n int, row []string) error {
			at := int32(base + n - 1)
			if !rows[at] {
				return nil
			}
			cells := make([]string, len(row))
			for c := range row {
				cells[c] = strings.Clone(row[c])
			}
			rec := &entry{}
			t.layout.entry(cells, rec)
			rec.name(strconv.Itoa(int(at)+1), "")
			out[at] = rec
			return ctx.Err()
		}, func(int, *rowError) error { return nil })
		if err != nil {
			return nil, err
		}
		base += j.lengths[i]
	}
	return out, nil
}

// selfWeights returns what a sample of rows would weigh against copies of themselves.
func (j *job) selfWeights(found map[int32]*entry, step int) ([]float64, error) {
	var out []float64
	for i := 0; i < len(j.cluster); i += step {
		rec, ok := found[int32(i)]
		if !ok {
			continue // a bad row
		}
		twin := *rec
		twin.name("copy of "+rec.thing.ID, "")
		e, err := j.engine.explain(rec, &twin)
		if err != nil {
			return nil, err
		}
		out = append(out, e.Weight)
	}
	return out, nil
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/report"
	"github.com/vefacrm/vefa/examples/internal/output"
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
	name := func(id string) string {
		return "row " + j.place(rowOf(id)) + ": " + j.engine.describe(found[rowOf(id)])
	}

	st := r.Stats
	facts := []report.Fact{
		{Name: "rows", Value: strconv.Itoa(j.rows), Note: strings.Join(names(j.tables), ", ")},
		{Name: j.of, Value: strconv.Itoa(st.Clusters)},
		{Name: "duplicates", Value: strconv.Itoa(j.rows - st.Clusters)},
		{Name: "pairs compared", Value: strconv.FormatInt(st.Pairs, 10)},
		{Name: "pairs linked", Value: strconv.Itoa(st.Edges), Note: fmt.Sprintf("about %.0f rightly", st.Matches)},
	}
	if j.bad > 0 {
		facts = append(facts, report.Fact{Name: "bad rows", Value: strconv.Itoa(j.bad)})
	}
	page := report.Page{Title: "One person each", Lead: "Which rows speak of the same person, and why.",
		Footer: "Made by examples/dedupe of vefa. It shows rows of the file and is as confidential as the file."}
	add := func(title, lead string, pictures ...report.Picture) {
		if len(pictures) > 0 {
			page.Sections = append(page.Sections, report.Section{Title: title, Lead: lead, Pictures: pictures})
		}
	}
	add("Result", "", report.Facts("What was found", facts...), report.Sizes("How many rows people have", r.Clusters))
	if m := j.measure; m != nil {
		add("Against the truth", fmt.Sprintf("%d true pairs, by column %s.", m.TruePairs, j.o.truth),
			report.Facts("Measured", report.Fact{Name: "F1 of clusters", Value: fmt.Sprintf("%.4f", m.Clusters.F1), Note: fmt.Sprintf("precision %.4f, recall %.4f", m.Clusters.Precision, m.Clusters.Recall)},
				report.Fact{Name: "F1 of pairs", Value: fmt.Sprintf("%.4f", m.Edges.F1)}, report.Fact{Name: "B-cubed F1", Value: fmt.Sprintf("%.4f", m.BCubed)},
				report.Fact{Name: "of the true pairs compared", Value: fmt.Sprintf("%.1f %%", 100*m.BlockingRecall)}),
			report.PrecisionRecall("Precision and recall of pairs as the threshold falls", st.Weights, m.TruePairs))
	}
	if len(j.curve) > 0 {
		add("What answers did", fmt.Sprintf("%d answers of people, in the order in which they were given.", len(j.answers)), report.Learning("F1 of clusters by answers", j.curve...))
	}
	var pictures []report.Picture
	for _, c := range clusters {
		pictures = append(pictures, report.Cluster(fmt.Sprintf("Person %d", j.cluster[rowOf(c.Members[0])]), c, name))
	}
	add("People worth a look", "The largest groups of rows and those that hang together by little.", pictures...)
	pictures = nil
	for _, p := range pairs {
		e, err := j.engine.explain(found[rowOf(p[0])], found[rowOf(p[1])])
		if err != nil {
			return err
		}
		pictures = append(pictures, report.Waterfall(name(p[0])+" and "+name(p[1]), e))
	}
	add("Why", "Pairs on which something hangs, step by step. Here a phone number counts as held by these two only.", pictures...)
	add("Questions", "Answers to these would say most.", report.Questions("Is it the same person?", questions, name))
	self, err := j.selfWeights(found, step)
	if err != nil {
		return err
	}
	add("What was learnt", "", report.Levels("What agreement and disagreement are worth", r.Model),
		report.Weights("Pairs by what they weigh", st.Weights), report.SelfWeights("Rows that say too little", self))
	add("What was compared", "", report.Blocks("Blocking rules", st))
	return output.Write(j.o.report, output.Private, func(w io.Writer) error { return page.Write(w) })
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

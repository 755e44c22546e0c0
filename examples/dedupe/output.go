package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/report"
	"github.com/vefacrm/vefa/examples/internal/output"
)

// safe keeps a spreadsheet from reading a cell of the input as a formula. A number stays.
func safe(cell string) string {
	if cell == "" {
		return cell
	}
	switch cell[0] {
	case '=', '@', '\t', '\r':
		return "'" + cell
	case '+', '-':
		if _, err := strconv.ParseFloat(cell, 64); err != nil {
			return "'" + cell
		}
	}
	return cell
}

func (j *job) write(ctx context.Context) error {
	j.spent.phase("write")
	defer j.spent.stop()
	if j.o.out != "" {
		if err := output.Write(j.o.out, output.Private, func(w io.Writer) error { return j.writeClusters(ctx, w) }); err != nil {
			return err
		}
	}
	if j.o.pairs != "" {
		if err := output.Write(j.o.pairs, output.Private, j.writePairs); err != nil {
			return err
		}
	}
	if j.o.questions != "" {
		if err := j.writeQuestions(ctx); err != nil {
			return err
		}
	}
	if j.o.report != "" {
		return j.writeReport(ctx)
	}
	return nil
}

// writeClusters writes row, id and cluster_id of every row, and the file where there are
// two. The rows are read again, so that their ids need not be kept meanwhile. A row that
// could not be read has no cluster.
func (j *job) writeClusters(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"row", "id", "cluster_id"}
	if len(j.tables) > 1 {
		head = append(head, "file")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	base := 0
	line := make([]string, len(head))
	for i, t := range j.tables {
		ids := t.layout.ids()
		put := func(n int, id string) error {
			line[0], line[1], line[2] = strconv.Itoa(n), safe(id), ""
			if c := j.cluster[base+n-1]; c > 0 {
				line[2] = strconv.Itoa(int(c))
			}
			if len(line) > 3 {
				line[3] = strconv.Itoa(i + 1)
			}
			return out.Write(line)
		}
		err := t.rows(func(n int, row []string) error {
			if n > j.lengths[i] {
				return fmt.Errorf("%s has grown meanwhile", t.path)
			}
			id := ""
			if len(ids) > 0 {
				id = row[ids[0]]
			}
			return errors.Join(put(n, id), ctx.Err())
		}, func(n int, _ *rowError) error { return put(n, "") })
		if err != nil {
			return err
		}
		base += j.lengths[i]
	}
	out.Flush()
	return out.Error()
}

// place names a row for people: its number, and its file where there are two.
func (j *job) place(row int32) string {
	if len(j.tables) > 1 && int(row) >= j.lengths[0] {
		return "2:" + strconv.Itoa(int(row)-j.lengths[0]+1)
	}
	if len(j.tables) > 1 {
		return "1:" + strconv.Itoa(int(row)+1)
	}
	return strconv.Itoa(int(row) + 1)
}

// writePairs writes every pair with positive weight and whether it ended in one cluster.
func (j *job) writePairs(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"row_a", "row_b", "weight", "probability", "same_cluster"}); err != nil {
		return err
	}
	for _, p := range j.pairs {
		weight := float64(p.weight)
		err := out.Write([]string{j.place(p.a), j.place(p.b), strconv.FormatFloat(weight, 'f', 3, 64),
			strconv.FormatFloat(dedup.Probability(weight), 'f', 6, 64), strconv.FormatBool(j.cluster[p.a] == j.cluster[p.b])})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// summary is what -json prints.
type summary struct {
	Rows          int                `json:"rows"`
	Rejected      int                `json:"rejected"`
	Pairs         int64              `json:"candidate_pairs"`
	Edges         int                `json:"edges"`
	Clusters      int                `json:"clusters"`
	Largest       int                `json:"largest_cluster"`
	Threshold     float64            `json:"threshold"`             // bits: even odds
	Probability   float64            `json:"threshold_probability"` // the same as a probability
	Columns       []string           `json:"columns"`
	Weak          []string           `json:"weak_columns,omitempty"` // what was recognised is hardly enough
	ModelLoaded   bool               `json:"model_loaded"`
	Estimated     estimated          `json:"estimated"`
	Blocks        []dedup.BlockStats `json:"blocks"`
	Capped        []dedup.HotKey     `json:"capped,omitempty"`
	Seconds       map[string]float64 `json:"seconds"`
	CPUSeconds    map[string]float64 `json:"cpu_seconds"`
	PeakRSS       float64            `json:"peak_rss_mib"`
	Truth         *measures          `json:"truth,omitempty"`
	IgnoredValues int                `json:"ignored_identifiers"`
	Of            string             `json:"of"`                 // people, things or companies
	Warnings      []dedup.Warning    `json:"warnings,omitempty"` // why the result is not to be trusted

	Questions int                    `json:"questions,omitempty"` // that were written
	Answers   int                    `json:"answers,omitempty"`   // that counted
	Refused   int                    `json:"answers_refused,omitempty"`
	Learning  []report.LearningPoint `json:"learning,omitempty"`
	Conflicts int                    `json:"conflicts,omitempty"` // answers that contradict others, and are overruled
}

// estimated is what the linkage thinks of itself, without truth.
type estimated struct {
	Matches        float64 `json:"matches"`         // among the pairs with positive weight
	BlockingRecall float64 `json:"blocking_recall"` // an upper bound
}

func (j *job) summary() summary {
	st := j.result.Stats
	s := summary{Rows: j.rows, Rejected: j.bad, Pairs: st.Pairs, Edges: st.Edges, Clusters: st.Clusters, Largest: st.Largest,
		Threshold: 0, Probability: dedup.Probability(0), ModelLoaded: j.loaded, Estimated: estimated{st.Matches, st.Recall},
		Blocks: st.Blocks, Capped: st.HotKeys, Seconds: j.spent.wall, CPUSeconds: j.spent.cpu, PeakRSS: peakRSS(), Truth: j.measure, IgnoredValues: st.Ignored,
		Of: j.of, Warnings: st.Warnings, Questions: j.questions, Answers: len(j.answers), Refused: j.refused, Learning: j.curve, Conflicts: len(j.result.Conflicts)}
	for _, t := range j.tables {
		s.Columns = append(s.Columns, t.layout.describe(t.header))
		if weak := t.layout.reading.Weak; weak != "" {
			s.Weak = append(s.Weak, t.path+": "+weak)
		}
	}
	return s
}

func (j *job) printJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(j.summary())
}

// print says what was found in words.
func (j *job) print(w io.Writer) error {
	s := j.summary()
	l, err := wordsIn("en")
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format+"\n", args...)
		}
	}
	say("%d rows are %d %s; %d rows are duplicates of others (largest group %d).", s.Rows, s.Clusters, s.Of, s.Rows-s.Clusters, s.Largest)
	say("%d pairs were compared, %d are linked; about %.0f of them rightly.", s.Pairs, s.Edges, s.Estimated.Matches)
	for _, w := range s.Warnings {
		say("warning: %s", w)
	}
	for _, k := range s.Capped {
		say("left out as too common: %d rows that share %s (%s)", k.Records, strings.Join(k.Values, ", "), k.Rule)
	}
	if m := s.Truth; m != nil {
		say("against %s: %d true pairs, %.1f%% of them compared", j.o.truth, m.TruePairs, 100*m.BlockingRecall)
		say("  edges     precision %.4f  recall %.4f  F1 %.4f", m.Edges.Precision, m.Edges.Recall, m.Edges.F1)
		say("  clusters  precision %.4f  recall %.4f  F1 %.4f  B-cubed %.4f", m.Clusters.Precision, m.Clusters.Recall, m.Clusters.F1, m.BCubed)
	}
	if len(j.o.in) == 0 && j.o.out == "" {
		groups := slices.Clone(j.result.Clusters)
		slices.SortStableFunc(groups, func(a, b dedup.Cluster) int { return len(b.Members) - len(a.Members) })
		for _, c := range groups[:min(3, len(groups))] {
			for i, e := range c.Edges {
				if i < 3 {
					var alike []string // "given equal" is a code of the library
					for _, f := range e.Fields {
						field, level, _ := strings.Cut(f, " ")
						alike = append(alike, l.Say("pair.agreement", l.Name("field", field), l.Name("level", level)))
					}
					say("  rows %s and %s: %.1f bits of evidence, alike in: %s", e.A, e.B, e.Weight, strings.Join(alike, ", "))
				}
			}
		}
	}
	for _, line := range j.learning() {
		say("%s", line)
	}
	if s.Conflicts > 0 {
		say("%d answers contradict others and are overruled", s.Conflicts)
	}
	say("%.2f s, %.2f CPU-s, %.0f MiB", s.Seconds["total"], s.CPUSeconds["total"], s.PeakRSS)
	for _, x := range []struct{ path, what string }{{j.o.out, "clusters"}, {j.o.pairs, "pairs"}, {j.o.report, "report"}, {j.o.model, "model"}, {j.o.questions, "questions"}} {
		if x.path != "" {
			say("wrote the %s to %s", x.what, x.path)
		}
	}
	return err
}

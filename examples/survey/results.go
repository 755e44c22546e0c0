package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/export"
	"github.com/vefacrm/vefa/survey/export/parquet"
	"github.com/vefacrm/vefa/survey/export/xlsx"
	"github.com/vefacrm/vefa/survey/topic"
)

// rows reads the answers in the order of their ids, which says nothing about when they came.
func (s *store) rows(ctx context.Context) iter.Seq2[export.Row, error] {
	return func(yield func(export.Row, error) bool) {
		list, err := s.db.QueryContext(ctx, "SELECT id, at, response FROM answers ORDER BY id")
		if err != nil {
			yield(export.Row{}, err)
			return
		}
		defer func() { _ = list.Close() }()
		for list.Next() {
			var id int64
			var at, response string
			row := export.Row{}
			err := list.Scan(&id, &at, &response)
			if err == nil {
				row.ID = strconv.FormatUint(uint64(id), 36)
				row.At, err = time.Parse(time.RFC3339, at)
			}
			if err == nil {
				err = json.Unmarshal([]byte(response), &row.Response)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(export.Row{}, err)
		}
	}
}

// export writes all answers to a file, by the end of its name.
func (s *store) export(ctx context.Context, file string, out io.Writer) (err error) {
	write := map[string]func(io.Writer, *export.Table, iter.Seq2[export.Row, error]) (int, error){
		".csv": export.CSV, ".json": export.JSON, ".xlsx": xlsx.Write, ".parquet": parquet.Write,
	}[strings.ToLower(filepath.Ext(file))]
	if write == nil {
		return fmt.Errorf("-export: %s is no .csv, .json, .xlsx or .parquet", file)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriter(f)
	n, err := write(b, export.NewTable(s.def, export.Options{}), s.rows(ctx))
	if err := errors.Join(err, b.Flush()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d answers in %s\n", n, file)
	return err
}

// results prints what was said: scores with intervals, then what the comments are about,
// those to be read first at the top.
func (s *store) results(ctx context.Context, out io.Writer) error {
	find, err := topic.New(topic.Retail(), topic.Options{})
	if err != nil {
		return err
	}
	tallies := map[string]*survey.Tally{}
	var order []string
	var counts topic.Counts
	type comment struct {
		text string
		read topic.Reading
	}
	var comments []comment
	n := 0
	for row, err := range s.rows(ctx) {
		if err != nil {
			return err
		}
		n++
		for _, score := range s.def.Scores(row.Response, survey.ScoreOptions{}) {
			if tallies[score.Question] == nil {
				tallies[score.Question] = &survey.Tally{}
				order = append(order, score.Question)
			}
			if err := tallies[score.Question].Add(score); err != nil {
				return err
			}
		}
		for _, w := range s.def.Written(row.Response) {
			read := find.Read(w.Text)
			counts.Add(read)
			comments = append(comments, comment{w.Text, read})
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d answers\n", n)
	for _, q := range order {
		r := tallies[q].Result()
		fmt.Fprintf(&b, "%s: %s %.1f (95%% interval %.1f to %.1f), n %d, unanswered %d\n", q, strings.ToUpper(string(r.Metric)), r.Value, r.Interval.Low, r.Interval.High, r.N, r.Unanswered)
	}
	if len(comments) > 0 {
		fmt.Fprintf(&b, "%d comments, %d without a topic\n", counts.Total().Comments, counts.Without())
		for _, t := range counts.Results(0) {
			if !t.Suppressed {
				fmt.Fprintf(&b, "  %-12s %4d comments, %4d complain\n", t.Topic, t.Comments, t.Negative+t.Mixed)
			}
		}
		slices.SortStableFunc(comments, func(x, y comment) int { return topic.Compare(x.read, y.read) })
		b.WriteString("To be read first:\n")
		for _, c := range comments[:min(len(comments), 10)] {
			fmt.Fprintf(&b, "  %d %-8s %s\n", c.read.Severity, c.read.Sentiment, strconv.Quote(c.text))
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

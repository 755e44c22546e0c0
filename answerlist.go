package vefa

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/export"
)

// SurveyAnswer is one answer to a survey, as it is on record.
type SurveyAnswer struct {
	crm.Answer
	ID    string      // tells answers apart; it is no token
	Who   crm.Subject // whom it is about: a profile, an address, or, by an open link, none
	Place string      // id of the shop; empty: without one
	At    time.Time   // when it was finished
}

// Response is what was answered, as package survey reads it.
func (a SurveyAnswer) Response() survey.Response {
	return survey.Response{Survey: a.Survey, Version: a.Version, Language: a.Language, Begun: a.Begun, Answers: a.Values}
}

// ExportColumns are the host's columns of ExportRows, for export.Options.Columns.
func ExportColumns() []string { return []string{"begun", "place", "channel", "link", "over quota"} }

// ExportRows turns answers into the rows of a table, as survey/export and the packages below it write
// them:
//
//	table := export.NewTable(definition, export.Options{Columns: vefa.ExportColumns()})
//	n, err := export.CSV(w, table, vefa.ExportRows(eng.Answers(ctx, "visit")))
func ExportRows(answers iter.Seq2[SurveyAnswer, error]) iter.Seq2[export.Row, error] {
	return func(yield func(export.Row, error) bool) {
		for a, err := range answers {
			if err != nil {
				yield(export.Row{}, err)
				return
			}
			begun := ""
			if !a.Begun.IsZero() {
				begun = a.Begun.UTC().Format(time.RFC3339)
			}
			row := export.Row{ID: a.ID, At: a.At, Host: []string{begun, a.Place, a.Channel, a.Link, a.OverQuota}, Response: a.Response()}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Answers goes through all answers to a survey, of every version of its definition, those over a quota
// included, in an order that is the same each time. It reads a few hundred at a time and keeps no transaction
// open meanwhile: what is stored while it runs may be among them. An error is
// yielded once, and is the end: crm.ErrNotFound for a name that is none of Config.Surveys and has no
// answers either, while those to a survey that is asked no more are found.
//
// A league of places is what they add up to:
//
//	var groups survey.Groups[string]
//	for a, err := range eng.Answers(ctx, "visit") {
//		if err != nil {
//			return err
//		}
//		if s, ok := definition.Score(a.Response(), survey.ScoreOptions{}); ok && a.OverQuota == "" {
//			if err := groups.Add(a.Place, s); err != nil {
//				return err
//			}
//		}
//	}
//	league := survey.League(&groups, 0)
//	picture := report.League("Worst first", groups.Total(), league, nil)
func (e *Engine) Answers(ctx context.Context, name string) iter.Seq2[SurveyAnswer, error] {
	return func(yield func(SurveyAnswer, error) bool) {
		known := e.surveyOf(name) != nil
		for after := (crm.FactRef{}); ; {
			var page []*crm.Fact
			err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
				page, err = r.ScanFacts(ctx, crm.AllParts(), crm.KindAnswer, after, loadBatch)
				return err
			})
			if err != nil {
				yield(SurveyAnswer{}, err)
				return
			}
			for _, f := range page {
				after = f.Ref()
				a, ok := f.Data.(*crm.Answer)
				if !ok || a.Survey != name {
					continue
				}
				known = true
				if !yield(SurveyAnswer{Answer: *a, ID: f.Key.ID, Who: f.Subject, Place: f.Place, At: f.At}, nil) {
					return
				}
			}
			if len(page) < loadBatch {
				if !known {
					yield(SurveyAnswer{}, &crm.Error{Op: "list answers", Entity: "survey", ID: name, Kind: crm.ErrNotFound})
				}
				return
			}
		}
	}
}

// versions returns, by definition of a survey, also those of before, its version, or, of one that
// does not say, what tells it from any other.
func versions(surveys []Survey) map[*survey.Definition]string {
	out := map[*survey.Definition]string{}
	for _, s := range surveys {
		for _, def := range append([]*survey.Definition{s.Definition}, s.Earlier...) {
			if def == nil {
				continue
			}
			if out[def] = def.Head().Version; out[def] == "" {
				if raw, err := json.Marshal(def); err == nil {
					sum := sha256.Sum256(raw)
					out[def] = "sha256:" + hex.EncodeToString(sum[:6])
				}
			}
		}
	}
	return out
}

package vefa

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// Prune takes away what is older than an instant and that neither the record nor
// a later evening needs: what crm.Service.Prune does, and
//
//   - of final effects what rules planned them with, so that Why and a timeline
//     still tell what was done and no longer each note of why;
//   - the numbers of tracked links and surveys of messages that left before then
//     and whose survey and "not me" have ended (Config.AnswerWithin,
//     Config.NotMeWithin): their links lead nowhere from then on. A number may be
//     given to a later message, as one of 2^39;
//   - reports of evenings before that day that were closed. Such an evening cannot
//     be run any more: Night answers crm.ErrPruned. One that was begun and not
//     closed can still be ended, and so its report is kept;
//   - what answers to customers said (Engine.Respond, Config.AutoReplies), and the counters of
//     hours of messaging.Campaign.Velocity that nothing can leave in any more: those are part
//     of Digest;
//   - drafts of surveys that can be answered no more, whenever that was;
//   - what the breaker counted on those closed evenings, of which it keeps what it
//     learnt; keys by which answers that came twice were told apart, and those of
//     replies that came longer ago than surveys and "not me" stay open;
//   - what came of answers that kiosks delivered longer ago than that, as of replies. An answer that a device
//     delivers again later is still in the record once; one that a quota had not kept is offered to
//     the quota again. Those that were refused are kept (Engine.RefusedAnswers).
//
// What stays: facts, clicks with their verdicts, link decisions, consents, tags,
// all other counters, and each effect with its id, state, times and guards: nothing is sent
// again, and Digest, but for those counters, Audit and Results are as they were. A response
// that is given again with its ID is then taken for the same, whatever it says.
//
// It may run beside nights, deliveries and handlers of this and other processes,
// may be stopped anywhere and run again, and changes nothing the second time. A
// host calls it once in a while with an instant that is some months ago.
func (e *Engine) Prune(ctx context.Context, before time.Time) (_ crm.Pruned, err error) {
	defer e.took("prune", time.Now(), &err)
	now := e.svc.Now()
	total, err := e.svc.PruneWith(ctx, before, func(f *crm.Effect) (crm.Leftover, error) { return e.strip(f, before, now) })
	if err != nil {
		return total, err
	}
	if err := e.pruneVelocity(ctx, before); err != nil {
		return total, err
	}
	n, err := e.pruneDrafts(ctx)
	total.Documents += n
	if err != nil {
		return total, err
	}
	for _, step := range []func(context.Context, time.Time) (int, error){e.pruneReports, e.pruneReach, e.pruneReplies, e.pruneKiosks} {
		n, err := step(ctx, before)
		total.Documents += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// strip takes from a final effect what nothing reads any more.
func (e *Engine) strip(f *crm.Effect, before, now time.Time) (crm.Leftover, error) {
	var left crm.Leftover
	if f.Kind == EffectOffer {
		return left, nil // Results reads it
	}
	if f.Kind != crm.EffectMessage {
		if _, err := rules.DecodePayload(f); err == nil { // a host's own data is the host's
			f.Data = nil
		}
		return left, nil
	}
	d, err := decodeMessage(f)
	if err != nil || d.Name == "" {
		return left, nil
	}
	open := max(e.cfg.AnswerWithin, e.cfg.NotMeWithin)
	if d.Link != 0 && f.SentAt.Before(before) && !now.Before(f.SentAt.Add(open)) {
		left.Refs = []crm.Ref{{Kind: refLink, Key: linkKey(d.Link), Subject: f.Subject, Target: string(f.ID)}}
		if d.Survey != "" {
			left.States = []crm.StateKey{formOf(answerKey(f))}
		}
		d.Link = 0
	}
	said := d.Said != nil && (d.Said.Text != "" || d.Said.Parts != nil)
	if d.Rule == nil && left.Refs == nil && !said {
		return left, nil
	}
	if d.Rule = nil; said {
		rest := *d.Said
		rest.Text, rest.Parts, rest.Pruned = "", nil, true
		d.Said = &rest
	}
	f.Data, err = json.Marshal(d)
	return left, err
}

// pruneVelocity forgets the counters of hours of campaigns' velocity that have passed. What a
// message takes of one lapses 25 hours after the hour.
func (e *Engine) pruneVelocity(ctx context.Context, before time.Time) error {
	end := before.Add(-26 * time.Hour)
	for after := (crm.CounterKey{}); ; {
		var page []*crm.Counter
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			page, err = r.ScanCounters(ctx, crm.AllParts(), after, loadBatch)
			return err
		}); err != nil {
			return err
		}
		var old []crm.CounterKey
		for _, c := range page {
			after = c.CounterKey
			hour, err := time.Parse(velocityHour, c.ID[strings.LastIndexByte(c.ID, '/')+1:])
			if c.Kind == counterVelocity && err == nil && hour.Before(end) {
				old = append(old, c.CounterKey)
			}
		}
		if len(old) > 0 {
			if err := e.svc.Update(ctx, func(tx crm.Tx) error { return tx.DeleteCounters(ctx, old...) }); err != nil {
				return err
			}
		}
		if len(page) < loadBatch {
			return nil
		}
	}
}

// prunedKind is the kind and id of the document that says up to which day
// reports of evenings were pruned.
const prunedKind = "pruned"

// prunedNights is such a document.
type prunedNights struct {
	Before string `json:"before"` // the first day that was kept
}

// checkPruned refuses an evening whose report was pruned: whether it was closed
// is not known any more, and it would plan anew.
func checkPruned(ctx context.Context, r crm.Reader, day string) error {
	docs, err := r.Documents(ctx, prunedKind, prunedKind)
	if err != nil || docs[0] == nil {
		return err
	}
	var p prunedNights
	if err := docs[0].Decode(&p); err != nil {
		return err
	}
	if day < p.Before {
		return &crm.Error{Op: "run", Entity: nightKind, ID: day, Kind: crm.ErrPruned}
	}
	return nil
}

// firstKept returns the first day of which what belongs to the evening is kept.
func (e *Engine) firstKept(before time.Time) string {
	return before.In(e.cfg.Home).Format(time.DateOnly)
}

// pruneReports deletes the reports of evenings, after it has noted that they
// cannot be run again.
func (e *Engine) pruneReports(ctx context.Context, before time.Time) (int, error) {
	kept := e.firstKept(before)
	old, err := e.endedBefore(ctx, nightKind, kept)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		docs, err := tx.Documents(ctx, prunedKind, prunedKind)
		if err != nil {
			return err
		}
		doc, err := crm.NewDocument(prunedKind, prunedKind, prunedNights{Before: kept})
		if err != nil {
			return err
		}
		if docs[0] != nil {
			var was prunedNights
			if err := docs[0].Decode(&was); err != nil || was.Before >= kept {
				return err
			}
			doc.Rev = docs[0].Rev
		}
		return tx.PutDocuments(ctx, doc)
	})
	if err != nil {
		return 0, err
	}
	return e.deleteDocuments(ctx, nightKind, old)
}

// pruneReach folds what the breaker counted into what it learnt of it.
func (e *Engine) pruneReach(ctx context.Context, before time.Time) (int, error) {
	if e.cfg.Breaker == nil {
		return 0, nil
	}
	old, err := e.endedBefore(ctx, breakerKind, e.firstKept(before))
	if err != nil {
		return 0, err
	}
	total := 0
	for days := range slices.Chunk(old, loadBatch) {
		n := 0
		err := e.svc.Update(ctx, func(tx crm.Tx) error {
			learnt, rev, err := learntReach(ctx, tx)
			if err != nil {
				return err
			}
			docs, err := tx.Documents(ctx, breakerKind, days...)
			if err != nil {
				return err
			}
			n = 0
			for _, d := range docs {
				if d == nil {
					continue // by another process
				}
				n++
				if d.ID <= learnt.Through {
					continue
				}
				var evening reach
				if err := d.Decode(&evening); err != nil {
					return err
				}
				learnt.Past = e.cfg.Breaker.Learn(learnt.Past, evening.Matched, evening.Tripped)
				learnt.Through = d.ID
			}
			if n == 0 {
				return nil
			}
			doc, err := crm.NewDocument(learntKind, learntKind, learnt)
			if err != nil {
				return err
			}
			doc.Rev = rev
			if err := tx.PutDocuments(ctx, doc); err != nil {
				return err
			}
			return tx.DeleteDocuments(ctx, breakerKind, days...)
		})
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// pruneReplies deletes what tells replies that come twice, of replies that are
// too old to come again. Their own age counts, not that of the message: a "not me"
// is heard about a message of any age, and is delivered again soon after.
func (e *Engine) pruneReplies(ctx context.Context, before time.Time) (int, error) {
	end := e.cameBefore(before)
	var old []string
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		old = nil
		for d, err := range crm.Documents(ctx, r, replyKind) {
			if err != nil {
				return err
			}
			var reply heard
			if err := d.Decode(&reply); err != nil {
				return err
			}
			if reply.At.Before(end) {
				old = append(old, d.ID)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return e.deleteDocuments(ctx, replyKind, old)
}

// cameBefore is the earlier of an instant and of when surveys and "not me" that have ended by now began.
func (e *Engine) cameBefore(before time.Time) time.Time {
	end := e.svc.Now().Add(-max(e.cfg.AnswerWithin, e.cfg.NotMeWithin))
	if before.Before(end) {
		return before
	}
	return end
}

// endedBefore returns the ids of documents of a kind that are days before one, save
// those of evenings that were begun and not closed.
func (e *Engine) endedBefore(ctx context.Context, kind, day string) ([]string, error) {
	old, err := e.documentsBefore(ctx, kind, day)
	if err != nil || len(old) == 0 {
		return nil, err
	}
	open := map[string]bool{}
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		clear(open)
		for rep, err := range Nights(ctx, r) {
			if err != nil {
				return err
			}
			if rep.Day >= day {
				break
			}
			open[rep.Day] = !rep.Closed
		}
		return nil
	})
	return slices.DeleteFunc(old, func(id string) bool { return open[id] }), err
}

// documentsBefore returns the ids of documents of a kind that are less than one.
func (e *Engine) documentsBefore(ctx context.Context, kind, id string) ([]string, error) {
	var out []string
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		out = nil
		for d, err := range crm.Documents(ctx, r, kind) {
			if err != nil {
				return err
			}
			if d.ID >= id {
				break
			}
			out = append(out, d.ID)
		}
		return nil
	})
	return out, err
}

func (e *Engine) deleteDocuments(ctx context.Context, kind string, ids []string) (int, error) {
	total := 0
	for chunk := range slices.Chunk(ids, loadBatch) {
		err := e.svc.Update(ctx, func(tx crm.Tx) error { return tx.DeleteDocuments(ctx, kind, chunk...) })
		if err != nil {
			return total, err
		}
		total += len(chunk)
	}
	return total, nil
}

package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/households"
)

// summary is what -json prints.
type summary struct {
	Store    string `json:"store"`
	From     string `json:"from"`
	Evenings int    `json:"evenings"`
	Dedup    truth  `json:"dedup"`
	vefa.Results
	vefa.AuditReport
	RowsRead       int                `json:"rows_read"`
	RowsRejected   int                `json:"rows_rejected"`
	GatewayRepeats int                `json:"gateway_repeats"` // messages that the provider saw again under their id
	Visitors       map[string]int     `json:"visitors,omitempty"`
	Seconds        map[string]float64 `json:"seconds"`
	TotalSeconds   float64            `json:"total_seconds"`
	PeakRSS        int64              `json:"peak_rss_mib"`
	Digest         string             `json:"digest,omitempty"`
	Storm          *stormCounts       `json:"storm,omitempty"`
}

// truth compares customers with who people really are, pair by pair.
type truth struct {
	Known     bool    `json:"known"`
	Pairs     int64   `json:"pairs"` // true pairs of profiles with unmasked contact data
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	// Merged says how many couples, parents and children, twins and namesakes were taken for
	// one person.
	Merged map[households.Relation]households.Count `json:"merged,omitempty"`
}

// finish reads the end state and prints what was asked for.
func (s *simulation) finish(ctx context.Context, out io.Writer, where string) error {
	if s.state.Day > 0 {
		s.clock.Set(s.at(s.state.Day-1, eveningStep))
	}
	sum := summary{Store: where, From: s.from.Format(time.DateOnly), Evenings: s.state.Day, Seconds: s.seconds}
	delete(sum.Seconds, "resumed")
	if err := s.look(ctx, &sum); err != nil {
		return err
	}
	sum.RowsRead, sum.RowsRejected, sum.GatewayRepeats = s.rows, s.bad, s.gate.Repeats()
	if s.storm != nil {
		sum.Storm = s.storm.sum()
	}
	if s.guests != nil {
		sum.Visitors = map[string]int{}
		for k, n := range s.guests.Done {
			sum.Visitors[string(k)] = n
		}
	}
	for k, v := range sum.Seconds {
		sum.Seconds[k] = math.Round(v*1000) / 1000
	}
	sum.TotalSeconds = math.Round(time.Since(s.show.start0).Seconds()*100) / 100
	sum.PeakRSS = peakRSS()
	if s.o.report != "" {
		if err := s.writeReport(ctx, sum, s.o.report); err != nil {
			return fmt.Errorf("-report: %w", err)
		}
	}
	if s.o.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(sum); err != nil {
			return err
		}
	} else {
		sum.print(out, s.say)
	}
	if s.o.digest {
		fmt.Fprintln(out, sum.Digest)
	}
	if sum.Storm != nil && sum.Storm.Twice > 0 {
		return fmt.Errorf("the provider took %d messages twice", sum.Storm.Twice)
	}
	if !sum.Clean() {
		return fmt.Errorf("the audit found what must never happen: %v", sum.Findings)
	}
	return nil
}

// look reads the results, the audit, the truth and the digest, which do not wait for one
// another.
func (s *simulation) look(ctx context.Context, sum *summary) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // what each of them holds is in memory at once
	type task struct {
		name string
		do   func(ctx context.Context) error
	}
	tasks := []task{
		{"results", func(ctx context.Context) (err error) {
			sum.Results, err = s.eng.Results(ctx)
			return err
		}},
		{"audit", func(ctx context.Context) (err error) {
			sum.AuditReport, err = vefa.Audit(ctx, s.store, s.consent())
			return err
		}},
		{"truth", func(ctx context.Context) (err error) {
			sum.Dedup, err = s.truth(ctx)
			return err
		}},
	}
	if s.o.digest {
		tasks = append(tasks, task{"digest", func(ctx context.Context) (err error) {
			sum.Digest, err = s.digest(ctx)
			return err
		}})
	}
	took, errs := make([]time.Duration, len(tasks)), make([]error, len(tasks))
	var wg sync.WaitGroup
	for i, t := range tasks {
		wg.Go(func() {
			start := time.Now()
			if errs[i] = t.do(ctx); errs[i] != nil {
				cancel() // the others' work is of no use
			}
			took[i] = time.Since(start)
		})
	}
	wg.Wait()
	for i, t := range tasks {
		sum.Seconds[t.name] = took[i].Seconds()
	}
	for _, err := range errs { // the first that is not of the cancelling
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}

func (s *simulation) digest(ctx context.Context) (string, error) {
	var d [32]byte
	err := s.store.View(ctx, func(r crm.Reader) (err error) {
		d, err = crm.Digest(ctx, r, s.clock.Now())
		return err
	})
	return hex.EncodeToString(d[:]), err
}

// truth compares the links of the record with the world's truth, over profiles
// that have contact data of their own.
func (s *simulation) truth(ctx context.Context) (truth, error) {
	if s.world == nil {
		return truth{}, nil
	}
	type pair struct {
		customer crm.CustomerID
		person   int
	}
	byCustomer, byPerson, both := map[crm.CustomerID]int64{}, map[int]int64{}, map[pair]int64{}
	customers := map[int][]crm.CustomerID{}
	err := s.store.View(ctx, func(r crm.Reader) error {
		for p, err := range crm.Profiles(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			person, known := s.world.Truth(p.ProfileKey)
			if !known || !hasContact(p) {
				continue
			}
			byCustomer[p.Customer]++
			byPerson[person]++
			if both[pair{p.Customer, person}]++; both[pair{p.Customer, person}] == 1 {
				customers[person] = append(customers[person], p.Customer)
			}
		}
		return nil
	})
	pairs := func(n int64) int64 { return n * (n - 1) / 2 }
	var said, true_, hit int64
	for _, n := range byCustomer {
		said += pairs(n)
	}
	for _, n := range byPerson {
		true_ += pairs(n)
	}
	for _, n := range both {
		hit += pairs(n)
	}
	t := truth{Known: true, Pairs: true_}
	t.Merged = households.Merged(slices.Collect(s.world.Kin()), func(person int) []crm.CustomerID { return customers[person] })
	if said > 0 {
		t.Precision = float64(hit) / float64(said)
	}
	if true_ > 0 {
		t.Recall = float64(hit) / float64(true_)
	}
	if hit > 0 {
		t.F1 = 2 * t.Precision * t.Recall / (t.Precision + t.Recall)
	}
	return t, err
}

func hasContact(p *crm.Profile) bool {
	for _, c := range p.Contacts {
		if !c.Masked {
			return true
		}
	}
	return false
}

// counts are what the audit may never count, each under its name.
func (s summary) counts() []named {
	return []named{
		{"repeated", s.EffectsRepeated}, {"consent", s.SentWithoutConsent}, {"ticket", s.SentToOpenTicket}, {"tag", s.SentToExcludedTag},
		{"early", s.SurveyBeforeDelivery}, {"bad", s.AnswersBadWithoutTicket}, {"contradicts", s.RecordContradicts},
	}
}

// print writes the summary for people.
func (s summary) print(w io.Writer, l speaker) {
	line := func(text string) { fmt.Fprintln(w, text) }
	joined := l.Say("sum.joined", s.Profiles, s.Customers)
	if d := s.Dedup; d.Known {
		joined += " " + l.Say("sum.truth", l.Decimal(d.Precision, 4), l.Decimal(d.Recall, 4), l.Decimal(d.F1, 4))
	}
	line("\n" + joined)
	if d := s.Dedup; d.Known {
		parts := make([]string, 0, 4)
		for _, how := range households.Relations() {
			n := d.Merged[how]
			parts = append(parts, l.Say("sum."+string(how), l.Int(n.Merged), l.Int(n.Pairs)))
		}
		line(l.Say("sum.merged", strings.Join(parts, ", ")))
	}
	withheld := make([]string, len(s.Withheld))
	for i, c := range s.Withheld {
		withheld[i] = l.Say("campaign.withheld", l.guard("refused", c.Name), c.N)
	}
	line(l.Say("sum.sent", s.Sent, cmp.Or(strings.Join(withheld, ", "), "–")))
	for _, c := range s.Campaigns {
		r := c.Report
		line(l.Say("sum.campaign", c.Name, int(r.Counts.Assigned), int(r.Counts.HeldOut), l.percent(r.Total.Share), l.percent(r.Clickers.Share), l.percent(r.HeldOut.Share)))
		line("  " + l.Say("campaign.points", l.points(r.Incremental.Difference), l.Percent(r.Confidence, 0), l.points(r.Incremental.Interval.Lo), l.points(r.Incremental.Interval.Hi)) + ". " + l.Name("verdict", string(r.Result)))
		if v := c.Revenue; v.Measured {
			line("  " + l.Say("sum.money", l.money(v.Extra), l.money(v.Low), l.money(v.High), l.money(v.Total), int(r.Counts.Delivered), l.money(v.Cost)))
		}
	}
	for _, v := range s.Surveys {
		line(l.Say("sum.survey", v.Survey, int(v.N), v.Sent, l.Name("metric", string(v.Result.Metric)), l.value(v.Result), l.around(v.Result)))
	}
	line(l.Say("sum.clicks", s.Clicks[crm.Human], s.Clicks[crm.Suspected], s.Clicks[crm.Machine]))
	line(l.Say("sum.tickets", s.Tickets[crm.TicketSolved], s.Tickets[crm.TicketOpen]+s.Tickets[crm.TicketPending]))
	var audit []string
	for _, c := range s.counts() {
		audit = append(audit, l.Int(c.N)+" "+l.Say("audit."+c.Name))
	}
	line(l.Say("sum.audit", strings.Join(audit, ", ")))
	if st := s.Storm; st != nil {
		line(l.Say("sum.storm", st.Requests, st.Throttled, st.Lost, st.Reports, st.Refused, st.Tickets, st.Twice))
	}
	line(l.Say("sum.run", s.RowsRead, s.RowsRejected, l.Decimal(s.TotalSeconds, 1), int(s.PeakRSS)))
}

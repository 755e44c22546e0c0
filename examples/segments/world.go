package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/activity"
	"github.com/vefacrm/vefa/segment/rfm"
)

// world is the index with all that was read, as of the day of the questions.
type world struct {
	idx    *segment.Index // keeps the history of the focus, from the first dated row on
	view   *segment.View
	defs   []segment.Definition
	focus  string
	scores []rfm.Score
	before []rfm.Score // at the earlier date
	orders bool
}

// build loads the index and lets its history happen day by day, so that it can
// say since when and why somebody is in the focus.
func build(o options, in *input) (*world, error) {
	w := &world{idx: segment.NewIndex(segment.Options{History: true}), defs: in.defs, focus: o.segment, orders: len(in.orders) > 0}
	if w.focus == "" {
		w.focus = in.defs[len(in.defs)-1].Name
	}
	start, days := timeline(in, o.at)
	if _, err := w.idx.Load(start, always(in.pairs)); err != nil {
		return nil, err
	}
	if err := w.addOrders(o, in, start); err != nil {
		return nil, err
	}
	if err := w.fields(in.pairs, start); err != nil {
		return nil, err
	}
	if _, err := w.idx.Define(start, in.defs...); err != nil {
		return nil, err
	}
	if _, err := w.idx.SetPolarity(start, in.polarity...); err != nil {
		return nil, err
	}
	if err := w.idx.Track(w.focus); err != nil {
		return nil, err
	}
	for _, day := range days {
		if _, err := w.idx.Apply(day.at, day.changes); err != nil {
			return nil, err
		}
	}
	if _, err := w.idx.Advance(o.at); err != nil {
		return nil, err
	}
	w.view = w.idx.View()
	return w, nil
}

// day is what happened to tags on one date.
type day struct {
	at      time.Time
	changes []segment.TagChange
}

// timeline orders the dated rows up to at. The index starts a day before the
// first of them.
func timeline(in *input, at time.Time) (start time.Time, days []day) {
	by := make(map[time.Time][]segment.TagChange)
	start = at
	note := func(t time.Time, p pair, clear bool) {
		if t.IsZero() || t.After(at) {
			return
		}
		if !t.After(start) {
			start = t.AddDate(0, 0, -1)
		}
		by[t] = append(by[t], segment.TagChange{Customer: p.customer, Tag: p.tag, Clear: clear, By: "the file"})
	}
	for _, p := range in.pairs {
		if p.tag != "" {
			note(p.since, p, false)
			note(p.until, p, true)
		}
	}
	for _, t := range slices.SortedFunc(maps.Keys(by), time.Time.Compare) {
		// What ends on a day ends before what begins.
		slices.SortStableFunc(by[t], func(a, b segment.TagChange) int { return cmp.Compare(order(a.Clear), order(b.Clear)) })
		days = append(days, day{t, by[t]})
	}
	return start, days
}

func order(clear bool) int {
	if clear {
		return 0
	}
	return 1
}

// always yields the customers in the order of the file, with their tags without a date.
func always(pairs []pair) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for _, p := range pairs {
			var tags []string
			if p.tag != "" && p.since.IsZero() {
				tags = []string{p.tag}
			}
			if !yield(p.customer, tags) {
				return
			}
		}
	}
}

// fields makes fields of the tags "field:value" that have no dates, unless
// somebody has two values of one.
func (w *world) fields(pairs []pair, at time.Time) error {
	rows := make(map[string]map[string]string)
	several := map[string]bool{"rfm": true, "group": true} // made of orders
	for _, p := range pairs {
		field, value, ok := strings.Cut(p.tag, ":")
		if !ok || field == "" || value == "" {
			continue
		}
		if rows[field] == nil {
			rows[field] = make(map[string]string)
		}
		old, twice := rows[field][p.customer]
		if twice && old != value || !p.since.IsZero() || !p.until.IsZero() {
			several[field] = true
		}
		rows[field][p.customer] = value
	}
	for _, field := range slices.Sorted(maps.Keys(rows)) {
		if several[field] {
			continue
		}
		if _, err := w.idx.SetField(at, field, maps.All(rows[field])); err != nil {
			return err
		}
	}
	return nil
}

// addOrders scores customers and answers for behaviour windows.
func (w *world) addOrders(o options, in *input, start time.Time) error {
	log := activity.NewLog(time.UTC)
	for _, order := range in.orders {
		if order.Amount >= 0 {
			if err := log.Add(order.Customer, "purchase", order.At); err != nil {
				return err
			}
		}
	}
	if _, err := activity.Supply(w.idx, log, start, in.defs...); err != nil {
		return err
	}
	var err error
	if w.scores, err = score(in.orders, o.at); err != nil {
		return err
	}
	if w.before, err = score(in.orders, o.before); err != nil {
		return err
	}
	cells, groups := make(map[string]string), make(map[string]string)
	for _, s := range w.scores {
		cells[s.Customer] = strings.TrimPrefix(s.Leaf(), "rfm:")
		groups[s.Customer] = rfm.Name(s, rfm.RPackageGroups())
	}
	var cellNames, groupNames []string
	for r := 1; r <= 5; r++ {
		for f := 1; f <= 5; f++ {
			for m := 1; m <= 5; m++ {
				cellNames = append(cellNames, fmt.Sprintf("%d-%d-%d", r, f, m))
			}
		}
	}
	for _, g := range rfm.RPackageGroups() {
		groupNames = append(groupNames, g.Name)
	}
	if _, err := w.idx.SetField(start, "rfm", maps.All(cells), cellNames...); err != nil {
		return err
	}
	_, err = w.idx.SetField(start, "group", maps.All(groups), append(groupNames, rfm.Other)...)
	return err
}

func score(orders []rfm.Order, at time.Time) ([]rfm.Score, error) {
	rows, err := rfm.Summarise(slices.Values(orders), at, time.UTC)
	if err != nil {
		return nil, err
	}
	result, err := rfm.Config{}.Score(rows)
	return result.Scores, err
}

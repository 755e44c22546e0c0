package crm

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

// storable returns data, or where JSON would not give it back unchanged a copy
// of it that JSON does: an old version must compare with what is delivered
// again, on every store alike.
func storable(data FactData) FactData {
	data = storableTimes(data)
	switch d := data.(type) {
	case *Custom:
		if !utf8.Valid(d.JSON) {
			return &Custom{d.Kind, bytes.ToValidUTF8(d.JSON, []byte("\ufffd"))}
		}
		return d
	case *Answer:
		if len(d.Values) == 0 && validTexts(d) {
			return d
		}
	default:
		if validTexts(d) {
			return d
		}
	}
	// Rare, so that it may cost something.
	text, err := json.Marshal(data)
	if err != nil {
		return data // the store says so; Validate has seen that it does not happen
	}
	out, err := DecodeFactData(data.FactKind(), text)
	if err != nil {
		return data
	}
	return out
}

// jsonTime returns the same instant in a zone that JSON can write: in UTC where
// the zone has an offset of seconds or the year there is out of range.
func jsonTime(t time.Time) time.Time {
	if t.Location() == time.UTC {
		return t
	}
	_, offset := t.Zone()
	if y := t.Year(); offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 || y < 1 || y > 9999 {
		return t.UTC()
	}
	return t
}

func storableTimes(data FactData) FactData {
	odd := func(t time.Time) bool { return jsonTime(t).Location() != t.Location() }
	switch d := data.(type) {
	case *Order:
		if odd(d.Delivered) {
			c := *d
			c.Delivered = jsonTime(d.Delivered)
			return &c
		}
	case *Visit:
		if odd(d.Done) {
			c := *d
			c.Done = jsonTime(d.Done)
			return &c
		}
	case *TagChange:
		if odd(d.Expires) {
			c := *d
			c.Expires = jsonTime(d.Expires)
			return &c
		}
	case *Ticket:
		if odd(d.Opened) || odd(d.Solved) || slices.ContainsFunc(d.Log, func(l TicketLog) bool { return odd(l.At) }) {
			c := *d
			c.Opened, c.Solved, c.Log = jsonTime(d.Opened), jsonTime(d.Solved), slices.Clone(d.Log)
			for i := range c.Log {
				c.Log[i].At = jsonTime(c.Log[i].At)
			}
			return &c
		}
	}
	return data
}

// validTexts reports whether all texts of a fact's data are UTF-8.
func validTexts(data FactData) bool {
	switch d := data.(type) {
	case *Order:
		if !utf8Texts(d.Channel, d.FulfilledAt, d.DeliverTo, d.ReturnedAt, d.Employee) || !utf8Keys(d.Returns) {
			return false
		}
		for i := range d.Lines {
			if l := &d.Lines[i]; !utf8Texts(l.Category, l.Brand) {
				return false
			}
		}
		return true
	case *Visit:
		return utf8Texts(d.SKU, d.Brand, d.Status)
	case *Ticket:
		if !utf8Texts(d.Title, d.Reason, d.Assignee) || !utf8Keys(d.Cause) {
			return false
		}
		for i := range d.Log {
			if l := &d.Log[i]; !utf8Texts(l.Actor, l.Note, string(l.State)) {
				return false
			}
		}
		for _, r := range d.Related {
			if _, a, b := r.Subject.Flat(); !utf8Texts(a, b) || !utf8Keys(r.Key) {
				return false
			}
		}
		return true
	case *Answer:
		return utf8Texts(string(d.Effect), d.Metric, d.Comment) && utf8Keys(d.About)
	case *Click:
		return utf8Texts(string(d.Effect), d.Campaign, d.Method, d.Agent, d.Classifier, d.Signals) && utf8Texts(d.Reasons...)
	case *Interaction:
		return utf8Texts(d.Direction, d.Topic, d.Text, d.Employee)
	case *Note:
		return utf8Texts(d.Text, d.Actor)
	case *TagChange:
		return utf8Texts(d.By, d.Why)
	case *Consent:
		return utf8Texts(d.Via, d.Proof, d.Actor)
	case *Suppression:
		return utf8Texts(d.Actor)
	}
	return true
}

func utf8Texts(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

func utf8Keys(k FactKey) bool { return utf8Texts(string(k.Kind), k.Source, k.ID) }

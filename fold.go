package vefa

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// What a person keeps is copied: a text of a record would keep all that was
// read with it.

func (p *population) ownKeys(keys []crm.ProfileKey) []crm.ProfileKey {
	out := make([]crm.ProfileKey, len(keys))
	for i, k := range keys {
		out[i] = crm.ProfileKey{Source: p.texts.text(p.texts.id(k.Source)), ID: strings.Clone(k.ID)}
	}
	return out
}

func (p *population) ownContacts(contacts []crm.Contact) []contactRow {
	n := 0
	for i := range contacts {
		if !contacts[i].Masked {
			n++
		}
	}
	out := make([]contactRow, 0, n)
	for _, c := range contacts {
		if !c.Masked {
			ch := crm.Channel(p.texts.text(p.texts.id(string(c.Channel))))
			out = append(out, contactRow{Address: crm.Address{Channel: ch, Value: strings.Clone(c.Value)}})
		}
	}
	return out
}

func (p *population) ownFactKey(k crm.FactKey) crm.FactKey {
	return crm.FactKey{Kind: crm.FactKind(p.texts.text(p.texts.id(string(k.Kind)))), Source: p.texts.text(p.texts.id(k.Source)), ID: strings.Clone(k.ID)}
}

func (p *population) describe(c *crm.Customer) *person {
	var prefers []uint32
	for _, ch := range c.Prefers {
		prefers = append(prefers, p.texts.id(string(ch)))
	}
	return &person{
		prefers: prefers,
		id:      crm.CustomerID(strings.Clone(string(c.ID))), contacts: p.ownContacts(c.Contacts),
		kind: p.texts.id(string(c.Kind)), city: p.texts.id(c.Postal.City), district: p.texts.id(c.Postal.District),
		gender: p.texts.id(c.Gender), locale: p.texts.id(c.Locale), birth: birthNumber(c.Birth), since: microsOf(c.Since),
	}
}

// microsOf is an instant in microseconds, 0 where there is none.
func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// birthNumber turns "1980-05-12" into 19800512 and "1980-05" into 19800500.
func birthNumber(s string) int32 {
	var n int32
	digits := 0
	for i := 0; i < len(s) && digits < 8; i++ {
		if c := s[i]; c >= '0' && c <= '9' {
			n = n*10 + int32(c-'0')
			digits++
		}
	}
	for ; digits < 8 && digits > 0; digits++ {
		n *= 10
	}
	return n
}

// add takes in a fact of the profile at an index of x.profiles.
func (p *population) add(x *person, who uint32, f *crm.Fact) {
	at := f.At.UnixMicro()
	switch d := f.Data.(type) {
	case *crm.Order:
		row := orderRow{at: at, id: strings.Clone(f.Key.ID), returns: strings.Clone(d.Returns.ID), returnsSource: p.texts.id(d.Returns.Source), source: p.texts.id(f.Key.Source),
			profile: who, channel: p.texts.id(d.Channel), place: p.texts.id(f.Place)}
		if t, ok := d.DeliveredAt(f.At); ok {
			row.delivered = t.UnixMicro()
		}
		var priced bool
		if row.amount, priced = p.price(d.Total, f.At); !priced {
			row.flags |= flagUnpriced
		}
		var top *crm.OrderLine
		for i := range d.Lines {
			l := &d.Lines[i]
			if top == nil || l.Amount.Amount > top.Amount.Amount {
				top = l
			}
			if p.withLines {
				amount, priced := p.price(l.Amount, f.At)
				x.lines = append(x.lines, lineRow{amount: amount, unpriced: !priced, quantity: l.Quantity, serial: strings.Clone(l.Serial), id: row.id, source: row.source,
					sku: p.texts.id(l.SKU), category: p.texts.id(l.Category), brand: p.texts.id(l.Brand), gift: !l.Recipient.IsZero()})
			}
		}
		if top != nil {
			row.category, row.brand = p.texts.id(top.Category), p.texts.id(top.Brand)
		}
		if d.Gift || !d.Recipient.IsZero() {
			row.flags |= flagGift
		}
		if d.IsReturn() {
			row.flags |= flagReturn
		}
		switch d.Status {
		case crm.OrderCancelled:
			row.flags |= flagCancelled
		case crm.OrderReturned:
			row.flags |= flagReturned
		}
		x.orders = append(x.orders, row)
	case *crm.Visit:
		x.visits = append(x.visits, visitRow{at, strings.Clone(f.Key.ID), strings.Clone(d.Serial), p.texts.id(f.Key.Source), who, p.texts.id(d.Service), p.texts.id(f.Place)})
	case *crm.Answer:
		x.answers = append(x.answers, answerRow{at, strings.Clone(f.Key.ID), p.texts.id(f.Key.Source), who, p.texts.id(d.Survey), int32(d.Score), d.Bad})
	case *crm.Ticket:
		row := ticketRow{ref: crm.FactRef{Subject: crm.OfProfile(x.profiles[who]), Key: p.ownFactKey(f.Key)}, opened: d.Opened.UnixMicro()}
		if !d.Unsolved() {
			if row.solved = d.Solved.UnixMicro(); d.Solved.IsZero() {
				row.solved = at
			}
		}
		x.tickets = append(x.tickets, row)
	case *crm.Click:
		if d.Verdict == crm.Human {
			x.clicked = max(x.clicked, at)
		}
		if p.feed != nil {
			p.feed.clicked(f.At, func() crm.FactRef {
				return crm.FactRef{Subject: crm.OfProfile(x.profiles[who]), Key: p.ownFactKey(f.Key)}
			})
		}
	case *crm.TagChange:
		row := tagRow{name: p.texts.id(d.Tag), at: at, off: d.Off, key: p.ownFactKey(f.Key)}
		if !d.Expires.IsZero() {
			row.expires = d.Expires.UnixMicro()
		}
		x.tags = append(x.tags, row)
	}
}

// finish puts a person's rows in order and folds what can be folded for good.
func (p *population) finish(x *person) {
	slices.SortFunc(x.orders, func(a, b orderRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id), p.compareTexts(a.source, b.source))
	})
	slices.SortFunc(x.visits, func(a, b visitRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id), p.compareTexts(a.source, b.source))
	})
	slices.SortFunc(x.answers, func(a, b answerRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id), p.compareTexts(a.source, b.source))
	})
	slices.SortFunc(x.tags, func(a, b tagRow) int { return cmp.Or(cmp.Compare(a.at, b.at), a.key.Compare(b.key)) })
	for i := range x.orders {
		x.orders[i].flags &^= flagTakenBack
	}
	x.takeBack()
	x.joinLines()
	x.place = 0
	var last int64
	for _, o := range x.orders {
		if o.at >= last && o.place != 0 {
			last, x.place = o.at, o.place
		}
	}
	for _, v := range x.visits {
		if v.at >= last && v.place != 0 {
			last, x.place = v.at, v.place
		}
	}
	x.orders = slices.Clip(x.orders)
	x.tags = slices.Clip(x.tags)
}

// compareTexts compares interned texts as they are: their numbers go by which was heard
// of first.
func (p *population) compareTexts(a, b uint32) int {
	if a == b {
		return 0
	}
	return strings.Compare(p.texts.text(a), p.texts.text(b))
}

// price returns an amount in the home currency, or that there is no rate for it.
// Amounts without a currency are zero. Rules read hundredths, whatever the home
// currency's own minor unit is.
func (p *population) price(m crm.Money, at time.Time) (int64, bool) {
	if m.Currency != p.currency && m.Amount != 0 {
		if p.rate == nil {
			return 0, false
		}
		home, ok := p.rate(m, at)
		if !ok || home.Currency != p.currency {
			return 0, false
		}
		m = home
	}
	switch n := m.Amount; crm.Decimals(m.Currency) {
	case 0:
		if n > math.MaxInt64/100 || n < math.MinInt64/100 {
			return 0, false
		}
		return 100 * n, true
	case 3:
		return roundTo(n, 10), true
	case 4:
		return roundTo(n, 100), true
	default:
		return n, true
	}
}

// roundTo divides and rounds half away from zero.
func roundTo(n, by int64) int64 {
	if n < 0 {
		return -roundTo(-n, by)
	}
	q := n / by
	if n%by >= by/2 {
		q++
	}
	return q
}

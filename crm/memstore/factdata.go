package memstore

import (
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// The forms that a fact's data is kept in: the frequent kinds have their own.
// Whatever that form cannot give back as JSON would (see encoder.odd), and every
// other kind, is kept as JSON behind its hash.
const (
	formJSON = iota
	formOrder
	formVisit
	formTag
	formConsent
	formSuppression
	formHold
	formClick
	formAnswer
	formInteraction
	formNote
	numForms
)

// form is how the data of a kind is written and read.
type form struct {
	kind   crm.FactKind
	encode func(*encoder, *crm.Fact)
	decode func(*decoder, crm.Fact) *crm.Fact
}

// forms are all forms but JSON.
var forms = [numForms]form{
	formOrder: {crm.KindOrder, encodeOrder, nil}, // decoded by factPage, many at once
	formVisit: formOf(crm.KindVisit, encodeVisit, decodeVisit),
	formTag: formOf(crm.KindTag, func(e *encoder, v *crm.TagChange) {
		e.word(v.Tag)
		e.bool(v.Off)
		e.word(v.By)
		e.text(v.Why)
		e.exactTime(v.Expires)
	}, func(d *decoder) crm.TagChange {
		return crm.TagChange{Tag: d.word(), Off: d.bool(), By: d.word(), Why: d.text(), Expires: d.time()}
	}),
	formConsent: formOf(crm.KindConsent, func(e *encoder, v *crm.Consent) {
		for _, s := range []string{v.Brand, v.Recipient, v.Purpose, string(v.Status), v.Via} {
			e.word(s)
		}
		e.text(v.Proof)
		e.text(v.Actor)
		e.int(v.Guard)
	}, func(d *decoder) crm.Consent {
		return crm.Consent{
			ConsentKey: crm.ConsentKey{Brand: d.word(), Recipient: d.word(), Purpose: d.word()},
			Status:     crm.ConsentStatus(d.word()), Via: d.word(), Proof: d.text(), Actor: d.text(), Guard: d.int(),
		}
	}),
	formSuppression: formOf(crm.KindSuppression, func(e *encoder, v *crm.Suppression) {
		e.word(v.Reason)
		e.bool(v.Off)
		e.text(v.Actor)
		e.int(v.Guard)
	}, func(d *decoder) crm.Suppression {
		return crm.Suppression{Reason: d.word(), Off: d.bool(), Actor: d.text(), Guard: d.int()}
	}),
	formHold: formOf(crm.KindHold, func(e *encoder, v *crm.Hold) {
		e.subject(v.Ticket.Subject)
		e.factKey(v.Ticket.Key)
		e.int(v.Placed)
		e.int(v.Lifted)
	}, func(d *decoder) crm.Hold {
		return crm.Hold{Ticket: crm.FactRef{Subject: d.subject(), Key: d.factKey()}, Placed: d.int(), Lifted: d.int()}
	}),
	formClick: formOf(crm.KindClick, func(e *encoder, v *crm.Click) {
		e.text(string(v.Effect))
		for _, s := range []string{v.Campaign, v.Method, v.Agent, string(v.Verdict), v.Classifier} {
			e.word(s)
		}
		e.uint(uint64(len(v.Reasons)))
		for _, s := range v.Reasons {
			e.word(s)
		}
		e.text(v.Signals)
		e.int(v.Count)
		e.uint(uint64(len(v.Earlier)))
		for _, x := range v.Earlier {
			e.word(string(x.Verdict))
			e.word(x.Classifier)
			e.uint(uint64(len(x.Reasons)))
			for _, s := range x.Reasons {
				e.word(s)
			}
		}
	}, func(d *decoder) crm.Click {
		return crm.Click{
			Effect: crm.EffectID(d.text()), Campaign: d.word(), Method: d.word(), Agent: d.word(),
			Verdict: crm.Verdict(d.word()), Classifier: d.word(), Reasons: list(d, d.word), Signals: d.text(), Count: d.int(),
			Earlier: list(d, func() crm.ClickVerdict {
				return crm.ClickVerdict{Verdict: crm.Verdict(d.word()), Classifier: d.word(), Reasons: list(d, d.word)}
			}),
		}
	}),
	formAnswer: formOf(crm.KindAnswer, func(e *encoder, v *crm.Answer) {
		e.odd = e.odd || len(v.Values) > 0
		e.word(v.Survey)
		e.text(string(v.Effect))
		e.factKey(v.About)
		e.word(v.Metric)
		e.int(int64(v.Score))
		e.bool(v.Bad)
		e.bool(v.Outside)
		e.text(v.Comment)
		e.word(v.Version)
		e.word(v.Language)
		e.time(v.Begun)
		e.word(v.Channel)
		e.word(v.Link)
		e.word(v.OverQuota)
	}, func(d *decoder) crm.Answer {
		return crm.Answer{
			Survey: d.word(), Effect: crm.EffectID(d.text()), About: d.factKey(), Metric: d.word(),
			Score: int(d.int()), Bad: d.bool(), Outside: d.bool(), Comment: d.text(),
			Version: d.word(), Language: d.word(), Begun: d.time(), Channel: d.word(), Link: d.word(), OverQuota: d.word(),
		}
	}),
	formInteraction: formOf(crm.KindInteraction, func(e *encoder, v *crm.Interaction) {
		e.word(v.Channel)
		e.word(v.Direction)
		e.word(v.Topic)
		e.text(v.Text)
		e.word(v.Employee)
		e.text(v.Ref)
	}, func(d *decoder) crm.Interaction {
		return crm.Interaction{Channel: d.word(), Direction: d.word(), Topic: d.word(), Text: d.text(), Employee: d.word(), Ref: d.text()}
	}),
	formNote: formOf(crm.KindNote, func(e *encoder, v *crm.Note) {
		e.text(v.Text)
		e.word(v.Actor)
	}, func(d *decoder) crm.Note { return crm.Note{Text: d.text(), Actor: d.word()} }),
}

// formOf makes a form of functions for one type.
func formOf[T any, P interface {
	*T
	crm.FactData
}](kind crm.FactKind, encode func(*encoder, *T), decode func(*decoder) T) form {
	return form{kind, func(e *encoder, f *crm.Fact) { encode(e, f.Data.(P)) }, func(d *decoder, f crm.Fact) *crm.Fact {
		both := new(struct { // one piece of memory
			fact crm.Fact
			data T
		})
		both.fact, both.data = f, decode(d)
		both.fact.Data = P(&both.data)
		return &both.fact
	}}
}

// formsByKind is the form of each kind that has one.
var formsByKind = func() map[crm.FactKind]byte {
	out := make(map[crm.FactKind]byte, numForms)
	for i, f := range forms {
		if f.encode != nil {
			out[f.kind] = byte(i)
		}
	}
	return out
}()

// encodeContent appends when, where and what.
func encodeContent(e *encoder, f *crm.Fact) error {
	e.time(crm.Micros(f.At))
	e.word(f.Place)
	from := len(e.b)
	if n := formsByKind[f.Key.Kind]; n != formJSON {
		e.byte(n)
		if forms[n].encode(e, f); !e.odd {
			return nil
		}
	}
	data, err := crm.EncodeFactData(f.Data)
	if err != nil {
		return err
	}
	e.b = append(e.b[:from], formJSON)
	e.b = binary.BigEndian.AppendUint64(e.b, uint64(crm.FactHash(f, data)))
	e.b = append(e.b, data...)
	return nil
}

// decodeContent is the inverse of encodeContent for every form but an order's,
// from behind the form.
func (r *reader) decodeContent(d *decoder, n byte, f crm.Fact) (*crm.Fact, error) {
	if n == formJSON {
		d.take(8)
		var err error
		f.Data, err = r.kinds.Decode(f.Key.Kind, []byte(d.take(uint64(len(d.s)))))
		return &f, err
	}
	if n >= numForms || forms[n].decode == nil {
		return nil, d.fault("fact")
	}
	return forms[n].decode(d, f), nil
}

// hashOf returns the hash of a fact as the contract has it. Content is what is
// stored of it, or "" if it comes from a caller.
func hashOf(f *crm.Fact, content string) (int64, error) {
	if content != "" {
		d := decoder{s: content}
		d.time()
		d.word()
		if d.byte() == formJSON {
			return int64(binary.BigEndian.Uint64([]byte(d.take(8)))), nil
		}
	}
	data, err := crm.EncodeFactData(f.Data)
	if err != nil {
		return 0, err
	}
	return crm.FactHash(f, data), nil
}

// What an order has besides number, total and lines.
const (
	orderNumber = 1 << iota // that is not the fact's id
	orderStatus
	orderChannel
	orderPayer
	orderRecipient
	orderOwner
	orderGift
	orderFulfilled
	orderDeliverTo
	orderReturnedAt
	orderDelivered
	orderReturns
	orderEmployee
)

// What a line has besides article, quantity and amount.
const (
	lineCategory = 1 << iota
	lineBrand
	lineCurrency // that is not the total's
	lineSerial
	lineRecipient
)

// encodeOrder says by flags which fields follow, because most orders have few. A number that is
// the fact's own id and the currencies of lines that are the total's are left out.
func encodeOrder(e *encoder, f *crm.Fact) {
	o, id := f.Data.(*crm.Order), f.Key.ID
	flags := uint64(0)
	set := func(bit uint64, on bool) bool {
		if on {
			flags |= bit
		}
		return on
	}
	if set(orderNumber, o.Number != id); !utf8.ValidString(id) {
		e.odd = true
	}
	set(orderStatus, o.Status != "")
	set(orderChannel, o.Channel != "")
	set(orderPayer, !o.Payer.IsZero())
	set(orderRecipient, !o.Recipient.IsZero())
	set(orderOwner, !o.Owner.IsZero())
	set(orderGift, o.Gift)
	set(orderFulfilled, o.FulfilledAt != "")
	set(orderDeliverTo, o.DeliverTo != "")
	set(orderReturnedAt, o.ReturnedAt != "")
	set(orderDelivered, !o.Delivered.IsZero())
	set(orderReturns, !o.Returns.IsZero())
	set(orderEmployee, o.Employee != "")
	e.uint(flags)
	e.int(o.Total.Amount)
	e.word(o.Total.Currency)
	for _, opt := range []struct {
		bit uint64
		s   string
	}{{orderStatus, string(o.Status)}, {orderChannel, o.Channel}, {orderFulfilled, o.FulfilledAt},
		{orderDeliverTo, o.DeliverTo}, {orderReturnedAt, o.ReturnedAt}, {orderEmployee, o.Employee}} {
		if flags&opt.bit != 0 {
			e.word(opt.s)
		}
	}
	if flags&orderNumber != 0 {
		e.text(o.Number)
	}
	if flags&orderPayer != 0 {
		e.profileKey(o.Payer)
	}
	if flags&orderRecipient != 0 {
		e.profileKey(o.Recipient)
	}
	if flags&orderOwner != 0 {
		e.profileKey(o.Owner)
	}
	if flags&orderDelivered != 0 {
		e.exactTime(o.Delivered)
	}
	if flags&orderReturns != 0 {
		e.factKey(o.Returns)
	}
	e.uint(uint64(len(o.Lines)))
	for i := range o.Lines {
		l := &o.Lines[i]
		flags = 0
		set(lineCategory, l.Category != "")
		set(lineBrand, l.Brand != "")
		set(lineCurrency, l.Amount.Currency != o.Total.Currency)
		set(lineSerial, l.Serial != "")
		set(lineRecipient, !l.Recipient.IsZero())
		e.uint(flags)
		e.word(l.SKU)
		e.int(l.Quantity)
		e.int(l.Amount.Amount)
		if flags&lineCategory != 0 {
			e.word(l.Category)
		}
		if flags&lineBrand != 0 {
			e.word(l.Brand)
		}
		if flags&lineCurrency != 0 {
			e.word(l.Amount.Currency)
		}
		if flags&lineSerial != 0 {
			e.text(l.Serial)
		}
		if flags&lineRecipient != 0 {
			e.profileKey(l.Recipient)
		}
	}
}

// order decodes an order; left is as in decode.
func (p *factPage) order(d *decoder, o *crm.Order, id string, left int) {
	flags := d.uint()
	word := func(bit uint64) string {
		if flags&bit != 0 {
			return d.word()
		}
		return ""
	}
	o.Total = crm.Money{Amount: d.int(), Currency: d.word()}
	o.Status = crm.OrderStatus(word(orderStatus))
	o.Channel = word(orderChannel)
	o.FulfilledAt = word(orderFulfilled)
	o.DeliverTo = word(orderDeliverTo)
	o.ReturnedAt = word(orderReturnedAt)
	o.Employee = word(orderEmployee)
	if o.Number = id; flags&orderNumber != 0 {
		o.Number = d.text()
	}
	if flags&orderPayer != 0 {
		o.Payer = d.profileKey()
	}
	if flags&orderRecipient != 0 {
		o.Recipient = d.profileKey()
	}
	if flags&orderOwner != 0 {
		o.Owner = d.profileKey()
	}
	o.Gift = flags&orderGift != 0
	if flags&orderDelivered != 0 {
		o.Delivered = d.time()
	}
	if flags&orderReturns != 0 {
		o.Returns = d.factKey()
	}
	count := d.count()
	if count == 0 {
		return
	}
	if len(p.lines) < count {
		p.lines = make([]crm.OrderLine, max(count, left))
	}
	o.Lines, p.lines = p.lines[:count:count], p.lines[count:]
	for i := range o.Lines {
		l := &o.Lines[i]
		flags = d.uint()
		l.SKU = d.word()
		l.Quantity = d.int()
		l.Amount = crm.Money{Amount: d.int(), Currency: o.Total.Currency}
		l.Category = word(lineCategory)
		l.Brand = word(lineBrand)
		if flags&lineCurrency != 0 {
			l.Amount.Currency = d.word()
		}
		if flags&lineSerial != 0 {
			l.Serial = d.text()
		}
		if flags&lineRecipient != 0 {
			l.Recipient = d.profileKey()
		}
	}
}

// encodeVisit writes every field; visits are few.
func encodeVisit(e *encoder, v *crm.Visit) {
	e.text(v.Number)
	e.word(v.Service)
	e.text(v.Serial)
	e.word(v.SKU)
	e.word(v.Brand)
	e.word(v.Status)
	e.exactTime(v.Done)
	e.int(v.Price.Amount)
	e.word(v.Price.Currency)
}

// decodeVisit is the inverse of encodeVisit.
func decodeVisit(d *decoder) crm.Visit {
	return crm.Visit{
		Number: d.text(), Service: d.word(), Serial: d.text(), SKU: d.word(), Brand: d.word(),
		Status: d.word(), Done: d.time(), Price: crm.Money{Amount: d.int(), Currency: d.word()},
	}
}

// errYear is the fault of a time that not every store can keep.
var errYear = errors.New("a year is not between 1 and 9999")

// checkTimes refuses times that cannot be kept as microseconds.
func checkTimes(times ...time.Time) error {
	for _, t := range times {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return errYear
		}
	}
	return nil
}

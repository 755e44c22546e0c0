package world

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Sent is a message that left.
type Sent struct {
	Effect  crm.EffectID
	To      crm.Address
	Profile crm.ProfileKey // whom it was meant for
	// Kind is "survey", "campaign", "reminder" or anything else, which people
	// read and do not answer.
	Kind     string
	Campaign string
	About    crm.FactKey // of a survey: the order or visit that it asks about
	At       time.Time
}

// ActKind is what somebody does with a message.
type ActKind string

// The acts.
const (
	Click  ActKind = "click"  // a person follows the link
	Scan   ActKind = "scan"   // a machine requests the link
	Answer ActKind = "answer" // a person who clicked submits the survey
	NotMe  ActKind = "not-me" // the holder of the address says that it is not for them
	Reply  ActKind = "reply"  // an SMS back
	Buy    ActKind = "buy"    // an order or a service visit that the message brought about
)

// Act is one thing that somebody does with a message.
type Act struct {
	At     time.Time
	Kind   ActKind
	Method string      // of Click and Scan
	Header http.Header // of Click, Scan, Answer and NotMe
	// Answers of a survey: "score", an int from 0 to 10, and mostly "comment".
	Answers map[string]any
	Text    string     // of Reply
	Batch   *crm.Batch // of Buy: what the sources deliver of it
	// RequestID is the same whenever the act is told again.
	RequestID string
	// Scanner names the family of the machine, for those who judge a classifier.
	Scanner string
}

// How many people do what, as shares.
const (
	surveyClicks    = 0.36
	answersOfClicks = 0.58
	campaignClicks  = 0.075
	reminderClicks  = 0.12
	otherClicks     = 0.02
	scanned         = 0.30
	strangerSaysSo  = 0.15 // of messages to a wrong number
	holderSaysSo    = 0.0015
	stopReplies     = 0.002
	// A campaign makes 3 of 100 recipients buy who would not have: 7.5 % click
	// and 15 % of those buy, 2 % of the others do.
	buyAfterClick = 0.15
	buyWithout    = 0.020
	buyDays       = 10
	reminderVisit = 0.06
)

// Reactions returns what follows from a message, in the order of time, spread
// over up to eleven days after At. Who reads it decides: the person behind the
// profile, or whoever has the mistyped number that it went to. A message that
// the Gateway rejects has no reactions. Buying is causal: it happens because of
// the message, besides what Day tells of the same person anyway.
func (w *World) Reactions(m Sent) []Act {
	_, delivered := w.Gateway(m.Effect, m.To, m.At)
	if delivered.IsZero() {
		return nil
	}
	r := w.random(streamReaction, hashText(string(m.Effect)), hashText(m.Kind))
	a := acts{effect: m.Effect, delivered: delivered}
	a.scan(&r)

	person, k, known := w.owner(m.Profile)
	var l life
	var d dweller
	if known {
		l, d = w.life(person), w.dweller(person)
	}
	if known && !w.reaches(&d, k, m.To) {
		if r.chance(strangerSaysSo) {
			a.add(Act{At: w.awake(&r, delivered, 20, 5), Kind: NotMe, Method: http.MethodPost, Header: reader(&r).header()})
		}
		return a.sorted()
	}
	switch {
	case r.chance(holderSaysSo): // an old number that is somebody else's by now
		a.add(Act{At: w.awake(&r, delivered, 20, 5), Kind: NotMe, Method: http.MethodPost, Header: reader(&r).header()})
		return a.sorted()
	case r.chance(stopReplies):
		a.add(Act{At: w.awake(&r, delivered, 4, 5), Kind: Reply, Text: stopWords[r.below(len(stopWords))]})
		return a.sorted()
	}
	clicked := a.click(w, &r, m.Kind)
	switch m.Kind {
	case "survey":
		if clicked.IsZero() || !r.chance(answersOfClicks) {
			break
		}
		answer := w.opinion(&r, m.About)
		a.add(Act{At: clicked.Add(time.Duration(20+r.below(220)) * time.Second), Kind: Answer, Method: http.MethodPost, Header: a.reader.header(), Answers: answer})
	case "campaign":
		share := buyWithout
		if !clicked.IsZero() {
			share = buyAfterClick
		}
		if r.chance(share) && known {
			a.buy(w, &r, &l, &d, k, m)
		}
	case "reminder":
		if r.chance(reminderVisit) && known {
			a.comeBack(w, &r, &l, k, m)
		}
	}
	return a.sorted()
}

// acts collects what follows from one message.
type acts struct {
	effect    crm.EffectID
	delivered time.Time
	reader    *browser
	list      []Act
}

func (a *acts) add(x Act) {
	x.RequestID = string(a.effect) + "-" + strconv.Itoa(len(a.list)+1)
	a.list = append(a.list, x)
}

func (a *acts) sorted() []Act {
	slices.SortStableFunc(a.list, func(x, y Act) int { return x.At.Compare(y.At) })
	return a.list
}

func reader(r *random) *browser { return &browsers[browserShare.draw(r)] }

// scan adds the visits of machines, within seconds.
func (a *acts) scan(r *random) {
	if !r.chance(scanned) {
		return
	}
	for n := 1 + r.below(8)/7; n > 0; n-- {
		s := &scanners[scannerShare.draw(r)]
		at := a.delivered.Add(time.Duration(r.between(s.from, s.to)) * time.Second)
		for i, method := range s.methods {
			a.add(Act{At: at.Add(time.Duration(i*(100+r.below(400))) * time.Millisecond), Kind: Scan, Method: method, Header: s.headers(), Scanner: s.name})
		}
	}
}

// click adds a person's clicks and returns the time of the first, or zero.
func (a *acts) click(w *World, r *random, kind string) time.Time {
	share := otherClicks
	switch kind {
	case "survey":
		share = surveyClicks
	case "campaign":
		share = campaignClicks
	case "reminder":
		share = reminderClicks
	}
	a.reader = reader(r)
	if !r.chance(share) {
		return time.Time{}
	}
	first := w.awake(r, a.delivered, 6, 5)
	at := first
	for range 4 {
		a.add(Act{At: at, Kind: Click, Method: http.MethodGet, Header: a.reader.header()})
		if !r.chance(0.16) {
			break
		}
		at = w.awake(r, at, 30, 1)
	}
	return first
}

// awake returns a moment after t at which somebody reads messages: soon as a
// rule, most of them within the given hours, never later than the given days,
// and not at night.
func (w *World) awake(r *random, t time.Time, hours, days float64) time.Time {
	u := r.unit()
	wait := u * u * u / (1.02 - u) * hours * 3600 / 2
	at := t.Add(40*time.Second + time.Duration(min(wait, days*daySeconds))*time.Second)
	local := at.In(w.calendar.zones[zoneTurkey])
	if h := local.Hour(); h < 7 {
		at = at.Add(time.Duration(7-h)*time.Hour + time.Duration(r.below(5400))*time.Second)
	}
	return at.UTC()
}

// opinion is what a person thinks of an order or a visit.
func (w *World) opinion(r *random, about crm.FactKey) map[string]any {
	t := fine
	if person, slot, ok := w.storyOf(about.ID); ok {
		source := uint8(service)
		if about.Kind == crm.KindOrder {
			source = uint8(max(0, slices.Index(sourceNames[:], about.Source)))
		}
		t = w.troubleOf(person, slot, source)
	}
	bad := 0.07
	if t != fine {
		bad = 0.78
	}
	score, list := 0, fairComments
	switch {
	case r.chance(bad):
		score, list = r.below(7), badComments[t]
	case r.chance(0.22):
		score = 7 + r.below(2)
	default:
		score, list = 9+r.below(2), goodComments
	}
	out := map[string]any{"score": score}
	if r.chance(0.6) {
		out["comment"] = list[r.below(len(list))]
	}
	return out
}

// buy adds the order that a campaign brought about: in a shop, handed over at
// once. Its number starts with "C"; a survey about it finds nothing wrong.
func (a *acts) buy(w *World, r *random, l *life, d *dweller, k int, m Sent) {
	source := uint8(pos)
	at := w.shops.pick(r, 0, w.shops.stores, d)
	when := w.calendar.at(r, at.zone, w.calendar.dayOf(a.delivered.Unix())+1+r.below(buyDays-1), shopHours)
	for i := range l.profiles { // the till's own record of the person, if there is one
		if met := w.metAt(l, d, i); l.source[i] == pos && met < when {
			k = i
			break
		}
	}
	key := crm.FactKey{Kind: crm.KindOrder, Source: sourceNames[source], ID: "C" + string(m.Effect)}
	o := &crm.Order{Number: key.ID, Status: crm.OrderDelivered, Channel: channelNames[source], Employee: at.staff[r.below(len(at.staff))]}
	article := w.article(r, r.below(3))
	amount := crm.Money{Amount: inCurrency(article.price, at.currency), Currency: at.currency}
	line := crm.OrderLine{SKU: article.sku, Category: article.category, Brand: article.brand, Quantity: 1, Amount: amount}
	if article.category != categoryNames[strap] {
		line.Serial = article.brand[:2] + "-" + string(m.Effect)
	}
	o.Lines, o.Total = []crm.OrderLine{line}, amount
	f := &crm.Fact{Key: key, Subject: crm.OfProfile(w.profileKey(l.person, k, l.source[k])), At: moment(when), Place: at.id, Version: when * 1_000_000, Data: o}
	a.add(Act{At: moment(when), Kind: Buy, Batch: &crm.Batch{Facts: []*crm.Fact{f}}})
}

// comeBack adds the battery change that a reminder brought about.
func (a *acts) comeBack(w *World, r *random, l *life, k int, m Sent) {
	when := w.calendar.at(r, zoneTurkey, w.calendar.dayOf(a.delivered.Unix())+1+r.below(buyDays-1), officeHours)
	key := crm.FactKey{Kind: crm.KindVisit, Source: sourceNames[service], ID: "C" + string(m.Effect)}
	v := &crm.Visit{Number: key.ID, Service: visitNames[0], Status: "done", Done: moment(when), Price: crm.Money{Amount: visitPrices[0], Currency: "TRY"}}
	f := &crm.Fact{Key: key, Subject: crm.OfProfile(w.profileKey(l.person, k, l.source[k])), At: moment(when), Place: placeService, Version: when * 1_000_000, Data: v}
	a.add(Act{At: moment(when), Kind: Buy, Batch: &crm.Batch{Facts: []*crm.Fact{f}}})
}

package vefa

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// person is what an evening needs to know about one customer, compact: there
// may be millions. Times are Unix microseconds.
type person struct {
	id       crm.CustomerID
	home     crm.ProfileKey // the earliest profile; decided by content, so used for order and for keys
	profiles []crm.ProfileKey
	phones   []crm.Address // that can be tried, best source first
	emails   []crm.Address
	kind     uint32 // interned texts
	city     uint32
	district uint32
	gender   uint32
	locale   uint32
	birth    int32 // yyyymmdd with zeros where unknown; 0: unknown
	since    int64 // when a source first knew the customer; 0: unknown
	phone    int32 // index in phones of the one that is written to; mailbox likewise
	mailbox  int32
	sms      bool // phones[phone] has consent; email likewise
	email    bool
	place    uint32 // of the last purchase or visit: whose evening it is
	tickets  []ticketRow
	orders   []orderRow // by time, then key
	lines    []lineRow  // by order, if the population keeps them
	visits   []visitRow
	answers  []answerRow
	tags     []tagRow
	clicked  int64 // last click of a person
}

type orderRow struct {
	at, delivered int64 // delivered 0: not yet
	amount        int64
	id            string
	returns       string // id of the order that a return takes back
	returnsSource uint32
	source        uint32
	profile       uint32 // index in person.profiles
	channel       uint32
	place         uint32
	category      uint32
	brand         uint32
	flags         uint8
}

const (
	flagGift = 1 << iota
	flagReturn
	flagCancelled
	flagReturned  // wholly, says the source
	flagTakenBack // by a later return; worked out by finish
	flagUnpriced  // in a currency without a rate
)

// lineRow is one article of an order.
type lineRow struct {
	amount   int64
	quantity int64
	serial   string
	id       string // of the order
	source   uint32
	order    uint32 // index in person.orders; worked out by finish
	sku      uint32
	category uint32
	brand    uint32
	gift     bool
	unpriced bool
}

type visitRow struct {
	at      int64
	id      string
	serial  string
	source  uint32
	profile uint32
	service uint32
	place   uint32
}

type answerRow struct {
	at      int64
	id      string
	source  uint32
	profile uint32
	survey  uint32
	score   int32
	bad     bool
}

type ticketRow struct {
	ref    crm.FactRef
	opened int64
	solved int64 // 0: not solved
}

type tagRow struct {
	name    uint32
	at      int64
	expires int64 // 0: never
	off     bool
	key     crm.FactKey
}

// population holds all persons in memory. It is loaded once and then kept up
// by the change feed, so that an evening reads only what changed.
type population struct {
	store   crm.Store
	places  *crm.Places
	consent crm.ConsentKey
	// survivorship is the record's own
	survivorship crm.Survivorship
	texts        texts
	currency     string // home: what amounts are counted in
	rate         func(m crm.Money, at time.Time) (crm.Money, bool)
	set          *rules.Set[Facts]               // of a population of few: the rules that it was read for
	records      map[crm.ProfileKey]*crm.Profile // of a population of few: what was read
	withLines    bool                            // articles are kept: some rule reads them
	byHome       map[crm.ProfileKey]*person      // home profile → person
	homeOf       map[crm.ProfileKey]crm.ProfileKey
	order        []*person // sorted by home; nil until sorted again
	at           crm.Position
	pending      news // what the feed told before at and is not taken in yet
	// clicks that the feed told of, or of those after clicksFrom the load, and that
	// no evening has forgotten
	clicks     map[crm.FactRef]bool
	clicksFrom time.Time
	clicksMu   sync.Mutex // while everybody is read
	threads    int
}

// texts gives repeated texts small numbers.
type texts struct {
	mu   sync.RWMutex
	ids  map[string]uint32
	list []string
}

func (t *texts) id(s string) uint32 {
	t.mu.RLock()
	n, ok := t.ids[s]
	t.mu.RUnlock()
	if ok {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.ids[s]; ok {
		return n
	}
	if t.ids == nil {
		t.ids = map[string]uint32{"": 0}
		t.list = []string{""}
		if s == "" {
			return 0
		}
	}
	s = strings.Clone(s)
	n = uint32(len(t.list))
	t.ids[s] = n
	t.list = append(t.list, s)
	return n
}

func (t *texts) text(n uint32) string {
	if n == 0 {
		return ""
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list[n]
}

// kinds are the facts that persons are made of.
var kinds = []crm.FactKind{crm.KindOrder, crm.KindVisit, crm.KindTicket, crm.KindAnswer, crm.KindClick, crm.KindTag}

func newPopulation(cfg *Config, places *crm.Places) *population {
	return &population{store: cfg.Store, places: places, consent: cfg.Consent, survivorship: cfg.Survivorship, currency: cfg.Currency, rate: cfg.Rate,
		byHome: map[crm.ProfileKey]*person{}, homeOf: map[crm.ProfileKey]crm.ProfileKey{}, clicks: map[crm.FactRef]bool{},
		threads: runtime.GOMAXPROCS(0)}
}

// loadBatch is how many customers are read per transaction.
const loadBatch = 500

// load reads everybody. Changes committed meanwhile are met again by refresh.
func (p *population) load(ctx context.Context, progress func(n int)) error {
	err := p.store.View(ctx, func(r crm.Reader) (err error) {
		p.at, err = r.Head(ctx)
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan []crm.CustomerID, p.threads)
	done := make(chan []*person, p.threads)
	var wg sync.WaitGroup
	for range p.threads {
		wg.Go(func() {
			for ids := range work {
				got, err := p.read(ctx, ids)
				if err != nil {
					cancel(err)
					continue
				}
				done <- got
			}
		})
	}
	go func() {
		defer close(done)
		defer wg.Wait()
		defer close(work)
		var after crm.ProfileKey
		for ctx.Err() == nil {
			var page []*crm.Profile
			var ids []crm.CustomerID
			err := p.store.View(ctx, func(r crm.Reader) (err error) {
				if page, err = r.ScanProfiles(ctx, crm.AllParts(), after, 2*loadBatch); err != nil || len(page) == 0 {
					return err
				}
				keys := make([]crm.ProfileKey, len(page))
				for i, x := range page {
					keys[i] = x.ProfileKey
				}
				homes, err := r.HomeIDs(ctx, keys...)
				for i, x := range page {
					if err == nil && homes[i] == x.Customer {
						ids = append(ids, x.Customer)
					}
				}
				return err
			})
			if err != nil {
				cancel(err)
				return
			}
			if len(page) == 0 {
				return
			}
			after = page[len(page)-1].ProfileKey
			for chunk := range slices.Chunk(ids, loadBatch) {
				work <- chunk
			}
		}
	}()
	n := 0
	for got := range done {
		for _, x := range got {
			p.keep(x)
		}
		n += len(got)
		if progress != nil {
			progress(n)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// keep takes in what was read of a person. One who was there keeps the place,
// in sorted too.
func (p *population) keep(x *person) *person {
	if was := p.byHome[x.home]; was != nil {
		*was = *x
		x = was
	} else {
		p.byHome[x.home] = x
		if p.order != nil {
			i, _ := slices.BinarySearchFunc(p.order, x.home, func(a *person, k crm.ProfileKey) int { return a.home.Compare(k) })
			p.order = slices.Insert(p.order, i, x)
		}
	}
	for _, k := range x.profiles {
		p.homeOf[k] = x.home
	}
	return x
}

// forget removes a person who is no longer one.
func (p *population) forget(home crm.ProfileKey) {
	delete(p.byHome, home)
	if i, found := slices.BinarySearchFunc(p.order, home, func(a *person, k crm.ProfileKey) int { return a.home.Compare(k) }); found {
		p.order = slices.Delete(p.order, i, i+1)
	}
}

// sorted returns everybody in the order of their home profiles.
func (p *population) sorted() []*person {
	if p.order == nil {
		p.order = make([]*person, 0, len(p.byHome))
		for _, x := range p.byHome {
			p.order = append(p.order, x)
		}
		slices.SortFunc(p.order, func(a, b *person) int { return a.home.Compare(b.home) })
	}
	return p.order
}

// of returns the person that a profile belongs to, or nil.
func (p *population) of(k crm.ProfileKey) *person {
	home, ok := p.homeOf[k]
	if !ok {
		return nil
	}
	return p.byHome[home]
}

// place is where a profile stands: a person and the index among the profiles.
type place struct {
	person *person
	index  uint32
}

// read builds the persons with the given current customer ids.
func (p *population) read(ctx context.Context, ids []crm.CustomerID) (out []*person, err error) {
	err = p.store.View(ctx, func(r crm.Reader) error {
		out, err = p.readIn(ctx, r, ids, kinds)
		return err
	})
	return out, err
}

// readIn is read in a transaction that is under way, and of the given kinds of
// facts only.
func (p *population) readIn(ctx context.Context, r crm.Reader, ids []crm.CustomerID, kinds []crm.FactKind) ([]*person, error) {
	members, err := r.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var keys []crm.ProfileKey
	for _, m := range members {
		keys = append(keys, m...)
	}
	profiles, err := r.Profiles(ctx, keys...)
	if err != nil {
		return nil, err
	}
	owner := make(map[crm.ProfileKey]place, len(keys))
	out := make([]*person, 0, len(members))
	var subjects []crm.Subject
	var addrs []crm.Address
	for _, m := range members {
		if len(m) == 0 {
			continue
		}
		x := p.describe(p.survivorship.Fold(profiles[:len(m)]))
		first := profiles[0]
		for i, q := range profiles[:len(m)] {
			if crm.CompareSeniority(q, first) < 0 {
				first = q
			}
			owner[q.ProfileKey] = place{x, uint32(i)}
			if p.records != nil {
				p.records[q.ProfileKey] = q
			}
			subjects = append(subjects, crm.OfProfile(q.ProfileKey))
		}
		x.profiles = p.ownKeys(m)
		x.home = x.profiles[slices.Index(m, first.ProfileKey)]
		profiles = profiles[len(m):]
		addrs = append(addrs, x.addresses()...)
		out = append(out, x)
	}
	for f, err := range crm.FactsOf(ctx, r, subjects, kinds...) {
		if err != nil {
			return nil, err
		}
		of := owner[f.Subject.Profile]
		p.add(of.person, of.index, f)
	}
	for _, x := range out {
		p.finish(x)
	}
	return out, p.consents(ctx, r, out, addrs)
}

func (p *population) consents(ctx context.Context, r crm.Reader, persons []*person, addrs []crm.Address) error {
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	states, err := r.Addresses(ctx, addrs...)
	if err != nil {
		return err
	}
	granted := make(map[crm.Address]bool, len(states))
	for _, st := range states {
		c, ok := st.Consent(p.consent)
		granted[st.Address] = ok && c.Status == crm.Granted && len(st.Suppressed) == 0
	}
	// The first address with consent, or the first: a landline that a source lists
	// before a mobile number does not hide it.
	best := func(list []crm.Address) (int32, bool) {
		i := slices.IndexFunc(list, func(a crm.Address) bool { return granted[a] })
		return int32(max(i, 0)), i >= 0
	}
	for _, x := range persons {
		x.phone, x.sms = best(x.phones)
		x.mailbox, x.email = best(x.emails)
	}
	return nil
}

// What a person keeps is copied: a text of a record would keep all that was
// read with it.

func (p *population) ownKeys(keys []crm.ProfileKey) []crm.ProfileKey {
	out := make([]crm.ProfileKey, len(keys))
	for i, k := range keys {
		out[i] = crm.ProfileKey{Source: p.texts.text(p.texts.id(k.Source)), ID: strings.Clone(k.ID)}
	}
	return out
}

func ownAddresses(addrs []crm.Address) []crm.Address {
	out := make([]crm.Address, len(addrs))
	for i, a := range addrs {
		out[i] = crm.Address{Channel: a.Channel, Value: strings.Clone(a.Value)}
		switch a.Channel {
		case crm.Phone:
			out[i].Channel = crm.Phone
		case crm.Email:
			out[i].Channel = crm.Email
		}
	}
	return out
}

func (p *population) ownFactKey(k crm.FactKey) crm.FactKey {
	return crm.FactKey{Kind: crm.FactKind(p.texts.text(p.texts.id(string(k.Kind)))), Source: p.texts.text(p.texts.id(k.Source)), ID: strings.Clone(k.ID)}
}

func (p *population) describe(c *crm.Customer) *person {
	return &person{
		id: crm.CustomerID(strings.Clone(string(c.ID))), phones: ownAddresses(c.Reachable(crm.Phone)), emails: ownAddresses(c.Reachable(crm.Email)),
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
		if !d.Returns.IsZero() || d.Total.Amount < 0 {
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
		if f.At.After(p.clicksFrom) {
			p.clicksMu.Lock()
			p.clicks[crm.FactRef{Subject: crm.OfProfile(x.profiles[who]), Key: p.ownFactKey(f.Key)}] = true
			p.clicksMu.Unlock()
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
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id), cmp.Compare(a.source, b.source))
	})
	slices.SortFunc(x.visits, func(a, b visitRow) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id)) })
	slices.SortFunc(x.answers, func(a, b answerRow) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id)) })
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

// takeBack marks the orders that later returns name.
func (x *person) takeBack() {
	type order struct {
		id     string
		source uint32
	}
	var named map[order]bool
	for i := range x.orders {
		if r := &x.orders[i]; r.flags&flagReturn != 0 && r.returns != "" {
			if named == nil {
				named = map[order]bool{}
			}
			named[order{r.returns, r.returnsSource}] = true
		}
	}
	if named == nil {
		return
	}
	for i := range x.orders {
		if r := &x.orders[i]; named[order{r.id, r.source}] {
			r.flags |= flagTakenBack
		}
	}
}

// joinLines puts the articles in the order of the orders that they belong to.
func (x *person) joinLines() {
	if len(x.lines) == 0 {
		return
	}
	type order struct {
		id     string
		source uint32
	}
	index := make(map[order]uint32, len(x.orders))
	for i := range x.orders {
		index[order{x.orders[i].id, x.orders[i].source}] = uint32(i)
	}
	for i := range x.lines {
		x.lines[i].order = index[order{x.lines[i].id, x.lines[i].source}]
	}
	slices.SortStableFunc(x.lines, func(a, b lineRow) int { return cmp.Compare(a.order, b.order) })
	x.lines = slices.Clip(x.lines)
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

// zone returns the zone whose evening it is for a person.
func (p *population) zone(x *person) *time.Location {
	return p.places.Zone(p.texts.text(x.place))
}

// manyRows is from how many rows on a map is quicker than looking through them.
const manyRows = 64

// tagsAt calls yield for each tag that is set at an instant. Rows are in the
// order of time, so the last row of a name counts.
func (x *person) tagsAt(at int64, yield func(name uint32)) {
	if len(x.tags) > manyRows {
		last := make(map[uint32]int, len(x.tags))
		for i, t := range x.tags {
			if t.at <= at {
				last[t.name] = i
			}
		}
		for i, t := range x.tags {
			if last[t.name] == i && t.at <= at && !t.off && (t.expires == 0 || t.expires > at) {
				yield(t.name)
			}
		}
		return
	}
	for i, t := range x.tags {
		if t.at > at || t.off || (t.expires != 0 && t.expires <= at) {
			continue
		}
		later := false
		for _, u := range x.tags[i+1:] {
			if u.name == t.name && u.at <= at {
				later = true
				break
			}
		}
		if !later {
			yield(t.name)
		}
	}
}

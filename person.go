package vefa

import (
	"cmp"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// person is what an evening needs to know about one customer, compact: there
// may be millions. Times are Unix microseconds.
type person struct {
	id       crm.CustomerID
	home     crm.ProfileKey // the earliest profile; decided by content, so used for order and for keys
	profiles []crm.ProfileKey
	contacts []contactRow // that can be tried, best source first
	prefers  []uint32     // interned channels, the dearest first
	kind     uint32       // interned texts
	city     uint32
	district uint32
	gender   uint32
	locale   uint32
	birth    int32  // yyyymmdd with zeros where unknown; 0: unknown
	since    int64  // when a source first knew the customer; 0: unknown
	place    uint32 // of the last purchase or visit: whose evening it is
	tickets  []ticketRow
	orders   []orderRow // by time, then key
	lines    []lineRow  // by order, if the population keeps them
	visits   []visitRow
	answers  []answerRow
	tags     []tagRow
	clicked  int64 // last click of a person
}

// contactRow is an address of a customer, and whether its holder may be written to.
type contactRow struct {
	crm.Address
	consent bool
}

// reach returns the address that a message on a channel goes to, and whether it has
// consent: the first address of that very channel with consent, or the first: a
// landline that a source lists before a mobile number does not hide it. "" is
// crm.Phone.
func (x *person) reach(ch crm.Channel) (to crm.Address, consent, ok bool) {
	if ch == "" {
		ch = crm.Phone
	}
	for i := range x.contacts {
		switch c := &x.contacts[i]; {
		case c.Channel != ch:
		case c.consent:
			return c.Address, true, true
		case !ok:
			to, ok = c.Address, true
		}
	}
	return to, false, ok
}

// bears reports whether an address is one of the customer's.
func (x *person) bears(a crm.Address) bool {
	return slices.ContainsFunc(x.contacts, func(c contactRow) bool { return c.Address == a })
}

// addresses returns where a person can be reached.
func (x *person) addresses() []crm.Address {
	out := make([]crm.Address, len(x.contacts))
	for i := range x.contacts {
		out[i] = x.contacts[i].Address
	}
	return out
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

package sqlstore

import "github.com/vefacrm/vefa/crm"

// colType is what the columns of a table may hold. There are no others: times
// are microseconds since 1970 (the zero time is -62135596800000000), truth is 0
// or 1, structures are JSON text.
type colType uint8

const (
	text  colType = iota // text, compared byte for byte
	small                // a part
	big                  // 64 bits, signed
)

// column is one column of a table. The tenant's is not among them: it follows
// the part everywhere and is the same in every row that a store can see.
type column struct {
	name string
	typ  colType
}

// table is one table: its key columns first, the part always leading.
type table struct {
	name string
	keys int // how many; that of the tenant is not counted
	cols []column
}

func (t *table) names() []string {
	out := make([]string, len(t.cols))
	for i, c := range t.cols {
		out[i] = c.name
	}
	return out
}

func (t *table) keyNames() []string { return t.names()[:t.keys] }

func (t *table) typesOf(names []string) []colType {
	out := make([]colType, len(names))
	for i, n := range names {
		for _, c := range t.cols {
			if c.name == n {
				out[i] = c.typ
			}
		}
	}
	return out
}

func cols(typ colType, names ...string) []column {
	out := make([]column, len(names))
	for i, n := range names {
		out[i] = column{n, typ}
	}
	return out
}

func join(groups ...[]column) []column {
	var out []column
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// tableID numbers the tables.
type tableID uint8

const (
	tabProfiles tableID = iota
	tabContacts
	tabMembers
	tabCustomers
	tabLinks
	tabOrders
	tabVisits
	tabTickets
	tabTags
	tabConsents
	tabFacts
	tabAnchors
	tabAddresses
	tabRefs
	tabEffects
	tabDocuments
	tabChanges
	tabPartSeq
	tabCursors
	tabCounters
	tabReservations
	numTables
)

// schema describes the tables that migrations/*.sql makes; a test compares the
// two.
func schema() [numTables]table {
	part := cols(small, "part")
	subject := cols(text, "subject_kind", "subject_a", "subject_b")
	factKey := join(part, subject, cols(text, "source", "id"))
	factRest := join(cols(big, "at", "version", "hash", "recorded"), cols(text, "place", "data"))
	fact := func(name string, extra ...[]column) table {
		return table{name, len(factKey), join(factKey, factRest, join(extra...))}
	}
	return [numTables]table{
		tabProfiles:  {"profiles", 3, join(part, cols(text, "source", "id", "kind", "given", "family", "full_name", "birth", "gender", "locale", "city", "country", "customer", "home"), cols(big, "links", "rev", "at", "since"), cols(text, "data"))},
		tabContacts:  {"contacts", 5, join(part, cols(text, "source", "id", "channel", "value"), cols(small, "verified", "masked"))},
		tabMembers:   {"members", 4, join(part, cols(text, "customer", "source", "id"))},
		tabCustomers: {"customers", 2, join(part, cols(text, "id", "home_source", "home_id"))},
		tabLinks:     {"links", 4, join(part, cols(text, "source", "id"), cols(big, "seq"), cols(text, "customer", "kind", "actor"), cols(big, "at"), cols(text, "data"))},
		tabOrders:    fact("orders", cols(text, "number", "status", "channel"), cols(big, "amount"), cols(text, "currency")),
		tabVisits:    fact("visits", cols(text, "number", "service", "serial", "status")),
		tabTickets:   fact("tickets", cols(text, "state", "reason", "assignee"), cols(big, "opened", "solved")),
		tabTags:      fact("tags", cols(text, "tag"), cols(small, "cleared"), cols(text, "actor"), cols(big, "expires")),
		tabConsents:  fact("consents", cols(text, "brand", "recipient", "purpose", "status")),
		tabFacts:     {"facts", 7, join(part, subject, cols(text, "kind", "source", "id"), factRest)},
		tabAnchors:   {"anchors", 4, join(part, cols(text, "id", "kind", "source"), subject)},
		tabAddresses: {"addresses", 3, join(part, cols(text, "channel", "value"), cols(big, "version", "suppressions", "holds"), cols(text, "data"))},
		tabRefs:      {"refs", 6, join(part, cols(big, "hash"), subject, cols(text, "target", "kind", "ref"))},
		tabEffects: {"effects", 2, join(part, cols(text, "id", "kind", "cause"), cols(big, "version"), subject,
			cols(text, "about_kind", "about_source", "about_id", "occurrence"), cols(big, "due"), cols(text, "state"), cols(small, "waiting"),
			cols(text, "to_channel", "to_value"), cols(big, "created", "changed", "sent_at", "attempts", "lease", "rev"), cols(text, "reasons", "guards", "data"))},
		tabDocuments: {"documents", 3, join(part, cols(text, "kind", "id"), cols(big, "rev"), cols(text, "data"))},
		tabChanges:   {"changes", 2, join(part, cols(big, "seq"), cols(text, "kind"), subject, cols(text, "fact_kind", "fact_source", "fact_id"), cols(big, "at"))},
		tabPartSeq:   {"part_seq", 1, join(part, cols(big, "n"))},
		tabCursors:   {"cursors", 2, join(part, cols(text, "consumer", "position"))},
		tabCounters:  {"counters", 3, join(part, cols(text, "kind", "id"), cols(big, "most", "reserved", "used"))},
		tabReservations: {"reservations", 4, join(part, cols(text, "kind", "counter", "id"), cols(big, "amount", "confirmed"), cols(text, "state"),
			cols(big, "lapses", "changed"))},
	}
}

// factTable returns the table that keeps a kind of fact.
func factTable(k crm.FactKind) tableID {
	switch k {
	case crm.KindOrder:
		return tabOrders
	case crm.KindVisit:
		return tabVisits
	case crm.KindTicket:
		return tabTickets
	case crm.KindTag:
		return tabTags
	case crm.KindConsent:
		return tabConsents
	}
	return tabFacts
}

// kindOf is the inverse of factTable: the one kind that a table keeps, or "".
func kindOf(id tableID) crm.FactKind {
	switch id {
	case tabOrders:
		return crm.KindOrder
	case tabVisits:
		return crm.KindVisit
	case tabTickets:
		return crm.KindTicket
	case tabTags:
		return crm.KindTag
	case tabConsents:
		return crm.KindConsent
	}
	return ""
}

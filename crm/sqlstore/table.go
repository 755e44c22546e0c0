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
	kind *crm.Kind // that it keeps the facts of, if it is one alone
}

// kindName is the one kind that the table keeps, or "".
func (t *table) kindName() crm.FactKind {
	if t.kind == nil {
		return ""
	}
	return t.kind.Name
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

// tableID numbers the tables: first those below, then those of kinds.
type tableID int

const (
	tabProfiles tableID = iota
	tabContacts
	tabMembers
	tabCustomers
	tabLinks
	tabFacts
	tabAnchors
	tabAddresses
	tabRefs
	tabEffects
	tabDocuments
	tabChanges
	tabPartSeq
	tabCursors
	tabStates
	tabCounters
	tabReservations
	numTables
)

// factCols is how many columns the table of every kind has, the first ones.
const factCols = 12

// isFacts reports whether a table keeps facts.
func isFacts(id tableID) bool { return id == tabFacts || id >= numTables }

// schema describes the tables that migrations make, those of kinds behind the
// others in the order of their kinds; a test compares the two.
func schema(kinds *crm.Kinds) []table {
	part := cols(small, "part")
	subject := cols(text, "subject_kind", "subject_a", "subject_b")
	factKey := join(part, subject, cols(text, "source", "id"))
	factRest := join(cols(big, "at", "version", "hash", "recorded"), cols(text, "place", "data"))
	types := map[crm.ColumnType]colType{crm.TextType: text, crm.IntType: big, crm.TimeType: big, crm.BoolType: small}
	out := []table{
		tabProfiles:  {name: "profiles", keys: 3, cols: join(part, cols(text, "source", "id", "kind", "given", "family", "full_name", "birth", "gender", "locale", "city", "country", "customer", "home"), cols(big, "links", "rev", "at", "since"), cols(text, "data"))},
		tabContacts:  {name: "contacts", keys: 5, cols: join(part, cols(text, "source", "id", "channel", "value"), cols(small, "verified", "masked"))},
		tabMembers:   {name: "members", keys: 4, cols: join(part, cols(text, "customer", "source", "id"))},
		tabCustomers: {name: "customers", keys: 2, cols: join(part, cols(text, "id", "home_source", "home_id"))},
		tabLinks:     {name: "links", keys: 4, cols: join(part, cols(text, "source", "id"), cols(big, "seq"), cols(text, "customer", "kind", "actor"), cols(big, "at"), cols(text, "data"))},
		tabFacts:     {name: "facts", keys: 7, cols: join(part, subject, cols(text, "kind", "source", "id"), factRest)},
		tabAnchors:   {name: "anchors", keys: 4, cols: join(part, cols(text, "id", "kind", "source"), subject)},
		tabAddresses: {name: "addresses", keys: 3, cols: join(part, cols(text, "channel", "value"), cols(big, "version", "suppressions", "holds"), cols(text, "data"))},
		tabRefs:      {name: "refs", keys: 7, cols: join(part, cols(big, "hash", "ord"), subject, cols(text, "target", "kind", "ref"))},
		tabEffects: {name: "effects", keys: 2, cols: join(part, cols(text, "id", "kind", "cause"), cols(big, "version"), subject,
			cols(text, "about_kind", "about_source", "about_id", "occurrence"), cols(big, "due"), cols(text, "state"), cols(small, "waiting"),
			cols(text, "to_channel", "to_value"), cols(big, "created", "changed", "sent_at", "attempts", "lease", "rev"), cols(text, "reasons", "guards", "data", "provider", "via"))},
		tabDocuments: {name: "documents", keys: 3, cols: join(part, cols(text, "kind", "id"), cols(big, "rev"), cols(text, "data"))},
		tabChanges:   {name: "changes", keys: 2, cols: join(part, cols(big, "seq"), cols(text, "kind"), subject, cols(text, "fact_kind", "fact_source", "fact_id"), cols(big, "at"))},
		tabPartSeq:   {name: "part_seq", keys: 1, cols: join(part, cols(big, "n"))},
		tabCursors:   {name: "cursors", keys: 2, cols: join(part, cols(text, "consumer", "position"))},
		tabStates:    {name: "states", keys: 5, cols: join(part, subject, cols(text, "kind"), cols(big, "rev"), cols(text, "data"))},
		tabCounters:  {name: "counters", keys: 3, cols: join(part, cols(text, "kind", "id"), cols(big, "most", "reserved", "used"))},
		tabReservations: {name: "reservations", keys: 4, cols: join(part, cols(text, "kind", "counter", "id"), cols(big, "amount", "confirmed"), cols(text, "state"),
			cols(big, "lapses", "changed"))},
	}
	for _, k := range kinds.All() {
		if k.Table == "" {
			continue
		}
		t := table{name: k.Table, keys: len(factKey), cols: join(factKey, factRest), kind: k}
		for _, c := range k.Columns {
			t.cols = append(t.cols, column{c.Name, types[c.Type]})
		}
		out = append(out, t)
	}
	return out
}

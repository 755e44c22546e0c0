package sqlstore

import (
	"slices"
	"strings"
)

// op is what a statement does with its table. The pair of op and table names
// every statement of the package: there is no other SQL, save migrations.
type op uint8

const (
	opInsert     op = iota // new rows; those that are there stay as they are
	opAdd                  // own transaction: new rows; an error if one is there
	opCopy                 // the same by COPY
	opMerge                // own transaction: new rows, those that are there stay
	opNewer                // facts: new rows, or newer versions
	opTied                 // facts: rows of the same version whose content wins
	opNewest               // facts: new rows, or other contents as newer versions
	opVersions             // facts: what tells versions apart
	opGet                  // rows by key
	opState                // what must be known before writing a row, locked
	opPeek                 // the same, not locked
	opUpdate               // replace rows by key
	opPlace                // profiles: move to a customer
	opProceed              // effects: replace rows by key, all but the subject
	opDelete               // rows by key
	opOf                   // rows of something: a profile, customer or subject
	opOfKind               // facts of a subject of some kinds
	opDeleteOf             // contacts of a profile
	opOfAfter              // facts of one subject after a key
	opScan                 // a page of a range of parts
	opDue                  // effects that wait for their time; n is 1 for one kind, 0 for all
	opLapsed               // effects whose lease ended; n is 1 for one kind, 0 for all
	opBump                 // part_seq: give out numbers
	opAll                  // all rows of a small table
	opLockCursor           // a consumer's position, if nobody holds it
	opWriteLock            // become the one writer
	opFirst                // the first number that is left in parts of the feed
	opPrune                // changes of parts up to a number
	opNow                  // the server's time in microseconds
	opTake                 // add reservations of a counter and take their sum
	opTakeNew              // own transaction: the same; an error if one is there
	opTakeOne              // the same of one of a counter that is there
	opTakeOneNew           // own transaction: the same; an error if it is there
	opConfirm              // make a reservation final
	opBackward             // a page of the entries of a key, the last first
	numOps
)

var opNames = [numOps]string{"insert", "add", "copy", "merge", "newer", "tied", "newest", "versions", "get", "state", "peek", "update", "place", "proceed", "delete", "of", "of-kind", "delete-of", "of-after", "scan", "due", "lapsed", "bump", "all", "lock-cursor", "write-lock", "first", "prune", "now", "take", "take-new", "take-one", "take-one-new", "confirm", "backward"}

type statementID struct {
	op   op
	tab  tableID
	then bool // the second statement of a mute database
}

var profileKey = []string{"part", "source", "id"}

// What is read, in the order in which it is scanned.
var (
	outProfile  = []string{"source", "id", "customer", "rev", "data"}
	outPlace    = []string{"source", "id", "rev", "customer", "home", "links"}
	outLink     = []string{"source", "id", "seq", "data"}
	outFactKey  = []string{"part", "subject_kind", "subject_a", "subject_b", "source", "id"}
	outFact     = []string{"subject_kind", "subject_a", "subject_b", "source", "id", "at", "version", "recorded", "place", "data"}
	outAnchor   = []string{"id", "kind", "source", "subject_kind", "subject_a", "subject_b"}
	outAddress  = []string{"channel", "value", "version", "data"}
	outRef      = []string{"kind", "ref", "ord", "subject_kind", "subject_a", "subject_b", "target"}
	outEffect   = []string{"id", "kind", "cause", "version", "subject_kind", "subject_a", "subject_b", "about_kind", "about_source", "about_id", "occurrence", "due", "state", "to_channel", "to_value", "created", "changed", "sent_at", "attempts", "lease", "rev", "reasons", "guards", "data", "provider", "via"}
	outDocument = []string{"kind", "id", "rev", "data"}
	outChange   = []string{"part", "seq", "kind", "subject_kind", "subject_a", "subject_b", "fact_kind", "fact_source", "fact_id", "at"}
)

// text returns the statement for n rows, or "" if there is no such statement.
func (g *grammar) text(id statementID, n int) string {
	tab := id.tab
	if u, returning, ok := g.written(id.op, tab); ok {
		return g.insert(id, n, u, returning)
	}
	if id.op == opDelete && isFacts(tab) {
		return g.delete(id, n, g.factKeyOf(tab))
	}
	if id.then {
		return ""
	}
	if id.op == opAdd && g.mute && tab != tabPartSeq {
		return g.d.add(tab, n, false)
	}
	if tab == tabStates {
		return g.stateText(id.op, n)
	}
	if tab == tabCounters || tab == tabReservations {
		return g.counterText(id, n)
	}
	t := &g.tables[tab]
	facts := isFacts(tab)
	order := " ORDER BY " + list("t.", t.keyNames())
	switch id.op {
	case opAdd:
		switch {
		case facts, tab == tabProfiles, tab == tabContacts, tab == tabMembers, tab == tabCustomers, tab == tabLinks, tab == tabAnchors, tab == tabAddresses,
			tab == tabRefs, tab == tabChanges:
			return g.d.add(tab, n, false)
		}
	case opCopy:
		if g.copies && g.text(statementID{op: opAdd, tab: tab}, n) != "" {
			return "COPY " + g.table(tab) + " (tenant, " + list("", t.names()) + ") FROM STDIN (FORMAT binary)"
		}
	case opMerge:
		if q := g.d.add(tab, n, true); q != "" {
			switch tab {
			case tabRefs:
				return q
			case tabEffects:
				if !g.mute {
					return q + returns(t.keyNames())
				}
			}
		}
	case opVersions:
		if facts {
			return g.lookup(tab, n, t.keyNames(), append(g.factKeyOf(tab), "version", "hash"), "")
		}
	case opGet:
		switch {
		case tab == tabProfiles:
			return g.lookup(tab, n, profileKey, outProfile, "")
		case tab == tabCustomers:
			return g.lookup(tab, n, t.keyNames(), []string{"id", "home_source", "home_id"}, "")
		case facts:
			return g.lookup(tab, n, t.keyNames(), withKind(tab, outFact), "")
		case tab == tabAnchors:
			return g.lookup(tab, n, t.keyNames(), outAnchor, "")
		case tab == tabAddresses:
			return g.lookup(tab, n, t.keyNames(), outAddress, "")
		case tab == tabEffects:
			return g.lookup(tab, n, t.keyNames(), outEffect, "")
		case tab == tabDocuments:
			return g.lookup(tab, n, t.keyNames(), outDocument, "")
		case tab == tabCursors:
			return g.lookup(tab, n, t.keyNames(), []string{"position"}, "")
		}
	case opState:
		switch tab {
		case tabProfiles:
			return g.lookup(tab, n, profileKey, outPlace, g.d.forUpdate(tab))
		case tabCustomers:
			if !g.oneWriter {
				return g.lookup(tab, n, t.keyNames(), []string{"id"}, g.d.forUpdate(tab))
			}
		case tabAnchors:
			if !g.oneWriter {
				return g.lookup(tab, n, t.keyNames(), outAnchor, g.d.forUpdate(tab))
			}
		case tabAddresses:
			return g.lookup(tab, n, t.keyNames(), outAddress, g.d.forUpdate(tab))
		case tabEffects:
			return g.lookup(tab, n, t.keyNames(), []string{"id", "rev", "subject_kind", "subject_a", "subject_b"}, g.d.forUpdate(tab))
		case tabDocuments:
			return g.lookup(tab, n, t.keyNames(), []string{"kind", "id", "rev"}, g.d.forUpdate(tab))
		}
	case opPeek:
		switch {
		case tab == tabProfiles:
			return g.lookup(tab, n, profileKey, outPlace, "")
		case facts && g.copies:
			return g.lookup(tab, n, t.keyNames(), g.factKeyOf(tab), "")
		}
	case opUpdate:
		switch tab {
		case tabProfiles:
			return g.d.update(tab, n, profileContent)
		case tabAnchors, tabEffects, tabDocuments:
			return g.d.update(tab, n, t.names()[t.keys:])
		}
	case opPlace:
		if tab == tabProfiles {
			return g.d.update(tab, n, []string{"customer", "home", "links"})
		}
	case opProceed:
		if tab == tabEffects {
			names := t.names()
			return g.d.update(tab, n, slices.Concat(names[t.keys:subjectCell], names[subjectCell+subjectCells:]))
		}
	case opDelete:
		switch {
		case tab == tabMembers, tab == tabCustomers:
			return g.remove(tab, n, t.keyNames())
		case tab == tabRefs:
			return g.remove(tab, n, t.names())
		case tab == tabDocuments, tab == tabCursors:
			return g.remove(tab, n, t.keyNames())
		}
	case opDeleteOf:
		if tab == tabContacts {
			return g.remove(tab, n, profileKey)
		}
	case opOf:
		switch {
		case tab == tabMembers:
			return g.lookup(tab, n, []string{"part", "customer"}, []string{"customer", "source", "id"}, order)
		case tab == tabLinks:
			return g.lookup(tab, n, profileKey, outLink, order)
		case tab == tabEffects:
			return g.lookupBy(tab, "effects_subject", n, []string{"part", "subject_kind", "subject_a", "subject_b"}, outEffect, "")
		case facts:
			by := []string{"part", "subject_kind", "subject_a", "subject_b"}
			return g.lookup(tab, n, by, withKind(tab, outFact), order+" LIMIT "+g.d.bound(g.d.rowParams(len(by), n)+1))
		case tab == tabRefs:
			return g.refsOf(n)
		case tab == tabChanges:
			return g.changesOf(n)
		}
	case opOfKind:
		if tab == tabFacts {
			by := []string{"part", "subject_kind", "subject_a", "subject_b", "kind"}
			return g.lookup(tab, n, by, withKind(tab, outFact), order+" LIMIT "+g.d.bound(g.d.rowParams(len(by), n)+1))
		}
	case opOfAfter:
		if facts {
			return g.factsAfter(tab, withKind(tab, outFact))
		}
	case opBackward:
		if tab == tabRefs {
			return g.scanRefs("<", " DESC")
		}
	case opScan:
		switch {
		case tab == tabRefs:
			return g.scanRefs(">", "")
		case tab == tabProfiles:
			return g.scan(tab, outProfile, "")
		case tab == tabFacts:
			return g.scan(tab, withKind(tab, outFact), " AND "+g.d.aside("t.kind")+" = "+param(t.keys+3))
		case facts:
			return g.scan(tab, outFact, "")
		case tab == tabAddresses:
			return g.scan(tab, outAddress, " AND t.version > 0")
		case tab == tabEffects:
			return g.scan(tab, outEffect, "")
		case tab == tabDocuments:
			return g.scanDocuments()
		}
	case opDue:
		if tab == tabEffects {
			return g.dueEffects("due", n)
		}
	case opLapsed:
		if tab == tabEffects {
			return g.dueEffects("lease", n)
		}
	case opAll:
		if tab == tabFacts {
			return "SELECT DISTINCT t.kind FROM " + g.table(tab) + " AS t WHERE t.part >= 0 AND t.tenant = " + tenantMark
		}
		if tab == tabPartSeq {
			return "SELECT t.part, t.n FROM " + g.table(tab) + " AS t WHERE t.tenant = " + tenantMark + " ORDER BY t.part"
		}
		if tab == tabCursors {
			return "SELECT t.part, t.consumer, t.position FROM " + g.table(tab) + " AS t WHERE t.tenant = " + tenantMark + " ORDER BY t.consumer"
		}
	case opFirst:
		if tab == tabChanges {
			return g.firstChanges(n)
		}
	case opPrune:
		if tab == tabChanges {
			return g.pruneChanges(n)
		}
	case opLockCursor:
		if tab == tabCursors {
			return "SELECT t.position FROM " + g.table(tab) + " AS t WHERE t.tenant = " + tenantMark + " AND t.part = $1 AND t.consumer = $2" + g.skipLocked
		}
	case opWriteLock:
		if tab == tabCursors && g.oneWriter {
			// Finds no row and changes no page, but makes the transaction the
			// writer from here on.
			return "UPDATE " + g.table(tab) + " SET position = position WHERE part = -1"
		}
	case opNow:
		if tab == tabCursors && g.clock != "" {
			return "SELECT " + g.clock
		}
	}
	return ""
}

func withKind(tab tableID, names []string) []string {
	if tab != tabFacts {
		return names
	}
	return slices.Concat(names, []string{"kind"})
}

func (g *grammar) factKeyOf(tab tableID) []string { return withKind(tab, outFactKey) }

// written returns what a statement does that adds rows or changes those that are there,
// and what it returns of those that it wrote. It is false for other statements.
func (g *grammar) written(o op, tab tableID) (u upsert, returning []string, ok bool) {
	facts := isFacts(tab)
	switch o {
	case opInsert:
		switch tab {
		case tabPartSeq:
			return u, nil, false
		case tabCustomers, tabEffects:
			returning = g.tables[tab].keyNames()
		case tabReservations:
			returning = []string{"kind", "counter", "id"}
		}
		return u, returning, true
	case opNewer:
		switch {
		case facts:
			return upsert{g.replaceAll(tab), "excluded.version > t.version"}, g.factKeyOf(tab), true
		case tab == tabAddresses:
			return upsert{g.replaceAll(tab), "excluded.version = t.version + 1"}, nil, true
		case tab == tabCursors:
			return upsert{set: g.replaceAll(tab)}, nil, true
		case tab == tabCounters:
			return upsert{set: "most = excluded.most"}, nil, true
		}
	case opTied:
		if facts {
			return upsert{g.replaceAll(tab), "excluded.version = t.version AND excluded.hash > t.hash"}, g.factKeyOf(tab), true
		}
	case opNewest:
		if facts {
			// The largest version stays: there is none after it.
			next := "CASE WHEN t.version < excluded.version THEN excluded.version WHEN t.version = 9223372036854775807 THEN t.version ELSE t.version + 1 END"
			set := strings.Replace(g.replaceAll(tab), "version = excluded.version", "version = "+next, 1)
			return upsert{set, "excluded.hash <> t.hash"}, g.factKeyOf(tab), true
		}
	case opBump:
		switch tab {
		case tabPartSeq:
			return upsert{set: "n = t.n + excluded.n"}, []string{"part", "n"}, true
		case tabCounters:
			return upsert{set: addToCounter}, nil, true
		}
	}
	return u, nil, false
}

// profileContent is what PutProfiles writes: all but the key and the place.
var profileContent = []string{"kind", "given", "family", "full_name", "birth", "gender", "locale", "city", "country", "rev", "at", "since", "data"}

// refsOf reads the entries of keys of an index, up to a limit for each key. A database
// that cannot limits the whole.
func (g *grammar) refsOf(n int) string {
	by := []string{"part", "hash", "kind", "ref"}
	order := " ORDER BY " + list("t.", g.tables[tabRefs].keyNames())
	if !g.perKey {
		if n > 1 {
			order = ""
		}
		return g.lookup(tabRefs, n, by, outRef, order+" LIMIT "+g.d.bound(g.d.rowParams(len(by), n)+1))
	}
	_, from := g.d.rows(g.tables[tabRefs].typesOf(by), n)
	return "SELECT " + list("r.", outRef) + " FROM " + from + " CROSS JOIN LATERAL (SELECT " + list("t.", outRef) + " FROM " + g.table(tabRefs) +
		" AS t WHERE " + g.match(by) + order + " LIMIT $5) AS r"
}

// scanRefs reads entries under one key: $1 to $4 are part, hash, kind and key, then
// what the first must come after (or, against the order, before), then the limit.
func (g *grammar) scanRefs(beyond, way string) string {
	rest := g.tables[tabRefs].keyNames()[2:]
	bounds, order := make([]string, len(rest)), make([]string, len(rest))
	for i, c := range rest {
		rest[i], bounds[i], order[i] = "t."+c, g.d.bound(5+i), "t."+c+way
	}
	return "SELECT " + list("t.", outRef) + " FROM " + g.table(tabRefs) + " AS t WHERE t.part = $1 AND t.hash = $2 AND t.tenant = " + tenantMark +
		" AND t.kind = $3 AND t.ref = $4 AND " + g.d.beyond(rest, beyond, bounds) + " ORDER BY " + list("", order) + " LIMIT " + g.d.bound(5+len(rest))
}

// changesOf reads ranges of the feed: v holds part, the number before the first
// and the last number.
func (g *grammar) changesOf(n int) string {
	with, from := g.d.rows([]colType{small, big, big}, n)
	return with + g.d.seek(from, tabChanges, "", outChange, "t.part = v.c1 AND t.tenant = "+tenantMark+" AND t.seq > v.c2 AND t.seq <= v.c3", " ORDER BY t.part, t.seq")
}

// firstChanges reads the smallest number that is left in each part.
func (g *grammar) firstChanges(n int) string {
	with, from := g.d.rows([]colType{small}, n)
	return with + "SELECT v.c1, (SELECT min(t.seq) FROM " + g.table(tabChanges) + " AS t WHERE t.part = v.c1 AND t.tenant = " + tenantMark + ") FROM " + from
}

// pruneChanges deletes ranges of the feed: v holds part, the number before the
// first and the last number.
func (g *grammar) pruneChanges(n int) string {
	return g.d.remove(tabChanges, []colType{small, big, big}, n, "t.part = v.c1 AND t.tenant = "+tenantMark+" AND t.seq > v.c2 AND t.seq <= v.c3", nil)
}

// factsAfter reads facts of one subject after a key: $1 to $4 the subject, then
// the rest of the key, then the limit.
func (g *grammar) factsAfter(tab tableID, out []string) string {
	rest := g.tables[tab].keyNames()[4:]
	bounds := make([]string, len(rest))
	for i, c := range rest {
		rest[i], bounds[i] = "t."+c, g.d.bound(5+i)
	}
	return "SELECT " + list("t.", out) + " FROM " + g.table(tab) + " AS t WHERE t.part = $1 AND t.tenant = " + tenantMark +
		" AND t.subject_kind = $2 AND t.subject_a = $3 AND t.subject_b = $4 AND " + g.d.beyond(rest, ">", bounds) +
		" ORDER BY " + list("t.", g.key(tab)) + " LIMIT " + g.d.bound(5+len(rest))
}

func (g *grammar) scanDocuments() string {
	return "SELECT " + list("t.", outDocument) + " FROM " + g.table(tabDocuments) + " AS t WHERE t.part = $1 AND t.tenant = " + tenantMark +
		" AND t.kind = $2 AND t.id > " + g.d.bound(3) + " ORDER BY t.id LIMIT " + g.d.bound(4)
}

// dueEffects reads what waits: $1 is what for, $2 before when, $3 and $4 the parts,
// $5 the limit, then the kind, if it is not all. The index leads to what is due of
// one kind however much waits for later.
func (g *grammar) dueEffects(when string, kinds int) string {
	fits := " WHERE t.tenant = " + tenantMark + " AND t.waiting = " + g.d.bound(1) + " AND t." + when + " < " + g.d.bound(2) +
		" AND t.part >= " + g.d.bound(3) + " AND t.part < " + g.d.bound(4)
	if kinds > 0 {
		fits += " AND t.kind = " + param(6)
	}
	return "SELECT " + list("t.", outEffect) + " FROM " + g.table(tabEffects) + " AS t" + g.d.indexedBy("effects_due") + fits +
		" ORDER BY t.due, t.part, t.id LIMIT " + g.d.bound(5)
}

// Statement is one statement of the package, as the database sees it.
type Statement struct {
	Name string // table and verb, such as "orders/newer"
	SQL  string // for two rows, where it takes many
	Args int    // the number of parameters
}

// Statements lists every statement that a store of this dialect and
// configuration can send, migrations aside, for hosts that review or explain
// them.
func Statements(d Dialect, cfg Config) ([]Statement, error) {
	cfg, err := cfg.resolve(d)
	if err != nil {
		return nil, err
	}
	g := newGrammar(d, cfg)
	var out []Statement
	for i := range g.tables {
		for o := range numOps {
			for _, suffix := range []string{"", "-then"} {
				if q := g.text(statementID{o, tableID(i), suffix != ""}, 2); q != "" {
					st := g.d.bind(q)
					out = append(out, Statement{Name: g.tables[i].name + "/" + opNames[o] + suffix, SQL: st.text, Args: st.args(q)})
				}
			}
		}
	}
	return out, nil
}

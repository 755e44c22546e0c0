package sqlstore

import "strings"

var (
	outCounter     = []string{"kind", "id", "most", "reserved", "used"}
	outReservation = []string{"kind", "counter", "id", "amount", "confirmed", "state", "lapses", "changed"}
)

// addToCounter is what counters are set to where rows are added to them.
const addToCounter = "reserved = t.reserved + excluded.reserved, used = t.used + excluded.used"

// tooMuch is more than any counter has: crm.MaxAmount and one. A sum may be more than
// a bigint holds.
const tooMuch = "9007199254740992"

// counterText is text for the tables of counters.
func (g *grammar) counterText(id statementID, n int) string {
	tab := id.tab
	t := &g.tables[tab]
	keys := t.keyNames()
	if tab == tabCounters {
		switch id.op {
		case opGet:
			return g.lookup(tab, n, keys, outCounter, "")
		case opState:
			return g.lookup(tab, n, keys, outCounter, g.d.forUpdate(tab))
		case opScan:
			return g.scan(tab, outCounter, "")
		case opDelete:
			return g.remove(tab, n, keys) + " AND t.reserved = 0"
		}
		if !g.chained {
			return ""
		}
		switch id.op {
		case opTake, opTakeNew:
			return g.take(n, id.op == opTakeNew)
		case opTakeOne, opTakeOneNew:
			return g.takeOne(id.op == opTakeOneNew)
		case opConfirm:
			return g.confirm()
		}
		return ""
	}
	switch id.op {
	case opGet:
		return g.lookup(tab, n, keys, outReservation, "")
	case opState:
		return g.lookup(tab, n, keys, outReservation, g.d.forUpdate(tab))
	case opUpdate:
		return g.d.update(tab, n, t.names()[t.keys:])
	case opDelete:
		q := g.remove(tab, n, keys)
		return q + " AND t.state <> 'reserved'"
	case opDeleteOf:
		return g.remove(tab, n, keys)
	case opScan:
		return g.scan(tab, outReservation, "")
	case opLapsed:
		return "SELECT " + list("t.", outReservation) + " FROM " + g.table(tab) + " AS t" + g.d.indexedBy("reservations_lapses") +
			" WHERE t.part = $1 AND t.tenant = " + tenantMark + " AND t.kind = $2 AND t.counter = $3 AND t.lapses IS NOT NULL AND t.lapses <= " + g.d.bound(4) +
			" ORDER BY t.lapses LIMIT " + g.d.bound(5) + g.skipLocked
	}
	return ""
}

// take adds reservations of one counter and adds their sum to what is reserved of it,
// if that much is left: v has part, kind, counter, id, amount and for how long; the
// parameter after it is the limit that the counter is made with. It returns the
// reservations that were added, and whether the counter had enough for them. Where it
// had not, the reservations are there all the same. Where hopeful, none must be there
// before: ON CONFLICT makes PostgreSQL do every row twice.
func (g *grammar) take(n int, hopeful bool) string {
	types := []colType{small, text, text, text, big, big}
	_, from := g.d.rows(types, n)
	limit := param(g.d.rowParams(len(types), n)+1) + "::bigint"
	return "WITH r AS (" + g.addReservation("c1", "c2", "c3", "c4", "c5", "c6", from+" CROSS JOIN ", hopeful) + " RETURNING t.part, t.kind, t.counter, t.id, t.amount)," +
		" s AS (SELECT r.part, r.kind, r.counter, least(sum(r.amount), " + tooMuch + ")::bigint AS amount FROM r GROUP BY r.part, r.kind, r.counter)," +
		" u AS (INSERT INTO " + g.table(tabCounters) + " AS t (part, tenant, kind, id, most, reserved, used) SELECT s.part, " + tenantMark + ", s.kind, s.counter, " + limit + ", s.amount, 0 FROM s" +
		" LEFT JOIN LATERAL (SELECT 1 AS there FROM " + g.table(tabCounters) + " AS t WHERE t.part = s.part AND t.tenant = " + tenantMark + " AND t.kind = s.kind AND t.id = s.counter LIMIT 1) AS x ON true" +
		" WHERE x.there IS NOT NULL OR s.amount <= " + limit +
		onConflict("part, tenant, kind, id", upsert{"reserved = t.reserved + excluded.reserved", "t.most - t.reserved - t.used >= excluded.reserved"}) + " RETURNING t.part)" +
		" SELECT r.id, u.part IS NOT NULL FROM r LEFT JOIN u ON true"
}

// takeOne is take for one reservation of a counter that is there: $1 to $6 are what v
// has.
func (g *grammar) takeOne(hopeful bool) string {
	return "WITH r AS (" + g.addReservation("$1::smallint", "$2", "$3", "$4", "$5::bigint", "$6::bigint", "", hopeful) + " RETURNING t.id)," +
		" u AS (UPDATE " + g.table(tabCounters) + " AS t SET reserved = t.reserved + $5 WHERE t.part = $1 AND t.tenant = " + tenantMark +
		" AND t.kind = $2 AND t.id = $3 AND t.most - t.reserved - t.used >= $5 AND EXISTS (SELECT 1 FROM r) RETURNING t.part)" +
		" SELECT r.id, u.part IS NOT NULL FROM r LEFT JOIN u ON true"
}

func (g *grammar) addReservation(part, kind, counter, id, amount, lapse, from string, hopeful bool) string {
	q := "INSERT INTO " + g.table(tabReservations) + " AS t (part, tenant, kind, counter, id, amount, confirmed, state, lapses, changed) SELECT " + part + ", " + tenantMark +
		", " + kind + ", " + counter + ", " + id + ", " + amount + ", 0, 'reserved', c.instant + " + lapse + ", c.instant FROM " + from + "(SELECT " + g.clock + " AS instant) AS c"
	if !hopeful {
		q += onConflict(strings.Join(g.key(tabReservations), ", "), upsert{})
	}
	return q
}

// confirm makes one reservation final and counts it as used: $1 to $4 are its key, $5
// is how much. It returns a row if the reservation was open.
func (g *grammar) confirm() string {
	return "WITH r AS (UPDATE " + g.table(tabReservations) + " AS t SET state = 'confirmed', confirmed = $5, lapses = NULL, changed = " + g.clock +
		" WHERE t.part = $1 AND t.tenant = " + tenantMark + " AND t.kind = $2 AND t.counter = $3 AND t.id = $4 AND t.state = 'reserved' AND t.amount >= $5" +
		" AND (t.lapses IS NULL OR t.lapses > " + g.clock + ") RETURNING t.part, t.kind, t.counter, t.id, t.amount, t.confirmed)," +
		" u AS (INSERT INTO " + g.table(tabCounters) + " AS t (part, tenant, kind, id, most, reserved, used) SELECT r.part, " + tenantMark +
		", r.kind, r.counter, 0, -r.amount, r.confirmed FROM r" + onConflict("part, tenant, kind, id", upsert{set: addToCounter}) + " RETURNING t.part)" +
		" SELECT r.id FROM r"
}

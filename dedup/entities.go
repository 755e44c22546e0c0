package dedup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Entities gives clusters ids that stay: a cluster that grows keeps its id, of two that
// merge the older one's id lives on and the other's becomes its alias, and when they are
// taken apart again each has the id it had. It is fed with what an [Index] changes, or with
// the clusters of a whole batch, and says what happened, for a log. The zero value is
// ready; it is for one goroutine, and its JSON is all it knows.
type Entities struct {
	// NewID makes the id of an entity of a record that had none; it must not repeat
	// itself. Nil names an entity by the record.
	NewID func(record string) string

	next     int
	homes    map[string]home    // by record
	entities map[string]*entity // by id, those that were merged or are empty too
}

// home is where a record belongs, and where it did at first.
type home struct{ Entity, First string }

// entity is what is known of an id that was given. Age is its rank, the first being 1; of
// two that merge the lower one stays.
type entity struct {
	Age   int    `json:"age"`
	Into  string `json:"into,omitempty"` // the entity it was merged into
	count int
}

// EntityEvent is an entry of the log of entities. The events of one call, in order, turn
// what was into what is.
type EntityEvent struct {
	// Kind is "created" (it is new, or back after a merger), "joined" (new records came to
	// it), "moved" (records came from another entity), "merged" (all its records went to
	// another, whose alias it is) or "emptied" (its last record is gone).
	Kind string `json:"kind"`
	// Entity is the id of which the event tells.
	Entity  string   `json:"entity"`
	Other   string   `json:"other,omitempty"`   // merged: what Entity is now part of; moved: where the records were
	Records []string `json:"records,omitempty"` // that came, in rising order
}

const (
	entityCreated = "created"
	entityJoined  = "joined" // new records came to it
	entityMoved   = "moved"  // records came from another entity
	entityMerged  = "merged" // all its records went to another, whose alias it is
	entityEmptied = "emptied"
)

// Of returns the entity of a record.
func (e *Entities) Of(record string) (string, bool) {
	h, ok := e.homes[record]
	return h.Entity, ok
}

// Resolve returns the entity that an id stands for now: itself, or what it was merged into.
// It reports false for an id that was never given.
func (e *Entities) Resolve(id string) (string, bool) {
	x, ok := e.entities[id]
	for ok && x.Into != "" {
		id = x.Into
		x, ok = e.entities[id]
	}
	return id, ok
}

// Apply takes a change of an [Index] over. A batch is the change Change{Clusters:
// result.Clusters}, with Removed for records that it has no more.
func (e *Entities) Apply(c Change) []EntityEvent {
	if e.homes == nil {
		e.homes, e.entities = map[string]home{}, map[string]*entity{}
	}
	var log []EntityEvent
	lost := map[string]bool{} // entities that lost records
	for _, id := range c.Removed {
		if h, ok := e.homes[id]; ok {
			e.entities[h.Entity].count--
			lost[h.Entity] = true
			delete(e.homes, id)
		}
	}
	// Every entity stays with the cluster that holds most of its records.
	type claim struct{ cluster, records int }
	most := map[string]claim{}
	for k, cluster := range c.Clusters {
		for id, n := range e.tally(cluster, false) {
			if best, ok := most[id]; !ok || n > best.records {
				most[id] = claim{k, n}
			}
		}
	}
	names := make([]string, len(c.Clusters)) // the oldest of the entities that stay
	for id, m := range most {
		if now := &names[m.cluster]; *now == "" || e.entities[id].Age < e.entities[*now].Age {
			*now = id
		}
	}
	for k, cluster := range c.Clusters {
		if names[k] == "" {
			names[k] = e.name(cluster)
			log = append(log, EntityEvent{Kind: entityCreated, Entity: names[k]})
		}
		log = append(log, e.settle(cluster, names[k], lost)...)
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		if x := e.entities[id]; x.count > 0 {
			continue
		} else if m, ok := most[id]; ok && names[m.cluster] != id {
			x.Into = names[m.cluster]
			log = append(log, EntityEvent{Kind: entityMerged, Entity: id, Other: x.Into})
		} else {
			log = append(log, EntityEvent{Kind: entityEmptied, Entity: id})
		}
	}
	return log
}

// tally counts the entities of a cluster's records, or those they had at first.
func (e *Entities) tally(c Cluster, first bool) map[string]int {
	out := map[string]int{}
	for _, id := range c.Members {
		if h, ok := e.homes[id]; ok {
			if first {
				h.Entity = h.First
			}
			out[h.Entity]++
		}
	}
	return out
}

// name returns the id of a cluster that no living entity stays with: the one that most of
// its records had at first, if it is nobody's now, or a new one.
func (e *Entities) name(c Cluster) string {
	best, records := "", 0
	for id, n := range e.tally(c, true) {
		x := e.entities[id]
		if x.count == 0 && (n > records || n == records && x.Age < e.entities[best].Age) {
			best, records = id, n
		}
	}
	if best != "" {
		e.entities[best].Into = ""
		return best
	}
	id := c.Members[0]
	if e.NewID != nil {
		id = e.NewID(id)
	}
	for n, base := 2, id; e.entities[id] != nil; n++ {
		id = base + "#" + strconv.Itoa(n)
	}
	e.next++
	e.entities[id] = &entity{Age: e.next}
	return id
}

// settle makes all records of a cluster those of an entity.
func (e *Entities) settle(c Cluster, name string, lost map[string]bool) (log []EntityEvent) {
	came := map[string][]string{}
	for _, id := range c.Members {
		h, known := e.homes[id]
		if known && h.Entity == name {
			continue
		}
		came[h.Entity] = append(came[h.Entity], id)
		if known {
			e.entities[h.Entity].count--
			lost[h.Entity] = true
		} else {
			h.First = name
		}
		h.Entity = name
		e.homes[id] = h
		e.entities[name].count++
	}
	for _, from := range slices.SortedFunc(maps.Keys(came), cmp.Compare[string]) {
		kind := entityMoved
		if from == "" {
			kind = entityJoined
		}
		slices.Sort(came[from])
		log = append(log, EntityEvent{Kind: kind, Entity: name, Other: from, Records: came[from]})
	}
	return log
}

// entitiesJSON is the form of Entities in JSON.
type entitiesJSON struct {
	Next     int                  `json:"next"`
	Records  map[string][2]string `json:"records"` // entity now and at first
	Entities map[string]*entity   `json:"entities"`
}

// MarshalJSON implements [json.Marshaler].
func (e *Entities) MarshalJSON() ([]byte, error) {
	out := entitiesJSON{e.next, make(map[string][2]string, len(e.homes)), e.entities}
	for id, h := range e.homes {
		out.Records[id] = [2]string{h.Entity, h.First}
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements [json.Unmarshaler]; a record of an entity that is not there is
// refused with an error.
func (e *Entities) UnmarshalJSON(b []byte) error {
	var in entitiesJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("dedup: entities: %w", err)
	}
	e.next, e.homes, e.entities = in.Next, make(map[string]home, len(in.Records)), in.Entities
	if e.entities == nil {
		e.entities = map[string]*entity{}
	}
	for id, x := range e.entities {
		if x == nil || x.Into != "" && (e.entities[x.Into] == nil || e.entities[x.Into].Age >= x.Age) {
			return fmt.Errorf("%w: entity %q", errEntities, id)
		}
	}
	for id, h := range in.Records {
		if e.entities[h[0]] == nil || e.entities[h[1]] == nil {
			return fmt.Errorf("%w: record %q", errEntities, id)
		}
		e.entities[h[0]].count++
		e.homes[id] = home{h[0], h[1]}
	}
	return nil
}

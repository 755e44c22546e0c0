package vefa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// LinkageReport counts what an evening's linkage did.
type LinkageReport struct {
	Records  int `json:"records"`  // looked at
	Clusters int `json:"clusters"` // that were affected
	Moved    int `json:"moved"`    // profiles that belong to another customer than before
	// Stale counts clusters that were left as they are for the next evening,
	// because people decided about their profiles while linkage was at work.
	Stale   int  `json:"stale,omitempty"`
	Trained bool `json:"trained,omitempty"`
	// TrainAt is set where no model was learnt because there were fewer profiles
	// than Config.TrainAt: then those who are clearly one person by a model that rests
	// on assumptions were merged, and no others; of a negative one, none at all.
	TrainAt int `json:"train_at,omitempty"`
}

// linkActor is the actor of link decisions that record linkage takes.
const linkActor = "dedup"

const modelKind, modelID = "dedup", "people"

// recordID names a profile to package dedup. Keys have no control characters.
func recordID(k crm.ProfileKey) string { return k.Source + "\x1f" + k.ID }

func keyOf(id string) crm.ProfileKey {
	source, rest, _ := strings.Cut(id, "\x1f")
	return crm.ProfileKey{Source: source, ID: rest}
}

// linkable reports whether record linkage looks at a profile: persons do,
// organisations and households are placed by hand.
func linkable(p *crm.Profile) bool { return p.Kind == "" || p.Kind == crm.Person }

// personRecord is what linkage sees of a profile: nothing masked or disowned.
func personRecord(p *crm.Profile) people.Record {
	r := people.Record{ID: recordID(p.ProfileKey), Source: p.Source, Given: p.Name.Given, Family: p.Name.Family, FullName: p.Name.Full,
		Gender: p.Gender, Birth: p.Birth, City: p.Postal.City, District: p.Postal.District, Postcode: p.Postal.Postcode, Street: p.Postal.Street}
	for _, a := range p.Reachable(crm.Phone) {
		r.Phones = append(r.Phones, a.Value)
	}
	for _, a := range p.Reachable(crm.Email) {
		r.Emails = append(r.Emails, a.Value)
	}
	return r
}

// fingerprint tells whether linkage would see anything new in a record.
func fingerprint(r *people.Record) int64 {
	parts := [][]byte{[]byte(r.Given), []byte(r.Family), []byte(r.FullName), []byte(r.Gender), []byte(r.Birth), []byte(r.City),
		[]byte(r.District), []byte(r.Postcode), []byte(r.Street)}
	for _, p := range r.Phones {
		parts = append(parts, []byte("p"+p))
	}
	for _, m := range r.Emails {
		parts = append(parts, []byte("m"+m))
	}
	return crm.ContentHash(parts...)
}

// saw is what linkage saw of a profile: hashes, because there may be millions.
type saw struct {
	print    int64
	customer uint64 // 0: linkage does not look at it
}

// sawKey stands for a profile in what linkage saw. Its seed is drawn by
// the process, so that ids of profiles cannot be chosen so as to share one.
func (e *Engine) sawKey(k crm.ProfileKey) uint64 { return maphash.Comparable(e.seed, k) }

func (e *Engine) sawCustomer(p *crm.Profile) uint64 {
	return max(1, maphash.String(e.seed, string(p.Customer)))
}

// identify finds out who is the same person: once over everybody, then over
// what changed and the customers that it touches.
func (e *Engine) identify(ctx context.Context) (LinkageReport, error) {
	asked := e.changed
	e.changed = nil // place fills it with what the next turn has to look at again
	out, err := e.identifyChanged(ctx, asked)
	if err != nil {
		// What linkage knows may be ahead of the record, or half read.
		e.people, e.looked, e.changed = nil, nil, asked
	}
	return out, err
}

func (e *Engine) identifyChanged(ctx context.Context, asked map[crm.ProfileKey]bool) (LinkageReport, error) {
	if e.cfg.TrainAt < 0 {
		return e.identifyFew(ctx)
	}
	changed := slices.SortedFunc(maps.Keys(asked), crm.ProfileKey.Compare)
	model, records, err := e.model(ctx)
	if err != nil {
		return LinkageReport{}, err
	}
	if model == nil {
		return e.identifyAll(ctx)
	}
	var out LinkageReport
	var clusters []dedup.Cluster
	var all map[uint64]saw   // what was read of everybody
	var list []people.Record // of everybody, or of those that changed
	if e.people == nil {
		e.looked = map[uint64]saw{}
		list, err = e.readRecords(ctx)
		all = e.looked
	} else {
		list, err = e.readChanged(ctx, changed)
	}
	if err != nil {
		return out, err
	}
	if err := e.offerIndex(ctx); err != nil { // it is known how many profiles there are
		return out, err
	}
	if len(e.looked) >= 2*records {
		e.people = nil
		return e.identifyAll(ctx)
	}
	if e.people == nil {
		if e.people, err = e.linker.NewIndex(model); errors.Is(err, dedup.ErrModel) {
			return e.identifyAll(ctx) // learnt by another version
		} else if err != nil {
			return out, err
		}
		decisions, err := e.decisions(ctx, nil, &e.remembered)
		if err != nil {
			return out, err
		}
		c, err := e.people.Apply(ctx, list, nil, decisions...)
		if err != nil {
			e.people = nil
			return out, err
		}
		out.Records, clusters = len(list), c.Clusters
	} else if len(changed) > 0 {
		decisions, err := e.decisions(ctx, changed, &e.remembered)
		if err != nil {
			return out, err
		}
		if e.remembered.lifted {
			e.people = nil // it is made anew, of everybody
			return e.identifyChanged(ctx, asked)
		}
		if len(list)+len(decisions) == 0 {
			return out, nil
		}
		c, err := e.people.Apply(ctx, list, nil, decisions...)
		if err != nil {
			e.people = nil
			return out, err
		}
		out.Records, clusters = len(list), c.Clusters
	}
	out.Clusters = len(clusters)
	e.live.Store(&everyone{Index: e.people})
	return out, e.place(ctx, e.moved(clusters, all), e.people, &out)
}

// readRecords reads what linkage sees of all profiles, and notes all that were looked
// through.
func (e *Engine) readRecords(ctx context.Context) (all []people.Record, err error) {
	for p, err := range e.scanProfiles(ctx) {
		if err != nil {
			return nil, err
		}
		if rec, _ := e.lookAt(p); linkable(p) {
			all = append(all, rec)
		}
	}
	e.profiles = len(e.looked)
	return all, nil
}

// readChanged is readRecords of some profiles: those of which linkage sees something new.
func (e *Engine) readChanged(ctx context.Context, keys []crm.ProfileKey) (fresh []people.Record, err error) {
	for chunk := range slices.Chunk(keys, loadBatch) {
		var found []*crm.Profile
		err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			found, err = r.Profiles(ctx, chunk...)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if p == nil {
				continue
			}
			if rec, is := e.lookAt(p); is {
				fresh = append(fresh, rec)
			}
		}
	}
	return fresh, nil
}

// lookAt notes that a profile was looked at and returns what linkage sees of it, if that
// is anything new.
func (e *Engine) lookAt(p *crm.Profile) (rec people.Record, fresh bool) {
	k := e.sawKey(p.ProfileKey)
	was, known := e.looked[k]
	if !linkable(p) {
		e.looked[k] = saw{print: was.print} // it counts
		return rec, false
	}
	rec = personRecord(p)
	print := fingerprint(&rec)
	e.looked[k] = saw{print, e.sawCustomer(p)}
	return rec, !known || was.print != print
}

// head returns the end of the change feed.
func (e *Engine) head(ctx context.Context) (at crm.Position, err error) {
	err = e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		at, err = r.Head(ctx)
		return err
	})
	return at, err
}

// lookAtUnseen has linkage look at the profiles that changed while it was at
// work or the population was read.
func (e *Engine) lookAtUnseen(ctx context.Context) error {
	if e.unseen == nil {
		return nil
	}
	at := *e.unseen
	for {
		var n int
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			changes, next, err := r.Changes(ctx, at, 5000)
			if err != nil {
				return err
			}
			for _, c := range changes {
				if c.Kind == crm.ChangedProfile || c.Kind == crm.ChangedLink {
					e.look(c.Subject.Profile)
				}
			}
			n, at = len(changes), next
			return nil
		})
		if errors.Is(err, crm.ErrPruned) { // linkage reads everybody again instead
			e.people, e.looked, e.unseen = nil, nil, nil
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			e.unseen = nil
			return nil
		}
	}
}

// look has linkage look at a profile on its next turn.
func (e *Engine) look(k crm.ProfileKey) {
	if e.changed == nil {
		e.changed = map[crm.ProfileKey]bool{}
	}
	e.changed[k] = true
}

// identifyAll learns a model from everybody and links everybody by it.
func (e *Engine) identifyAll(ctx context.Context) (LinkageReport, error) {
	out := LinkageReport{}
	var failed error
	total := 0
	var all map[uint64]saw
	records := iter.Seq[people.Record](func(yield func(people.Record) bool) {
		out.Records, total, all = 0, 0, map[uint64]saw{}
		for p, err := range e.scanProfiles(ctx) {
			if err != nil {
				failed = err
				return
			}
			if total++; linkable(p) {
				out.Records++
				all[e.sawKey(p.ProfileKey)] = saw{customer: e.sawCustomer(p)}
				if !yield(personRecord(p)) {
					return
				}
			}
		}
	})
	n := 0
	for range records {
		if n++; n >= e.cfg.TrainAt {
			break
		}
	}
	if failed != nil {
		return out, failed
	}
	if n < e.cfg.TrainAt {
		return e.identifyFew(ctx)
	}
	decisions, err := e.decisions(ctx, nil, &e.remembered)
	if err != nil {
		return out, err
	}
	result, err := e.linker.Link(ctx, records, nil, decisions...)
	if err == nil {
		err = failed
	}
	if err != nil {
		return out, err
	}
	e.profiles = total
	if err := e.offerIndex(ctx); err != nil {
		return out, err
	}
	if err := e.saveModel(ctx, result.Model, total); err != nil {
		return out, err
	}
	out.Trained, out.Clusters = true, len(result.Clusters)
	e.live.Store(nil) // of an older model; who asks makes it anew
	return out, e.place(ctx, e.moved(result.Clusters, all), nil, &out)
}

func (e *Engine) scanProfiles(ctx context.Context) iter.Seq2[*crm.Profile, error] {
	return func(yield func(*crm.Profile, error) bool) {
		var after crm.ProfileKey
		for {
			var page []*crm.Profile
			err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
				page, err = r.ScanProfiles(ctx, crm.AllParts(), after, 2*loadBatch)
				return err
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, p := range page {
				if !yield(p, nil) {
					return
				}
				after = p.ProfileKey
			}
			if len(page) < 2*loadBatch {
				return
			}
		}
	}
}

// learnt is a linkage model and how many records it was learnt from. A model
// keeps what it learnt; when the population has doubled it is learnt again.
type learnt struct {
	Records int             `json:"records"`
	Model   json.RawMessage `json:"model"`
}

// model reads the model that was learnt, or nil.
func (e *Engine) model(ctx context.Context) (*dedup.Model, int, error) {
	var l learnt
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		docs, err := r.Documents(ctx, modelKind, modelID)
		if err != nil || docs[0] == nil {
			return err
		}
		return docs[0].Decode(&l)
	})
	if err != nil || l.Records == 0 {
		return nil, 0, err
	}
	m, err := dedup.ReadModel(bytes.NewReader(l.Model))
	if errors.Is(err, dedup.ErrModel) {
		return nil, 0, nil // learnt by another version, learnt again by this one
	}
	return m, l.Records, err
}

func (e *Engine) saveModel(ctx context.Context, m *dedup.Model, records int) error {
	var buf bytes.Buffer
	if _, err := m.WriteTo(&buf); err != nil {
		return err
	}
	doc, err := crm.NewDocument(modelKind, modelID, learnt{records, bytes.TrimSpace(buf.Bytes())})
	if err != nil {
		return err
	}
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		docs, err := tx.Documents(ctx, modelKind, modelID)
		if err != nil {
			return err
		}
		if doc.Rev = 0; docs[0] != nil {
			doc.Rev = docs[0].Rev
		}
		return tx.PutDocuments(ctx, doc)
	})
}

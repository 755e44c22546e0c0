package vefa

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup"
)

// said is what people decided about who is who, as far as it was read.
type said struct {
	log  map[crm.ProfileKey][]crm.Link          // by profile, linkage's own decisions left out
	ops  map[string]map[crm.ProfileKey]crm.Link // by operation that parted people or keeps them apart
	gone map[string]bool                        // operations that were taken back
	at   map[crm.ProfileKey]crm.CustomerID      // where profiles are now
	home map[crm.CustomerID]crm.ProfileKey
	last map[crm.ProfileKey]int64 // the last decision that is not linkage's own
	// lifted is whether, since linkage read last, what keeps people apart was taken
	// back; known is what it had read
	lifted bool
	known  map[crm.ProfileKey]int64
	// strange is what was heard of disowned addresses, and strangers the pairs that
	// those keep apart
	strange   *strange
	strangers map[pair]time.Time
}

// remembered is what linkage keeps of what people decided.
type remembered struct {
	// known is the last decision that it read about each profile, where that is
	// neither the first nor its own
	known map[crm.ProfileKey]int64
	// strange is what it read of "not me"
	strange *strange
	// lifted is whether, since it read before, what keeps people apart was taken back:
	// an index takes in decisions and forgets none
	lifted bool
}

// mostParted bounds the pairs that one split is remembered by. Beyond it, some
// thousand on either side, each is kept apart from the first of the other side.
const mostParted = 1 << 20

// decisions reads what people decided about profiles (nil: about all): who was
// merged by hand must stay together, and every pair that a split or an undone
// merge parted, and those who were said to be two, apart; apart must stay as well those who said
// "not me" about an address and those who have it. What counts of several decisions about a pair is where the
// two are now: linkage undoes none of them, so that is the last word. It notes
// in to which decisions it read; call it before the profiles themselves are read, so that
// what is decided in between is noticed when linkage writes.
func (e *Engine) decisions(ctx context.Context, keys []crm.ProfileKey, to *remembered) ([]dedup.Decision, error) {
	all := keys == nil
	s := &said{log: map[crm.ProfileKey][]crm.Link{}, ops: map[string]map[crm.ProfileKey]crm.Link{}, gone: map[string]bool{},
		at: map[crm.ProfileKey]crm.CustomerID{}, home: map[crm.CustomerID]crm.ProfileKey{}, last: map[crm.ProfileKey]int64{}, known: to.known, strange: newStrange()}
	for chunk := range slices.Chunk(keys, loadBatch) {
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) error { return s.read(ctx, r, chunk) }); err != nil {
			return nil, err
		}
	}
	if all {
		if err := divide(ctx, e, saidJob(), func(ctx context.Context, at *stretch) ([]profileLog, error) {
			return nil, e.hear(ctx, at, s.hear)
		}, func(_ piece, got []profileLog) {
			for _, h := range got {
				s.hear(h.Key, h.Log)
			}
		}); err != nil {
			return nil, err
		}
	}
	if all || to.strange == nil {
		to.strange = newStrange()
	}
	for a, from := range s.strange.from {
		for k, at := range from {
			to.strange.disowned(a, k, at)
		}
	}
	err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		if s.strangers, err = to.strange.meet(ctx, r, s.strange, keys); err != nil {
			return err
		}
		if err := s.readStrangers(ctx, r); err != nil {
			return err
		}
		if err := s.place(ctx, r); err != nil || all {
			return err
		}
		// A merger lifts what parted the others of the two customers, who did not
		// change themselves.
		ids := slices.Sorted(maps.Values(s.at))
		members, err := r.Members(ctx, slices.Compact(ids)...)
		if err != nil {
			return err
		}
		var more []crm.ProfileKey
		for _, m := range members {
			for _, k := range m {
				if _, known := s.log[k]; !known {
					more = append(more, k)
				}
			}
		}
		if err := s.read(ctx, r, more); err != nil {
			return err
		}
		return s.place(ctx, r)
	})
	if err != nil {
		return nil, err
	}
	if all || to.known == nil {
		to.known = map[crm.ProfileKey]int64{}
	}
	maps.Copy(to.known, s.last)
	to.lifted = s.lifted && !all
	return s.pairs(), nil
}

// jobSaid is the job of reading what people decided.
const jobSaid = "said"

// profileLog are the decisions about a profile that tell something of what people decided.
type profileLog struct {
	Key crm.ProfileKey `json:"key"`
	Log []crm.Link     `json:"log"`
}

// tells reports whether a decision does.
func tells(l crm.Link) bool {
	return l.Actor != linkActor && (l.Seq > 1 || l.Kind != crm.LinkNew) || l.Undoes != ""
}

// hear reads the decisions about the profiles of some parts.
func (e *Engine) hear(ctx context.Context, at *stretch, each func(crm.ProfileKey, []crm.Link)) error {
	var after crm.ProfileKey
	for at.end = at.Hi; ; {
		if at.stop != nil && after != (crm.ProfileKey{}) && at.stop() {
			at.end = min(at.end, after.Part()+1)
		}
		var keys []crm.ProfileKey
		var logs [][]crm.Link
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			keys, logs = nil, nil
			page, err := r.ScanProfiles(ctx, crm.PartRange{Lo: at.Lo, Hi: at.end}, after, 2*loadBatch)
			if err != nil || len(page) == 0 {
				return err
			}
			keys = make([]crm.ProfileKey, len(page))
			for i, p := range page {
				keys[i] = p.ProfileKey
			}
			logs, err = r.Links(ctx, keys...)
			return err
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		for i, log := range logs {
			each(keys[i], log)
		}
		after = keys[len(keys)-1]
	}
}

// saidJob is jobSaid.
func saidJob() job { return job{Name: jobSaid, Most: crm.Parts / 8, Open: everyPart()} }

// offerSaid offers it to those who help while this process reads the profiles for record
// linkage, if that is to look at everybody.
func (e *Engine) offerSaid(ctx context.Context) error {
	if e.share == nil || e.cfg.TrainAt < 0 || e.people != nil {
		return nil
	}
	return e.share.open(ctx, saidJob())
}

// helpSaid is hear for the process that leads the evening.
func (e *Engine) helpSaid(ctx context.Context, _ job, at *stretch) (any, error) {
	out := []profileLog{}
	return out, e.hear(ctx, at, func(k crm.ProfileKey, log []crm.Link) {
		if slices.ContainsFunc(log, tells) {
			for i := range log {
				log[i].Evidence = crm.Evidence{}
			}
			out = append(out, profileLog{k, log})
		}
	})
}

// read reads the decisions of people about profiles.
func (s *said) read(ctx context.Context, r crm.Reader, keys []crm.ProfileKey) error {
	logs, err := r.Links(ctx, keys...)
	if err != nil {
		return err
	}
	for i, log := range logs {
		s.hear(keys[i], log)
	}
	return nil
}

// hear takes in the decisions about a profile.
func (s *said) hear(k crm.ProfileKey, log []crm.Link) {
	kept, about := map[string]bool{}, map[string]bool{} // operations that keep people apart; and those that lift them
	for _, l := range crm.KeptApart(log) {
		kept[l.Op] = true
	}
	for _, l := range log {
		if l.Kind == crm.LinkApart || l.Kind == crm.LinkUndo && about[l.Undoes] {
			about[l.Op] = true
		}
	}
	for _, l := range log {
		if l.Actor != linkActor && l.Seq > 1 { // most have only the first
			s.last[k] = l.Seq
		}
		if l.Undoes != "" {
			s.gone[l.Undoes] = true
		}
		switch {
		case l.Actor == linkActor:
		case l.Kind == crm.LinkNotMe && l.Off:
			delete(s.strange.from[l.Address], k)
			s.lifted = s.lifted || l.Seq > s.known[k]
		case l.Kind == crm.LinkNotMe:
			s.strange.disowned(l.Address, k, l.At)
		case l.Kind == crm.LinkManual:
			s.log[k] = append(s.log[k], l)
			s.home[l.Customer] = crm.ProfileKey{}
		case l.Kind == crm.LinkApart && !kept[l.Op], l.Kind == crm.LinkUndo && about[l.Undoes]:
			// nothing any more: what is taken back, and that it is
			s.lifted = s.lifted || l.Seq > s.known[k]
		case l.Kind == crm.LinkSplit || l.Kind == crm.LinkUndo || l.Kind == crm.LinkApart:
			s.log[k] = append(s.log[k], l)
			if s.ops[l.Op] == nil {
				s.ops[l.Op] = map[crm.ProfileKey]crm.Link{}
			}
			s.ops[l.Op][k] = l
		}
	}
}

// place finds out where those are now about whom people decided, and for whom the
// customers were made that people put others into.
func (s *said) place(ctx context.Context, r crm.Reader) error {
	ids := slices.Sorted(maps.Keys(s.home))
	homes, err := r.Homes(ctx, ids...)
	if err != nil {
		return err
	}
	keys := slices.Collect(maps.Keys(s.log))
	for p := range s.strangers {
		keys = append(keys, p[0], p[1])
	}
	for i, id := range ids {
		s.home[id] = homes[i]
		keys = append(keys, homes[i])
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	keys = slices.Compact(keys)
	at, err := r.CustomersOf(ctx, keys...)
	if err != nil {
		return err
	}
	for i, k := range keys {
		s.at[k] = at[i]
	}
	return nil
}

// readStrangers reads what people decided about those whom a disowned address keeps apart.
func (s *said) readStrangers(ctx context.Context, r crm.Reader) error {
	var more []crm.ProfileKey
	for p := range s.strangers {
		for _, k := range p {
			if _, known := s.log[k]; !known {
				more = append(more, k)
			}
		}
	}
	slices.SortFunc(more, crm.ProfileKey.Compare)
	return s.read(ctx, r, slices.Compact(more))
}

// movedSince reports whether a person put a profile elsewhere after an instant.
func (s *said) movedSince(k crm.ProfileKey, at time.Time) bool {
	return slices.ContainsFunc(s.log[k], func(l crm.Link) bool { return !l.Stays && !l.At.Before(at) })
}

// pairs returns the decisions for linkage, sorted.
func (s *said) pairs() []dedup.Decision {
	out := map[[2]string]bool{}
	say := func(a, b crm.ProfileKey, same bool) {
		if a != b && !a.IsZero() && !b.IsZero() {
			out[[2]string{min(recordID(a), recordID(b)), max(recordID(a), recordID(b))}] = same
		}
	}
	for p, at := range s.strangers {
		switch {
		case s.at[p[0]] != s.at[p[1]]:
			say(p[0], p[1], false)
		case s.movedSince(p[0], at) || s.movedSince(p[1], at): // a person knew better
			say(p[0], p[1], true)
		}
	}
	for k, log := range s.log {
		for _, l := range log {
			if l.Kind == crm.LinkManual && !s.gone[l.Op] && s.at[k] == s.at[s.home[l.Customer]] {
				say(k, s.home[l.Customer], true)
			}
		}
	}
	for _, op := range s.ops {
		sides := map[crm.CustomerID][]crm.ProfileKey{}
		for k, l := range op {
			sides[l.Customer] = append(sides[l.Customer], k)
		}
		ids := slices.Sorted(maps.Keys(sides))
		for i, x := range ids {
			slices.SortFunc(sides[x], crm.ProfileKey.Compare)
			for _, y := range ids[:i] {
				parted(sides[x], sides[y], func(a, b crm.ProfileKey) { say(a, b, s.at[a] == s.at[b]) })
			}
		}
	}
	list := make([]dedup.Decision, 0, len(out))
	for p, same := range out {
		list = append(list, dedup.Decision{A: p[0], B: p[1], Same: same})
	}
	slices.SortFunc(list, func(a, b dedup.Decision) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	return list
}

// parted calls say for each pair across two sides, which are sorted.
func parted(x, y []crm.ProfileKey, say func(a, b crm.ProfileKey)) {
	if len(x)*len(y) > mostParted {
		for _, a := range x {
			say(a, y[0])
		}
		x = x[:1]
	}
	for _, a := range x {
		for _, b := range y {
			say(a, b)
		}
	}
}

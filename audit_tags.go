package vefa

import (
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// excluded: no customer who carried a red tag before the claim got a message,
// unless the audience said that it does not care about that tag.
func (a *audit) excluded() error {
	red := map[string]bool{} // at any time
	for _, d := range a.tags {
		if slices.ContainsFunc(d.Turns, func(t TagTurn) bool { return t.Red }) {
			red[d.Name] = true
		}
	}
	if len(red) == 0 {
		return nil
	}
	carried, err := a.carried(red)
	if err != nil {
		return err
	}
	for _, e := range a.sent {
		k := a.profile(e)
		if k.IsZero() {
			continue
		}
		id := a.placed(k, e.SentAt)
		var facts []*crm.Fact
		for _, f := range carried[id] {
			if a.placed(f.Subject.Profile, e.SentAt) == id {
				facts = append(facts, f)
			}
		}
		// A tag or a turn of the last moment may have been committed after the
		// claim that took its time a moment later.
		before := e.SentAt.Add(-inFlight)
		now := crm.TagsAt(facts, e.SentAt)
		for _, t := range crm.TagsAt(facts, before) {
			still := slices.ContainsFunc(now, func(x crm.Tag) bool { return x.Name == t.Name })
			if still && redAt(a.tags, t.Name, before) && redAt(a.tags, t.Name, e.SentAt) && !slices.Contains(a.data[e.ID].Ignores, t.Name) {
				a.report.find(&a.report.SentToExcludedTag, "effect %s went to a carrier of %s", e.ID, t.Name)
				break
			}
		}
	}
	return nil
}

// carried returns the changes of some tags by the customer that was written to
// and that their profiles were ever in. Each customer's are read once, however
// many messages it got.
func (a *audit) carried(tags map[string]bool) (map[crm.CustomerID][]*crm.Fact, error) {
	asked := map[crm.CustomerID]bool{}
	in := map[crm.ProfileKey][]crm.CustomerID{}
	var subjects []crm.Subject
	for _, e := range a.sent {
		k := a.profile(e)
		id := a.placed(k, e.SentAt)
		if k.IsZero() || asked[id] {
			continue
		}
		asked[id] = true
		for _, p := range a.ever[id] {
			if in[p] == nil {
				subjects = append(subjects, crm.OfProfile(p))
			}
			in[p] = append(in[p], id)
		}
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	out := map[crm.CustomerID][]*crm.Fact{}
	for chunk := range slices.Chunk(subjects, loadBatch) {
		for f, err := range crm.FactsOf(a.ctx, a.r, chunk, crm.KindTag) {
			if err != nil {
				return nil, err
			}
			if !tags[f.Data.(*crm.TagChange).Tag] {
				continue
			}
			for _, id := range in[f.Subject.Profile] {
				out[id] = append(out[id], f)
			}
		}
	}
	return out, nil
}

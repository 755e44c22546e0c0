package vefa

import (
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// delta is what a refresh changed: the persons as they are now, the homes that
// are no persons of their own any more, and the profiles that changed.
type delta struct {
	p        *population // that persons belong to
	persons  []*person
	gone     []crm.ProfileKey
	profiles []crm.ProfileKey // profiles whose own record or links changed
}

// maxPatch is how many changed facts are put into one person by themselves.
// Each looks through the person's rows; a customer of thousands of records of
// which each changed is read as a whole, which takes time in proportion.
const maxPatch = 64

// patch takes changed facts into persons who are otherwise as they were. It
// returns the persons, and the profiles of those who must be read as a whole.
func (p *population) patch(ctx context.Context, store crm.Store, n news) (persons map[*person]bool, whole map[crm.ProfileKey]bool, err error) {
	persons, whole = map[*person]bool{}, map[crm.ProfileKey]bool{}
	refs := make([]crm.FactRef, 0, len(n.facts))
	news := map[*person]int{}
	for ref := range n.facts {
		news[p.of(ref.Subject.Profile)]++
	}
	for ref := range n.facts {
		if k := ref.Subject.Profile; p.of(k) == nil || n.own[k] || news[p.of(k)] > maxPatch {
			whole[k] = true
		} else if slices.Contains(kinds, ref.Key.Kind) {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, crm.FactRef.Compare)
	for chunk := range slices.Chunk(refs, loadBatch) {
		err := store.View(ctx, func(r crm.Reader) error {
			facts, err := r.Facts(ctx, chunk...)
			for i, f := range facts {
				k := chunk[i].Subject.Profile
				if f == nil { // it hangs elsewhere now
					whole[k] = true
					continue
				}
				x := p.of(k)
				if c, ok := f.Data.(*crm.Click); ok && c.Verdict != crm.Human && x.clicked == f.At.UnixMicro() {
					whole[k] = true // the last click was not a person's after all
					continue
				}
				p.drop(x, f.Key)
				p.add(x, uint32(slices.Index(x.profiles, k)), f)
				persons[x] = true
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for x := range persons {
		p.finish(x)
	}
	return persons, whole, p.reconsent(ctx, store, n.addrs, persons)
}

// drop removes the row of an older version of a fact.
func (p *population) drop(x *person, k crm.FactKey) {
	switch k.Kind {
	case crm.KindOrder:
		x.orders = slices.DeleteFunc(x.orders, func(r orderRow) bool { return r.id == k.ID && p.orderKey(&r) == k })
		x.lines = slices.DeleteFunc(x.lines, func(r lineRow) bool { return r.id == k.ID && p.texts.text(r.source) == k.Source })
	case crm.KindVisit:
		x.visits = slices.DeleteFunc(x.visits, func(r visitRow) bool { return r.id == k.ID && p.visitKey(&r) == k })
	case crm.KindAnswer:
		x.answers = slices.DeleteFunc(x.answers, func(r answerRow) bool { return r.id == k.ID && p.answerKey(&r) == k })
	case crm.KindTicket:
		x.tickets = slices.DeleteFunc(x.tickets, func(r ticketRow) bool { return r.ref.Key == k })
	case crm.KindTag:
		x.tags = slices.DeleteFunc(x.tags, func(r tagRow) bool { return r.key == k })
	}
}

// reconsent reads again what the users of addresses agreed to.
func (p *population) reconsent(ctx context.Context, store crm.Store, changed map[crm.Address]bool, persons map[*person]bool) error {
	flat := make([]string, 0, len(changed))
	for a := range changed {
		flat = append(flat, crm.RefKey(a.String()))
	}
	slices.Sort(flat)
	for chunk := range slices.Chunk(flat, loadBatch) {
		err := store.View(ctx, func(r crm.Reader) error {
			var users []*person
			var addrs []crm.Address
			seen := map[*person]bool{}
			err := contactsOf(ctx, r, chunk, func(k crm.ProfileKey) {
				x := p.of(k)
				if x == nil || seen[x] {
					return
				}
				seen[x], persons[x] = true, true
				users = append(users, x)
				addrs = append(addrs, x.addresses()...)
			})
			if err != nil {
				return err
			}
			return p.consents(ctx, r, users, addrs)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// contactsOf calls yield for every profile that has one of the addresses. Most
// have a few users; those that have more than were asked for are asked again
// for more, so that the last user of a shared number is not left out.
func contactsOf(ctx context.Context, r crm.Reader, keys []string, yield func(crm.ProfileKey)) error {
	for limit := loadBatch; len(keys) > 0; limit *= 16 {
		found, err := r.Refs(ctx, crm.RefContact, limit, keys...)
		if err != nil {
			return err
		}
		var more []string
		for i, refs := range found {
			if len(refs) == limit {
				more = append(more, keys[i])
				continue
			}
			for _, ref := range refs {
				yield(ref.Subject.Profile)
			}
		}
		keys = more
	}
	return nil
}

// take reads what changed and returns who changed by it.
func (p *population) take(ctx context.Context, store crm.Store, n news) (delta, error) {
	d := delta{p: p}
	patched, profiles, err := p.patch(ctx, store, n)
	if err != nil {
		return d, err
	}
	own := n.own
	for k := range own {
		d.profiles = append(d.profiles, k)
		profiles[k] = true
	}
	slices.SortFunc(d.profiles, crm.ProfileKey.Compare)
	// A profile that moved leaves a person behind, who is read again as well.
	keys := make([]crm.ProfileKey, 0, len(profiles))
	left := map[*person]bool{}
	for k := range profiles {
		keys = append(keys, k)
		if was := p.of(k); was != nil && own[k] && !left[was] {
			left[was] = true
			for _, other := range was.profiles {
				if !profiles[other] {
					keys = append(keys, other)
				}
			}
		}
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	keys = slices.Compact(keys)
	ids := map[crm.CustomerID]bool{}
	for chunk := range slices.Chunk(keys, 2*loadBatch) {
		err := store.View(ctx, func(r crm.Reader) error {
			found, err := r.Profiles(ctx, chunk...)
			for _, x := range found {
				if x != nil {
					ids[x.Customer] = true
				}
			}
			return err
		})
		if err != nil {
			return d, err
		}
	}
	list := make([]crm.CustomerID, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	slices.Sort(list)
	for chunk := range slices.Chunk(list, loadBatch) {
		err := store.View(ctx, func(r crm.Reader) error {
			got, err := p.read(ctx, r, chunk, kinds, nil)
			if err == nil {
				d.persons = append(d.persons, got...)
			}
			return err
		})
		if err != nil {
			return d, err
		}
	}
	homes := map[crm.ProfileKey]bool{}
	for _, x := range d.persons {
		homes[x.home] = true
	}
	for _, x := range d.persons {
		for _, k := range x.profiles {
			if was, ok := p.homeOf[k]; ok && !homes[was] && p.byHome[was] != nil {
				delete(patched, p.byHome[was])
				p.forget(was)
				d.gone = append(d.gone, was)
			}
		}
	}
	for i, x := range d.persons {
		d.persons[i] = p.keep(x)
		delete(patched, d.persons[i])
	}
	for x := range patched {
		d.persons = append(d.persons, x)
	}
	slices.SortFunc(d.persons, func(a, b *person) int { return a.home.Compare(b.home) })
	slices.SortFunc(d.gone, crm.ProfileKey.Compare)
	return d, nil
}

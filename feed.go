package vefa

import (
	"context"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// feed is how far an engine has read the change feed, and what it read there that is
// not taken in yet: a store that fails between must not make the next call pass over it.
type feed struct {
	at      crm.Position
	pending news
	// clicks that the feed told of, or of those after clicksFrom those that were read,
	// and that no evening has forgotten
	clicks     map[crm.FactRef]bool
	clicksFrom time.Time
	mu         sync.Mutex // of clicks, while customers are read by several goroutines
}

// news is what the change feed told.
type news struct {
	own   map[crm.ProfileKey]bool // profiles whose own record or links changed
	facts map[crm.FactRef]bool
	addrs map[crm.Address]bool // whose consents changed
}

func newNews() news {
	return news{own: map[crm.ProfileKey]bool{}, facts: map[crm.FactRef]bool{}, addrs: map[crm.Address]bool{}}
}

func (n *news) empty() bool { return len(n.own)+len(n.facts)+len(n.addrs) == 0 }

// newFeed begins at the head of the feed: what is read afterwards knows all that is
// before it. Clicks after clicksFrom are to be told with clicked.
func newFeed(ctx context.Context, store crm.Store, clicksFrom time.Time) (*feed, error) {
	f := &feed{pending: newNews(), clicks: map[crm.FactRef]bool{}, clicksFrom: clicksFrom}
	return f, store.View(ctx, func(r crm.Reader) (err error) {
		f.at, err = r.Head(ctx)
		return err
	})
}

// clicked notes a click that was read.
func (f *feed) clicked(at time.Time, ref func() crm.FactRef) {
	if !at.After(f.clicksFrom) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clicks[ref()] = true
}

// read reads the feed to its end. It is crm.ErrPruned if changes are missing.
func (f *feed) read(ctx context.Context, store crm.Store) error {
	for {
		var got int
		err := store.View(ctx, func(r crm.Reader) error {
			changes, next, err := r.Changes(ctx, f.at, 5000)
			if err != nil {
				return err
			}
			n := &f.pending
			for _, c := range changes {
				if c.Kind == crm.ChangedFact && c.Fact.Kind == crm.KindClick {
					f.clicks[crm.FactRef{Subject: c.Subject, Key: c.Fact}] = true
				}
				switch {
				case c.Kind != crm.ChangedFact:
					n.own[c.Subject.Profile] = true
				case !c.Subject.Profile.IsZero():
					n.facts[crm.FactRef{Subject: c.Subject, Key: c.Fact}] = true
				case c.Fact.Kind == crm.KindConsent || c.Fact.Kind == crm.KindSuppression:
					n.addrs[c.Subject.Address] = true
				}
			}
			got, f.at = len(changes), next
			return nil
		})
		if err != nil || got == 0 {
			return err
		}
	}
}

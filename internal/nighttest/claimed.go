package nighttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/interleave"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// claimed has a person decide about profiles before each call of the transaction
// that claims what they are to get. Customers that were merged before the claim is
// written get a thing once, those that were not get it each: the claim holds the
// locks of the customers and of the addresses.
// Case A5.
func claimed(t *testing.T, open func(t *testing.T) crm.Store) {
	const early = 9 // known before the others, never bought anything
	for name, c := range map[string]struct {
		merge []crm.ProfileKey
		once  int // messages after it
	}{
		"with each other":          {[]crm.ProfileKey{Key(0), Key(1)}, 1},
		"with somebody of earlier": {[]crm.ProfileKey{Key(0), Key(early)}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			for at, reached := 0, true; reached; at++ {
				store, clock := open(t), &crmtest.Clock{}
				clock.Set(Start.Add(-time.Hour))
				book, err := rules.ReadYAML("rules.yaml", []byte("rules:\n  - name: welcome\n    when: Orders > 0\n    then:\n      - message: welcome\n        after: 1h\n"))
				require.NoError(t, err)
				on := &interleave.Store{Store: store, Claims: true}
				shop := New(t, on, clock, func(c *vefa.Config) {
					c.Rules, c.Campaigns, c.Surveys = []*rules.Book{book}, nil, nil
					c.Messages = []messaging.Campaign{{Name: "welcome", Text: "welcome", Unmeasured: "test"}}
				})
				b := People(2)
				first := People(early + 1).Profiles[early]
				first.Since = Start.AddDate(-1, 0, 0)
				b.Profiles = append(b.Profiles, first)
				_, err = shop.Engine.Service().On(store).Import(t.Context(), b)
				require.NoError(t, err)
				clock.Set(Start)
				_, err = shop.Engine.Night(t.Context(), vefa.Night{})
				require.NoError(t, err)
				require.Empty(t, shop.Sender.Messages())
				clock.Set(Start.Add(2 * time.Hour))
				on.At = at
				res := on.Run(
					func(crm.Store) error { _, err := shop.Engine.Deliver(t.Context()); return err },
					func(s crm.Store) error {
						_, err := shop.Engine.Service().On(s).Merge(t.Context(), "desk", crm.Evidence{}, c.merge...)
						return err
					})
				why := fmt.Sprintf("before call %d", at)
				require.NoError(t, res.First, why)
				require.NoError(t, res.Second, why)
				require.Empty(t, res.Faults, why)
				want := 2
				if res.Inside {
					want = c.once
				}
				require.Len(t, shop.Sender.Messages(), want, why)
				reached = res.Reached || at == 0
				audit, err := vefa.Audit(t.Context(), store, Brand)
				require.NoError(t, err)
				require.True(t, audit.Clean(), "%s: %+v", why, audit)
			}
		})
	}
}

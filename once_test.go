package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// welcome returns an engine with one rule that greets each customer once.
func welcome(t *testing.T, store crm.Store, clock *crmtest.Clock, sender messaging.Sender, when string) *vefa.Engine {
	t.Helper()
	book, err := rules.ReadYAML("rules.yaml", []byte("rules:\n  - name: welcome\n    when: "+when+"\n    then: [{message: welcome}]\n"))
	require.NoError(t, err)
	return nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns, c.Surveys, c.Sender = []*rules.Book{book}, nil, nil, sender
		c.Messages = []messaging.Campaign{{Name: "welcome", Text: "welcome", Unmeasured: "test"}}
	}).Engine
}

// TestOnceIsOnce plays mergers, splits and edits of the rule: whatever happens
// to who is who, no phone rings twice for one thing.
func TestOnceIsOnce(t *testing.T) {
	merge := func(svc *crm.Service, a, b int) error {
		_, err := svc.Merge(t.Context(), "desk", crm.Evidence{}, nighttest.Key(a), nighttest.Key(b))
		return err
	}
	split := func(svc *crm.Service, a int) error {
		_, err := svc.Split(t.Context(), "desk", crm.Evidence{}, nighttest.Key(a))
		return err
	}
	for name, c := range map[string]struct {
		between [3]func(*crm.Service) error // before each evening
		mute    bool                        // the home profile has no phone of its own
		want    int
	}{
		"nothing":                            {want: 2},
		"merged after":                       {between: [3]func(*crm.Service) error{1: func(s *crm.Service) error { return merge(s, 0, 1) }}, want: 2},
		"merged before":                      {between: [3]func(*crm.Service) error{0: func(s *crm.Service) error { return merge(s, 0, 1) }}, want: 1},
		"merged and split":                   {between: [3]func(*crm.Service) error{0: func(s *crm.Service) error { return merge(s, 0, 1) }, 1: func(s *crm.Service) error { return split(s, 0) }}, want: 2},
		"split the other":                    {between: [3]func(*crm.Service) error{0: func(s *crm.Service) error { return merge(s, 0, 1) }, 1: func(s *crm.Service) error { return split(s, 1) }}, want: 2},
		"reached at the other's, then split": {mute: true, between: [3]func(*crm.Service) error{0: func(s *crm.Service) error { return merge(s, 0, 1) }, 1: func(s *crm.Service) error { return split(s, 1) }}, want: 1},
		"and merged again":                   {between: [3]func(*crm.Service) error{0: func(s *crm.Service) error { return merge(s, 0, 1) }, 1: func(s *crm.Service) error { return split(s, 0) }, 2: func(s *crm.Service) error { return merge(s, 1, 0) }}, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start.Add(-time.Hour))
			sender := messaging.NewMemorySender(nil)
			eng := welcome(t, store, clock, sender, "Orders > 0")
			b := nighttest.People(2)
			b.Profiles[0].Since = nighttest.Start.AddDate(0, -1, 0) // the customer's home, when they are one
			if c.mute {
				b.Profiles[0].Contacts = nil
			}
			_, err := eng.Service().Import(t.Context(), b)
			require.NoError(t, err)
			for evening, do := range c.between {
				clock.Set(nighttest.Start.AddDate(0, 0, evening))
				if do != nil {
					require.NoError(t, do(eng.Service()))
				}
				clock.Set(clock.Now().Add(time.Hour))
				if evening == 2 { // the rule is edited, and the process started again
					eng = welcome(t, store, clock, sender, "Orders >= 1 and Phone")
				}
				_, err := eng.Night(t.Context(), vefa.Night{})
				require.NoError(t, err)
			}
			phones := map[crm.Address]int{}
			for _, m := range sender.Messages() {
				phones[m.To]++
				require.Equal(t, 1, phones[m.To], "%s was written to twice", m.To)
			}
			require.Len(t, sender.Messages(), c.want)
			rep, err := vefa.Audit(t.Context(), store, nighttest.Brand)
			require.NoError(t, err)
			require.True(t, rep.Clean(), "%+v", rep)
		})
	}
}

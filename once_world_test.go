package vefa_test

import (
	"context"
	"math/rand/v2"
	"os"
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

// crowd is a population who have one to three records each, phones of their
// own that they replace, and phones that they share with up to 500 others. It
// knows who is who; the record does not.
type crowd struct {
	r        *rand.Rand
	person   map[crm.ProfileKey]int
	profiles []*crm.Profile
	mixed    map[int]bool // of whom a record was merged with another person's, or split off
	phones   int
}

func (c *crowd) phone() crm.Address {
	c.phones++
	return nighttest.Phone(c.phones)
}

// surname gives each number a surname that is no slip of the pen away from another's: the
// persons of a crowd are told apart, whatever they share.
func surname(n int) string {
	const first, vowels = "bdgklmnprst", "aeiou"
	s := ""
	for n += 1; n > 0; n /= len(first) {
		c := string(first[n%len(first)])
		s += c + string(vowels[n%len(vowels)]) + c + string(vowels[n*3%len(vowels)])
	}
	return s
}

func newCrowd(seed uint64, persons int) *crowd {
	c := &crowd{r: rand.New(rand.NewPCG(seed, 0)), person: map[crm.ProfileKey]int{}, mixed: map[int]bool{}}
	left, shared := 0, crm.Address{}
	for who := 1; who <= persons; who++ {
		if left == 0 {
			left, shared = []int{1, 2, 3, 20, 21, 100, 500}[c.r.IntN(7)], c.phone()
		}
		left--
		for range 1 + c.r.IntN(3) {
			p := &crm.Profile{ProfileKey: nighttest.Key(len(c.profiles)), Name: crm.Name{Given: "Ada", Family: surname(who)}, At: nighttest.Start,
				Since: nighttest.Start.Add(time.Duration(c.r.IntN(1000)) * time.Hour * -1)}
			if c.r.IntN(3) > 0 {
				p.Contacts = append(p.Contacts, crm.Contact{Address: c.phone()})
			}
			if len(p.Contacts) == 0 || c.r.IntN(4) == 0 {
				p.Contacts = append(p.Contacts, crm.Contact{Address: shared})
			}
			c.person[p.ProfileKey] = who
			c.profiles = append(c.profiles, p)
		}
	}
	return c
}

// batch is what the sources deliver of some profiles: the profile, an order, and
// consent for each phone.
func (c *crowd) batch(profiles ...*crm.Profile) crm.Batch {
	var b crm.Batch
	for _, p := range profiles {
		b.Profiles = append(b.Profiles, p.Clone())
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "o" + p.ID}, Subject: crm.OfProfile(p.ProfileKey), At: nighttest.Start, Version: 1,
			Data: &crm.Order{Number: "o" + p.ID, Channel: "store", Total: crm.Money{Amount: 10000, Currency: "TRY"}}})
		for _, a := range p.Contacts {
			b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "web", ID: a.Value}, Subject: crm.OfAddress(a.Address), At: nighttest.Start.Add(-time.Hour), Version: 1,
				Data: &crm.Consent{ConsentKey: nighttest.Brand, Status: crm.Granted}})
		}
	}
	return b
}

// Cases A5 and A6: over many evenings records of people are merged and split,
// phones are replaced, messages wait for the morning, and processes die between
// the claim and the answer. What the provider took is what counts: no phone and no
// person gets one thing twice. VEFA_LONG=1 plays 100,000 evenings of
// a person, otherwise 8,000.
func TestOnceInAWorld(t *testing.T) {
	worlds := 2
	if os.Getenv("VEFA_LONG") == "1" {
		worlds = 25
	}
	evenings := 0
	for seed := range worlds {
		evenings += playCrowd(t, uint64(seed))
	}
	t.Logf("%d evenings of a person", evenings)
}

func playCrowd(t *testing.T, seed uint64) int {
	const persons, days = 500, 8
	ctx := t.Context()
	c := newCrowd(seed, persons)
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-time.Hour))
	book, err := rules.ReadYAML("rules.yaml", []byte(`rules:
  - {name: welcome, when: Orders > 0, then: [{message: welcome}]}
  - {name: thanks, each: Purchases, when: row.DaysAgo >= 0, then: [{message: thanks}]}
`))
	require.NoError(t, err)
	provider := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		switch m.ID[len(m.ID)-1] {
		case '0', '1': // arrived, and the answer is lost
			return crm.Receipt{Status: crm.Uncertain}
		case '2':
			if c.r.IntN(2) == 0 {
				return crm.Receipt{Status: crm.Throttled, After: time.Hour}
			}
		}
		return crm.Receipt{Status: crm.Accepted}
	})
	quiet := messaging.EveningQuiet()
	var campaigns []string
	for d := range days {
		campaigns = append(campaigns, nighttest.Start.AddDate(0, 0, d).Format(time.DateOnly))
	}
	faulty := crmtest.NewFaulty(store)
	start := func() *vefa.Engine {
		return nighttest.New(t, faulty, clock, func(cfg *vefa.Config) {
			cfg.Rules, cfg.Surveys, cfg.Sender, cfg.TrainAt = []*rules.Book{book}, nil, provider, 1_000_000
			cfg.Messages = []messaging.Campaign{
				{Name: "welcome", Text: "welcome", Unmeasured: "a test", Quiet: quiet}, {Name: "thanks", Text: "thanks", Unmeasured: "a test"}}
			cfg.Campaigns[0].On, cfg.Campaigns[0].Quiet = campaigns, quiet
		}).Engine
	}
	eng := start()
	svc := crm.New(store, crm.Config{Now: clock.Now})
	// Records of one person are merged before anything is drawn; the wrong mergers
	// and the splits come later, among people who share a phone or do not.
	_, err = svc.Import(ctx, c.batch(c.profiles...))
	require.NoError(t, err)
	for i := 1; i < len(c.profiles); i++ {
		a, b := c.profiles[i-1], c.profiles[i]
		if c.person[a.ProfileKey] == c.person[b.ProfileKey] {
			joined(t, svc, a.ProfileKey, b.ProfileKey)
		}
	}
	for day := range days {
		evening := nighttest.Start.AddDate(0, 0, day).Add(9 * time.Hour)
		for hour, do := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := eng.Night(ctx, vefa.Night{}); return err },
			func(ctx context.Context) error { _, err := eng.Deliver(ctx); return err }, // in the morning
		} {
			at := evening.Add(time.Duration(hour) * 13 * time.Hour)
			clock.Set(at)
			if c.r.IntN(2) == 0 {
				faulty.Fail(crmtest.Fault{Where: []crmtest.Where{crmtest.After, crmtest.Lost}[c.r.IntN(2)], N: 1 + c.r.IntN(60)})
			}
			err := do(ctx)
			for err != nil { // killed: another process goes on
				require.ErrorIs(t, err, crmtest.ErrFault)
				faulty.Heal()
				eng = start()
				clock.Set(at)
				if _, err = eng.Resume(ctx); err == nil {
					err = do(ctx)
				}
			}
			faulty.Heal()
			c.live(t, svc, clock.Now())
		}
	}
	c.judge(t, store, provider.Messages())
	rep, err := vefa.Audit(ctx, store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "seed %d: %+v", seed, rep)
	return persons * days
}

func joined(t *testing.T, svc *crm.Service, a, b crm.ProfileKey) {
	t.Helper()
	_, err := svc.Merge(t.Context(), "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
}

// live replaces phones, merges strangers and takes people apart.
func (c *crowd) live(t *testing.T, svc *crm.Service, at time.Time) {
	t.Helper()
	for range 15 {
		p := c.profiles[c.r.IntN(len(c.profiles))]
		switch c.r.IntN(3) {
		case 0:
			p.Contacts[0] = crm.Contact{Address: c.phone()}
			p.At = at
			_, err := svc.Import(t.Context(), c.batch(p))
			require.NoError(t, err)
		case 1:
			q := c.profiles[c.r.IntN(len(c.profiles))]
			joined(t, svc, p.ProfileKey, q.ProfileKey)
			c.mixed[c.person[p.ProfileKey]], c.mixed[c.person[q.ProfileKey]] = true, true
		case 2:
			_, err := svc.Split(t.Context(), "desk", crm.Evidence{}, p.ProfileKey)
			require.NoError(t, err)
			c.mixed[c.person[p.ProfileKey]] = true
		}
	}
}

// judge looks at what the provider took, with what the world knows: which phone it
// went to, which record it was about, and, where the record always knew who is who,
// which person.
func (c *crowd) judge(t *testing.T, store crm.Store, took []messaging.Message) {
	t.Helper()
	require.NotEmpty(t, took)
	type thing struct {
		cause, occurrence string
		about             crm.FactKey
	}
	type at struct {
		thing
		to crm.Address
	}
	type of struct {
		thing
		record crm.ProfileKey
	}
	type to struct {
		thing
		person int
	}
	phones, records, persons := map[at]crm.EffectID{}, map[of]crm.EffectID{}, map[to]crm.EffectID{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for _, m := range took {
			got, err := r.Effects(t.Context(), m.ID)
			if err != nil {
				return err
			}
			e := got[0]
			what := thing{e.Cause, e.Occurrence, e.About}
			first, twice := phones[at{what, m.To}]
			require.False(t, twice, "%s: %s and %s reached one phone", m.To, first, m.ID)
			phones[at{what, m.To}] = m.ID
			who, err := vefa.About(e)
			if err != nil {
				return err
			}
			first, twice = records[of{what, who}]
			require.False(t, twice, "%s: %s and %s were about one person", who, first, m.ID)
			records[of{what, who}] = m.ID
			if p := c.person[who]; !c.mixed[p] {
				first, twice = persons[to{what, p}]
				require.False(t, twice, "person %d: %s and %s", p, first, m.ID)
				persons[to{what, p}] = m.ID
			}
		}
		return nil
	}))
}

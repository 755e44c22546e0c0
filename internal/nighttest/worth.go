package nighttest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/crm/worth"
	"github.com/vefacrm/vefa/rules"
)

// WorthRules ask for what customers are worth.
const WorthRules = `
rules:
  - {name: winback, when: 'PAlive < 0.3 and WorthNext12 > 1000', then: [{tag: winback}]}
  - {name: buyer, when: 'PAlive != nil', then: [{tag: buyer}]}
  - {name: unpriced, when: 'PAlive != nil and WorthNext12 == nil', then: [{tag: unpriced}]}
  - {name: fan, when: 'FavouriteBrand == "blue" and FavouriteBrandShare > 0.9', then: [{tag: fan}]}
  - {name: lost, on: {segment_left: loyal}, when: 'Loyalty != "active"', then: [{tag: lost}]}
`

// worthPeople are people whose habits are known: of each four, one buys every month, one bought dear
// things and stopped, one bought once and one now and then.
const worthPeople = 160

// worthWorld returns what they bought, in days before Start and minor units, by person.
func worthWorld() (b crm.Batch, days [][]int, amounts [][]int64) {
	r := rand.New(rand.NewPCG(11, 12))
	for i := range worthPeople {
		b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: Key(i), Name: crm.Name{Given: "Ada", Family: fmt.Sprint("Kaya", i)}, Since: Start.AddDate(-3, 0, 0), At: Start.AddDate(-3, 0, 0),
			Contacts: []crm.Contact{{Address: Phone(i)}}})
		var at []int
		switch begin := 300 + r.IntN(400); i % 4 {
		case 0:
			for d := begin; d > 0; d -= 20 + r.IntN(20) {
				at = append(at, d)
			}
		case 1:
			for d := begin; d > begin-150-r.IntN(100) && d > 0; d -= 20 + r.IntN(20) {
				at = append(at, d)
			}
		case 2:
			at = []int{begin}
		case 3:
			for d := begin; d > 0; d -= 60 + r.IntN(200) {
				at = append(at, d)
			}
		}
		var paid []int64
		mean := 80_000 * math.Exp(0.6*r.NormFloat64())
		if i%4 == 1 {
			mean *= 4
		}
		for j, d := range at {
			amount := int64(mean * math.Exp(r.NormFloat64()/2))
			f := Order(i, fmt.Sprint("w", i, "-", j), Start.AddDate(0, 0, -d).Add(-time.Hour))
			o := f.Data.(*crm.Order)
			o.Total.Amount = amount
			if i%8 == 0 {
				o.Lines = []crm.OrderLine{{SKU: "B", Brand: "blue", Category: "watch", Quantity: 1, Amount: o.Total}}
			}
			b.Facts = append(b.Facts, f)
			paid = append(paid, amount)
		}
		days, amounts = append(days, at), append(amounts, paid)
	}
	return b, days, amounts
}

// worthTruth returns who is to be won back, by the models of package value over the world itself.
func worthTruth(t *testing.T, days [][]int, amounts [][]int64, unpriced map[int]bool) (out []int) {
	history := make([]value.Purchases, len(days))
	spent := make([]value.Spending, len(days))
	var known []value.Purchases
	var spending []value.Spending
	for i, at := range days {
		if len(at) == 0 {
			continue
		}
		n := len(at) - 1
		history[i] = value.Purchases{Repeats: n, Last: float64(at[0]-at[n]) / 7, Age: float64(at[0]) / 7}
		known = append(known, history[i])
		if n > 0 && !unpriced[i] {
			var sum int64
			for _, a := range amounts[i][1:] {
				sum += a
			}
			spent[i] = value.Spending{Purchases: n, Mean: float64(sum) / float64(n)}
			spending = append(spending, spent[i])
		}
	}
	s, err := value.Condense(slices.Values(known))
	require.NoError(t, err)
	m, _, err := value.FitMBGNBD(t.Context(), s)
	require.NoError(t, err)
	g, _, err := value.FitGammaGamma(t.Context(), slices.Values(spending))
	require.NoError(t, err)
	require.Greater(t, g.Q, 1.0, "the mean of all is known")
	terms := value.Terms{Periods: 12, Length: 365.25 / 12 / 7}
	for i := range days {
		if len(days[i]) > 0 && !unpriced[i] && m.Alive(history[i]) < 0.3 && terms.Worth(m, history[i], g.Expect(spent[i])) > 100_000 {
			out = append(out, i)
		}
	}
	return out
}

// Worth is what an evening says of the worth of customers: rules fire on those of whom it is true, and say why; segments
// have the same people in them; sales that were taken back and amounts without a rate do not count; merging and undoing are
// as if everybody were looked at again.
func Worth(t *testing.T, open func(t *testing.T) crm.Store) {
	store, clock := open(t), &crmtest.Clock{}
	clock.Set(Start)
	module, err := worth.New(worth.Config{})
	require.NoError(t, err)
	book, err := rules.ReadYAML("worth.yaml", []byte(WorthRules))
	require.NoError(t, err)
	shop := New(t, store, clock, func(c *vefa.Config) {
		c.Modules, c.TrainAt = []crm.Module{module}, -1
		c.Rules, c.Campaigns, c.Surveys = []*rules.Book{book}, nil, nil
		c.Segments = `segment winback = leaf("PAlive < 0.3 and WorthNext12 > 1000") segment loyal = leaf("Loyalty == 'active'")`
	})
	svc := shop.Engine.Service()
	b, days, amounts := worthWorld()
	truth := worthTruth(t, days, amounts, nil)
	require.Greater(t, len(truth), 5)
	// Of the first: all was cancelled. Of the second: the dearest came back. The third paid once in another currency.
	several := slices.DeleteFunc(slices.Clone(truth), func(i int) bool { return len(days[i]) < 4 })
	cancelled, returned, foreign := several[0], several[1], several[2]
	for _, f := range b.Facts {
		o := f.Data.(*crm.Order)
		switch f.Subject.Profile {
		case Key(cancelled):
			o.Status = crm.OrderCancelled
		case Key(foreign):
			if f.Key.ID == fmt.Sprint("w", foreign, "-1") {
				o.Total.Currency = "EUR"
			}
		}
	}
	last := len(days[returned]) - 1
	back := Order(returned, "back", Start.AddDate(0, 0, -days[returned][last]+3))
	back.Data = &crm.Order{Number: "back", Total: crm.Money{Amount: -amounts[returned][last], Currency: "TRY"},
		Returns: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: fmt.Sprint("w", returned, "-", last)}}
	b.Facts = append(b.Facts, back)
	days[cancelled], amounts[cancelled] = nil, nil
	days[returned], amounts[returned] = days[returned][:last], amounts[returned][:last]
	truth = worthTruth(t, days, amounts, map[int]bool{foreign: true})
	require.Greater(t, len(truth), 5)

	_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: Once(b)})
	require.NoError(t, err)
	require.Equal(t, keysOf(truth), fired(t, store, "winback"))
	require.NotContains(t, fired(t, store, "buyer"), Key(cancelled).ID)
	require.Len(t, fired(t, store, "buyer"), worthPeople-1)
	require.Equal(t, keysOf([]int{foreign}), fired(t, store, "unpriced"))
	for _, id := range fired(t, store, "fan") {
		var i int
		_, err := fmt.Sscan(id, &i)
		require.NoError(t, err)
		require.Zero(t, i%8)
	}
	require.Len(t, fired(t, store, "fan"), worthPeople/8)
	require.Equal(t, keysOf(truth), members(t, shop, "winback"))
	loyal := members(t, shop, "loyal")
	require.Greater(t, len(loyal), 10)
	why, err := shop.Engine.Why(t.Context(), customer(t, store, Key(0)), "rule/winback", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Contains(t, why.String(), "PAlive")

	// Merged, and a month later undone.
	was := worthParts(t, store)
	links, err := svc.Merge(t.Context(), "desk", crm.Evidence{}, Key(several[3]), Key(several[4]))
	require.NoError(t, err)
	clock.Set(Start.AddDate(0, 0, 1))
	_, err = shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	merged := worthParts(t, store)
	require.NotEqual(t, was, merged)
	worthAnew(t, store, merged, shop, 2)
	_, err = svc.Undo(t.Context(), "desk", links...)
	require.NoError(t, err)
	clock.Set(Start.AddDate(0, 4, 0))
	_, err = shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, was, worthParts(t, store))
	// Nobody has bought for four months: who was loyal has left, and the rule was told.
	still := members(t, shop, "loyal")
	var left []string
	for _, id := range loyal {
		if !slices.Contains(still, id) {
			left = append(left, id)
		}
	}
	require.NotEmpty(t, left)
	require.Equal(t, left, fired(t, store, "lost"))

	var fits []worth.Fit
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) { fits, err = worth.Fits(t.Context(), r); return err }))
	require.Len(t, fits, 4)
	require.Equal(t, worthPeople-1, fits[0].Customers)
	require.Equal(t, worthPeople-2, fits[1].Customers, "merged")
	require.Equal(t, worthPeople-1, fits[3].Customers, "and undone")
	require.NotEmpty(t, fits[0].Version)
	for _, p := range fits[0].BuyingFit.Params {
		require.Positive(t, p.StdErr, p.Name)
	}
}

// worthAnew has the module look at everybody again on a later evening: it keeps the same.
func worthAnew(t *testing.T, store crm.Store, want map[string]string, shop *Retailer, day int) {
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error { return tx.DropCursors(t.Context(), "worth") }))
	shop.Clock.Set(Start.AddDate(0, 0, day))
	_, err := shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, want, worthParts(t, store))
}

// worthParts returns what the module keeps of customers.
func worthParts(t *testing.T, store crm.Store) (out map[string]string) {
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		out = map[string]string{}
		for after := (crm.Subject{}); ; {
			page, err := r.ScanStates(t.Context(), crm.AllParts(), "worth/part", after, 100)
			if err != nil {
				return err
			}
			for _, s := range page {
				out[s.Subject.Record], after = string(s.Data), s.Subject
			}
			if len(page) < 100 {
				break
			}
		}
		return nil
	}))
	require.NotEmpty(t, out)
	return out
}

func keysOf(people []int) (out []string) {
	for _, i := range people {
		out = append(out, Key(i).ID)
	}
	slices.Sort(out)
	return out
}

// fired returns the profiles that a rule planned something about, sorted.
func fired(t *testing.T, store crm.Store, rule string) (out []string) {
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		out = nil
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Cause == rules.CausePrefix+rule {
				out = append(out, f.Subject.Profile.ID)
			}
		}
		return nil
	}))
	slices.Sort(out)
	return slices.Compact(out)
}

// members returns the customers of a segment, sorted.
func members(t *testing.T, shop *Retailer, segment string) (out []string) {
	view, err := shop.Engine.Segments(t.Context())
	require.NoError(t, err)
	in, err := view.Members(segment, shop.Clock.Now())
	require.NoError(t, err)
	for name := range in {
		_, id, _ := strings.Cut(name, "/")
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func customer(t *testing.T, store crm.Store, k crm.ProfileKey) (id crm.CustomerID) {
	require.NoError(t, store.View(context.Background(), func(r crm.Reader) error {
		ids, err := r.CustomersOf(context.Background(), k)
		id = ids[0]
		return err
	}))
	return id
}

package worth

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/segment/rfm"
)

// fittedStore is a store with a fit, the instant of its evening, and the fit.
func fittedStore(t testing.TB) (crm.Store, time.Time, Fit) {
	store := memstore.New()
	ev := eveningOf(store, evening)
	_, err := ev.Service.Import(t.Context(), shop(400, 6))
	require.NoError(t, err)
	require.NoError(t, mustModule(t, Config{}).refresh(t.Context(), ev))
	var fits []Fit
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) { fits, err = Fits(t.Context(), r); return err }))
	require.Len(t, fits, 1)
	return store, evening, fits[0]
}

// ask returns one field of a customer.
func ask(t *testing.T, store crm.Store, m *module, at time.Time, s crm.FieldSubject, name string) (v any) {
	t.Helper()
	s.Today, s.Home = int(at.Unix()/86400), key(0)
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		rows, err := m.fill(t.Context(), r, at, []crm.FieldSubject{s}, []string{name})
		if err == nil {
			v = rows[0][0]
		}
		return err
	}))
	return v
}

// bought is purchases so many days ago, of 100.00 each.
func bought(ago ...int) (out []crm.Purchase) {
	today := int(evening.Unix() / 86400)
	for _, n := range ago {
		out = append(out, crm.Purchase{At: evening.AddDate(0, 0, -n), Day: today - n, Amount: 10000, Priced: true})
	}
	return out
}

// TestFields: each field is what its package says of the same purchases.
func TestFields(t *testing.T) {
	store, at, fit := fittedStore(t)
	m := mustModule(t, Config{Discount: 0.1, Costs: 0.4, PerPurchase: 50, PerMonth: 10})
	history := value.Purchases{Repeats: 3, Last: 90. / 7, Age: 100. / 7}
	subject := crm.FieldSubject{Purchases: bought(100, 70, 40, 10)}
	each := fit.Spending.Expect(value.Spending{Purchases: 3, Mean: 10000})
	terms := value.Terms{Periods: 12, Length: 365.25 / 12 / 7, Discount: math.Pow(1.1, 1./12) - 1, Costs: 0.4, PerPurchase: 50, PerPeriod: 10}
	year := 365.25 / 7
	require.InDelta(t, fit.Buying.Alive(history), ask(t, store, m, at, subject, "PAlive"), 1e-12)
	require.InDelta(t, fit.Buying.ExpectAfter(history, year), ask(t, store, m, at, subject, "OrdersNext12"), 1e-9)
	require.InDelta(t, terms.Worth(fit.Buying, history, each), ask(t, store, m, at, subject, "WorthNext12"), 0.5001)
	bounds, err := value.Predict(fit.Buying, history, year, 0.8)
	require.NoError(t, err)
	require.EqualValues(t, bounds.Low, ask(t, store, m, at, subject, "OrdersLow12"))
	require.EqualValues(t, bounds.High, ask(t, store, m, at, subject, "OrdersHigh12"))
	low, worth, high := ask(t, store, m, at, subject, "WorthLow12").(int64), ask(t, store, m, at, subject, "WorthNext12").(int64), ask(t, store, m, at, subject, "WorthHigh12").(int64)
	require.Less(t, low, worth)
	require.Less(t, worth, high)
	gap := int(math.Round((90 + fit.Gap) / 4))
	require.Equal(t, 10-gap, ask(t, store, m, at, subject, "DaysOverdue"))
	require.Equal(t, time.Date(2025, 2, 21, 12, 0, 0, 0, time.UTC).AddDate(0, 0, gap), ask(t, store, m, at, subject, "NextPurchase"))
	score := fit.Cells.Score(rfm.Row{Recency: 10, Frequency: 4, Monetary: 40000})
	require.Equal(t, score.Leaf(), "rfm:"+ask(t, store, m, at, subject, "RFM").(string))
	require.Equal(t, score.R, ask(t, store, m, at, subject, "RFMRecency"))
	require.Equal(t, score.F, ask(t, store, m, at, subject, "RFMFrequency"))
	require.Equal(t, score.M, ask(t, store, m, at, subject, "RFMMonetary"))
	require.Equal(t, string(lifecycle.Active), ask(t, store, m, at, subject, "Loyalty"))
	require.Equal(t, string(lifecycle.Gone), ask(t, store, m, at.AddDate(2, 0, 0), subject, "Loyalty"))
	subject.Reachable = true
	require.Equal(t, string(lifecycle.Passive), ask(t, store, m, at.AddDate(2, 0, 0), subject, "Loyalty"))
	held := mustModule(t, Config{LockedIn: func(s *crm.FieldSubject) bool { return len(s.Purchases) == len(subject.Purchases) }})
	require.Equal(t, string(lifecycle.Captive), ask(t, store, held, at.AddDate(2, 0, 0), subject, "Loyalty"))
	require.Equal(t, string(lifecycle.Active), ask(t, store, held, at, subject, "Loyalty"), "who is not overdue is not captive")
	require.Less(t, ask(t, store, m, at.AddDate(0, 1, 0), subject, "PAlive"), ask(t, store, m, at, subject, "PAlive"), "it falls without anything being written")
}

// TestUnknown: what is not known is null and no number that stands for it.
func TestUnknown(t *testing.T) {
	store, at, _ := fittedStore(t)
	m := mustModule(t, Config{})
	money := []string{"WorthNext12", "WorthLow12", "WorthHigh12", "RFM", "RFMRecency", "RFMFrequency", "RFMMonetary"}
	models := append([]string{"PAlive", "OrdersNext12", "OrdersLow12", "OrdersHigh12"}, money...)
	articles := []string{"FavouriteBrand", "FavouriteBrandShare", "FavouriteCategory", "FavouriteCategoryShare", "LifeChange", "LifeChangeAt", "LifeChangeUntil", "LifeChangeConfidence"}
	gone := bought(50, 20)
	gone[0].Cancelled, gone[1].Returned = true, true
	back := append(gone, crm.Purchase{At: evening, Day: gone[1].Day + 20, Amount: -10000, Priced: true, Return: true})
	foreign := bought(50, 20)
	foreign[1].Amount, foreign[1].Priced = 0, false
	given := append(bought(50, 20), crm.Purchase{At: evening, Day: gone[1].Day + 20, Amount: -10000, Priced: true, Return: true})
	for name, c := range map[string]struct {
		store     crm.Store
		at        time.Time
		purchases []crm.Purchase
		null      []string
		known     []string
	}{
		"nothing bought":           {store, at, nil, append(append([]string{"NextPurchase", "DaysOverdue"}, models...), articles...), []string{"Loyalty"}},
		"cancelled and returned":   {store, at, back, append([]string{"NextPurchase", "DaysOverdue"}, models...), []string{"Loyalty"}},
		"another currency":         {store, at, foreign, money, []string{"PAlive", "OrdersNext12", "NextPurchase", "Loyalty"}},
		"all given back":           {store, at, given, money[:3], []string{"PAlive", "RFM"}},
		"no articles":              {store, at, bought(20), articles, append([]string{"NextPurchase"}, models...)},
		"before the first fit":     {store, at.Add(-time.Second), bought(20), models, []string{"Loyalty"}},
		"nothing fitted":           {memstore.New(), at, bought(20), append([]string{"NextPurchase", "DaysOverdue"}, models...), []string{"Loyalty"}},
		"nothing fitted, two gaps": {memstore.New(), at, bought(40, 20), models, []string{"Loyalty", "NextPurchase", "DaysOverdue"}},
	} {
		for _, field := range c.null {
			require.Nil(t, ask(t, c.store, m, c.at, crm.FieldSubject{Purchases: c.purchases}, field), "%s: %s", name, field)
		}
		for _, field := range c.known {
			require.NotNil(t, ask(t, c.store, m, c.at, crm.FieldSubject{Purchases: c.purchases}, field), "%s: %s", name, field)
		}
	}
	other := mustModule(t, Config{Version: "2"})
	require.Nil(t, ask(t, store, other, at, crm.FieldSubject{Purchases: bought(20)}, "PAlive"), "fitted by another definition")
}

// TestPurchases: what counts as a purchase, and what it was worth.
func TestPurchases(t *testing.T) {
	ret := func(ago int, amount int64) crm.Purchase {
		p := bought(ago)[0]
		p.Return, p.Amount = true, amount
		return p
	}
	today := int32(evening.Unix() / 86400)
	returned := bought(30, 20, 10)
	returned[1].Returned = true
	for name, c := range map[string]struct {
		of   []crm.Purchase
		want summary
	}{
		"two on one day":     {bought(9, 9, 3), summary{today - 9, today - 3, 1, 3, 30000, 10000, true}},
		"one returned":       {append(slices.Clip(returned), ret(5, -10000)), summary{today - 30, today - 10, 1, 2, 20000, 10000, true}},
		"something returned": {append(bought(30, 20), ret(5, -2500)), summary{today - 30, today - 20, 1, 2, 17500, 7500, true}},
		"a part is kept":     {append(slices.Clip(returned), ret(5, -4000)), summary{today - 30, today - 10, 1, 2, 26000, 10000, true}},
		"nothing":            {nil, summary{priced: true}},
	} {
		require.Equal(t, c.want, summarise(c.of), name)
	}
}

// TestArticles: what a customer likes, and what began in his life.
func TestArticles(t *testing.T) {
	store, m := memstore.New(), mustModule(t, Config{})
	var s crm.FieldSubject
	line := func(ago int, category, brand string, amount int64) {
		p := bought(ago)[0]
		p.Category, p.Brand, p.Amount = category, brand, amount
		s.Lines = append(s.Lines, p)
		s.Purchases = append(s.Purchases, bought(ago)...)
	}
	for ago := 720; ago > 0; ago -= 30 {
		line(ago, "watch", "old", 10000)
		if ago <= 240 {
			line(ago, "baby", "new", 12000)
			line(ago, "baby", "new", 12000)
		}
	}
	require.Equal(t, "new", ask(t, store, m, evening, s, "FavouriteBrand"))
	require.Equal(t, "old", ask(t, store, m, evening.AddDate(-1, 0, 0), until(s, evening.AddDate(-1, 0, 0)), "FavouriteBrand"))
	require.Equal(t, "baby", ask(t, store, m, evening, s, "FavouriteCategory"))
	share := ask(t, store, m, evening, s, "FavouriteBrandShare").(float64)
	require.Greater(t, share, 0.5)
	require.Less(t, share, 1.0)
	require.Equal(t, "baby", ask(t, store, m, evening, s, "LifeChange"))
	require.WithinDuration(t, evening.AddDate(0, 0, -240), ask(t, store, m, evening, s, "LifeChangeAt").(time.Time), 45*24*time.Hour)
	require.Greater(t, ask(t, store, m, evening, s, "LifeChangeConfidence"), 0.99)
	require.Nil(t, ask(t, store, m, evening.AddDate(5, 0, 0), s, "LifeChange"), "it is not believed for ever")
}

// until is what is known of a customer at an instant.
func until(s crm.FieldSubject, at time.Time) (out crm.FieldSubject) {
	for _, p := range s.Lines {
		if !p.At.After(at) {
			out.Lines = append(out.Lines, p)
		}
	}
	for _, p := range s.Purchases {
		if !p.At.After(at) {
			out.Purchases = append(out.Purchases, p)
		}
	}
	return out
}

// TestConfig: New names every fault.
func TestConfig(t *testing.T) {
	for want, cfg := range map[string]Config{
		"Least":                        {Least: -1},
		"Level":                        {Level: 1},
		"Alpha":                        {Alpha: math.NaN()},
		"HalfLife":                     {HalfLife: -1},
		"Discount":                     {Discount: -1},
		"Costs, PerPurchase, PerMonth": {Costs: 1.5},
		"Lifecycle":                    {Lifecycle: lifecycle.Definition{Window: -1}},
		"RFM":                          {RFM: rfm.Config{Convention: "ntile"}},
	} {
		_, err := New(cfg)
		require.ErrorContains(t, err, "worth: Config."+want+": ")
	}
	_, err := New(Config{Least: -1, Alpha: 2})
	require.ErrorContains(t, err, "Least")
	require.ErrorContains(t, err, "Alpha")
	mod, err := New(Config{})
	require.NoError(t, err)
	require.NoError(t, mod.Validate())
}

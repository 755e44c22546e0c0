package vefa_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/survey"
)

const (
	measuredWindow = 7 * 24 * time.Hour
	measuredShare  = 0.4
	peopleMeasured = 240
)

// purchase is one way to buy or not to buy after a campaign, and whether it is
// a conversion when the campaign is measured after three and after thirty days.
type purchase struct {
	name         string
	three, month bool
	orders       func(i int, assigned time.Time) []*crm.Fact
}

var purchases = []purchase{
	{"nothing", false, false, func(int, time.Time) []*crm.Fact { return nil }},
	{"the next day", true, true, func(i int, at time.Time) []*crm.Fact { return bought(i, at.AddDate(0, 0, 1)) }},
	{"a microsecond after", true, true, func(i int, at time.Time) []*crm.Fact { return bought(i, at.Add(time.Microsecond)) }},
	{"at the instant of the assignment", false, false, func(i int, at time.Time) []*crm.Fact { return bought(i, at) }},
	{"before", false, false, func(i int, at time.Time) []*crm.Fact { return bought(i, at.AddDate(0, 0, -1)) }},
	{"on the fifth day", false, true, func(i int, at time.Time) []*crm.Fact { return bought(i, at.AddDate(0, 0, 5)) }},
	{"at the end of the window", false, true, func(i int, at time.Time) []*crm.Fact { return bought(i, at.Add(measuredWindow)) }},
	{"a microsecond too late", false, false, func(i int, at time.Time) []*crm.Fact {
		return bought(i, at.Add(measuredWindow+time.Microsecond))
	}},
	{"a cancelled order", false, false, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		f[0].Data.(*crm.Order).Status = crm.OrderCancelled
		return f
	}},
	{"a return of what was bought before", false, false, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		o := f[0].Data.(*crm.Order)
		o.Returns, o.Total.Amount = crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: fmt.Sprint("o", i)}, -10000
		return f
	}},
	{"brought back, by its status", false, false, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		f[0].Data.(*crm.Order).Status = crm.OrderReturned
		return f
	}},
	{"brought back in two returns", false, false, func(i int, at time.Time) []*crm.Fact {
		return broughtBack(i, at.AddDate(0, 0, 1), 4000, 6000)
	}},
	{"brought back in part", true, true, func(i int, at time.Time) []*crm.Fact {
		return broughtBack(i, at.AddDate(0, 0, 1), 4000, 5999)
	}},
	{"in a currency without a rate", true, true, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		f[0].Data.(*crm.Order).Total.Currency = "JPY"
		return f
	}},
	{"for nothing", false, false, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		f[0].Data.(*crm.Order).Total.Amount = 0
		return f
	}},
	{"twice", true, true, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		more := nighttest.Order(i, fmt.Sprint("second", i), at.AddDate(0, 0, 2))
		return append(f, more)
	}},
	{"known to another source", true, true, func(i int, at time.Time) []*crm.Fact {
		f := bought(i, at.AddDate(0, 0, 1))
		f[0].Subject = crm.OfProfile(otherRecord(i))
		return f
	}},
}

func bought(i int, at time.Time) []*crm.Fact {
	return []*crm.Fact{nighttest.Order(i, fmt.Sprint("after", i), at)}
}

// broughtBack is a purchase of 100.00 and returns of it.
func broughtBack(i int, at time.Time, amounts ...int64) []*crm.Fact {
	out := bought(i, at)
	out[0].Data.(*crm.Order).Total.Amount = 10000
	for n, amount := range amounts {
		f := nighttest.Order(i, fmt.Sprint("back", i, "/", n), at.Add(time.Hour))
		o := f.Data.(*crm.Order)
		o.Returns, o.Total.Amount = out[0].Key, -amount
		out = append(out, f)
	}
	return out
}

func otherRecord(i int) crm.ProfileKey { return crm.ProfileKey{Source: "web", ID: fmt.Sprint(i)} }

// visits are ways to look at a link, and whether a person followed it.
var visits = []struct {
	clicked  bool
	verdicts []crm.Verdict
}{
	{false, nil},
	{true, []crm.Verdict{crm.Human}},
	{false, []crm.Verdict{crm.Machine}},
	{false, []crm.Verdict{crm.Suspected}},
	{true, []crm.Verdict{crm.Machine, crm.Human, crm.Human}},
	{false, []crm.Verdict{crm.Machine, crm.Suspected, crm.Machine}},
	{false, nil},
}

// fate is what happens to a message on its way.
type fate int

const (
	arrives         fate = iota
	refusedBefore        // no consent when the campaign was planned: of neither arm
	refusedMeantime      // withdrawn before it was sent: it stays in its arm
	rejected             // by the provider: it stays in its arm
)

func fateOf(i int) fate {
	switch i % 12 {
	case 3:
		return refusedBefore
	case 5:
		return refusedMeantime
	case 7:
		return rejected
	}
	return arrives
}

// TestResultsOfACampaign gives everybody in a campaign a fate, clicks and
// purchases, and adds the figures up by hand: each case is counted once, by
// what was done to the record and not by what the engine read from it. Case F.
func TestResultsOfACampaign(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-2 * time.Hour))
	sender := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		for i := range peopleMeasured {
			if m.To == nighttest.Phone(i) && fateOf(i) == rejected {
				return crm.Receipt{Status: crm.Declined, Reason: "no such number"}
			}
		}
		return crm.Receipt{Status: crm.Accepted}
	})
	w := &waiting{t: t, store: store}
	w.Retailer = nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Sender, c.Rules, c.Surveys, c.TrainAt = sender, nil, nil, -1
		s := &c.Campaigns[0]
		s.Holdout, s.Window, s.Unmeasured, s.Start = measuredShare, measuredWindow, "", nighttest.Start.Add(time.Hour)
	})
	svc := w.Engine.Service()
	b := nighttest.People(peopleMeasured)
	for i := range peopleMeasured {
		if fateOf(i) == refusedBefore {
			b.Facts[2*i].Data.(*crm.Consent).Status = crm.Refused
		}
		p := b.Profiles[i].Clone()
		p.ProfileKey, p.Contacts, p.Since = otherRecord(i), nil, nighttest.Start.Add(-time.Minute)
		b.Profiles = append(b.Profiles, p)
	}
	w.take(b)
	for i := range peopleMeasured {
		_, err := svc.Merge(t.Context(), "desk", crm.Evidence{}, nighttest.Key(i), otherRecord(i))
		require.NoError(t, err)
	}
	clock.Set(nighttest.Start)
	_, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	clock.Set(nighttest.Start.Add(10 * time.Minute))
	for i := range peopleMeasured {
		if fateOf(i) == refusedMeantime {
			w.record(nighttest.Consent(i, fmt.Sprint("no", i), crm.Refused, clock.Now()))
		}
	}
	clock.Set(nighttest.Start.Add(2 * time.Hour))
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)

	// Who is in which arm is drawn; everything else is given here.
	var want [2]experiment.Counts // after three days, and after thirty
	clicks := map[crm.Verdict]int{}
	effects := w.messages()
	first := nighttest.Start.AddDate(1, 0, 0)
	nth := [2]int{}
	var facts []*crm.Fact
	for i := range peopleMeasured {
		f := effects["campaign/spring "+fmt.Sprint(i)]
		require.NotNil(t, f, i)
		if f.Created.Before(first) {
			first = f.Created
		}
		if fateOf(i) == refusedBefore {
			require.Equal(t, crm.Withheld, f.State)
			facts = append(facts, bought(i, f.Created.AddDate(0, 0, 1))...) // in no figure
			continue
		}
		arm := 0
		if f.State == crm.HeldOut {
			arm = 1
		}
		how, visit := purchases[nth[arm]%len(purchases)], visits[nth[arm]%len(visits)]
		nth[arm]++
		facts = append(facts, how.orders(i, f.Created)...)
		for n, v := range visit.verdicts {
			if arm == 1 || fateOf(i) != arrives {
				break
			}
			clicks[v]++
			facts = append(facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindClick, Source: "link", ID: fmt.Sprintf("%s/%d", f.ID, n)}, Subject: crm.OfProfile(nighttest.Key(i)),
				At: nighttest.Start.Add(3 * time.Hour), Version: 1, Data: &crm.Click{Effect: f.ID, Verdict: v, Method: "GET"}})
		}
		for k, converted := range [2]bool{how.three, how.month} {
			n := &want[k]
			one := int64(0)
			if converted {
				one = 1
			}
			if arm == 1 {
				n.HeldOut++
				n.HeldOutConverted += one
				continue
			}
			n.Assigned++
			n.Converted += one
			if fateOf(i) == arrives {
				n.Delivered++
				if visit.clicked {
					n.Clicked++
					n.ClickedConverted += one
				}
			}
		}
	}
	w.take(crm.Batch{Facts: facts})
	require.Greater(t, nth[0], len(purchases)*len(visits)-1, "every purchase was met with every click")
	require.Greater(t, nth[1], 3*len(purchases))

	for k, days := range []int{3, 30} {
		clock.Set(nighttest.Start.AddDate(0, 0, days))
		res, err := w.Engine.Results(t.Context())
		require.NoError(t, err)
		require.Len(t, res.Campaigns, 1)
		c := res.Campaigns[0]
		require.Equal(t, want[k], c.Report.Counts, "after %d days", days)
		report, err := experiment.Evaluate(want[k], measuredShare, 0.95)
		require.NoError(t, err)
		require.Equal(t, report, c.Report, "by the share that was held out")
		require.Equal(t, "spring", c.Name)
		require.Equal(t, first, c.Started)
		require.Equal(t, first.Add(measuredWindow), c.Until)
		require.Equal(t, []vefa.Count{{Name: messaging.GuardConsent, N: peopleMeasured / 12}}, c.Withheld)
		late := 0
		for i := range peopleMeasured {
			if fateOf(i) == refusedMeantime && effects["campaign/spring "+fmt.Sprint(i)].State == crm.Withheld {
				late++
			}
		}
		require.Positive(t, late)
		require.Equal(t, []vefa.Count{{Name: messaging.GuardConsent, N: peopleMeasured/12 + late}}, res.Withheld)
		require.Equal(t, clicks, res.Clicks)
		require.Equal(t, peopleMeasured, res.Customers)
		require.Equal(t, 2*peopleMeasured, res.Profiles)
		require.Equal(t, peopleMeasured, res.Merges)
		states := res.Effects[string(crm.EffectMessage)]
		require.Equal(t, int(want[k].HeldOut), states[string(crm.HeldOut)])
		require.Equal(t, int(want[k].Delivered), states[string(crm.Done)])
		require.Equal(t, peopleMeasured/12+late, states[string(crm.Withheld)])
		require.Equal(t, int(want[k].Assigned-want[k].Delivered)-late, states[string(crm.Failed)])
	}
}

// TestArmsAreOfPeople draws a campaign twice, and everybody has another number
// by the second time: who was held out stays held out, though the address
// never was. Case F.
func TestArmsAreOfPeople(t *testing.T) {
	const people = 80
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-time.Hour))
	w := &waiting{t: t, store: store}
	w.Retailer = nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		s := &c.Campaigns[0]
		s.On = append(s.On, nighttest.Start.AddDate(0, 0, 1).Format(time.DateOnly))
		s.Holdout, s.Window, s.Unmeasured = 0.5, measuredWindow, ""
	})
	b := nighttest.People(people)
	w.take(b)
	clock.Set(nighttest.Start)
	_, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	arms := func(number func(i int) crm.Address) (out [people]crm.EffectState) {
		for _, f := range effectsOf(t, store, "campaign/spring") {
			for i := range people {
				if f.Subject == crm.OfAddress(number(i)) {
					out[i] = f.State
				}
			}
		}
		return out
	}
	later := func(i int) crm.Address { return nighttest.Phone(1000 + i) }
	before := arms(nighttest.Phone)
	held := 0
	for _, s := range before {
		if s == crm.HeldOut {
			held++
		}
	}
	require.InDelta(t, people/2, held, 20, "an even draw")
	clock.Set(nighttest.Start.Add(time.Hour))
	for i := range people {
		p := b.Profiles[i].Clone()
		p.At, p.Contacts = nighttest.Start.Add(time.Hour), []crm.Contact{{Address: later(i)}}
		w.take(crm.Batch{Profiles: []*crm.Profile{p}, Facts: []*crm.Fact{nighttest.Consent(1000+i, fmt.Sprint("new", i), crm.Granted, nighttest.Start)}})
	}
	clock.Set(nighttest.Start.AddDate(0, 0, 1))
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Less(t, res.Campaigns[0].Started.Sub(nighttest.Start), time.Hour, "it began on the first of its evenings")
	for i, s := range arms(later) {
		require.NotEmpty(t, s)
		require.Equal(t, before[i] == crm.HeldOut, s == crm.HeldOut, "person %d changed the arm with the number", i)
	}
}

// TestResultsOfSurveys adds up answers by place, by hand: how many, the score,
// and nothing of a place where so few answered that they could be named. Case F.
func TestResultsOfSurveys(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	placeDoc(t, store, "one", "")
	placeDoc(t, store, "two", "")
	placeDoc(t, store, "few", "")
	w := &waiting{t: t, store: store}
	w.Retailer = nighttest.New(t, store, clock, func(c *vefa.Config) { c.TrainAt = -1 })
	scores := map[string][]int{
		"one": {10, 10, 9, 8, 7, 6, 0, 10, 9, 9},        // 6 promoters, 2 detractors of 10: 40
		"two": {3, 3, 10, 7, 7, 8, 9, 6},                // 2 promoters, 3 detractors of 8: -12.5
		"few": {10, 0, 5},                               // hidden
		"":    {9, 9, 9, 9, 9, 9, 1, 10, 10, 10, 10, 0}, // nowhere: 10 and 2 of 12
	}
	n := 0
	for _, list := range scores {
		n += len(list)
	}
	w.take(nighttest.People(n))
	i, bad := 0, map[string]int{}
	for _, place := range []string{"one", "two", "few", ""} {
		for _, score := range scores[place] {
			a := &crm.Answer{Survey: "visit", Metric: "nps", Score: score, Bad: score <= 6}
			f := &crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "survey", ID: fmt.Sprint(i)}, Subject: crm.OfProfile(nighttest.Key(i)), At: nighttest.Start, Place: place, Version: 1, Data: a}
			w.record(f)
			if a.Bad {
				bad[place]++
				ref, err := w.Engine.Service().OpenTicket(t.Context(), nighttest.Key(i), "desk", fmt.Sprint(i), crm.Ticket{})
				require.NoError(t, err)
				switch i % 3 {
				case 1:
					require.NoError(t, w.Engine.Service().SetTicket(t.Context(), ref, crm.TicketPending, "desk", ""))
				case 2:
					require.NoError(t, w.Engine.Service().SetTicket(t.Context(), ref, crm.TicketSolved, "desk", ""))
				}
			}
			i++
		}
	}
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	promoters := map[string]int{"one": 6, "two": 2, "": 10}
	places := 0
	require.Len(t, res.Surveys, 1, "one survey, one total: Case B10")
	require.Equal(t, "visit", res.Surveys[0].Survey)
	require.Equal(t, int64(n), res.Surveys[0].N)
	require.InDelta(t, 100*float64(6+2+1+10-2-3-2-2)/float64(n), res.Surveys[0].Result.Value, 1e-9)
	for _, s := range res.Surveys[0].Places {
		places++
		if s.Place != "" {
			require.Equal(t, s.Place, s.Name)
		}
		// "two" is hidden beside "few", so that this cannot be worked out from the total.
		if s.Place == "few" || s.Place == "two" {
			require.True(t, s.Hidden)
			require.Zero(t, s.N)
			require.Zero(t, s.Result)
			continue
		}
		require.False(t, s.Hidden)
		require.Equal(t, int64(len(scores[s.Place])), s.N, "place %q", s.Place)
		require.InDelta(t, 100*float64(promoters[s.Place]-bad[s.Place])/float64(len(scores[s.Place])), s.Result.Value, 1e-9, "place %q", s.Place)
		require.Equal(t, survey.NPS, s.Result.Metric)
	}
	require.Equal(t, 4, places)
	tickets := map[crm.TicketState]int{}
	at := 0
	for _, place := range []string{"one", "two", "few", ""} {
		for _, score := range scores[place] {
			if score <= 6 {
				tickets[[]crm.TicketState{crm.TicketOpen, crm.TicketPending, crm.TicketSolved}[at%3]]++
			}
			at++
		}
	}
	require.Equal(t, tickets, res.Tickets)
}

// TestSurveysThatWereSent counts invitations that left, not those that wait or
// were withheld.
func TestSurveysThatWereSent(t *testing.T) {
	w := newTown(t) // four invitations were sent
	require.NoError(t, w.Engine.Service().Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "survey", ID: "1"}, Subject: crm.OfProfile(nighttest.Key(0)),
		At: nighttest.Start, Version: 1, Data: &crm.Answer{Survey: "visit", Metric: "nps", Score: 10}}))
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	b := nighttest.People(6)
	b.Facts[9].At, b.Facts[11].At = nighttest.Start.AddDate(0, 0, 2).Add(-time.Hour), nighttest.Start.AddDate(0, 0, 2).Add(-time.Hour)
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)}) // two more are planned for tomorrow
	require.NoError(t, err)
	planned := 0
	for _, f := range effectsOf(t, w.store, "rule/survey") {
		if f.State == crm.Planned {
			planned++
		}
	}
	require.Equal(t, 2, planned)
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, res.Surveys[0].Sent)
	require.Equal(t, int64(1), res.Surveys[0].N)
}

// TestRevenueOfACampaign counts by hand what both arms of a campaign bought: returns are
// taken off, what was bought before, later or in a currency without a rate is left out,
// and messages cost what they cost. Case B12.
func TestRevenueOfACampaign(t *testing.T) {
	const n = 60
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.TrainAt = nil, -1
		c.Campaigns[0].Holdout, c.Campaigns[0].Window, c.Campaigns[0].Unmeasured = 0.5, measuredWindow, ""
		c.Campaigns[0].Cost = crm.Money{Amount: 3, Currency: "EUR"}
		c.Rate = func(m crm.Money, _ time.Time) (crm.Money, bool) {
			return crm.Money{Amount: 40 * m.Amount, Currency: "TRY"}, m.Currency == "EUR"
		}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(n))})
	require.NoError(t, err)
	var facts []*crm.Fact
	var spent [2][]float64
	sent, unpriced := int64(0), 0
	for _, f := range effectsOf(t, store, "campaign/spring") {
		key, err := vefa.About(f)
		require.NoError(t, err)
		who, i := key.ID, 0
		_, err = fmt.Sscan(who, &i)
		require.NoError(t, err)
		at, arm, amount := f.Created.AddDate(0, 0, 1), 0, int64(0)
		if f.State == crm.HeldOut {
			arm = 1
		} else {
			sent++
		}
		order := func(id string, at time.Time, total crm.Money) *crm.Fact {
			o := nighttest.Order(i, who+id, at)
			o.Data.(*crm.Order).Total = total
			facts = append(facts, o)
			return o
		}
		try := func(a int64) crm.Money { return crm.Money{Amount: a, Currency: "TRY"} }
		switch i % 5 {
		case 0:
			order("a", at, try(int64(1000+i)))
			order("b", at.Add(time.Hour), try(50000))
			amount = int64(51000 + i)
		case 1: // half of it came back, later than the window
			o := order("a", at, try(20000))
			back := order("b", at.Add(2*measuredWindow), try(-10000))
			back.Data.(*crm.Order).Returns = o.Key
			amount = 10000
		case 2:
			order("before", f.Created.Add(-time.Hour), try(77700))
			order("late", f.Created.Add(measuredWindow+time.Second), try(88800))
		case 3:
			order("euro", at, crm.Money{Amount: 1000, Currency: "EUR"})
			amount = 40000
		case 4:
			if i%10 == 4 {
				order("yen", at, crm.Money{Amount: 99, Currency: "JPY"})
				unpriced++
				continue
			}
		}
		spent[arm] = append(spent[arm], float64(amount))
	}
	_, err = shop.Engine.Service().Import(t.Context(), crm.Batch{Facts: facts})
	require.NoError(t, err)
	clock.Set(nighttest.Start.Add(3 * measuredWindow))
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	got := res.Campaigns[0].Revenue
	total := func(list []float64) (sum float64) {
		for _, v := range list {
			sum += v
		}
		return sum
	}
	mean := func(list []float64) float64 { return total(list) / float64(len(list)) }
	money := func(v float64) crm.Money { return crm.Money{Amount: int64(math.Round(v)), Currency: "TRY"} }
	require.Equal(t, money(total(spent[0])), got.Total)
	require.Equal(t, money(mean(spent[0])), got.PerAddressed)
	require.Equal(t, money(mean(spent[1])), got.PerHeldOut)
	require.True(t, got.Measured)
	require.Equal(t, money(float64(len(spent[0]))*(mean(spent[0])-mean(spent[1]))), got.Extra)
	require.Less(t, got.Low.Amount, got.Extra.Amount)
	require.InDelta(t, got.Extra.Amount-got.Low.Amount, got.High.Amount-got.Extra.Amount, 1)
	require.Equal(t, money(float64(sent*3*40)), got.Cost)
	require.Equal(t, unpriced, got.Unpriced)
	require.Positive(t, unpriced)
}

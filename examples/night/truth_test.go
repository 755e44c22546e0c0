package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/examples/night/retailer"
	"github.com/vefacrm/vefa/examples/night/world"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/survey"
)

// judge is what the world itself knows of a run: what its sources delivered,
// what its gateway did with each message and how its people reacted. Nothing of
// it is read from the engine's figures or from the clicks, answers and orders
// that the record holds.
type judge struct {
	s       *simulation
	end     time.Time
	orders  map[crm.FactKey]*crm.Fact // the newest version that was delivered
	effects []*crm.Effect
	// homes say which records the linkage takes for one person: that is not
	// the world's to know, and other tests compare it with the truth.
	members map[crm.ProfileKey][]crm.ProfileKey
	bought  map[crm.ProfileKey][]*crm.Fact
	back    map[crm.FactKey]int64 // what came back of an order
	acts    map[crm.EffectID][]world.Act
	places  map[crm.FactKey]string
}

func newJudge(t *testing.T, s *simulation) *judge {
	t.Helper()
	j := &judge{s: s, end: s.clock.Now(), orders: map[crm.FactKey]*crm.Fact{}, members: map[crm.ProfileKey][]crm.ProfileKey{},
		bought: map[crm.ProfileKey][]*crm.Fact{}, back: map[crm.FactKey]int64{}, acts: map[crm.EffectID][]world.Act{}, places: map[crm.FactKey]string{}}
	hear := func(b crm.Batch) {
		for _, f := range b.Facts {
			if f.Key.Kind != crm.KindOrder && f.Key.Kind != crm.KindVisit {
				continue
			}
			if old := j.orders[f.Key]; old == nil || old.Version < f.Version {
				j.orders[f.Key] = f
			}
		}
	}
	for b := range s.world.History(t.Context()) {
		hear(b)
	}
	for day := range s.state.Day {
		hear(s.world.Day(day))
	}
	// Who was written to, and the draw of the arms, is the engine's doing.
	require.NoError(t, s.store.View(t.Context(), func(r crm.Reader) error {
		byCustomer := map[crm.CustomerID][]crm.ProfileKey{}
		for p, err := range crm.Profiles(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			byCustomer[p.Customer] = append(byCustomer[p.Customer], p.ProfileKey)
		}
		for _, list := range byCustomer {
			for _, k := range list {
				j.members[k] = list
			}
		}
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Kind == crm.EffectMessage {
				j.effects = append(j.effects, f)
			}
		}
		return nil
	}))
	for _, f := range j.effects {
		if !j.arrived(f) {
			continue
		}
		m := world.Sent{Effect: f.ID, To: f.To, Campaign: f.Cause, About: f.About, At: f.SentAt, Profile: j.about(t, f), Kind: retailer.KindOf(f)}
		for _, a := range s.world.Reactions(m) {
			if !a.At.After(f.SentAt) {
				a.At = f.SentAt.Add(time.Second)
			}
			if a.At.After(j.end) {
				continue
			}
			j.acts[f.ID] = append(j.acts[f.ID], a)
			if a.Kind == world.Buy {
				hear(*a.Batch)
			}
		}
	}
	for _, f := range j.orders {
		if o, ok := f.Data.(*crm.Order); ok && !o.Returns.IsZero() && o.Status != crm.OrderCancelled {
			j.back[o.Returns] -= o.Total.Amount
		}
		j.bought[f.Subject.Profile] = append(j.bought[f.Subject.Profile], f)
		j.places[f.Key] = f.Place
	}
	return j
}

func (j *judge) about(t *testing.T, f *crm.Effect) crm.ProfileKey {
	t.Helper()
	who, err := vefa.About(f)
	require.NoError(t, err)
	return who
}

// arrived reports whether the gateway was given a message and took it.
func (j *judge) arrived(f *crm.Effect) bool {
	got, given := j.s.gate.Taken(f.ID)
	status, delivered := j.s.world.Gateway(f.ID, f.To, f.SentAt)
	switch {
	case !given || status == world.Rejected, status == world.Unknown && delivered.IsZero():
		return false
	case status == world.Throttled: // taken when it came again
		return got == "accepted"
	}
	return true
}

// converted reports whether a person bought within the window after an assignment
// and kept some of it, by what the sources said.
func (j *judge) converted(who crm.ProfileKey, assigned time.Time, window time.Duration) bool {
	until := assigned.Add(window)
	if j.end.Before(until) {
		until = j.end
	}
	for _, k := range j.members[who] {
		for _, f := range j.bought[k] {
			o, ok := f.Data.(*crm.Order)
			if ok && o.Returns.IsZero() && o.Total.Amount > j.back[f.Key] && o.Status != crm.OrderCancelled && o.Status != crm.OrderReturned && f.At.After(assigned) && !f.At.After(until) {
				return true
			}
		}
	}
	return false
}

// clicks says what the world knows of one message's link: whether a person
// followed it, whether something else did, and whether a machine looked at it
// so soon beside every click that they cannot be told apart.
func (j *judge) clicks(f *crm.Effect) (person, machine, hidden bool) {
	var people, machines []world.Act
	for _, a := range j.acts[f.ID] {
		switch a.Kind {
		case world.Click:
			people = append(people, a)
		case world.Scan:
			machines = append(machines, a)
		}
	}
	hidden = len(people) > 0
	for _, p := range people {
		beside := false
		for _, m := range machines {
			beside = beside || m.At.Sub(p.At).Abs() <= companion
		}
		hidden = hidden && beside
	}
	return len(people) > 0, len(machines) > 0, hidden
}

// companion is how near to a machine's request the library doubts a click: a
// little more than the 15 s of link.Window.
const companion = 16 * time.Second

// TestResultsAreTheWorlds compares every figure of a campaign and of a survey
// with what the simulated world knows: who bought and when, whom the gateway
// reached, who is a person and who a scanner. Conversions, deliveries, answers
// and the arms are exact. Clickers are exact but for those that cannot be known,
// and how many these are is counted in the world, not assumed. Case F.
func TestResultsAreTheWorlds(t *testing.T) {
	const evenings = 56
	worlds := []struct {
		seed   uint64
		people int
	}{{1001, 1500}, {1, 500}, {2, 500}, {3, 500}, {31, 500}}
	if testing.Short() {
		worlds = worlds[:1]
	} else if raced { // .ci/run has all five without the detector
		worlds = worlds[1:2]
	}
	places := 0
	for _, x := range worlds {
		t.Run(fmt.Sprint("seed ", x.seed), func(t *testing.T) {
			seed, people := x.seed, x.people
			o, err := parse([]string{"-db", "memory", "-seed", fmt.Sprint(seed), "-customers", fmt.Sprint(people), "-evenings", fmt.Sprint(evenings)}, io.Discard)
			require.NoError(t, err)
			s, stop, err := newSimulation(deadline(t), o, memstore.New(), newDisplay(io.Discard, o.say))
			require.NoError(t, err)
			defer stop()
			require.NoError(t, s.run(deadline(t)))
			s.clock.Set(s.at(s.state.Day-1, eveningStep))
			res, err := s.eng.Results(t.Context())
			require.NoError(t, err)
			j := newJudge(t, s)
			book, err := retailer.Book(o.rules)
			require.NoError(t, err)
			cfg := retailer.Config(book, s.from, s.home)
			require.Len(t, res.Campaigns, len(cfg.Campaigns))
			for i, c := range cfg.Campaigns {
				j.campaign(t, c, res.Campaigns[i])
			}
			places += j.surveys(t, res)
			j.clickFigures(t, res)
		})
	}
	require.Positive(t, places, "no place had enough answers to be shown")
}

func (j *judge) campaign(t *testing.T, c vefa.Campaign, got vefa.CampaignResult) {
	t.Helper()
	var want experiment.Counts
	var hidden, hiddenConverted, likePeople int64
	withheld := 0
	var first time.Time
	for _, f := range j.effects {
		if f.Cause != c.Cause() {
			continue
		}
		if first.IsZero() || f.Created.Before(first) {
			first = f.Created
		}
		refused := false
		for _, r := range f.Reasons {
			refused = refused || !r.Pass
		}
		if f.State == crm.Withheld && f.Changed.Equal(f.Created) {
			require.True(t, refused)
			withheld++
			continue // it was refused before anybody was assigned
		}
		bought := j.converted(j.about(t, f), f.Created, c.Window)
		if f.State == crm.HeldOut {
			_, given := j.s.gate.Taken(f.ID)
			require.False(t, given, "a held-out person was written to")
			want.HeldOut++
			if bought {
				want.HeldOutConverted++
			}
			continue
		}
		want.Assigned++
		if bought {
			want.Converted++
		}
		if !j.arrived(f) {
			continue
		}
		want.Delivered++
		person, machine, together := j.clicks(f)
		switch {
		case person:
			want.Clicked++
			if bought {
				want.ClickedConverted++
			}
			if together {
				hidden++
				if bought {
					hiddenConverted++
				}
			}
		case machine && j.passes(f):
			likePeople++
		}
	}
	have := got.Report.Counts
	require.Greater(t, want.Assigned, int64(5), "%s: too few to say anything", c.Name)
	require.Positive(t, want.HeldOut)
	// What a scanner that behaves like a person adds, and what a scanner at the
	// same instant takes away, is all that may differ.
	require.LessOrEqual(t, have.Clicked, want.Clicked+likePeople, "%s: machines are no clickers", c.Name)
	require.GreaterOrEqual(t, have.Clicked, want.Clicked-hidden, "%s: people are", c.Name)
	require.GreaterOrEqual(t, have.ClickedConverted, want.ClickedConverted-hiddenConverted)
	require.LessOrEqual(t, have.ClickedConverted, want.ClickedConverted+likePeople)
	t.Logf("%s: %+v; the world: %+v, of its clickers %d hidden, %d machines like people, %d withheld", c.Name, have, want, hidden, likePeople, withheld)
	want.Clicked, want.ClickedConverted = have.Clicked, have.ClickedConverted
	require.Equal(t, want, have, c.Name)
	report, err := experiment.Evaluate(want, c.Holdout, 0.95)
	require.NoError(t, err)
	require.Equal(t, report, got.Report)
	sum := 0
	for _, n := range got.Withheld {
		sum += n.N
	}
	require.Equal(t, withheld, sum)
	require.Equal(t, first, got.Started)
	require.Equal(t, first.Add(c.Window), got.Until)
}

// passes reports whether a machine's request looks like a person's by
// everything that a request shows.
func (j *judge) passes(f *crm.Effect) bool {
	for _, a := range j.acts[f.ID] {
		if a.Kind != world.Scan || a.Method != http.MethodGet {
			continue
		}
		c := link.Click{ID: 1, RequestID: "x", At: a.At, Method: a.Method, Agent: a.Header.Get("User-Agent"), Language: a.Header.Get("Accept-Language") != "",
			Fetch: a.Header.Get("Sec-Fetch-Mode") != ""}
		if v, _ := link.Classify(c, link.Context{}); v == crm.Human {
			return true
		}
	}
	return false
}

// surveys compares the answers with the first answer that each invited person
// gave, place by place, and returns how many places it compared.
func (j *judge) surveys(t *testing.T, res vefa.Results) (shown int) {
	t.Helper()
	type tally struct{ n, promoters, detractors int64 }
	want, total, asked := map[string]map[string]*tally{}, map[string]*tally{}, map[string]int{}
	add := func(x *tally, score int) {
		x.n++
		switch {
		case score >= 9:
			x.promoters++
		case score <= 6:
			x.detractors++
		}
	}
	for _, f := range j.effects {
		name, err := vefa.MessageName(f)
		require.NoError(t, err)
		if retailer.KindOf(f) != "survey" {
			continue
		}
		name = name[len("survey/"):]
		if _, given := j.s.gate.Taken(f.ID); given && !f.SentAt.IsZero() {
			asked[name]++
		}
		for _, a := range j.acts[f.ID] {
			if a.Kind != world.Answer {
				continue
			}
			if want[name] == nil {
				want[name], total[name] = map[string]*tally{}, &tally{}
			}
			place := j.places[f.About]
			if want[name][place] == nil {
				want[name][place] = &tally{}
			}
			score := a.Answers["score"].(int)
			add(want[name][place], score)
			add(total[name], score)
			break
		}
	}
	nps := func(x *tally) float64 { return 100 * float64(x.promoters-x.detractors) / float64(x.n) }
	for _, v := range res.Surveys {
		x := total[v.Survey]
		require.NotNil(t, x, v.Survey)
		require.Equal(t, x.n, v.N, v.Survey)
		require.Equal(t, asked[v.Survey], v.Sent, v.Survey)
		require.Equal(t, survey.NPS, v.Result.Metric)
		require.InDelta(t, nps(x), v.Result.Value, 1e-9, v.Survey)
		for _, s := range v.Places {
			x := want[v.Survey][s.Place]
			require.NotNil(t, x, "nobody answered %s at %q", v.Survey, s.Place)
			if s.Hidden {
				continue
			}
			shown++
			require.Equal(t, x.n, s.N, "%s at %q", v.Survey, s.Place)
			require.InDelta(t, nps(x), s.Result.Value, 1e-9, "%s at %q", v.Survey, s.Place)
		}
	}
	require.Len(t, res.Surveys, len(total), "a survey that was answered has results")
	return shown
}

// clickFigures compares the verdicts of all clicks with who made them.
func (j *judge) clickFigures(t *testing.T, res vefa.Results) {
	t.Helper()
	people, machines, beside, alike := 0, 0, 0, 0
	for _, f := range j.effects {
		for _, a := range j.acts[f.ID] {
			switch a.Kind {
			case world.Click:
				people++
				for _, m := range j.acts[f.ID] {
					if m.Kind == world.Scan && m.At.Sub(a.At).Abs() <= companion {
						beside++
						break
					}
				}
			case world.Scan:
				machines++
			}
		}
		if j.passes(f) {
			alike++
		}
	}
	t.Logf("clicks: %d by people (%d beside a machine), %d by machines (%d like people); found %v", people, beside, machines, alike, res.Clicks)
	require.Positive(t, people)
	require.Greater(t, machines, people/4)
	require.Equal(t, people+machines, res.Clicks[crm.Human]+res.Clicks[crm.Suspected]+res.Clicks[crm.Machine], "each request is one click")
	require.LessOrEqual(t, res.Clicks[crm.Human], people+alike)
	require.GreaterOrEqual(t, res.Clicks[crm.Human], people-beside)
}

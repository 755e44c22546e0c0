package vefa_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// tiers are kept by the host, outside of the record, each since an instant.
type tiers struct {
	mu  sync.Mutex
	all []tier
	err error
}

type tier struct {
	id   string
	name any
	from time.Time
}

func (s *tiers) set(id string, name any, from time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, tier{id, name, from})
}

func (s *tiers) field() vefa.Field {
	return vefa.Field{Name: "Tier", Kind: rules.String, Fill: func(_ context.Context, _ crm.Reader, at time.Time, of []vefa.FieldSubject) ([]any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		out := make([]any, len(of))
		for i, x := range of {
			for _, t := range s.all {
				if t.id == x.Profiles[0].ID && !t.from.After(at) {
					out[i] = t.name
				}
			}
		}
		return out, s.err
	}}
}

const tierSegments = `
segment gold = leaf("Tier == 'gold'")
segment other = leaf("Tier != \"gold\"") and not segment(late)
segment unknown = leaf("Tier == nil")
segment late = leaf("any(Lines, .SKU == 'LENS' and .DaysAgo > 100)")
segment spring = segment(gold) or late-tag
`

// TestSegmentsReadFields: segments see built-in facts and the host's by their names, with
// null as rules have it, whether everybody is kept in memory or read page by page; so do
// campaigns, rules that ask for segments, guards, Why and Segments. Issue 9.6.
func TestSegmentsReadFields(t *testing.T) {
	for _, resident := range []int{0, -1} {
		store := memstore.New()
		host := &tiers{all: []tier{{id: "0", name: "gold"}, {id: "1", name: "silver"}, {id: "2", name: "gold"}}}
		w, clock := shop(t, store, `
rules:
  - {name: call, when: '"gold" in Segments', then: [{task: call}]}
  - {name: hello, when: '"gold" in Segments', guard: '"gold" in Segments', then: [{message: hello, after: 1d}], once: day}
  - {name: enter, on: {segment_entered: gold}, then: [{tag: entered}], when: 'true'}
  - {name: leave, on: {segment_left: gold}, then: [{tag: lost}], when: 'true'}
`, func(c *vefa.Config) {
			c.Fields, c.Segments, c.Resident = []vefa.Field{host.field()}, tierSegments, resident
			c.Tasks = map[string]vefa.TaskFunc{"call": func(context.Context, *crm.Service, *crm.Effect) error { return nil }}
			c.Campaigns = []vefa.Campaign{{Campaign: messaging.Campaign{Name: "spring", Text: "Spring", Unmeasured: "a test"}, Segment: "spring", On: []string{nighttest.Start.Format(time.DateOnly)}}}
		})
		b := nighttest.People(5)
		for _, f := range b.Facts {
			if o, is := f.Data.(*crm.Order); is && f.Key.ID == "o4" {
				o.Lines, f.At = []crm.OrderLine{{SKU: "LENS", Quantity: 1, Amount: o.Total}}, nighttest.Start.AddDate(0, 0, -120)
			}
		}
		rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.Equal(t, 2, rep.Campaigns.Planned)
		planned := func(cause string) (out []string) {
			for _, f := range effectsOf(t, store, cause) {
				out = append(out, f.Subject.Profile.ID)
			}
			slices.Sort(out)
			return out
		}
		require.Equal(t, []string{"0", "2"}, planned("rule/call"))
		require.Equal(t, []string{"0", "2"}, planned("rule/hello"))

		members := func(segment string) (out []string) {
			v, err := w.Engine.Segments(t.Context())
			require.NoError(t, err)
			got, err := v.Members(segment, clock.Now())
			require.NoError(t, err)
			for m := range got {
				out = append(out, m[len("pos/"):])
			}
			slices.Sort(out)
			return out
		}
		require.Equal(t, []string{"0", "2"}, members("gold"))
		require.Equal(t, []string{"1"}, members("other")) // a comparison with null does not hold
		require.Equal(t, []string{"3", "4"}, members("unknown"))
		require.Equal(t, []string{"4"}, members("late"))

		c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(1))
		require.NoError(t, err)
		why, err := w.Engine.Why(t.Context(), c.ID, "campaign/spring", vefa.WhyQuery{})
		require.NoError(t, err)
		require.Contains(t, why.Text, "Tier == 'gold'")
		require.Contains(t, why.Text, "silver")
		why, err = w.Engine.Why(t.Context(), c.ID, "rule/call", vefa.WhyQuery{})
		require.NoError(t, err)
		require.Contains(t, why.Text, "gold")

		// What the host changes without a word is seen, at the latest at the moment of sending.
		host.set("0", nil, clock.Now())
		host.set("3", "gold", clock.Now())
		require.Equal(t, []string{"2", "3"}, members("gold"))
		clock.Advance(24*time.Hour + time.Minute)
		_, err = w.Engine.Deliver(t.Context())
		require.NoError(t, err)
		states := map[string]crm.EffectState{}
		for _, f := range effectsOf(t, store, "rule/hello") {
			states[f.Subject.Profile.ID] = f.State
		}
		require.Equal(t, map[string]crm.EffectState{"0": crm.Withheld, "2": crm.Done}, states)
		_, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Equal(t, []string{"3"}, planned("rule/enter"))
		require.Equal(t, []string{"0"}, planned("rule/leave"))
		require.Equal(t, []string{"0", "2", "3"}, planned("rule/call"))

		// An order that comes changes a segment, too, and so does a clock that goes on.
		clock.Advance(time.Hour)
		late := nighttest.Order(1, "lens", clock.Now().AddDate(0, 0, -100))
		late.Data.(*crm.Order).Lines = []crm.OrderLine{{SKU: "LENS", Quantity: 1}}
		_, err = w.Engine.Service().Import(t.Context(), crm.Batch{Facts: []*crm.Fact{late}})
		require.NoError(t, err)
		require.Equal(t, []string{"4"}, members("late"))
		_, err = w.Engine.Service().Import(t.Context(), crm.Batch{Profiles: nighttest.People(6).Profiles[5:]})
		require.NoError(t, err)
		require.Equal(t, []string{"0", "4", "5"}, members("unknown")) // at the same instant
		clock.Advance(24 * time.Hour)
		require.Equal(t, []string{"1", "4"}, members("late"))

		host.err = errors.New("the shop is down")
		clock.Advance(time.Minute)
		_, err = w.Engine.Segments(t.Context())
		require.ErrorContains(t, err, "field Tier: the shop is down")
		_, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.ErrorContains(t, err, "the shop is down")
		host.err = nil
		require.Equal(t, []string{"2", "3"}, members("gold"))
	}
}

// TestSegmentsReadWhatRulesDoNot: what only segments read is there for them, whatever rules
// read, and no rule need ask for a segment.
func TestSegmentsReadWhatRulesDoNot(t *testing.T) {
	for _, resident := range []int{0, -1} {
		for _, text := range []string{`{on: {segment_entered: unhappy}, when: 'true'}`, `{when: '"unhappy" in Segments', guard: '"unhappy" in Segments'}`} {
			store := memstore.New()
			w, clock := shop(t, store, `rules: [{name: call, then: [{message: hello}], `+text[1:]+`]`, func(c *vefa.Config) {
				c.Segments, c.Resident = "segment unhappy = leaf(\"LastScore <= 6 and any(Lines, .SKU == 'LENS')\")", resident
				c.Campaigns = []vefa.Campaign{{Campaign: messaging.Campaign{Name: "sorry", Text: "Sorry", Unmeasured: "a test"}, Segment: "unhappy", On: []string{"2025-03-04"}}}
			})
			b := nighttest.People(3)
			for _, f := range b.Facts {
				if o, is := f.Data.(*crm.Order); is {
					o.Lines = []crm.OrderLine{{SKU: "LENS", Quantity: 1, Amount: o.Total}}
				}
			}
			_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			clock.Advance(time.Hour)
			_, err = w.Engine.Service().Import(t.Context(), crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "desk", ID: "a"},
				Subject: crm.OfProfile(nighttest.Key(1)), At: clock.Now(), Version: 1, Data: &crm.Answer{Survey: "visit", Metric: "nps", Score: 3}}}})
			require.NoError(t, err)
			clock.Advance(23 * time.Hour)
			rep, err := w.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Equal(t, 1, rep.Campaigns.Planned, "%d %s", resident, text)
			got := effectsOf(t, store, "rule/call")
			require.Len(t, got, 1, "%d %s", resident, text)
			require.Equal(t, "1", got[0].Subject.Profile.ID)
			require.Equal(t, crm.Done, got[0].State, "%v", got[0].Reasons)
		}
	}
}

// TestSegmentsOfTheSameEvening: a campaign draws from what is so after the evening's rules,
// also where they asked for segments before, and where nothing else does.
func TestSegmentsOfTheSameEvening(t *testing.T) {
	for text, want := range map[string]int{
		`{name: vip, when: 'Orders == 1 and "vips" not in Segments', then: [{tag: vip}]}`: 3,
		`{name: vip, when: 'Orders == 1', then: [{tag: vip}]}`:                            3,
		`{name: vip, when: 'Orders == 2', then: [{tag: vip}]}`:                            0,
	} {
		for _, resident := range []int{0, -1} {
			w, _ := shop(t, memstore.New(), "rules: ["+text+"]", func(c *vefa.Config) {
				c.Segments, c.Resident = `segment vips = leaf("'vip' in Tags")`, resident
				c.Campaigns = []vefa.Campaign{{Campaign: messaging.Campaign{Name: "vips", Text: "Hello", Unmeasured: "a test"}, Segment: "vips", On: []string{"2025-03-03"}}}
			})
			rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
			require.NoError(t, err)
			require.Equal(t, want, rep.Campaigns.Planned, "%d %s", resident, text)
		}
	}
}

// TestSharedEveningsWithConditions: engines that share an evening say the same of segments
// that read fields as one does.
func TestSharedEveningsWithConditions(t *testing.T) {
	book, err := rules.ReadYAML("rules.yaml", []byte(`
rules:
  - {name: odd, when: '"odd" in Segments and "few" in Segments', then: [{tag: odd}]}
`))
	require.NoError(t, err)
	for _, resident := range []int{-1, 0} {
		var last crm.Store
		s := nighttest.Sharing{Open: func(t *testing.T) (crm.Store, func() crm.Store) { last = memstore.New(); return last, nil }, People: 120, Wait: 5 * time.Millisecond, Resident: resident, Engines: 1, Change: func(_ int, c *vefa.Config) {
			c.Rules = append(c.Rules, book)
			c.Segments += "\nsegment odd = leaf(\"Points == 1\") and not tag(none)\nsegment few = leaf(\"Orders <= 3\")"
		}}
		want := bubble(t, s)
		s.Engines = 3
		bubble(t, s).Same(t, want)
		require.NotEmpty(t, effectsOf(t, last, "rule/odd"))
	}
}

// TestBadSegmentConditions: a condition is refused when the configuration is read, with the
// leaf and the column.
func TestBadSegmentConditions(t *testing.T) {
	nothing := values(func(vefa.FieldSubject) any { return nil })
	fields := []vefa.Field{{Name: "Tier", Kind: rules.String, Fill: nothing}, {Name: "Got", Kind: rules.Int, Reads: []string{"Sent"}, Fill: nothing}}
	for text, want := range map[string]string{
		`leaf("Tirr == 'gold'")`:           `leaf "Tirr == 'gold'": column 1: unknown name Tirr (did you mean Tier?)`,
		`leaf("Tier")`:                     `leaf "Tier": column 1: `,
		`SMSConsent`:                       `"s" asks for the tag "SMSConsent", which is the name of a field`,
		`vip and not Tier`:                 `such as leaf("Tier") for one`,
		`leaf("Tier == ")`:                 `leaf "Tier == ": column `,
		`leaf("'vip' in Segments")`:        "Segments is for rules and cannot be read by a segment",
		`leaf("len(Sent) > 1")`:            "Sent is for rules and cannot be read by a segment",
		`leaf("Got > 1")`:                  "Got reads Sent, which is for rules",
		`leaf("Tier == 'a' and row.N==1")`: `leaf "Tier == 'a' and row.N==1": column 17: `,
	} {
		_, err := vefa.New(vefa.Config{Fields: fields, Segments: "segment s = " + text})
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "vefa: segments: ")
		require.ErrorContains(t, err, "Config.Store") // and all else
	}
}

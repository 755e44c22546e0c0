package messaging_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/messaging/sms"
)

func spring() *messaging.Campaign {
	return &messaging.Campaign{
		Name: "spring", From: "VEFA", Locale: "tr",
		Text:   "Sayın {name}, {amount} indiriminiz {until} tarihine kadar: {link} RET 4609",
		Fields: []messaging.Field{{Name: "name", Max: 12, Fallback: "müşterimiz"}, {Name: "amount", Type: messaging.MoneyField}, {Name: "until", Type: messaging.DateField}, {Name: "link", Type: messaging.LinkField, Max: 27}},
		URL:    "https://shop.example.com/spring", Route: sms.Domestic(), MaxSegments: 2,
		Consent: vefa, Exclude: []string{"red"}, Caps: []messaging.Cap{{Max: 2, Per: 7 * 24 * time.Hour}}, Quiet: messaging.EveningQuiet(),
		Holdout: 0.1, Window: 14 * 24 * time.Hour,
	}
}

func TestTemplate(t *testing.T) {
	script, err := spring().Script()
	require.NoError(t, err)
	render := func(v messaging.Values) (string, error) {
		m, err := script.Render(crm.Phone, v)
		return m.Text, err
	}
	values := messaging.Values{"name": "Ayşe", "amount": crm.Money{Amount: 123450, Currency: "TRY"}, "until": noon, "link": "https://s.tc/0123456789abcd"}
	got, err := render(values)
	require.NoError(t, err)
	assert.Equal(t, "Sayın Ayşe, 1.234,50 TL indiriminiz 03.03.2025 tarihine kadar: https://s.tc/0123456789abcd RET 4609", got)

	values["name"] = " {link}\u202e\r\nX: y and more "
	got, err = render(values)
	require.NoError(t, err)
	assert.Contains(t, got, "Sayın {link} X: y, ", "a value is text, on one line, of at most 12 characters")
	values["name"] = "A\u200by\ufeffşe\u00ad"
	got, err = render(values)
	require.NoError(t, err)
	assert.Contains(t, got, "Sayın Ayşe, ", "what cannot be seen goes")
	for _, hidden := range []string{"\u200b", " \u2060\ufeff ", "\u200d", "\u3164", "\u0301", "\U000e0041"} {
		values["name"] = hidden
		got, err = render(values)
		require.NoError(t, err)
		assert.Contains(t, got, "Sayın müşterimiz,", "%q", hidden)
	}
	values["name"] = ""
	got, err = render(values)
	require.NoError(t, err)
	assert.Contains(t, got, "Sayın müşterimiz,")
	for name, bad := range map[string]any{"amount": "5", "until": 5, "link": "https://s.tc/a b", "name": 1.5} {
		v := messaging.Values{"name": "A", "amount": crm.Money{Amount: -5, Currency: "EUR"}, "until": noon, "link": "https://s.tc/a"}
		_, err := render(v)
		require.NoError(t, err)
		v[name] = bad
		_, err = render(v)
		assert.ErrorIs(t, err, messaging.ErrTemplate, name)
		assert.ErrorContains(t, err, name)
		delete(v, name)
		_, err = render(v)
		assert.Equal(t, name != "name", err != nil, "only the name has a fallback")
	}
	values["link"] = "https://s.tc/" + strings.Repeat("a", 40)
	_, err = render(values)
	assert.ErrorIs(t, err, messaging.ErrTemplate, "a link is never cut")

	for amount, want := range map[crm.Money][2]string{ // Case C11
		{Amount: 1234, Currency: "JPY"}: {"1,234 JPY", "1.234 JPY"}, {Amount: -5, Currency: "KWD"}: {"-0.005 KWD", "-0,005 KWD"},
		{Amount: 123456789, Currency: "TRY"}: {"1,234,567.89 TRY", "1.234.567,89 TL"}, {Amount: 7, Currency: "USD"}: {"0.07 USD", "0,07 USD"},
	} {
		for i, locale := range []string{"en", "tr"} {
			money, err := messaging.ParseTemplate("{m}", locale, messaging.Field{Name: "m", Type: messaging.MoneyField})
			require.NoError(t, err)
			got, err := money.Render(messaging.Values{"m": amount})
			require.NoError(t, err)
			require.Equal(t, want[i], got)
		}
	}
	tpl, err := messaging.ParseTemplate("{{{n}}} {m}", "en", messaging.Field{Name: "n", Type: messaging.NumberField}, messaging.Field{Name: "m", Type: messaging.MoneyField})
	require.NoError(t, err)
	got, err = tpl.Render(messaging.Values{"n": int64(7), "m": crm.Money{Amount: -123456789, Currency: "USD"}})
	require.NoError(t, err)
	assert.Equal(t, "{7} -1,234,567.89 USD", got)
}

func TestTemplateFaults(t *testing.T) {
	for text, want := range map[string]string{
		"{a": "not closed", "a}": "closing brace", "{b}": `"b" is not declared`, "x": `"a" is declared but not used`, "{a}\x00": "control character", "\xff": "not UTF-8",
		"{a}{": "not closed", "{a{b}}": "not closed", strings.Repeat("x", 5000): "at most 4096",
	} {
		_, err := messaging.ParseTemplate(text, "", messaging.Field{Name: "a"})
		require.ErrorIs(t, err, messaging.ErrTemplate, text)
		assert.ErrorContains(t, err, want, text)
	}
	_, err := messaging.ParseTemplate("{a}{c", "", messaging.Field{Name: "a"}, messaging.Field{Name: "a"}, messaging.Field{Name: "b", Type: "x", Max: -1})
	for _, want := range []string{"twice", "unknown type", "maximum", "not used", "not closed"} {
		assert.ErrorContains(t, err, want, "every fault is reported")
	}
	_, err = messaging.ParseTemplate("a\x00\x01\t\rb\x7f{c", "") // of a run of control characters one fault
	assert.Len(t, strings.Split(err.Error(), "\n"), 3)
	assert.ErrorContains(t, err, "4 control characters or line feeds, the first of them 0x00 at byte 1")
	assert.ErrorContains(t, err, "control character 0x7f at byte 6")
	var te *messaging.TemplateError
	_, err = messaging.ParseTemplate("şu {b}", "")
	require.ErrorAs(t, err, &te)
	assert.Equal(t, 4, te.Offset)
}

func FuzzTemplate(f *testing.F) {
	f.Add("Sayın {a}", "Ayşe")
	f.Add("{{}}{a}", "{a}")
	f.Add("{", "\x00")
	f.Fuzz(func(t *testing.T, text, value string) {
		tpl, err := messaging.ParseTemplate(text, "", messaging.Field{Name: "a", Max: 10})
		if err != nil {
			if !errors.Is(err, messaging.ErrTemplate) {
				t.Fatal(err)
			}
			return
		}
		got, err := tpl.Render(messaging.Values{"a": value})
		if err != nil && !errors.Is(err, messaging.ErrTemplate) {
			t.Fatal(err)
		}
		if len(got) > len(text)+40*strings.Count(text, "{a}") {
			t.Fatalf("%q grew to %q", text, got)
		}
	})
}

func TestWorstCase(t *testing.T) {
	script, err := spring().Script()
	require.NoError(t, err)
	size, err := script.Worst(crm.Phone)
	require.NoError(t, err)
	assert.Equal(t, 1, size.Units)
	assert.Equal(t, "segment", size.Unit)
	assert.Contains(t, size.Note, "locking")
	c := spring()
	c.Text += strings.Repeat(" ve daha çok", 20)
	c.MaxSegments = 1
	assert.ErrorIs(t, c.Validate(), sms.ErrTooLong)
	assert.ErrorIs(t, c.Validate(), messaging.ErrSize)
}

func TestCampaignValidate(t *testing.T) {
	require.NoError(t, spring().Validate())
	for want, change := range map[string]func(*messaging.Campaign){
		"name":         func(c *messaging.Campaign) { c.Name = "a b" },
		"class":        func(c *messaging.Campaign) { c.Class = "spam" },
		"text":         func(c *messaging.Campaign) { c.Text = " " },
		"not declared": func(c *messaging.Campaign) { c.Fields = c.Fields[1:] },
		"url":          func(c *messaging.Campaign) { c.URL = "http://shop.example.com" },
		"caps[0]":      func(c *messaging.Campaign) { c.Caps = []messaging.Cap{{Max: 1}} },
		"quiet":        func(c *messaging.Campaign) { c.Quiet.From = "83:20" },
		"end":          func(c *messaging.Campaign) { c.Start, c.End = noon, noon },
		"from 0 to":    func(c *messaging.Campaign) { c.Holdout = 0.6 },
		"window":       func(c *messaging.Campaign) { c.Window = -1 },
		"unmeasured":   func(c *messaging.Campaign) { c.Holdout = 0 },
		"why":          func(c *messaging.Campaign) { c.Window = 0 },
	} {
		c := spring()
		change(c)
		assert.ErrorContains(t, c.Validate(), want)
	}
	c := spring()
	c.Holdout, c.Unmeasured = 0, "three hundred people"
	require.NoError(t, c.Validate())
	c.Unmeasured, c.Class = "", consent.Transactional
	require.NoError(t, c.Validate(), "nobody measures an order confirmation")
	raw, err := json.Marshal(spring())
	require.NoError(t, err)
	var back messaging.Campaign
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.Equal(t, spring(), &back)
	size, enough, err := spring().Power(50000, 0.02, 0.1)
	require.NoError(t, err)
	assert.False(t, enough, "50,000 people cannot show a tenth on 2 %%")
	assert.EqualValues(t, 447985, size.Total)
}

func assigner(t testing.TB) *experiment.Assigner {
	t.Helper()
	a, err := experiment.NewAssigner([]byte("a salt of enough bytes"))
	require.NoError(t, err)
	return a
}

func audience(n int) iter.Seq2[messaging.Recipient, error] {
	return func(yield func(messaging.Recipient, error) bool) {
		for i := range n {
			s := &crm.AddressState{Address: phone(i)}
			if i%10 != 0 {
				s.Consents = []crm.ConsentState{{ConsentKey: vefa, Status: crm.Granted, At: noon.AddDate(-1, 0, 0)}}
			}
			if !yield(messaging.Recipient{Candidate: messaging.Candidate{Address: s}, Data: json.RawMessage(`{"n":1}`)}, nil) {
				return
			}
		}
	}
}

func collect(t testing.TB, c *messaging.Campaign, at time.Time, n int) []*crm.Effect {
	t.Helper()
	var out []*crm.Effect
	for e, err := range c.Plan(t.Context(), at, crmtest.IDs(), assigner(t), audience(n)) {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func TestPlan(t *testing.T) {
	c := spring()
	effects := collect(t, c, noon, 5000)
	counts := map[crm.EffectState]int{}
	for i, e := range effects {
		require.NoError(t, e.Validate())
		assert.Equal(t, phone(i), e.Subject.Address)
		assert.Equal(t, "campaign/spring", e.Cause)
		assert.Len(t, e.Reasons, len(guards))
		counts[e.State]++
		assert.Equal(t, i%10 == 0, e.State == crm.Withheld)
	}
	assert.Equal(t, 500, counts[crm.Withheld])
	report, err := experiment.Evaluate(experiment.Counts{Assigned: int64(counts[crm.Planned]), HeldOut: int64(counts[crm.HeldOut])}, 0.1, 0)
	require.NoError(t, err)
	assert.Greater(t, report.SRM, 0.001)

	grown := collect(t, c, noon.AddDate(0, 0, 1), 6000)
	for i, e := range effects {
		assert.Equal(t, e.ID, grown[i].ID)
		assert.Equal(t, e.State, grown[i].State, "a grown audience moves nobody")
	}

	night := collect(t, c, time.Date(2025, 3, 3, 22, 0, 0, 0, time.UTC), 100)
	for _, e := range night {
		if e.State == crm.Planned {
			assert.Equal(t, 4, e.Due.Day())
			assert.Equal(t, 9, e.Due.Hour())
		}
	}

	c.Start = noon.AddDate(0, 0, 2)
	c.End = c.Start.Add(time.Hour)
	for _, e := range collect(t, c, noon, 20) {
		assert.Equal(t, c.Start, e.Due)
	}
	for _, e := range collect(t, c, noon.AddDate(0, 0, 3), 20) {
		assert.NotEqual(t, crm.Planned, e.State, "the campaign is over")
	}
}

func TestPlanFaults(t *testing.T) {
	first := func(ctx context.Context, c *messaging.Campaign, a *experiment.Assigner, seq iter.Seq2[messaging.Recipient, error]) error {
		for _, err := range c.Plan(ctx, noon, crmtest.IDs(), a, seq) {
			return err
		}
		return nil
	}
	c := spring()
	c.Name = ""
	require.ErrorIs(t, first(t.Context(), c, assigner(t), audience(1)), messaging.ErrCampaign)
	require.ErrorIs(t, first(t.Context(), spring(), nil, audience(1)), messaging.ErrCampaign)
	broken := errors.New("database is away")
	require.ErrorIs(t, first(t.Context(), spring(), assigner(t), func(yield func(messaging.Recipient, error) bool) { yield(messaging.Recipient{}, broken) }), broken)
	require.ErrorIs(t, first(t.Context(), spring(), assigner(t), func(yield func(messaging.Recipient, error) bool) { yield(messaging.Recipient{}, nil) }), messaging.ErrCampaign, "no subject and no address")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, first(ended, spring(), assigner(t), audience(1)), context.Canceled)
}

func TestAgain(t *testing.T) {
	c := spring()
	in := messaging.Candidate{Address: &crm.AddressState{Address: phone(1), Consents: []crm.ConsentState{{ConsentKey: vefa, Status: crm.Granted, At: noon}}}, Holdout: true}
	assert.Equal(t, messaging.Send, c.Again(in, noon).Outcome, "arms are not drawn again")
	c.End = noon.Add(time.Hour)
	assert.Equal(t, messaging.GuardEnded, c.Again(in, noon.Add(time.Hour)).Guard)
	v := c.Again(in, noon.Add(time.Hour))
	assert.Equal(t, messaging.Withhold, v.Outcome)
	assert.Len(t, v.Reasons, len(guards)+1)
	c.End = time.Date(2025, 3, 4, 8, 0, 0, 0, time.UTC)
	assert.Equal(t, messaging.GuardEnded, c.Again(in, time.Date(2025, 3, 3, 23, 0, 0, 0, time.UTC)).Guard, "it would open only after the end")
	in.Address.Holds = []crm.FactRef{ticket(1)}
	assert.Equal(t, messaging.GuardTicket, c.Again(in, noon).Guard)
}

func Example() {
	ctx := context.Background()
	at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	key := crm.ConsentKey{Brand: "vefa"}
	campaign := &messaging.Campaign{Name: "spring", Text: "Bahar indirimi başladı. RET 4609", Consent: key, Unmeasured: "an example of two people"}
	people := func(yield func(messaging.Recipient, error) bool) {
		ayse := &crm.AddressState{Address: crm.Address{Channel: crm.Phone, Value: "+905321112233"}, Consents: []crm.ConsentState{{ConsentKey: key, Status: crm.Granted, At: at.AddDate(0, -1, 0)}}}
		mehmet := &crm.AddressState{Address: crm.Address{Channel: crm.Phone, Value: "+905321112244"}}
		_ = yield(messaging.Recipient{Candidate: messaging.Candidate{Address: ayse}}, nil) &&
			yield(messaging.Recipient{Candidate: messaging.Candidate{Address: mehmet}}, nil)
	}

	store := memstore.New()
	sender := messaging.NewMemorySender(nil)
	err := store.Update(ctx, func(tx crm.Tx) error {
		for e, err := range campaign.Plan(ctx, at, crmtest.IDs(), nil, people) {
			if err != nil {
				return err
			}
			if _, err := tx.PutEffects(ctx, e); err != nil {
				return err
			}
		}
		// The record knows of Ayşe's consent.
		return tx.PutAddresses(ctx, &crm.AddressState{Address: crm.Address{Channel: crm.Phone, Value: "+905321112233"}, Version: 1,
			Consents: []crm.ConsentState{{ConsentKey: key, Status: crm.Granted, At: at.AddDate(0, -1, 0)}}})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	outbox := &messaging.Outbox{
		Store: store, Sender: sender, Now: func() time.Time { return at },
		Render: func(_ context.Context, _ crm.Tx, e *crm.Effect) (messaging.Message, error) {
			return messaging.Message{To: e.Subject.Address, Text: campaign.Text}, nil
		},
		Guard: func(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
			out := make([]messaging.Verdict, len(effects))
			for i, e := range effects {
				states, err := tx.Addresses(ctx, e.To)
				if err != nil {
					return nil, err
				}
				out[i] = campaign.Again(messaging.Candidate{Address: states[0]}, at)
			}
			return out, nil
		},
	}
	stats, err := outbox.Drain(ctx)
	fmt.Println(stats.Done, "sent,", err)
	for _, m := range sender.Messages() {
		fmt.Println(m.To, m.Text)
	}
	// Output:
	// 1 sent, <nil>
	// phone:+905321112233 Bahar indirimi başladı. RET 4609
}

func BenchmarkPlan(b *testing.B) {
	c, a := spring(), assigner(b)
	const n = 10000
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range c.Plan(b.Context(), noon, crmtest.IDs(), a, audience(n)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "recipients/s")
}

// BenchmarkPlanMillion plans a campaign for a million people one after the other, on one
// core: all guards, the text with the person's own fields, the token of the link, and the
// size. The effects and texts are kept, as a caller that writes them at once would.
func BenchmarkPlanMillion(b *testing.B) {
	const n = 1_000_000
	c, a := spring(), assigner(b)
	script, err := c.Script()
	require.NoError(b, err)
	codec, err := link.NewCodec(link.Key{Secret: crm.NewSecret([]byte("a key of thirty-two bytes or more"))})
	require.NoError(b, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var most uint64
	for b.Loop() {
		batch, texts, sent := make([]*crm.Effect, 0, 5000), make([]string, 0, 5000), 0
		for e, err := range c.Plan(b.Context(), noon, crmtest.IDs(), a, audience(n)) {
			if err != nil {
				b.Fatal(err)
			}
			if batch = append(batch, e); e.State == crm.Planned {
				sent++
				token, err := codec.Mint(link.PurposeClick, uint64(sent))
				if err != nil {
					b.Fatal(err)
				}
				m, err := script.Render(crm.Phone, messaging.Values{"name": "Ayşe", "amount": crm.Money{Amount: 123450, Currency: "TRY"}, "until": noon, "link": "https://s.tc/" + token})
				if err != nil {
					b.Fatal(err)
				}
				if size, err := script.Measure(&m); err != nil || size.Units > 2 {
					b.Fatal(size, err)
				}
				texts = append(texts, m.Text)
			}
			if len(batch) == cap(batch) {
				batch, texts = batch[:0], texts[:0]
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.Sys-now.HeapReleased)
			}
		}
		if sent < n/2 {
			b.Fatal(sent)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	b.ReportMetric(float64(most)/(1<<20), "MiB")
}

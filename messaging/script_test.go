package messaging_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/sms"
)

// mail is a channel with several texts, letter one that is billed by the sheet and needs
// no prior consent, chat one that shares phone numbers and has texts of its own names.
var (
	mail = messaging.Channel{Name: crm.Email, Slots: []messaging.Slot{
		{Name: "subject", Form: messaging.LineForm, Max: 200}, {Name: "text"}, {Name: "html", Form: messaging.HTMLForm, Optional: true}}}
	letter = messaging.Channel{Name: crm.Post, OptOut: true, Measure: func(_ *messaging.Content, m *messaging.Message) (messaging.Size, error) {
		return messaging.Size{Units: 1 + utf8.RuneCountInString(m.Text)/100, Unit: "sheet"}, nil
	}}
	chat = messaging.Channel{Name: "whatsapp", To: crm.Phone, Slots: []messaging.Slot{{Name: "template", Form: messaging.LineForm}}, Open: true, Purpose: "chat",
		Address: func(v string) string {
			if !strings.HasPrefix(v, "+905") {
				return "not a mobile number"
			}
			return ""
		}}
	ways = []messaging.Channel{mail, letter, chat}
)

func several() *messaging.Campaign {
	return &messaging.Campaign{
		Name: "several", From: "VEFA", Locale: "tr", Unmeasured: "a test",
		Contents: []messaging.Content{
			{Channel: crm.Email, From: "shop@vefa.example", Text: "Sayın {name}, {amount}: {link}",
				Parts: map[string]string{"subject": "{name} için", "html": `<!--[if mso]><table><![endif]--><p title="{name}">Sayın <b>{name}</b> {{x}} <a href="{link}">{amount}</a></p>`}},
			{Channel: crm.Phone, Text: "{name}: {link} RET 4609", Route: sms.Domestic(), MaxUnits: 2, Price: crm.Money{Amount: 7, Currency: "TRY"}},
			{Channel: "whatsapp", Parts: map[string]string{"template": "spring_tr", "1": "{name}", "2": "{amount}"}},
			{Channel: crm.Post, Text: strings.Repeat("Sayın {name} ", 5), MaxUnits: 2},
		},
		Fields: []messaging.Field{{Name: "name"}, {Name: "amount", Type: messaging.MoneyField}, {Name: "link", Type: messaging.LinkField, Max: 60}},
	}
}

var shown = messaging.Values{"name": `<i>Ay"şe & Co</i>`, "amount": crm.Money{Amount: 123450, Currency: "TRY"}, "link": "https://s.tc/l/a?b=1&c=2"}

func TestScript(t *testing.T) {
	c := several()
	require.NoError(t, c.Validate(ways...))
	s, err := c.Script(ways...)
	require.NoError(t, err)
	assert.Equal(t, []crm.Channel{crm.Email, crm.Phone, "whatsapp", crm.Post}, s.Channels())

	m, err := s.Render(crm.Email, shown)
	require.NoError(t, err)
	assert.Equal(t, messaging.Message{Via: crm.Email, From: "shop@vefa.example", Text: `Sayın <i>Ay"şe & Co</i>, 1.234,50 TL: https://s.tc/l/a?b=1&c=2`,
		Parts: map[string]string{"subject": `<i>Ay"şe & Co</i> için`,
			"html": `<!--[if mso]><table><![endif]--><p title="&lt;i&gt;Ay&#34;şe &amp; Co&lt;/i&gt;">Sayın <b>&lt;i&gt;Ay&#34;şe &amp; Co&lt;/i&gt;</b> {x} <a href="https://s.tc/l/a?b=1&amp;c=2">1.234,50 TL</a></p>`}}, m)
	m, err = s.Render("whatsapp", shown)
	require.NoError(t, err)
	assert.Equal(t, messaging.Message{Via: "whatsapp", From: "VEFA", Parts: map[string]string{"template": "spring_tr", "1": `<i>Ay"şe & Co</i>`, "2": "1.234,50 TL"}}, m)

	m, err = s.Render(crm.Phone, shown)
	require.NoError(t, err)
	size, err := s.Measure(&m)
	require.NoError(t, err)
	assert.Equal(t, 1, size.Units)
	price, known := s.Price(crm.Phone, messaging.Size{Units: 3})
	assert.True(t, known)
	assert.Equal(t, crm.Money{Amount: 21, Currency: "TRY"}, price)
	_, known = s.Price(crm.Post, messaging.Size{Units: 3})
	assert.False(t, known, "nobody said what a sheet costs")
	size, err = s.Worst(crm.Post)
	require.NoError(t, err)
	assert.Equal(t, messaging.Size{Units: 2, Unit: "sheet"}, size)

	_, err = s.Render("push", shown)
	assert.ErrorIs(t, err, messaging.ErrCampaign)
	_, err = s.Render(crm.Email, messaging.Values{"name": strings.Repeat("a", 30), "link": "x"})
	assert.ErrorIs(t, err, messaging.ErrTemplate)

	assert.Empty(t, s.Missing(crm.Email, shown))
	assert.Equal(t, []string{"name", "amount"}, s.Missing(crm.Email, messaging.Values{"amount": "ten", "link": "https://s.tc"}))
	assert.Equal(t, []string{"link"}, s.Missing(crm.Phone, messaging.Values{"name": "Ayşe", "link": "no link"}), "the text shows no amount")
}

// What cannot be sent is refused before anybody is asked, each fault at its place.
func TestScriptFaults(t *testing.T) {
	for want, change := range map[string]func(*messaging.Campaign){
		"both given": func(c *messaging.Campaign) { c.Text = "x" },
		`contents[0]: channel "no/way" is not of letters`:   func(c *messaging.Campaign) { c.Contents[0].Channel = "no/way" },
		`contents[1]: channel "email" is there twice`:       func(c *messaging.Campaign) { c.Contents[1].Channel = crm.Email },
		"contents[0]: subject is empty":                     func(c *messaging.Campaign) { delete(c.Contents[0].Parts, "subject") },
		`contents[0]: channel "email" has no "preview"`:     func(c *messaging.Campaign) { c.Contents[0].Parts["preview"] = "x" },
		`contents[1]: channel "phone" has no "subject"`:     func(c *messaging.Campaign) { c.Contents[1].Parts = map[string]string{"subject": "x"} },
		"contents[0]: subject: messaging: template: a line": func(c *messaging.Campaign) { c.Contents[0].Parts["subject"] = "a\nb" },
		"contents[2]: 1: messaging: template: a line feed":  func(c *messaging.Campaign) { c.Contents[2].Parts["1"] = "a\nb" },
		"no safe place":   func(c *messaging.Campaign) { c.Contents[0].Parts["html"] = "<a href=\"{link}" },
		"does not end":    func(c *messaging.Campaign) { c.Contents[0].Parts["html"] = "<!-- {name} -->{link}" },
		"max_units":       func(c *messaging.Campaign) { c.Contents[3].MaxUnits = -1 },
		"3 sheets":        func(c *messaging.Campaign) { c.Contents[3].Text += strings.Repeat("x", 100) },
		"worst case":      func(c *messaging.Campaign) { c.Contents[1].Text += strings.Repeat("ğ", 300) },
		`"until" is decl`: func(c *messaging.Campaign) { c.Fields = append(c.Fields, messaging.Field{Name: "until"}) },
	} {
		c := several()
		change(c)
		err := c.Validate(ways...)
		require.ErrorContains(t, err, want)
		require.True(t, errors.Is(err, messaging.ErrCampaign) || errors.Is(err, messaging.ErrTemplate), "%v", err)
	}
	require.ErrorContains(t, several().Validate(messaging.Channel{Name: "a b"}), `channel "a b"`)
	require.ErrorContains(t, several().Validate(), `channel "email" has no "subject"`, "nobody described it")
	require.ErrorContains(t, several().Validate(messaging.Channel{Name: crm.Email, Slots: []messaging.Slot{{Name: "text", Form: "pdf", Max: -1}, {Name: "text"}}}), "unknown form")
}

// Each channel asks for its own consent and judges its own addresses, when a message is
// planned and when it is sent.
func TestChannelsAskForTheirConsent(t *testing.T) {
	c := several()
	said := func(purpose string, s crm.ConsentStatus) *crm.AddressState {
		return &crm.AddressState{Address: crm.Address{Channel: crm.Phone, Value: "+905321234567"},
			Consents: []crm.ConsentState{{ConsentKey: crm.ConsentKey{Purpose: purpose}, Status: s, At: noon.Add(-time.Hour)}}}
	}
	home := &crm.AddressState{Address: crm.Address{Channel: crm.Post, Value: "Moda Cad. 1"}}
	landline := said("chat", crm.Granted)
	landline.Address.Value = "+902121234567"
	for _, x := range []struct {
		ch   messaging.Channel
		st   *crm.AddressState
		want string
	}{
		{chat, said("chat", crm.Granted), ""},
		{chat, said("", crm.Granted), messaging.GuardConsent},
		{chat, landline, messaging.GuardAddress},
		{messaging.SMS(), said("", crm.Granted), ""},
		{messaging.SMS(), said("chat", crm.Granted), messaging.GuardConsent},
		{letter, home, ""},
		{letter, &crm.AddressState{Address: home.Address, Consents: said("", crm.Refused).Consents}, messaging.GuardConsent},
		{messaging.Channel{}, home, messaging.GuardConsent},
	} {
		require.Equal(t, x.want, c.Again(messaging.Candidate{Address: x.st, Channel: x.ch}, noon).Guard, "%v %v", x.ch.Name, x.st)
	}
	require.True(t, consent.Policy{OptOut: true}.Decide(nil, crm.ConsentKey{}, consent.Commercial, noon).Allowed)
}

// FuzzHTML puts any value into any HTML: it never opens an element or leaves an attribute.
func FuzzHTML(f *testing.F) {
	f.Add(`<p title="{v}">{v}</p>`, `"><script>alert(1)</script>`)
	f.Add(`<a href="{v}">x</a>`, `javascript:alert(1)`)
	f.Add(`<!--[if mso]>a<![endif]--><td style="color: {v}">`, `red;background:url(x)`)
	f.Add("<script>{v}</script>", "</script>")
	f.Fuzz(func(t *testing.T, text, value string) {
		c := &messaging.Campaign{Name: "x", Unmeasured: "y", Contents: []messaging.Content{{Channel: crm.Email, Text: "t", Parts: map[string]string{"subject": "s", "html": text}}},
			Fields: []messaging.Field{{Name: "v", Max: 4096, Fallback: "-"}}}
		s, err := c.Script(mail)
		if err != nil {
			if !errors.Is(err, messaging.ErrTemplate) && !errors.Is(err, messaging.ErrCampaign) {
				t.Fatal(err)
			}
			return
		}
		plain, err := s.Render(crm.Email, messaging.Values{"v": "x"})
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.Render(crm.Email, messaging.Values{"v": value})
		if err != nil {
			if !errors.Is(err, messaging.ErrTemplate) {
				t.Fatal(err)
			}
			return
		}
		if a, b := strings.Count(plain.Parts["html"], "<"), strings.Count(m.Parts["html"], "<"); a != b && !strings.Contains(text, "<script") {
			t.Fatalf("%q made %q of %q", value, m.Parts["html"], text)
		}
	})
}

func ExampleCampaign_Script() {
	c := messaging.Campaign{Name: "spring", Unmeasured: "an example", Fields: []messaging.Field{{Name: "given", Fallback: "dear customer"}},
		Contents: []messaging.Content{
			{Channel: crm.Email, Text: "Hello {given}, see our spring watches.", Parts: map[string]string{"subject": "Spring, {given}"}},
			{Channel: crm.Phone, Text: "Hello {given}, see our spring watches.", Route: sms.Domestic()},
		}}
	mail := messaging.Channel{Name: crm.Email, Slots: []messaging.Slot{{Name: "subject", Form: messaging.LineForm}, {Name: "text"}}}
	script, err := c.Script(mail)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := script.Render(crm.Email, messaging.Values{"given": "Ada"})
	fmt.Println(m.Parts["subject"], "-", m.Text, err)
	// Output: Spring, Ada - Hello Ada, see our spring watches. <nil>
}

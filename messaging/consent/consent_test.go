package consent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

var may = time.Date(2025, 5, 1, 9, 0, 0, 0, time.UTC)

func said(key crm.ConsentKey, status crm.ConsentStatus, days int) crm.ConsentState {
	return crm.ConsentState{ConsentKey: key, Status: status, At: may.AddDate(0, 0, days)}
}

func TestDecide(t *testing.T) {
	var (
		vefa     = crm.ConsentKey{Brand: "vefa"}
		other    = crm.ConsentKey{Brand: "other"}
		merchant = crm.ConsentKey{Brand: "vefa", Recipient: consent.Merchant}
		news     = crm.ConsentKey{Brand: "vefa", Purpose: "news"}
		codes    = crm.ConsentKey{Brand: "vefa", Purpose: "codes"}
		spelt    = crm.ConsentKey{Brand: "vefa", Recipient: "consumer"}
	)
	for _, c := range []struct {
		name   string
		state  *crm.AddressState
		key    crm.ConsentKey
		class  consent.Class
		policy consent.Policy
		want   string
		ok     bool
	}{
		{"nothing known", nil, vefa, consent.Commercial, consent.Policy{}, "not-granted", false},
		{"nothing known, transactional", nil, vefa, consent.Transactional, consent.Policy{}, "not-required", true},
		{"granted", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Granted, -1)}}, vefa, consent.Commercial, consent.Policy{}, "granted", true},
		{"granted now", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Granted, 0)}}, vefa, consent.Commercial, consent.Policy{}, "granted", true},
		{"granted tomorrow", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Granted, 1)}}, vefa, consent.Commercial, consent.Policy{}, "not-yet", false},
		{"granted to another brand", &crm.AddressState{Consents: []crm.ConsentState{said(other, crm.Granted, -1)}}, vefa, consent.Commercial, consent.Policy{}, "not-granted", false},
		{"refused", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Refused, -1)}}, vefa, consent.Commercial, consent.Policy{}, "refused", false},
		{"refused from tomorrow counts today", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Refused, 1)}}, vefa, consent.Commercial, consent.Policy{}, "refused", false},
		{"refused to another brand", &crm.AddressState{Consents: []crm.ConsentState{said(other, crm.Refused, 0), said(vefa, crm.Granted, -1)}}, vefa, consent.Commercial, consent.Policy{}, "granted", true},
		{"refused, transactional", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Refused, -1)}}, vefa, consent.Transactional, consent.Policy{}, "not-required", true},
		{"that very purpose refused, transactional", &crm.AddressState{Consents: []crm.ConsentState{said(codes, crm.Refused, -1)}}, codes, consent.Transactional, consent.Policy{}, "refused", false},
		{"everything refused after the purpose was granted", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Refused, -1), said(news, crm.Granted, -2)}}, news, consent.Commercial, consent.Policy{}, "refused", false},
		{"everything refused as the purpose was granted", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Refused, -1), said(news, crm.Granted, -1)}}, news, consent.Commercial, consent.Policy{}, "refused", false},
		{"the purpose granted after everything was refused", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Refused, -2), said(news, crm.Granted, -1)}}, news, consent.Commercial, consent.Policy{}, "granted", true},
		{"a purpose refused leaves the others", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Granted, -2), said(news, crm.Refused, -1)}}, vefa, consent.Commercial, consent.Policy{}, "granted", true},
		{"refused without a brand", &crm.AddressState{Consents: []crm.ConsentState{said(crm.ConsentKey{}, crm.Refused, -1), said(vefa, crm.Granted, -2)}}, vefa, consent.Commercial, consent.Policy{}, "refused", false},
		{"consumer is the same as nothing", &crm.AddressState{Consents: []crm.ConsentState{said(spelt, crm.Granted, -1)}}, vefa, consent.Commercial, consent.Policy{}, "granted", true},
		{"consumer spelt twice, refusal wins", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Granted, -1), said(spelt, crm.Refused, -1)}}, vefa, consent.Commercial, consent.Policy{}, "refused", false},
		{"a consumer's consent is not a merchant's", &crm.AddressState{Consents: []crm.ConsentState{said(vefa, crm.Granted, -1)}}, merchant, consent.Commercial, consent.Policy{}, "not-granted", false},
		{"a merchant need not consent", nil, merchant, consent.Commercial, consent.Policy{MerchantOptOut: true}, "not-required", true},
		{"a merchant may refuse", &crm.AddressState{Consents: []crm.ConsentState{said(merchant, crm.Refused, -1)}}, merchant, consent.Commercial, consent.Policy{MerchantOptOut: true}, "refused", false},
		{"suppressed", &crm.AddressState{Suppressed: []string{"not-me"}, Consents: []crm.ConsentState{said(vefa, crm.Granted, -1)}}, vefa, consent.Commercial, consent.Policy{}, "suppressed", false},
		{"suppressed, transactional", &crm.AddressState{Suppressed: []string{"bounce"}}, vefa, consent.Transactional, consent.Policy{}, "suppressed", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := c.policy.Decide(c.state, c.key, c.class, may)
			assert.Equal(t, c.want, d.Ground, d.Note)
			assert.Equal(t, c.ok, d.Allowed)
			assert.NotEmpty(t, d.Note)
		})
	}
}

// Notes have the day as time.DateOnly writes it, whatever the year and the zone.
func TestNotesHaveTheDay(t *testing.T) {
	zone := time.FixedZone("+3", 3*3600)
	for _, at := range []time.Time{may, time.Date(2024, 2, 29, 1, 0, 0, 0, zone), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		state := &crm.AddressState{Consents: []crm.ConsentState{{Status: crm.Refused, At: at}}}
		assert.Equal(t, "refused on "+at.UTC().Format(time.DateOnly), consent.Policy{}.Decide(state, crm.ConsentKey{}, consent.Commercial, may).Note)
	}
}

func TestParse(t *testing.T) {
	p := consent.Parser{Brands: []string{"Vefa Saat"}, OptOut: []string{"dinlenmek istiyorum", "BIRAK"}}
	for intent, texts := range map[consent.Intent][]string{
		consent.OptOut: {
			"RET", "ret", "Ret.", " ret ", "R E T", "iptal", "İPTAL", "IPTAL", "ıptal", "İptal!", "i\u0307ptal", "I\u0307PTAL", "dur", "DUR", "çık", "ÇIK", "cik", "ÇİK", "C\u0327IK", "çıkış",
			"STOP", "Stop", "stop.", "STOP PLEASE", "stop all", "STOPALL", "Unsubscribe", "UNSUBSCRİBE", "cancel", "END", "quit", "arrêt", "ARRET", "Arrêter svp",
			"IPTAL VEFA", "vefa saat iptal", "RET 4609", "ret lütfen", "Lütfen artık mesaj istemiyorum", "MESAJ İSTEMİYORUM", "sms istemiyorum artık yeter", "beni listeden çıkarın lütfen",
			"Bana mesaj atmayın", "please stop texting me", "Do not contact me again", "don't text", "take me off your list", "dinlenmek istiyorum", "birak", "iptal iptal iptal", "dur artık", "iptal et", "Aboneliğimi iptal edin",
		},
		consent.NotMe: {"yanlış numara", "Yanlış numara, ben Ayşe değilim", "Ben değilim", "Bu numara bana ait değil.", "wrong number", "This is not me"},
		consent.Ambiguous: {
			"siparişimi iptal edin", "dur bakalım bir düşüneyim", "iptla", "stpo", "unsubscrib", "istemiyorum bunu", "siparişim gelmedi şikayet edeceğim", "when does the sale end", "how do I quit this game",
			"can I cancel my order", "bu spam nedir", "Randevumu iptal etmek istemiyorum ama saati değişsin",
		},
		consent.OptIn:      {"START", "BAŞLA", "onay", "unstop"},
		consent.Help:       {"YARDIM", "help", "bilgi"},
		consent.Intent(""): {"", "  ", "teşekkürler", "Çok güzel bir saat", "yarın gelirim", "👍", "Evet", "saat kaçta açıksınız?", "Saatim durdu?", "Saatim neden durur?", "Kordonu çıkmış", "my watch stops at night", "retro saat var mı", "durum nedir", "10", "\xff\xfe", "start saat kaç"},
	} {
		for _, text := range texts {
			r := p.Parse(text)
			assert.Equal(t, intent, r.Intent, "%q: %+v", text, r)
			assert.Equal(t, intent == consent.OptOut || intent == consent.NotMe || intent == consent.Ambiguous, r.Intent.Suppress())
		}
	}
	long := p.Parse(strings.Repeat("ş", 4096) + " ret")
	assert.Equal(t, consent.Intent(""), long.Intent)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"ret", "İPTAL", "STOP PLEASE", "siparişimi iptal edin", "\xff", "I\u0307PTAL", "s t o p"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p consent.Parser
		r := p.Parse(text)
		switch r.Intent {
		case consent.Intent(""), consent.OptOut, consent.NotMe, consent.Ambiguous, consent.OptIn, consent.Help:
		default:
			t.Fatalf("%q: %v", text, r)
		}
		if len(text) < 4096 && strings.ToUpper(text) == text && strings.ToLower(text) == text {
			return
		}
		// A clear opt-out stays one with a blank or a full stop around it.
		if r.Intent == consent.OptOut && len(text) < 4096-8 && p.Parse(" "+text+". ").Intent != consent.OptOut {
			t.Fatalf("%q was an opt-out only without blanks", text)
		}
	})
}

func ExampleParser_Parse() {
	var p consent.Parser
	for _, text := range []string{"İPTAL", "Siparişimi iptal edin", "Yanlış numara", "Teşekkürler"} {
		r := p.Parse(text)
		fmt.Printf("%s: %q suppress=%t\n", text, r.Intent, r.Intent.Suppress())
	}
	// Output:
	// İPTAL: "opt-out" suppress=true
	// Siparişimi iptal edin: "ambiguous" suppress=true
	// Yanlış numara: "not-me" suppress=true
	// Teşekkürler: "" suppress=false
}

func ExamplePolicy_Decide() {
	key := crm.ConsentKey{Brand: "vefa"}
	at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	state := &crm.AddressState{Consents: []crm.ConsentState{{ConsentKey: key, Status: crm.Refused, At: at.AddDate(0, -1, 0)}}}
	d := consent.Policy{}.Decide(state, key, consent.Commercial, at)
	fmt.Println(d.Allowed, d.Ground, d.Note)
	// Output: false refused refused on 2025-02-03
}

func BenchmarkDecide(b *testing.B) {
	key := crm.ConsentKey{Brand: "vefa"}
	s := &crm.AddressState{Consents: []crm.ConsentState{said(key, crm.Granted, -1)}}
	b.ReportAllocs()
	for b.Loop() {
		consent.Policy{}.Decide(s, key, consent.Commercial, may)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

package vefa

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// TestWhyWhenItIsDone reads the decisions on record about what was done, and what was not,
// in the reader's words and times: no English note stands in a Turkish answer.
func TestWhyWhenItIsDone(t *testing.T) {
	istanbul, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	done := &crm.Effect{Cause: "rule/ask", State: crm.Done, SentAt: at, About: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "o1"}, Reasons: []crm.Reason{
		{Guard: messaging.GuardConsent, Pass: true, Note: "granted on 2025-03-01"}, {Guard: "rule", Pass: true, Note: "changed since it was planned"},
		{Guard: messaging.GuardQuiet, Note: "until 2025-03-04T06:30:00Z"}, {Guard: crm.GuardProvider, Pass: true, Note: "accepted"}, {Guard: "cancel_on returned", Pass: true}}}
	w := Why{Effects: []*crm.Effect{done}, Asked: WhyQuery{Locale: "tr", Zone: istanbul}}
	require.Equal(t, "rule/ask: yapıldı, 3 Mart 2025 15:00 (sipariş o1)\n  izin: geçti (izin tarihi 1 Mart 2025)\n  kural: geçti (planlandıktan sonra değişti)\n"+
		"  sessiz saatler: durdurdu (şu zamana kadar: 4 Mart 2025 09:30)\n  sağlayıcı: geçti (kabul edildi)\n  iptal koşulu returned: geçti\n", w.String())
	w.Asked = WhyQuery{Zone: istanbul}
	require.Equal(t, "rule/ask: done on 3 March 2025 15:00 (order o1)\n  consent: passed (granted on 1 March 2025)\n  rule: passed (changed since it was planned)\n"+
		"  quiet hours: stopped it (until 4 March 2025 09:30)\n  provider: passed (accepted)\n  cancelling condition returned: passed\n", w.String())

	for note, want := range map[string]string{
		"rejected: no such number":                   "reddedildi: no such number", // the provider's own words
		"throttled; given up after 10 attempts":      "şimdi alınmadı; 10 denemeden sonra vazgeçildi",
		"throttled: busy; given up after 3 attempts": "şimdi alınmadı: busy; 3 denemeden sonra vazgeçildi",
		"unknown":                                              "belirsiz",
		"accepted as x2":                                       "x2 olarak kabul edildi",
		"given up after 3 attempts: no line":                   "3 denemeden sonra vazgeçildi: no line",
		"granted only on 2025-04-01":                           "izin ancak sonra verildi: 1 Nisan 2025",
		"refused on 2025-03-02":                                "ret tarihi 2 Mart 2025",
		"1 unsolved ticket":                                    "1 çözülmemiş şikâyet",
		"3 unsolved tickets":                                   "3 çözülmemiş şikâyet",
		"2 sent within 7 days, at most 2 allowed":              "7 gün içinde 2 gönderildi, en çok 2 olabilir",
		"2 sent within 12h0m0s, at most 2 allowed":             "12h0m0s içinde 2 gönderildi, en çok 2 olabilir",
		"the rule is in effect 2025-01-01..2025-02-01":         "kuralın geçerli olduğu günler: 1 Ocak 2025 – 1 Şubat 2025",
		"the Purchases row that it is about is gone":           "ilgili olduğu Purchases satırı artık yok",
		"order o9 takes its place":                             "yerini alan: sipariş o9",
		"the campaign ended on 2025-03-04T21:00:00Z":           "kampanyanın bitişi 5 Mart 2025 00:00",
		"no address that could be tried":                       "denenebilecek bir adres yok",
		"merchants need no prior consent and have not refused": "tacirler için önceden izin gerekmez, ret de yok",
		"a host's own  words":                                  "a host's own  words",
	} {
		w = Why{Effects: []*crm.Effect{{Cause: "c", State: crm.Withheld, Reasons: []crm.Reason{{Guard: "g", Note: note}}}}, Asked: WhyQuery{Locale: "tr-TR", Zone: istanbul}}
		require.Equal(t, "c: gönderilmedi\n  g: durdurdu ("+want+")\n", w.String())
	}
}

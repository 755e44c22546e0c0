package vefa

import (
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// words are what Why says in one language.
type words struct {
	on, planned     string // with the time: after a state; of what waits
	passed, stopped string // what a guard did
	asOf            string // with the evening
	noSuch          string // about something that the customer does not have
	states          map[crm.EffectState]string
	guards          map[string]string // by Reason.Guard; others are shown as they are
	things          map[crm.FactKind]string
	notes           []saying // of Reason.Note; others are shown as they are
}

func wordsOf(locale string) *words {
	if locale == "tr" || strings.HasPrefix(locale, "tr-") {
		return &turkish
	}
	return &english
}

var english = words{
	on: " on %s", planned: " for %s", passed: "passed", stopped: "stopped it",
	asOf:   "As of %s, from what is known now:\n",
	noSuch: "The customer has no %s.\n",
	states: map[crm.EffectState]string{},
	guards: map[string]string{},
}

var turkish = words{
	on: ", %s", planned: ", zamanı %s", passed: "geçti", stopped: "durdurdu",
	asOf:   "%s itibarıyla, şimdi bilinenlere göre:\n",
	noSuch: "Müşterinin böyle bir kaydı yok: %s.\n",
	states: map[crm.EffectState]string{crm.Planned: "bekliyor", crm.Sent: "gönderildi, yanıt bekleniyor", crm.Done: "yapıldı", crm.Withheld: "gönderilmedi",
		crm.HeldOut: "kontrol grubunda", crm.Cancelled: "iptal edildi", crm.Failed: "başarısız", crm.Unknown: "belirsiz"},
	guards: map[string]string{
		messaging.GuardSuppressed: "yazılmaması istenen adres", messaging.GuardConsent: "izin", messaging.GuardTicket: "açık kayıt", messaging.GuardTag: "dışlayan etiket",
		messaging.GuardAddress: "geçersiz adres", messaging.GuardCap: "sıklık sınırı", messaging.GuardQuiet: "sessiz saatler", messaging.GuardHoldout: "kontrol grubu",
		crm.GuardProvider: "sağlayıcı", messaging.GuardRender: "metin", messaging.GuardEnded: "kampanya bitti", crm.GuardTwice: "sağlayıcı iki kez bildirdi",
		GuardRecipient: "adres artık bu müşterinin", GuardDelivered: "teslim edildi", GuardRepeated: "yinelenme", GuardData: "veri",
		"when": "koşul", "guard": "gönderim koşulu", "rearm": "yenisi onun yerini aldı", "task": "görev", "tag": "etiket", "ticket": "kayıt", "message": "mesaj",
		"effective": "geçerlilik", "row": "satır", "cancel_on": "iptal koşulu", crm.GuardDesk: "elle sonuçlandırma", "customer": "müşteri", "rule": "kural",
	},
	notes:  turkishNotes,
	things: turkishThings,
}

// state and guard are the reader's words.
func (w *words) state(s crm.EffectState) string { return orSelf(w.states, s) }
func (w *words) guard(g string) string {
	if name, ok := strings.CutPrefix(g, "cancel_on "); ok {
		return orSelf(w.guards, "cancel_on") + " " + name
	}
	return orSelf(w.guards, g)
}

func orSelf[K ~string](m map[K]string, k K) string {
	if s, ok := m[k]; ok {
		return s
	}
	return string(k)
}

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
	notes           map[string]string // beginnings of Reason.Note; others are shown as they are
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
	notes:  map[string]string{},
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
		"when": "koşul", "guard": "gönderim koşulu", "rearm": "yenisi onun yerini aldı", "task": "görev", "customer": "müşteri", "rule": "kural",
	},
	notes: map[string]string{
		"granted on ": "izin tarihi ", "granted only on ": "izin ancak sonra verildi: ", "refused on ": "ret tarihi ", "never granted": "hiç verilmedi",
		"suppressed: ": "yazılmasın: ", "transactional messages need no consent": "işlem mesajı için izin gerekmez",
		"the source record is gone": "kaynak kayıt artık yok", "the host has no task of this name": "bu adda bir görev tanımlı değil",
		"it failed and is tried again: ": "başarısız oldu, yeniden denenecek: ", "given up after ": "vazgeçildi, deneme sayısı: ", "the campaign ended on ": "kampanyanın bitişi ",
	},
}

// state and guard are the reader's words, note what could be said of a guard's note.
func (w *words) state(s crm.EffectState) string { return orSelf(w.states, s) }
func (w *words) guard(g string) string          { return orSelf(w.guards, g) }

func orSelf[K ~string](m map[K]string, k K) string {
	if s, ok := m[k]; ok {
		return s
	}
	return string(k)
}

func (w *words) note(n string) string {
	for begins, says := range w.notes {
		if rest, ok := strings.CutPrefix(n, begins); ok {
			return says + rest
		}
	}
	return n
}

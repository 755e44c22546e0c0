package vefa

import (
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/page"
)

// saying is a note as the library writes it, with * for what differs, and how a
// language says it, with $1, $2, … for what stood there.
type saying struct{ note, says string }

// turkishNotes are the notes that decisions leave, the longer ones first of those that
// begin alike.
var turkishNotes = []saying{
	{"accepted as *", "$1 olarak kabul edildi"}, {"accepted: *", "kabul edildi: $1"}, {"accepted", "kabul edildi"},
	{"rejected: *", "reddedildi: $1"}, {"rejected", "reddedildi"},
	{"throttled: *; given up after * attempts", "şimdi alınmadı: $1; $2 denemeden sonra vazgeçildi"},
	{"throttled; given up after * attempts", "şimdi alınmadı; $1 denemeden sonra vazgeçildi"},
	{"throttled: *", "şimdi alınmadı: $1"}, {"throttled", "şimdi alınmadı"},
	{"unknown: *", "belirsiz: $1"}, {"unknown", "belirsiz"},
	{"it failed and is tried again: *", "başarısız oldu, yeniden denenecek: $1"}, {"given up after * attempts: *", "$1 denemeden sonra vazgeçildi: $2"},
	{"granted only on *", "izin ancak sonra verildi: $1"}, {"granted on *", "izin tarihi $1"}, {"refused on *", "ret tarihi $1"}, {"never granted", "hiç verilmedi"},
	{"suppressed: *", "yazılmasın: $1"}, {"transactional messages need no consent", "işlem mesajı için izin gerekmez"},
	{"merchants need no prior consent and have not refused", "tacirler için önceden izin gerekmez, ret de yok"},
	{"1 unsolved ticket", "1 çözülmemiş kayıt"}, {"* unsolved tickets", "$1 çözülmemiş kayıt"},
	{"* sent within * days, at most * allowed", "$2 gün içinde $1 gönderildi, en çok $3 olabilir"}, {"* sent within *, at most * allowed", "$2 içinde $1 gönderildi, en çok $3 olabilir"},
	{"until *", "şu zamana kadar: $1"}, {"in the control group", "kontrol grubunda"},
	{"no address that could be tried", "denenebilecek bir adres yok"}, {"no address", "adres yok"}, {"malformed address", "adres bozuk"}, {"not an E.164 number", "uluslararası yazılmış bir numara değil"}, {"not an e-mail address", "e-posta adresi değil"},
	{"the campaign ended on *", "kampanyanın bitişi $1"},
	{"the rule is gone", "kural artık yok"}, {"the rule is disabled", "kural kapalı"}, {"changed since it was planned", "planlandıktan sonra değişti"},
	{"the rule is in effect *..*", "kuralın geçerli olduğu günler: $1 – $2"}, {"the * row that it is about is gone", "ilgili olduğu $1 satırı artık yok"},
	{"* * takes its place", "yerini alan: $1 $2"},
	{"the source record is gone", "kaynak kayıt artık yok"}, {"the host has no task of this name", "bu adda bir görev tanımlı değil"},
}

var turkishThings = map[crm.FactKind]string{
	crm.KindOrder: "sipariş", crm.KindVisit: "servis kaydı", crm.KindTicket: "kayıt", crm.KindAnswer: "yanıt", crm.KindClick: "tıklama", crm.KindTag: "etiket", crm.KindNote: "not",
}

// thing names what an effect is about.
func (w *words) thing(k crm.FactKey) string { return orSelf(w.things, k.Kind) + " " + k.ID }

// note says a guard's note in the reader's words, with times as the reader writes them. A
// note that this package does not write, such as a provider's own, stays as it is.
func (w *words) note(n string, dates *page.Locale, zone *time.Location) string {
	for _, s := range w.notes {
		parts, ok := matches(s.note, n)
		if !ok {
			continue
		}
		out := s.says
		for i, part := range parts {
			out = strings.Replace(out, "$"+string(rune('1'+i)), orSelf(w.things, crm.FactKind(w.when(part, dates, zone))), 1)
		}
		return out
	}
	words := strings.Split(n, " ")
	for i, x := range words {
		words[i] = w.when(x, dates, zone)
	}
	return strings.Join(words, " ")
}

// when writes a text that is a time or a day as the reader does.
func (*words) when(text string, dates *page.Locale, zone *time.Location) string {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		t = t.In(zone)
		return dates.Date(t) + t.Format(" 15:04")
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return dates.Date(t)
	}
	return text
}

// matches returns what stands in a text where a pattern has *, if the rest is equal.
func matches(pattern, text string) (parts []string, ok bool) {
	first, rest, more := strings.Cut(pattern, "*")
	if text, ok = strings.CutPrefix(text, first); !ok {
		return nil, false
	}
	for more {
		var next string
		next, rest, more = strings.Cut(rest, "*")
		if !more { // the last one reaches to the end
			part, ok := strings.CutSuffix(text, next)
			return append(parts, part), ok && part != ""
		}
		part, after, found := strings.Cut(text, next)
		if !found || part == "" {
			return nil, false
		}
		parts, text = append(parts, part), after
	}
	return parts, text == ""
}

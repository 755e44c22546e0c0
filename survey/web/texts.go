package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// texts are what the pages themselves say, in one language.
type texts struct {
	Survey                         string // heading of one that has no title
	Send, Next, Required, Optional string
	Yes, No                        string
	ErrorPrefix, ErrorTitle        string
	NotMe, NotMeHint               string
	NotMeLate, NotMeLateBody       string
	NotMeUndo, NotMeUndoLate       string
	Thanks, ThanksBody             string
	Already, AlreadyBody           string
	Expired, ExpiredBody           string
	Full, FullBody                 string
	Heard, HeardBody               string
	NotFound, NotFoundBody         string
	Unavailable, UnavailableBody   string
	Again                          string // beside the button that sends a form once more
	Refused, RefusedBody           string
	TooLarge, TooLargeBody         string
	NotStored                      string // above a form that could not be stored
	Back, Start, Progress          string // {n} of {of}
	Choose, Remark, RankHint       string
	From, To                       string
	Sent, Drop, Signature          string
	Add, Remove, NoEntries, Total  string
	TooOften, TooOftenBody         string
	Busy, BusyBody                 string
	TimeLeft, TimeLittle, TimeOver string // of time limits; {n} minutes
	Preview, PreviewBody           string
	PreviewFindings                string // {n} of the definition
	PreviewBroken                  string
	PreviewBrokenBody              string
	FollowUp, FollowUpLabel        string
	FollowUpHint, FollowUpEmpty    string
	FollowUpTaken                  string
	FollowUpTakenBody              string
	FollowUpOther                  string // another text is there already; this one stands below
	FollowUpLate, FollowUpLateBody string
	FollowUpNotStored              string
	special                        map[string]string // choices that SurveyJS adds
	faults                         map[string]string // {limit} is the bound
}

// english, turkish and arabic are the texts of the page itself; another language reads
// English.
var english = texts{
	Survey: "Survey",
	Send:   "Send", Next: "Continue", Required: "required", Optional: "optional",
	Yes: "Yes", No: "No",
	ErrorPrefix: "Error: ", ErrorTitle: "Please look at these questions again",
	NotMe: "This message was not for me", NotMeHint: "Press it and we will stop writing to you about this. You do not have to tell us anything else.",
	NotMeLate: "This link has expired", NotMeLateBody: "Nothing was stored. If messages reach you that are not for you, please reply to one of them and say so.",
	NotMeUndo: "I pressed it by mistake: take it back", NotMeUndoLate: "It was not taken back. If you want messages from us again, please reply to one of them and say so.",
	Thanks: "Thank you", ThanksBody: "Your answer has reached us.",
	Already: "Thank you, we have your answer", AlreadyBody: "This survey has already been answered, so nothing more was stored.",
	Expired: "This survey has ended", ExpiredBody: "Thank you for wanting to answer. The time for answering is over.",
	Full: "Thank you for taking part", FullBody: "We have heard from enough people like you by now, so there is nothing more to do. It was kind of you to take the time.",
	Heard: "Thank you for telling us", HeardBody: "We will not write to you about this again. You do not have to do anything else.",
	NotFound: "We cannot find this page", NotFoundBody: "Please open the link in your message again.",
	Unavailable: "Something went wrong on our side", UnavailableBody: "Your answer was not stored. Please try again in a few minutes.",
	Again:   "What you wrote is kept on this page. Send it again from here.",
	Refused: "We could not accept this", RefusedBody: "Please open the link in your message again and answer there.",
	TooLarge: "Your answer is too long", TooLargeBody: "Go back with the button of your browser: what you wrote is still there. Shorten it, or choose a smaller file, and send it again.",
	NotStored: "Something went wrong on our side and your answer was not stored. What you entered is below: please send it again in a few minutes.",
	Back:      "Back", Start: "Start", Progress: "Page {n} of {of}",
	Choose: "Please choose", Remark: "Comment", RankHint: "Give each line a place: 1 is the first.",
	From: "From", To: "To",
	Sent: "Received:", Drop: "Remove what was sent", Signature: "signature",
	Add: "Add", Remove: "Remove", NoEntries: "There are no entries yet.", Total: "Total",
	TooOften: "That was very often", TooOftenBody: "This link was sent more often than we can take. Wait a minute, go back with the button of your browser and send it again: what you wrote is still there.",
	Busy: "Many people are here right now", BusyBody: "Thank you for coming. Please try again in a minute.",
	Preview: "Preview", PreviewBody: "Respondents do not see this frame. Nothing that is entered here is kept.", PreviewFindings: "Findings about the definition: {n}",
	PreviewBroken: "This survey cannot be shown", PreviewBrokenBody: "Its definition could not be read.",
	TimeLeft: "Minutes left: {n}", TimeLittle: "Less than a minute left", TimeOver: "The time is over. Please send what you have entered.",
	FollowUp: "Would you like to talk to us?", FollowUpLabel: "Your message", FollowUpHint: "Somebody will read it and answer you the way we asked you.",
	FollowUpEmpty: "Please write something first.",
	FollowUpTaken: "We have your message", FollowUpTakenBody: "Somebody will read it and answer you the way we asked you.",
	FollowUpOther: "You have already written to us from this link, so what stands below was not sent. You can add to it when we answer you.",
	FollowUpLate:  "This link has expired", FollowUpLateBody: "Your message was not sent. If you need us, please reply to the message that brought you here.",
	FollowUpNotStored: "Something went wrong on our side and your message was not sent. It stands below: please send it again in a few minutes.",
	special:           map[string]string{"other": "Other (please say what)", "none": "None", "refused": "I would rather not say", "dontknow": "I do not know", "selectall": "All of them"},
	faults: map[string]string{
		"required":     "Please answer this question.",
		"not-offered":  "Please choose one of the answers.",
		"out-of-range": "The value is outside what is allowed ({limit}).",
		"at-least":     "Please enter {limit} or more.", "at-most": "Please enter {limit} or less.",
		"not-before": "Please choose {limit} or later.", "not-after": "Please choose {limit} or earlier.",
		"too-long":     "Please shorten your answer to {limit} characters.",
		"bad-format":   "Please check how this is written.",
		"wrong-type":   "Please check your answer.",
		"one-required": "Please answer at least one of these questions.", "other-missing": "Please say what the other answer is.",
		"row-required": "Please answer every line.", "off-step": "Please enter a multiple of {limit}.",
		"too-short": "Please write at least {limit} characters.", "too-few": "Please choose at least {limit}.",
		"too-many": "Please choose at most {limit}.", "too-large": "The file is larger than {limit} bytes.",
		"not-unique": "The same was given twice; please make them differ.", "rejected": "Please check your answer.",
	},
}

var turkish = texts{
	Survey: "Anket",
	Send:   "Gönder", Next: "Devam et", Required: "zorunlu", Optional: "isteğe bağlı",
	Yes: "Evet", No: "Hayır",
	ErrorPrefix: "Hata: ", ErrorTitle: "Lütfen şu sorulara yeniden bakın",
	NotMe: "Bu mesaj bana ait değil", NotMeHint: "Bastığınızda size bu konuda bir daha yazmayız. Başka bir bilgi vermeniz gerekmez.",
	NotMeLate: "Bu bağlantının süresi doldu", NotMeLateBody: "Bir şey kaydedilmedi. Size ait olmayan mesajlar geliyorsa lütfen böyle bir mesajı yanıtlayın ve bunu belirtin.",
	NotMeUndo: "Yanlışlıkla bastım, geri al", NotMeUndoLate: "Geri alınamadı. Bizden yeniden mesaj almak istiyorsanız lütfen önceki bir mesajı yanıtlayın ve bunu belirtin.",
	Thanks: "Teşekkür ederiz", ThanksBody: "Yanıtınız bize ulaştı.",
	Already: "Teşekkürler, yanıtınız bizde", AlreadyBody: "Bu anket daha önce yanıtlandı; yeni bir şey kaydedilmedi.",
	Expired: "Bu anket sona erdi", ExpiredBody: "Yanıtlamak istediğiniz için teşekkürler. Yanıt süresi doldu.",
	Full: "Katıldığınız için teşekkür ederiz", FullBody: "Sizin gibi yeterince kişiden yanıt aldık; yapmanız gereken başka bir şey yok. Zaman ayırmanız çok nazikti.",
	Heard: "Haber verdiğiniz için teşekkürler", HeardBody: "Size bu konuda bir daha yazmayacağız. Başka bir şey yapmanız gerekmez.",
	NotFound: "Bu sayfayı bulamadık", NotFoundBody: "Lütfen mesajınızdaki bağlantıyı yeniden açın.",
	Unavailable: "Bizde bir aksaklık oldu", UnavailableBody: "Yanıtınız kaydedilmedi. Lütfen birkaç dakika sonra yeniden deneyin.",
	Again:   "Yazdıklarınız bu sayfada duruyor. Buradan yeniden gönderin.",
	Refused: "Bunu kabul edemedik", RefusedBody: "Lütfen mesajınızdaki bağlantıyı yeniden açıp orada yanıtlayın.",
	TooLarge: "Yanıtınız çok uzun", TooLargeBody: "Tarayıcınızın geri düğmesiyle dönün: yazdıklarınız duruyor. Kısaltın ya da daha küçük bir dosya seçip yeniden gönderin.",
	NotStored: "Bizde bir aksaklık oldu ve yanıtınız kaydedilmedi. Girdikleriniz aşağıda duruyor: lütfen birkaç dakika sonra yeniden gönderin.",
	Back:      "Geri", Start: "Başla", Progress: "Sayfa {n} / {of}",
	Choose: "Lütfen seçin", Remark: "Yorum", RankHint: "Her satıra bir sıra verin: 1 ilk sıradır.",
	From: "En az", To: "En çok",
	Sent: "Alındı:", Drop: "Gönderileni kaldır", Signature: "imza",
	Add: "Ekle", Remove: "Kaldır", NoEntries: "Henüz bir kayıt yok.", Total: "Toplam",
	TooOften: "Çok sık gönderildi", TooOftenBody: "Bu bağlantıdan alabileceğimizden sık gönderim yapıldı. Bir dakika bekleyin, tarayıcınızın geri düğmesiyle dönüp yeniden gönderin: yazdıklarınız duruyor.",
	Busy: "Şu anda çok kişi var", BusyBody: "Geldiğiniz için teşekkürler. Lütfen bir dakika sonra yeniden deneyin.",
	Preview: "Önizleme", PreviewBody: "Yanıtlayanlar bu çerçeveyi görmez. Buraya girilen hiçbir şey saklanmaz.", PreviewFindings: "Tanımla ilgili bulgular: {n}",
	PreviewBroken: "Bu anket gösterilemiyor", PreviewBrokenBody: "Tanımı okunamadı.",
	TimeLeft: "Kalan süre (dakika): {n}", TimeLittle: "Bir dakikadan az kaldı", TimeOver: "Süre doldu. Lütfen girdiklerinizi gönderin.",
	FollowUp: "Bizimle konuşmak ister misiniz?", FollowUpLabel: "Mesajınız", FollowUpHint: "Bir çalışanımız okuyacak ve size ulaştığımız yoldan yanıt verecek.",
	FollowUpEmpty: "Lütfen önce bir şey yazın.",
	FollowUpTaken: "Mesajınızı aldık", FollowUpTakenBody: "Bir çalışanımız okuyacak ve size ulaştığımız yoldan yanıt verecek.",
	FollowUpOther: "Bu bağlantıdan bize daha önce yazdınız; aşağıdaki metin gönderilmedi. Size yanıt verdiğimizde ekleyebilirsiniz.",
	FollowUpLate:  "Bu bağlantının süresi doldu", FollowUpLateBody: "Mesajınız gönderilmedi. Bize ihtiyacınız varsa lütfen sizi buraya getiren mesajı yanıtlayın.",
	FollowUpNotStored: "Bizde bir aksaklık oldu ve mesajınız gönderilmedi. Metin aşağıda duruyor: lütfen birkaç dakika sonra yeniden gönderin.",
	special:           map[string]string{"other": "Diğer (lütfen yazın)", "none": "Hiçbiri", "refused": "Yanıtlamak istemiyorum", "dontknow": "Bilmiyorum", "selectall": "Hepsi"},
	faults: map[string]string{
		"required":     "Lütfen bu soruyu yanıtlayın.",
		"not-offered":  "Lütfen seçeneklerden birini seçin.",
		"out-of-range": "Değer izin verilen aralığın dışında ({limit}).",
		"at-least":     "Lütfen en az {limit} yazın.", "at-most": "Lütfen en çok {limit} yazın.",
		"not-before": "Lütfen {limit} ya da sonrasını seçin.", "not-after": "Lütfen {limit} ya da öncesini seçin.",
		"too-long":     "Lütfen yanıtınızı en çok {limit} karakter olacak şekilde kısaltın.",
		"bad-format":   "Lütfen yazımını kontrol edin.",
		"wrong-type":   "Lütfen yanıtınızı kontrol edin.",
		"one-required": "Lütfen bu sorulardan en az birini yanıtlayın.", "other-missing": "Lütfen diğer yanıtın ne olduğunu yazın.",
		"row-required": "Lütfen her satırı yanıtlayın.", "off-step": "Lütfen {limit} sayısının katını girin.",
		"too-short": "Lütfen en az {limit} karakter yazın.", "too-few": "Lütfen en az {limit} seçim yapın.",
		"too-many": "Lütfen en çok {limit} seçim yapın.", "too-large": "Dosya {limit} bayttan büyük.",
		"not-unique": "Aynı değer iki kez verildi; lütfen farklı değerler girin.", "rejected": "Lütfen yanıtınızı kontrol edin.",
	},
}

// textsFor gives the texts of a language and the language they are in.
func textsFor(lang string) (*texts, string) {
	switch base, _, _ := strings.Cut(lang, "-"); strings.ToLower(base) {
	case "tr":
		return &turkish, "tr"
	case "ar":
		return &arabic, "ar"
	}
	return &english, "en"
}

// fault says what is wrong with an answer: in the author's words where the definition has some.
func (t *texts) fault(q *survey.Question, f survey.Fault, lang string) string {
	if !f.Message.IsZero() {
		return f.Message.In(lang)
	}
	code := f.Code
	if code == "out-of-range" {
		code = bound(q, f.Limit)
	}
	s, ok := t.faults[code]
	if !ok {
		s = t.faults["wrong-type"]
	}
	return strings.ReplaceAll(s, "{limit}", f.Limit)
}

// bound names the side on which a value is out of range, where the definition's bounds tell it: one
// that is computed does not.
func bound(q *survey.Question, limit string) string {
	low, high := "at-least", "at-most"
	switch q.InputType {
	case "date", "datetime", "datetime-local", "month", "week", "time":
		low, high = "not-before", "not-after"
	}
	switch {
	case q.Min == q.Max:
	case limit == q.Min:
		return low
	case limit == q.Max:
		return high
	}
	return "out-of-range"
}

// progress says which page of how many it is.
func (t *texts) progress(n, of int) string {
	return strings.NewReplacer("{n}", strconv.Itoa(n), "{of}", strconv.Itoa(of)).Replace(t.Progress)
}

// language chooses the language of a page: what the respondent asked for in
// the link, else what the invitation says, else the first of the browser's
// languages that the definition has, else the definition's own, else English. A definition
// that names its own language and is not translated is shown in that alone. It is spelt as
// the definition spells it, without the region that a browser adds.
func language(asked string, inv Invitation, accept string) string {
	own := ""
	var translated []string
	if inv.Definition != nil {
		head := inv.Definition.Head()
		own, translated = head.Language, head.Languages
	}
	known := append(slices.Clone(translated), own)
	if own == "" || len(translated) > 0 {
		known = append(known, "tr", "en")
	}
	if inv.Definition == nil {
		known = append(known, "ar")
	}
	// spelt is a language as the definition has it, so that answers of tr and tr-TR are of one; "" if it has none.
	spelt := func(lang string) string {
		if !isTag(lang) {
			return ""
		}
		base, _, _ := strings.Cut(lang, "-")
		for _, l := range []string{lang, base} {
			if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, l) }); i >= 0 && isTag(known[i]) {
				return known[i]
			}
		}
		return ""
	}
	if lang := spelt(asked); lang != "" {
		return lang
	}
	if isTag(inv.Language) {
		return cmp.Or(spelt(inv.Language), inv.Language)
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if lang := spelt(tag); lang != "" {
			return lang
		}
	}
	if isTag(own) {
		return own
	}
	return "en"
}

// isTag accepts what a lang attribute may hold.
func isTag(s string) bool {
	if s == "" || len(s) > 20 {
		return false
	}
	for _, c := range []byte(s) {
		if c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

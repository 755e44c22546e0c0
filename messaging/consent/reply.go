package consent

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/internal/fold"
)

// Intent is what the writer of a reply wants.
type Intent string

// The intents of a reply; the empty one says nothing about consent.
const (
	OptOut    Intent = "opt-out"   // no more messages: record a refusal at once
	NotMe     Intent = "not-me"    // the number belongs to somebody else: suppress at once
	Ambiguous Intent = "ambiguous" // might be an opt-out: suppress, and let a person look
	OptIn     Intent = "opt-in"    // an explicit word; still needs a new consent entry
	Help      Intent = "help"      // asks what this is
)

// Suppress reports whether no further message may go to the writer: it is true
// of OptOut, NotMe and Ambiguous.
func (i Intent) Suppress() bool { return i == OptOut || i == NotMe || i == Ambiguous }

// Reply is a parsed reply.
type Reply struct {
	Intent  Intent
	Matched string // the word or phrase that decided, folded; "" if none did
	Note    string // one line for people
}

// maxReply is the number of bytes of a reply that are read. The rest of a
// longer one is ignored, and the reply is at best Ambiguous.
const maxReply = 4096

// Parser reads replies. The zero value knows Turkish, English and French.
type Parser struct {
	// Brands are words that may stand beside an opt-out word without making it
	// unclear, such as the keyword of a shared short number in "IPTAL VEFA".
	Brands []string
	// OptOut are further words or phrases that opt out, in any spelling.
	OptOut []string
}

// The words are folded: lower-case ASCII, İ, I, ı and i all "i".
var (
	optOutWords = []string{
		"ret", "red", "iptal", "dur", "durdur", "cik", "cikis", "cikar", "hayir iptal",
		"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "opt out", "revoke", "remove", "stop all",
		"arret", "arreter", "desabonner", "desinscrire", "desinscription", "abmelden", "stopp", "baja",
	}
	optOutPhrases = []string{
		"mesaj istemiyorum", "sms istemiyorum", "mesajinizi istemiyorum", "mesajlarinizi istemiyorum", "reklam istemiyorum",
		"mesaj almak istemiyorum", "sms almak istemiyorum", "mesaj gondermeyin", "mesaj gonderme", "sms gondermeyin", "sms gonderme",
		"mesaj atmayin", "mesaj atma", "sms atmayin", "sms atma", "beni listeden cikar", "beni listeden cikarin", "listeden cikarin",
		"listeden cikar", "listenizden cikarin", "listenizden cikmak istiyorum", "aboneligimi iptal", "uyeligimi iptal", "iletisim izni vermiyorum",
		"numarami silin", "beni silin", "beni rahat birakin", "ileti istemiyorum", "rahatsiz etmeyin", "rahatsiz etme", "yazmayin bana", "bana yazmayin", "bana mesaj atmayin",
		"stop texting", "stop messaging", "stop sending", "do not text", "dont text", "don t text", "do not contact", "dont contact", "don t contact",
		"do not message", "dont message", "don t message", "remove me", "take me off", "opt me out", "no more messages", "no more texts", "leave me alone",
		"ne plus recevoir", "plus de messages", "desabonnez moi",
	}
	notMePhrases = []string{
		"yanlis numara", "yanlis kisi", "ben degilim", "bana ait degil", "bu numara bana yeni", "o kisi degilim", "boyle biri yok", "tanimiyorum bu kisiyi", "numara degisti",
		"wrong number", "wrong person", "not me", "not my number", "i am not", "new owner of this number", "mauvais numero",
	}
	optInWords = []string{"onay", "basla", "start", "unstop", "subscribe", "devam", "abone ol"}
	helpWords  = []string{"yardim", "help", "info", "bilgi", "aide"}
	// fillers may stand beside an opt-out word without making it unclear.
	fillers = []string{
		"lutfen", "please", "pls", "artik", "hemen", "now", "sms", "mesaj", "mesaji", "mesajlari", "mesajlarini", "msg", "messages", "texts", "texting", "tesekkurler", "thanks", "thank", "you",
		"all", "hepsi", "hepsini", "tum", "tumunu", "ve", "and", "svp", "merci", "s", "it", "this", "bunu", "et", "edin", "ediniz", "ettim", "istiyorum",
	}
	// hints make a text that is no clear opt-out ambiguous.
	hints = []string{"istemiyorum", "istemem", "gondermeyin", "gonderme", "atmayin", "sikayet", "spam", "kvkk", "iys", "avukat", "savcilik", "unsubscribed", "harassment", "rahatsiz", "yeter", "birak", "birakin"}
)

// Parse reads one reply. Case, diacritics, composed or decomposed letters,
// punctuation and repeated blanks do not matter; nothing is allocated that is
// much larger than the text. Bytes that are not UTF-8 are ignored.
func (p Parser) Parse(text string) Reply {
	cut := false
	if len(text) > maxReply {
		text, cut = text[:maxReply], true
		for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	key := fold.Key(text)
	if key == "" {
		return Reply{Note: "no words"}
	}
	r := p.parse(key)
	if cut && (r.Intent == OptIn || r.Intent == Help) {
		return Reply{Note: "too long to be a keyword"}
	}
	return r
}

func (p Parser) parse(key string) Reply {
	extra := make([]string, 0, len(p.OptOut))
	for _, w := range p.OptOut {
		if w = fold.Key(w); w != "" {
			extra = append(extra, w)
		}
	}
	outs := func(s string) bool { return slices.Contains(optOutWords, s) || slices.Contains(extra, s) }
	if outs(key) {
		return Reply{OptOut, key, "the opt-out word alone"}
	}
	if spelt := strings.ReplaceAll(key, " ", ""); len(spelt) < len(key) && oneLetterWords(key) && outs(spelt) {
		return Reply{OptOut, spelt, "the opt-out word, spelt out"}
	}
	if slices.Contains(optInWords, key) {
		return Reply{OptIn, key, "an explicit word; record a new consent before writing"}
	}
	if slices.Contains(helpWords, key) {
		return Reply{Help, key, "asks for help"}
	}
	padded := " " + key + " "
	for _, ph := range notMePhrases {
		if strings.Contains(padded, " "+ph+" ") {
			return Reply{NotMe, ph, "says that the number is somebody else's"}
		}
	}
	for _, set := range [][]string{optOutPhrases, extra} {
		for _, ph := range set {
			if strings.Contains(ph, " ") && strings.Contains(padded, " "+ph+" ") {
				return Reply{OptOut, ph, "asks for no more messages"}
			}
		}
	}
	return p.words(strings.Fields(key), outs)
}

// words judges a text of several words that holds no known phrase. A misspelt opt-out word
// counts where nothing stands beside it that changes it: "durur", "çıkmış" and "stops" are
// words that people need.
func (p Parser) words(words []string, outs func(string) bool) Reply {
	var hit, near, slipped, other string
	for _, w := range words {
		switch {
		case outs(w):
			if hit == "" {
				hit = w
			}
		case slices.Contains(fillers, w) || p.brand(w) || digits(w):
		default:
			switch {
			case slices.Contains(hints, w):
				near = cmp.Or(near, w)
			case misspelt(w):
				slipped = cmp.Or(slipped, w)
				continue
			}
			other = w
		}
	}
	switch {
	case hit != "" && other == "":
		return Reply{OptOut, hit, "the opt-out word with nothing that changes it"}
	case hit != "":
		return Reply{Ambiguous, hit, "an opt-out word within other words"}
	case slipped != "" && other == "":
		return Reply{Ambiguous, slipped, "may be meant as an opt-out"}
	case near != "":
		return Reply{Ambiguous, near, "may be meant as an opt-out"}
	}
	return Reply{Note: "no opt-out word"}
}

func (p Parser) brand(w string) bool {
	return slices.ContainsFunc(p.Brands, func(b string) bool { return slices.Contains(strings.Fields(fold.Key(b)), w) })
}

func digits(w string) bool { return strings.Trim(w, "0123456789") == "" }

// oneLetterWords reports that every word is a single letter, as in "S T O P".
func oneLetterWords(key string) bool {
	for i := 1; i < len(key); i += 2 {
		if key[i] != ' ' {
			return false
		}
	}
	return len(key)%2 == 1
}

// misspelt reports words one slip away from a longer opt-out word: a letter
// missing, added, changed, or two neighbours swapped.
func misspelt(w string) bool {
	for _, k := range [...]string{"iptal", "unsubscribe", "stop", "cancel", "cikis", "durdur", "arret"} {
		if len(w) >= 4 && slip(w, k) {
			return true
		}
	}
	return false
}

func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

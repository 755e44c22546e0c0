package topic

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Words are words by language, "tr" or "en".
//
// A Turkish word is a noun or adjective as a dictionary has it ("kargo"), a verb with a dash
// for its suffixes ("kır-"), or several words of which the last is inflected ("iade et-",
// "güler yüz"). What is irregular stands after a slash: another stem before vowels
// ("kayıp/kayb", "et-/ed"), or /e and /ö for a word with back vowels that takes front ones
// ("saat/e", "kontrol/ö"). A final k, p or t may soften without being told. "=ret" is found
// as it is and not inflected.
//
// An English word is found with -s, -ed, -ing and what spelling does to them.
type Words map[string][]string

// Topic is what comments may be about.
type Topic struct {
	Name  string            `json:"name"`
	Title map[string]string `json:"title,omitempty"` // by language; the name where there is none
	Words Words             `json:"words"`
}

// Lexicon is what a Finder looks for. Its lists may be edited; a word may be in several.
type Lexicon struct {
	Topics []Topic `json:"topics"`
	// Praise and Complaint say something by themselves ("güzel", "bozuk"); a negation turns them.
	Praise    Words `json:"praise,omitempty"`
	Complaint Words `json:"complaint,omitempty"`
	// Expected is what a shop is expected to do ("gel-", "ara-", "çöz-"): it says nothing
	// by itself, and complains where it is negated.
	Expected Words `json:"expected,omitempty"`
	// Absent are the words that negate what stands before them ("değil", "yok").
	Absent Words `json:"absent,omitempty"`
	// Never are the words that negate what follows them ("not", "never").
	Never Words `json:"never,omitempty"`
	// Serious makes a complaint one of severity 2, Grave of severity 3, also without a word
	// that complains.
	Serious Words `json:"serious,omitempty"`
	Grave   Words `json:"grave,omitempty"`
	// Other are words that only look like some of the others ("karga"): they mean nothing and
	// are never taken for a misspelt one.
	Other Words `json:"other,omitempty"`
}

// ErrLexicon is wrapped by the errors of New; each names its topic or list and its word.
var ErrLexicon = errors.New("survey/topic: lexicon")

// role is what a word is for.
type role uint8

const (
	ofTopic role = iota
	praise
	complaint
	expected
	absent
	never
	serious
	grave
	other
	roles
)

var roleNames = [roles]string{"topic", "praise", "complaint", "expected", "absent", "never", "serious", "grave", "other"}

func (l Lexicon) list(r role) Words {
	return [roles]Words{nil, l.Praise, l.Complaint, l.Expected, l.Absent, l.Never, l.Serious, l.Grave, l.Other}[r]
}

// entry is a word of a lexicon, taken apart.
type entry struct {
	role  role
	topic int // of role ofTopic
	verb  bool
	exact bool
	en    bool
	// before are the words that stand before the last, folded.
	before []string
	stem   string // folded
	alt    string // the folded stem before vowels, "" where there is none
	h      harmony
}

// parseEntry takes a word apart.
func parseEntry(lang, s string) (entry, error) {
	e := entry{en: lang == "en"}
	word, special, irregular := strings.Cut(s, "/")
	word, e.exact = strings.CutPrefix(word, "=")
	word, e.verb = strings.CutSuffix(word, "-")
	parts := strings.Fields(word)
	switch {
	case lang != "tr" && lang != "en":
		return e, fmt.Errorf("language %q is neither tr nor en", lang)
	case len(parts) == 0:
		return e, errors.New("it is empty")
	case e.exact && (e.verb || irregular), e.en && irregular:
		return e, errors.New("a word that is not inflected has neither - nor /")
	}
	for _, r := range word {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && r != ' ' && r != '\'' {
			return e, fmt.Errorf("%q is no letter", r)
		}
	}
	last := lower(parts[len(parts)-1])
	for _, p := range parts[:len(parts)-1] {
		e.before = append(e.before, string(foldWord(nil, p)))
	}
	e.stem = string(foldWord(nil, last))
	if len(e.stem) < 2 {
		return e, errors.New("its stem has less than two letters")
	}
	for _, r := range last { // what has no vowel is spelt, and the names of letters end in e
		e.h, _ = e.h.after(r)
	}
	switch special = lower(special); {
	case !irregular:
		if !e.verb && !e.exact && !e.en {
			e.alt = softened(e.stem)
		}
	case special == "e":
		e.h = harmony{}
	case special == "ö":
		e.h = harmony{round: true}
	case len(special) < 2:
		return e, fmt.Errorf("%q is neither a stem nor e or ö", special)
	default:
		e.alt = string(foldWord(nil, special))
	}
	return e, nil
}

// softened is the stem before vowels, for one that ends in k, p or t after a vowel, or nk.
func softened(stem string) string {
	head, last := stem[:len(stem)-1], stem[len(stem)-1]
	if len(stem) < 4 {
		return ""
	}
	switch last {
	case 'k':
		return head + "g"
	case 'p':
		return head + "b"
	case 't':
		return head + "d"
	}
	return ""
}

// lower is the small letters of a Turkish text, of an English one, too: I is folded later.
func lower(s string) string { return strings.ToLowerSpecial(unicode.TurkishCase, s) }

// foldWord appends the word's letters in a to z: small, without accents, ı as i. What is no
// letter is left out.
func foldWord(dst []byte, s string) []byte {
	for _, r := range s {
		dst = foldRune(dst, r)
	}
	return dst
}

package survey

import (
	"slices"
	"strings"
)

// Text is a string in one or several languages, as SurveyJS writes it: a plain
// string, or an object {"default": …, "tr": …}. The zero Text is empty. A Text
// is immutable.
type Text struct {
	plain string // the "default" text
	langs []translation
}

// translation is a text in one language, by its tag.
type translation struct{ lang, text string }

// plainText is a Text that reads the same in every language.
func plainText(s string) Text { return Text{plain: s} }

// IsZero tells whether there is no text in any language.
func (t Text) IsZero() bool { return t.plain == "" && len(t.langs) == 0 }

// In returns the text for a language tag such as "tr" or "tr-TR": the exact
// language, else its base language, else the default text, else English, else
// the first language in alphabetical order. It is empty only for a zero Text.
func (t Text) In(lang string) string {
	if len(t.langs) == 0 {
		return t.plain
	}
	if s, ok := t.find(lang); ok {
		return s
	}
	if base, _, cut := strings.Cut(lang, "-"); cut {
		if s, ok := t.find(base); ok {
			return s
		}
	}
	if t.plain != "" {
		return t.plain
	}
	if s, ok := t.find("en"); ok {
		return s
	}
	return t.langs[0].text
}

// find looks a language up without regard to case, as tags are compared.
func (t Text) find(lang string) (string, bool) {
	for _, l := range t.langs {
		if strings.EqualFold(l.lang, lang) {
			return l.text, true
		}
	}
	return "", false
}

// Pipe replaces every {name} in s for which lookup knows a value. What lookup
// does not know stays as written, so that a missing variable is seen in tests
// and not lost.
func Pipe(s string, lookup func(name string) (string, bool)) string {
	if !strings.Contains(s, "{") {
		return s
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:], '}')
		if end < 0 {
			break
		}
		end += open
		b.WriteString(s[:open])
		if v, ok := lookup(strings.TrimSpace(s[open+1 : end])); ok {
			b.WriteString(v)
		} else {
			b.WriteString(s[open : end+1])
		}
		s = s[end+1:]
	}
	b.WriteString(s)
	return b.String()
}

// add keeps the languages sorted, so that the choice of a fallback does not depend on the file.
func (t *Text) add(lang, s string) {
	if lang == "default" {
		t.plain = s
		return
	}
	i, found := slices.BinarySearchFunc(t.langs, lang, func(tr translation, l string) int {
		return strings.Compare(tr.lang, l)
	})
	if found {
		t.langs[i].text = s
		return
	}
	t.langs = slices.Insert(t.langs, i, translation{lang, s})
}

package main

import (
	"bytes"
	"encoding/json"
	"html"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// wordsOf returns what the file of a language says, by its keys.
func wordsOf(t *testing.T, tag string) map[string]any {
	data, err := languages.ReadFile("languages/" + tag + ".json")
	require.NoError(t, err)
	var f struct{ Words map[string]any }
	require.NoError(t, json.Unmarshal(data, &f))
	return f.Words
}

// Case GR1: what the English file says, each other file says, too, with the same parts and
// as many plural forms.
func TestLanguagesAreWhole(t *testing.T) {
	files, err := fs.Glob(languages, "languages/*.json")
	require.NoError(t, err)
	require.Contains(t, files, "languages/tr.json")
	english := wordsOf(t, "en")
	parts := func(form, text string) []string {
		found := regexp.MustCompile(`\{\d\}`).FindAllString(text, -1)
		slices.Sort(found)
		return slices.DeleteFunc(found, func(p string) bool { return form == "one" && p == "{1}" }) // which need not be written
	}
	for _, f := range files {
		tag := strings.TrimSuffix(path.Base(f), ".json")
		l, err := speak(tag)
		require.NoError(t, err)
		require.Equal(t, tag, l.Tag, "the library has no file of it")
		words := wordsOf(t, tag)
		require.ElementsMatch(t, slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(words)), tag)
		for key, text := range english {
			require.IsType(t, text, words[key], "%s in %s", key, tag)
			if forms, counts := words[key].(map[string]any); counts {
				for form, says := range forms {
					require.ElementsMatch(t, parts(form, text.(map[string]any)["other"].(string)), parts(form, says.(string)), "%s, %s, in %s", key, form, tag)
				}
			} else {
				require.Equal(t, parts("", text.(string)), parts("", words[key].(string)), "%s in %s", key, tag)
			}
		}
	}
}

// Every key that the program asks for by name is there.
func TestKeysHaveWords(t *testing.T) {
	l := english(t)
	files, err := filepath.Glob("*")
	require.NoError(t, err)
	n := 0
	for _, f := range files {
		if !strings.HasSuffix(f, ".tmpl") && (!strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_test.go")) {
			continue
		}
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?:\bSay\(|\.line\(|\bsay )"([a-z0-9.-]+)"[ ,)}]`).FindAllSubmatch(data, -1) {
			if bytes.HasSuffix(m[1], []byte(".")) {
				continue // the rest is a code
			}
			require.NotEqual(t, string(m[1]), l.Say(string(m[1])), f)
			n++
		}
	}
	require.Greater(t, n, 200)
}

// texts returns the texts and labels of a page in their order.
func texts(page string) []string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`(?s)<section id="run".*?</section>`).ReplaceAllString(page, "") // its times differ
	var out []string
	for _, m := range regexp.MustCompile(`>([^<]+)<|\s(?:title|aria-label)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if text := strings.TrimSpace(html.UnescapeString(m[1] + m[2])); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// Case GR1: the page in Turkish has nothing of the English one but names, text by text.
func TestReportInTurkish(t *testing.T) {
	en, tr := reportOf(t, "-db", "memory"), reportOf(t, "-db", "memory", "-lang", "tr")
	checkPage(t, tr)
	require.Contains(t, tr, `<html lang="tr">`)
	for _, want := range []string{"270.839\u00a0₺", "1 Ocak 2025", "%73,7", "2 Mart 2024 12:27", "mağazada bildirildi", "139 kaydın zaten bilinen birine", "Anne babalar ve çocuklar"} {
		require.Contains(t, tr, want)
	}
	for _, code := range []string{"HS_", "agree:", "given equal", "told by: agent", "without the others"} { // case GR6
		require.NotContains(t, en, code)
		require.NotContains(t, tr, code)
	}
	english, turkish := texts(en), texts(tr)
	require.Equal(t, len(english), len(turkish))
	// Names of the retailer's own, people and places, ids and addresses are no words.
	names := regexp.MustCompile(`^(\d+\x{a0})?(first-watch|new-collection|trade-in|staff)$|^[KWDXSCM]\d+$|@mail\.example$|^\+90`)
	people := regexp.MustCompile(`^\p{Lu}[\p{L} ]+$|^\p{Ll}+ \p{Ll}+$`)
	letters := regexp.MustCompile(`\p{L}|\d[.,]\d|%|₺`) // or a number that has a form
	_, story, _ := strings.Cut(tr, `id="customer"`)
	_, shops, _ := strings.Cut(tr, `id="shops"`)
	shops, _, _ = strings.Cut(shops, "</section>")
	same := 0
	for i, text := range english {
		if text != turkish[i] || !letters.MatchString(text) || names.MatchString(text) {
			continue
		}
		require.Truef(t, people.MatchString(text) && strings.Contains(story+shops, text), "%q stands in both", text)
		same++
	}
	require.LessOrEqual(t, same, 30, "few names")

	// And no text of the English file that stands by itself is left.
	left := map[string]bool{}
	for _, text := range turkish {
		left[text] = true
	}
	for key, text := range wordsOf(t, "en") {
		if text, whole := text.(string); whole {
			require.False(t, left[text], "%s: %q", key, text)
		}
	}
}

// What is printed is in the reader's language, too.
func TestPrintedInTurkish(t *testing.T) {
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-db", "memory", "-customers", "300", "-evenings", "12", "-lang", "tr"}, &out, &errs))
	require.True(t, strings.HasPrefix(errs.String(), "300 kişi, benzetim no 1, kayıt yeri bellek, 1 Ocak 2025 gününden başlayarak 12 akşam\nakşam 10/12: 10 Ocak 2025  "), errs.String())
	require.Contains(t, out.String(), "kaydın denetimi: 0 iki kez gönderilen mesaj, 0 izinsiz gönderilen")
	for _, word := range []string{"evening", "sent", "held", "interval", "clicks", "audit", "record", "survey:", "inconclusive"} {
		require.NotRegexp(t, `\b`+word+`\b`, out.String()+errs.String())
	}
}

// Cases GR1 to GR4: the page in both languages, as a browser sees and prints it.
func TestReportInABrowser(t *testing.T) {
	programtest.Pages(t, map[string][]byte{"en": []byte(reportOf(t, "-db", "memory")), "tr": []byte(reportOf(t, "-db", "memory", "-lang", "tr"))})
}

package topic_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/topic"
)

// lines reads a file of testdata, split at tabs; what begins with # is a comment.
func lines(t *testing.T, file string, columns int) (out [][]string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	for l := range strings.Lines(string(data)) {
		if l = strings.TrimSuffix(l, "\n"); l == "" || l[0] == '#' {
			continue
		}
		row := strings.Split(l, "\t")
		require.Len(t, row, columns, l)
		out = append(out, row)
	}
	return out
}

// irregular are the lemmas that a dictionary has a note about.
var irregular = map[string]string{
	"kayıp": "kayıp/kayb", "saat": "saat/e", "iade et-": "iade et-/ed", "kaybol-": "kaybol-", "davranış": "davranış",
}

// TestForms: forms of words for shops, and words that look like them, written by somebody
// who did not know the automaton. Recall and precision must be 97 %; of every second lemma,
// which nobody looked at while the grammar was made, they are said apart.
func TestForms(t *testing.T) {
	rows := lines(t, "forms.tsv", 3)
	require.GreaterOrEqual(t, len(rows), 3000)
	var lemmas []string
	for _, r := range rows {
		if !slices.Contains(lemmas, r[0]) {
			lemmas = append(lemmas, r[0])
		}
	}
	lex := topic.Lexicon{Other: topic.Retail().Other}
	lex.Other["tr"] = append(lex.Other["tr"], "çalış-") // nothing is stolen
	for _, l := range lemmas {
		w := l
		if special, ok := irregular[l]; ok {
			w = special
		}
		lex.Topics = append(lex.Topics, topic.Topic{Name: l, Words: topic.Words{"tr": {w}}})
	}
	f := finder(t, lex)
	var found, missed, wrong [2]int
	for _, r := range rows {
		half := slices.Index(lemmas, r[0]) % 2
		about := f.Read(r[1]).About(r[0])
		switch {
		case about && r[2] == "1":
			found[half]++
		case about:
			wrong[half]++
			t.Logf("%s is not of %s", r[1], r[0])
		case r[2] == "1":
			missed[half]++
			t.Logf("%s of %s was not found", r[1], r[0])
		}
	}
	for half, name := range []string{"looked at", "kept back"} {
		recall := float64(found[half]) / float64(found[half]+missed[half])
		precision := float64(found[half]) / float64(found[half]+wrong[half])
		t.Logf("%s: recall %.4f, precision %.4f of %d forms found", name, recall, precision, found[half])
		require.GreaterOrEqual(t, recall, .97, name)
		require.GreaterOrEqual(t, precision, .97, name)
	}
}

// TestComments: comments labelled by the same author, who read them as a person does, with
// irony and what is only implied. A lexicon finds seven of ten of their complaints and
// topics: the bounds keep it from getting worse on the lines that nobody looked at while
// the lexicon was made, every second one.
func TestComments(t *testing.T) {
	f := finder(t, topic.Retail())
	var right, n, found, missed, wrong [2]int
	var complaints, told, near [2]int
	for i, row := range lines(t, "comments.tsv", 4) {
		half := i % 2
		r := f.Read(row[3])
		label := map[string]topic.Sentiment{"neg": topic.Negative, "pos": topic.Positive, "neu": topic.Neutral, "mixed": topic.Mixed}[row[0]]
		n[half]++
		bad := label == topic.Negative || label == topic.Mixed
		if bad {
			complaints[half]++
		}
		if got := r.Sentiment == topic.Negative || r.Sentiment == topic.Mixed; got == bad {
			right[half]++
			if bad {
				told[half]++
			}
		} else {
			t.Logf("%d %s: %s: %s", half, r.Sentiment, row[0], row[3])
		}
		if int(row[2][0]-'0') == r.Severity {
			near[half]++
		} else if half == 0 {
			t.Logf("severity %d not %s: %s", r.Severity, row[2], row[3])
		}
		want := strings.Split(row[1], ",")
		if row[1] == "none" {
			want = nil
		}
		for _, w := range want {
			if r.About(w) {
				found[half]++
			} else {
				missed[half]++
				t.Logf("%d not found %s: %s", half, w, row[3])
			}
		}
		for _, m := range r.Topics {
			if !slices.Contains(want, m.Topic) {
				wrong[half]++
				t.Logf("%d wrong %s: %s", half, m.Topic, row[3][m.Start:m.End]+": "+row[3])
			}
		}
	}
	for half, name := range []string{"looked at", "kept back"} {
		t.Logf("%s: complaint or not %d of %d, complaints told %d of %d; severity right %d; topics: recall %.3f, precision %.3f", name, right[half], n[half], told[half], complaints[half], near[half],
			float64(found[half])/float64(found[half]+missed[half]), float64(found[half])/float64(found[half]+wrong[half]))
		require.GreaterOrEqual(t, float64(right[half])/float64(n[half]), .69, name)
		require.GreaterOrEqual(t, float64(told[half])/float64(complaints[half]), .67, name)
		require.GreaterOrEqual(t, float64(found[half])/float64(found[half]+missed[half]), .72, name)
		require.GreaterOrEqual(t, float64(found[half])/float64(found[half]+wrong[half]), .67, name)
	}
}

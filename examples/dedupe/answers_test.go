package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parsed(t testing.TB, out string) summary {
	t.Helper()
	var s summary
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	return s
}

// filled answers the questions of a file as who says, and returns the file with the answers.
func filled(t testing.TB, path string, who func(row map[string]string) string, comma rune) string {
	t.Helper()
	rows := cells(t, path)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = comma
	for n, row := range rows {
		if n > 0 {
			at := map[string]string{}
			for i, h := range rows[0] {
				at[h] = row[i]
			}
			row[0] = who(at)
		}
		require.NoError(t, w.Write(row))
	}
	w.Flush()
	return put(t, "answered.csv", b.String())
}

// TestAnswers asks about the sample, answers from its truth, and asks again: the answers hold, are
// not asked again, and the result gets better; a curve says how.
func TestAnswers(t *testing.T) {
	var people []string // of each row
	for _, row := range strings.Split(strings.TrimSpace(string(sample)), "\n")[1:] {
		people = append(people, row[strings.LastIndex(row, ",")+1:])
	}
	words := [][2]string{{"yes", "no"}, {"EVET", "HAYIR"}, {" evet ", "hayır"}, {"Y", "N"}}
	asked := 0
	who := func(row map[string]string) string {
		a, err := strconv.Atoi(row["row_a"])
		require.NoError(t, err)
		b, err := strconv.Atoi(row["row_b"])
		require.NoError(t, err)
		w := words[asked%len(words)]
		asked++
		if people[a-1] == people[b-1] {
			return w[0]
		}
		return w[1]
	}
	dir := t.TempDir()
	first, second := filepath.Join(dir, "q1.csv"), filepath.Join(dir, "q2.csv")
	out, _ := start(t, "-truth", "person", "-json", "-questions", first, "-ask", "60")
	before := parsed(t, out)
	require.Equal(t, 60, before.Questions)
	head := cells(t, first)[0]
	require.Equal(t, []string{"answer", "row_a", "row_b", "probability", "customer_id a", "customer_id b", "first_name a", "first_name b"}, head[:8])
	require.NotContains(t, strings.Join(head, ","), "person", "the answer is not among the cells")
	answers := filled(t, first, who, ';') // as a Turkish spreadsheet writes it

	out, errs := start(t, "-truth", "person", "-json", "-answers", answers, "-questions", second, "-ask", "40")
	after := parsed(t, out)
	require.Contains(t, errs, "60 answers")
	require.Equal(t, 60, after.Answers)
	require.Zero(t, after.Refused)
	require.Greater(t, after.Truth.Clusters.F1, before.Truth.Clusters.F1+0.005)
	require.Len(t, after.Learning, 4)
	require.Equal(t, before.Truth.Clusters.F1, after.Learning[0].F1)
	require.Equal(t, after.Truth.Clusters.F1, after.Learning[3].F1)
	t.Logf("F1 %+v", after.Learning)
	pairs := func(path string) (out [][2]string) {
		for _, row := range cells(t, path)[1:] {
			out = append(out, [2]string{row[1], row[2]})
		}
		return out
	}
	for _, p := range pairs(second) {
		require.NotContains(t, pairs(first), p, "asked again")
	}
	more := filled(t, second, who, ',')
	page := filepath.Join(dir, "r.html")
	out, _ = start(t, "-answers", answers, "-answers", more, "-report", page) // the truth is not known
	require.Contains(t, out, "after    0 answers  estimated F1 0.9")
	require.Contains(t, out, "after  "+strconv.Itoa(60+len(pairs(second))))
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), "What answers changed")
	require.Contains(t, string(html), "F1 is what the model expects of itself")

	// Answers hold, whatever the weights say.
	clusters := filepath.Join(dir, "c.csv")
	start(t, "-answers", answers, "-out", clusters)
	rows := cells(t, clusters)
	for _, p := range pairs(first) {
		a, _ := strconv.Atoi(p[0])
		b, _ := strconv.Atoi(p[1])
		require.Equal(t, people[a-1] == people[b-1], rows[a][2] == rows[b][2], "%v", p)
	}
	require.Contains(t, fails(t, "-answers", answers, "-questions", answers), "is a file of answers")
	require.Contains(t, fails(t, "-questions", more), "holds answers")
	start(t, "-questions", second) // nobody answered there
}

// A row that is no answer is named with its line, and the others count.
func TestBadAnswers(t *testing.T) {
	const text = "id,name,phone\n1,Ada Kaya,0532 123 45 67\n2,ADA KAYA,0532 123 45 67\n=cmd|' /C calc'!A0,Ada Kayaa,0533 765 43 21\n4,\"Ada\nKaya\",\n5,Eve Can,0533 765 43 29\n"
	in := put(t, "f.csv", text)
	asked := filepath.Join(t.TempDir(), "q.csv")
	start(t, "-in", in, "-questions", asked)
	rows := cells(t, asked)
	require.Greater(t, len(rows), 1)
	for _, row := range rows {
		for _, cell := range row {
			require.False(t, strings.HasPrefix(cell, "="), "a formula")
		}
	}
	row := func(a, b int, answer string) string {
		x := [][]string{{"1", "Ada Kaya", "0532 123 45 67"}, {"2", "ADA KAYA", "0532 123 45 67"}, {"=cmd|' /C calc'!A0", "Ada Kayaa", "0533 765 43 21"}, {"4", "Ada\nKaya", ""}, {"5", "Eve Can", "0533 765 43 29"}}
		return strings.Join([]string{checkOf(printOf(x[a-1]), printOf(x[b-1])), strconv.Itoa(a), strconv.Itoa(b), answer}, ",") + "\n"
	}
	require.Contains(t, strings.Join(rows[1], ","), "c", "with its check")
	answers := put(t, "a.csv", "check,row_a,row_b,answer,note\n"+ // line 1
		row(1, 3, "belki")+ // 2
		row(1, 3, "Hayır,\"two\nlines\"")+ // 3
		row(2, 3, "")+ // 5
		row(3, 5, "EVET")+ // 6
		row(5, 3, "no")+ // 7: the check is of the other order, and it says otherwise
		"c0,1,2,yes\n"+ // 8
		"x,0,2,yes\n"+ // 9
		row(1, 1, "yes")+ // 10
		row(3, 5, "hayır")+ // 11
		row(3, 5, "evet")+ // 12: once more
		row(4, 5, "NO")) // 13
	out, errs := start(t, "-in", in, "-answers", answers, "-json")
	s := parsed(t, out)
	require.Equal(t, 3, s.Answers, errs)
	require.Equal(t, 6, s.Refused)
	for _, want := range []string{`a.csv:2: the answer "belki" is neither`, "a.csv:7: says otherwise of the pair than line 6", "a.csv:8: rows 1 and 2 are not those that were asked about",
		`a.csv:9: row_a: "0" is no number of a row`, "a.csv:10: a row is asked about itself", "a.csv:11: says otherwise", "6 rows of answers could not be used"} {
		require.Contains(t, errs, want)
	}
	require.Contains(t, fails(t, "-in", in, "-answers", in), `there is no column "answer"`)
	require.Contains(t, fails(t, "-in", in, "-answers", "nowhere.csv"), "no such file")
	require.Contains(t, fails(t, "-in", in, "-ask", "0"), "-ask")
	changed := put(t, "f.csv", strings.Replace(text, "Eve Can", "Eve Cann", 1))
	_, errs = start(t, "-in", changed, "-answers", answers)
	require.Contains(t, errs, "a.csv:6: rows 3 and 5 are not those that were asked about: the file has changed since")
}

// Of two files the rows are named by file and number, and their columns need not be the same; of things
// as of people.
func TestAnswersOfTwoFiles(t *testing.T) {
	ours, theirs := shops()
	in, in2 := put(t, "ours.csv", ours), put(t, "theirs.csv", theirs)
	asked := filepath.Join(t.TempDir(), "q.csv")
	args := []string{"-in", in, "-in2", in2, "-of", "things", "-truth", "thing", "-json"}
	start(t, append(slices.Clone(args), "-questions", asked, "-ask", "30")...)
	rows := cells(t, asked)
	require.Equal(t, []string{"answer", "file_a", "row_a", "file_b", "row_b", "probability", "id a", "id b", "product_name a", "product_name b", "marka a", "marka b", "fiyat a", "fiyat b", "sku a", "sku b"}, rows[0][:16])
	require.Greater(t, len(rows), 5)
	last := func(text, row string) string {
		n, err := strconv.Atoi(row)
		require.NoError(t, err)
		line := strings.Split(text, "\n")[n]
		return line[strings.LastIndexAny(line, ",;")+1:]
	}
	of := map[string]string{"1": ours, "2": theirs}
	answers := filled(t, asked, func(row map[string]string) string {
		if last(of[row["file_a"]], row["row_a"]) == last(of[row["file_b"]], row["row_b"]) {
			return "evet"
		}
		return "hayır"
	}, ',')
	out, errs := start(t, append(slices.Clone(args), "-answers", answers)...)
	s := parsed(t, out)
	require.Equal(t, len(rows)-1, s.Answers, errs)
	require.GreaterOrEqual(t, s.Learning[len(s.Learning)-1].F1, s.Learning[0].F1)
	require.Contains(t, fails(t, "-in", in, "-in2", in2, "-of", "things", "-answers", put(t, "a.csv", "answer,row_a,row_b,check\n")), `there is no column "file_a"`)
}

func FuzzAnswers(f *testing.F) {
	f.Add("answer,row_a,row_b,check\nyes,1,2,c\n")
	f.Add("answer;row_a;row_b;check\nHAYIR;2;1;c\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		line := 0
		_ = scanAnswers(put(t, "a.csv", text), 1, func(a *answer) {
			require.Greater(t, a.line, line)
			line = a.line
			require.Positive(t, a.rows[0])
			require.Positive(t, a.rows[1])
		}, func(e *rowError) { require.NotEmpty(t, e.Msg) })
	})
}

package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/export"
	"github.com/vefacrm/vefa/survey/export/xlsx"
)

// TestSemicolons: a spreadsheet that takes the semicolon for the separator, as one in Turkish does, finds no
// formula at the beginning of any of its cells, and a text that a person wrote stays as it is.
func TestSemicolons(t *testing.T) {
	tab := table(t, export.Options{})
	for in, want := range map[string]string{
		"iyi;=HYPERLINK(1)": "iyi;'=HYPERLINK(1)", "a; =1;b": "a; '=1;b", `a;"=1"`: `a;"'=1"`, "a\t@x": "a\t'@x", "a\n+90": "a\n'+90", "=1;=2": "'=1;'=2",
		"\t=1": "'\t'=1", "\n=1": "'\n'=1", ";=1": ";'=1", "a;''=1": "a;'''=1", "1; -5": "1; '-5", "a;-5;-x": "a;'-5;'-x", "-5;x": "'-5;x", "a; b": "a; b", "iyi,=1": "iyi,=1", "；=1": "；=1", "a;＝1": "a;'＝1",
	} {
		var b bytes.Buffer
		_, err := export.CSV(&b, tab, one(map[string]any{"note": in}))
		require.NoError(t, err)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, want, rows[1][slices.Index(rows[0], "note")], "%q", in)
		for _, cell := range strings.FieldsFunc(strings.TrimPrefix(b.String(), "\ufeff"), func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
			cell = strings.Trim(cell, ` "`)
			require.Equal(t, cell, export.Inert(cell), "%q in %q", cell, b.String())
		}
	}
}

// TestNothingIsLost: what was answered to an earlier version of a question is in the last column, whatever the
// question is today.
func TestNothingIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		separate bool
		in, rest map[string]any
	}{
		"all have a column":        {false, answers, map[string]any{"older": answers["older"]}},
		"a remark of no remarks":   {false, map[string]any{"again": "yes", "again-Comment": "çünkü"}, map[string]any{"again-Comment": "çünkü"}},
		"a row that is gone":       {false, map[string]any{"grid": map[string]any{"till": "good", "door": "bad"}}, map[string]any{"grid": map[string]any{"door": "bad"}}},
		"a column that is gone":    {false, map[string]any{"cells": map[string]any{"a": map[string]any{"n": 2.0, "m": 3.0}}}, map[string]any{"cells": map[string]any{"a": map[string]any{"m": 3.0}}}},
		"an item that is gone":     {false, map[string]any{"who": map[string]any{"first": "A", "mid": "B"}}, map[string]any{"who": map[string]any{"mid": "B"}}},
		"of another type":          {false, map[string]any{"grid": "good", "who": []any{"x"}, "h": "x"}, map[string]any{"grid": "good", "who": []any{"x"}, "h": "x"}},
		"a choice that is gone":    {true, map[string]any{"why": []any{"p", "light"}}, map[string]any{"why": []any{"light"}}},
		"one choice that was of 1": {true, map[string]any{"why": "p"}, map[string]any{"why": "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			tab := table(t, export.Options{Separate: c.separate})
			cells := tab.Cells(export.Row{Response: survey.Response{Answers: c.in}})
			var rest map[string]any
			require.NoError(t, json.Unmarshal([]byte(fmt.Sprint(cells[len(cells)-1])), &rest))
			require.Equal(t, c.rest, rest)
		})
	}
}

// TestLongCells: Excel counts an emoji twice. What is cut says so, and what fits is whole.
func TestLongCells(t *testing.T) {
	for in, want := range map[string]int{strings.Repeat("😡", 20000): 16383 + 1, strings.Repeat("😡", 16383): 16383, strings.Repeat("ş", 32767): 32767, strings.Repeat("ş", 32768): 32767, "\xff\xfe": 2} {
		var b bytes.Buffer
		_, err := xlsx.Write(&b, table(t, export.Options{}), one(map[string]any{"note": in}))
		require.NoError(t, err)
		f, err := excelize.OpenReader(&b)
		require.NoError(t, err)
		rows, err := f.GetRows("responses")
		require.NoError(t, err)
		got := rows[1][slices.Index(rows[0], "note")]
		require.Equal(t, want, utf8.RuneCountInString(got))
		require.Equal(t, want < utf8.RuneCountInString(in) || want == 32767 && strings.Count(in, "ş") > want, strings.HasSuffix(got, "…"))
		require.NoError(t, f.Close())
	}
}

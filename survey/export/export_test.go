package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/export"
	"github.com/vefacrm/vefa/survey/export/parquet"
	"github.com/vefacrm/vefa/survey/export/xlsx"
)

const form = `{"title":"Visit","elements":[
 {"type":"rating","name":"nps","title":{"default":"How likely?","tr":"Tavsiye eder misiniz?"},"rateMin":0,"rateMax":10},
 {"type":"checkbox","name":"why","choices":[{"value":"p","text":{"default":"Price","tr":"Fiyat"}},"staff"],"showOtherItem":true},
 {"type":"radiogroup","name":"again","title":"Visit","choices":["yes","no"]},
 {"type":"comment","name":"note"},
 {"type":"matrix","name":"grid","columns":["good","bad"],"rows":["till","shelf"]},
 {"type":"matrixdropdown","name":"cells","rows":["a","b"],"columns":[{"name":"n","cellType":"text","inputType":"number"}]},
 {"type":"multipletext","name":"who","items":[{"name":"first"},{"name":"last"}]},
 {"type":"paneldynamic","name":"orders","templateElements":[{"type":"text","name":"sku"},{"type":"text","name":"qty","inputType":"number"}]},
 {"type":"html","name":"h","html":"<b>hi</b>"},
 {"type":"text","name":"id","inputType":"number"}]}`

func table(t testing.TB, opts export.Options) *export.Table {
	t.Helper()
	def, err := survey.Parse([]byte(form), survey.Limits{})
	require.NoError(t, err)
	require.NoError(t, def.Err())
	return export.NewTable(def, opts)
}

var at = time.Date(2025, 3, 1, 21, 30, 0, 0, time.UTC)

func one(answers map[string]any) iter.Seq2[export.Row, error] {
	return func(yield func(export.Row, error) bool) {
		yield(export.Row{ID: "r1", At: at, Host: []string{"=store"}, Response: survey.Response{Version: "3", Language: "tr", Answers: answers}}, nil)
	}
}

var answers = map[string]any{
	"nps": 9.0, "why": []any{"p", "other"}, "why-Comment": "=cmd|' /C calc'!A0", "again": "yes", "note": "-5\n@x, \"q\" ş",
	"grid": map[string]any{"till": "good"}, "cells": map[string]any{"a": map[string]any{"n": 2.0}},
	"who": map[string]any{"first": "Ada"}, "orders": []any{map[string]any{"sku": "A1", "qty": 2.0}, map[string]any{"sku": "+1"}},
	"id": -5.0, "older": []any{1.0, "x"},
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	n, err := export.CSV(&b, table(t, export.Options{Columns: []string{"store"}, Repeats: 2}), one(answers))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.True(t, strings.HasPrefix(b.String(), "\ufeff"))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	got := map[string]string{}
	for i, h := range rows[0] {
		require.NotContains(t, got, h)
		got[h] = rows[1][i]
	}
	require.Equal(t, map[string]string{
		"id": "r1", "at": "2025-03-01T21:30:00Z", "version": "3", "language": "tr", "store": "'=store",
		"nps": "9", "why": "p; other", "why-Comment": "'=cmd|' /C calc'!A0", "again": "yes", "note": "'-5\n'@x, \"q\" ş",
		"grid/till": "good", "grid/shelf": "", "cells/a/n": "2", "cells/b/n": "", "who/first": "Ada", "who/last": "",
		"orders": `[{"qty":2,"sku":"A1"},{"sku":"+1"}]`, "orders/1/sku": "A1", "orders/1/qty": "2", "orders/2/sku": "'+1", "orders/2/qty": "",
		"id 2": "-5", "others": `{"older":[1,"x"]}`,
	}, got)
}

func TestTexts(t *testing.T) {
	istanbul, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	tab := table(t, export.Options{Texts: true, Language: "tr", Separate: true, Zone: istanbul})
	var b bytes.Buffer
	_, err = export.CSV(&b, tab, one(answers))
	require.NoError(t, err)
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	got := map[string]string{}
	for i, h := range rows[0] {
		require.NotContains(t, got, h)
		got[h] = rows[1][i]
	}
	require.Equal(t, "9", got["Tavsiye eder misiniz?"])
	require.Equal(t, "true", got["why / Fiyat"])
	require.Equal(t, "false", got["why / staff"])
	require.Equal(t, "true", got["why / other"])
	require.Contains(t, got, "why / Comment")
	require.Equal(t, "yes", got["Visit"])
	require.Equal(t, "2025-03-02T00:30:00+03:00", got["at"])
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	_, err := export.JSON(&b, table(t, export.Options{Columns: []string{"store"}}), one(answers))
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	require.Equal(t, "=cmd|' /C calc'!A0", got["why-Comment"], "as it was answered")
	require.InDelta(t, 9, got["nps"], 0)
	require.Equal(t, []any{map[string]any{"sku": "A1", "qty": 2.0}, map[string]any{"sku": "+1"}}, got["orders"])
	require.NotContains(t, got, "grid/shelf")
}

func TestXLSX(t *testing.T) {
	var b bytes.Buffer
	long := map[string]any{"note": "=" + strings.Repeat("ş", 40000), "nps": 9.0, "again": "a\x01b"}
	n, err := xlsx.Write(&b, table(t, export.Options{Columns: []string{"store"}}), one(long))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	f, err := excelize.OpenReader(&b)
	require.NoError(t, err)
	rows, err := f.GetRows("responses")
	require.NoError(t, err)
	require.Len(t, rows, 2)
	got := map[string]string{}
	for i, v := range rows[1] {
		got[rows[0][i]] = v
	}
	require.Equal(t, "9", got["nps"])
	require.Equal(t, "'=store", got["store"])
	require.True(t, strings.HasPrefix(got["note"], "'=ş") && strings.HasSuffix(got["note"], "ş…"))
	kind, err := f.GetCellType("responses", "F2")
	require.NoError(t, err)
	require.Contains(t, []excelize.CellType{excelize.CellTypeNumber, excelize.CellTypeUnset}, kind, "a number, not a text")
	for r := range rows {
		for c := range rows[r] {
			cell, _ := excelize.CoordinatesToCellName(c+1, r+1)
			formula, err := f.GetCellFormula("responses", cell)
			require.NoError(t, err)
			require.Empty(t, formula)
		}
	}
	require.NoError(t, f.Close())
}

func TestParquet(t *testing.T) {
	var b bytes.Buffer
	tab := table(t, export.Options{Columns: []string{"store"}, Separate: true})
	n, err := parquet.Write(&b, tab, func(yield func(export.Row, error) bool) {
		for i := range 1000 {
			a := map[string]any{"nps": float64(i % 11)}
			if i%3 == 0 {
				a = answers
			}
			if !yield(export.Row{ID: fmt.Sprint(i), At: at, Response: survey.Response{Answers: a}}, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, 1000, n)
	file, err := pq.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	require.EqualValues(t, 1000, file.NumRows())
	names := map[string]int{}
	for i, path := range file.Schema().Columns() {
		names[path[0]] = i
	}
	require.Len(t, names, len(tab.Columns))
	reader := pq.NewReader(bytes.NewReader(b.Bytes()))
	rows := make([]pq.Row, 1000)
	read := 0
	for read < 1000 {
		k, err := reader.ReadRows(rows[read:])
		read += k
		if err != nil {
			break
		}
	}
	require.Equal(t, 1000, read)
	for i, row := range rows {
		require.Equal(t, fmt.Sprint(i), row[names["id"]].String())
		require.Equal(t, at.UnixMilli(), row[names["at"]].Int64())
		if i%3 == 0 {
			require.InDelta(t, 9, row[names["nps"]].Double(), 0)
			require.True(t, row[names["why/p"]].Boolean())
			require.Equal(t, "=cmd|' /C calc'!A0", row[names["why-Comment"]].String())
		} else {
			require.True(t, row[names["note"]].IsNull())
		}
	}
}

// TestErrorsNameTheRow: a source that fails, and a destination that is full.
func TestErrorsNameTheRow(t *testing.T) {
	broken := errors.New("gone")
	rows := func(yield func(export.Row, error) bool) {
		_ = yield(export.Row{ID: "1"}, nil) && yield(export.Row{}, broken)
	}
	tab := table(t, export.Options{})
	for name, write := range map[string]func() (int, error){
		"csv": func() (int, error) { return export.CSV(&bytes.Buffer{}, tab, rows) }, "json": func() (int, error) { return export.JSON(&bytes.Buffer{}, tab, rows) },
		"parquet": func() (int, error) { return parquet.Write(&bytes.Buffer{}, tab, rows) }, "xlsx": func() (int, error) { return xlsx.Write(&bytes.Buffer{}, tab, rows) },
	} {
		_, err := write()
		require.ErrorIs(t, err, broken, name)
		require.ErrorContains(t, err, "row 2", name)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	for name, write := range map[string]func() (int, error){
		"csv": func() (int, error) { return export.CSV(full, tab, one(answers)) }, "json": func() (int, error) { return export.JSON(full, tab, one(answers)) },
		"parquet": func() (int, error) { return parquet.Write(full, tab, one(answers)) }, "xlsx": func() (int, error) { return xlsx.Write(full, tab, one(answers)) },
	} {
		_, err := write()
		require.Error(t, err, name)
	}
}

// TestAnyAnswers: whatever is stored as an answer is written, and no cell is a formula.
func TestAnyAnswers(t *testing.T) {
	tab := table(t, export.Options{Repeats: 2, Separate: true})
	value := rapid.Custom(func(t *rapid.T) any {
		return rapid.SampledFrom([]any{nil, "=1", "", 3.5, true, []any{"p", map[string]any{"n": "x"}}, map[string]any{"till": "-a", "a": 1.0}, []any{}, "\t=1", 1e300}).Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.MapOf(rapid.SampledFrom([]string{"nps", "why", "grid", "cells", "who", "orders", "note", "older", "why-Comment"}), value).Draw(t, "answers")
		var b bytes.Buffer
		if _, err := export.CSV(&b, tab, one(a)); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range rows[1] {
			if c != "" && strings.ContainsRune("=+@\t\r", rune(c[0])) {
				t.Fatalf("%q", c)
			}
		}
		for _, write := range []func() (int, error){
			func() (int, error) { return export.JSON(&b, tab, one(a)) }, func() (int, error) { return parquet.Write(&b, tab, one(a)) },
		} {
			if _, err := write(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestInert(t *testing.T) {
	for in, want := range map[string]string{"": "", "a=1": "a=1", "=1": "'=1", "+90": "'+90", "-5": "-5", "-5.25": "-5.25", "-1+1": "'-1+1", "-2e3": "'-2e3", "@x": "'@x", "\t1": "'\t1", "＝1": "'＝1", "-": "'-"} {
		require.Equal(t, want, export.Inert(in), in)
	}
}

func ExampleCSV() {
	def, err := survey.Parse([]byte(`{"elements":[{"type":"rating","name":"nps","rateMin":0,"rateMax":10},{"type":"comment","name":"why"}]}`), survey.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := func(yield func(export.Row, error) bool) {
		yield(export.Row{ID: "1", Response: survey.Response{Language: "en", Answers: map[string]any{"nps": 9.0, "why": "=1+1"}}}, nil)
	}
	var file bytes.Buffer
	n, err := export.CSV(&file, export.NewTable(def, export.Options{}), rows)
	fmt.Print(strings.TrimPrefix(file.String(), "\ufeff"))
	fmt.Println(n, err)
	// Output:
	// id,at,version,language,nps,why,others
	// 1,,,en,9,'=1+1,
	// 1 <nil>
}

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// start runs the program and returns what it printed.
func start(t testing.TB, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	require.NoError(t, run(context.Background(), args, &o, &e), "%s", e.String())
	return o.String(), e.String()
}

// fails runs the program, which must refuse.
func fails(t testing.TB, args ...string) string {
	t.Helper()
	var o, e bytes.Buffer
	err := run(context.Background(), args, &o, &e)
	require.Error(t, err)
	return err.Error()
}

func put(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func cells(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return rows
}

// TestSample runs what a newcomer runs first, with everything on.
func TestSample(t *testing.T) {
	dir := t.TempDir()
	clusters, pairs, page, model := filepath.Join(dir, "c.csv"), filepath.Join(dir, "p.csv"), filepath.Join(dir, "r.html"), filepath.Join(dir, "m.json")
	out, _ := start(t, "-truth", "person", "-json", "-out", clusters, "-pairs", pairs, "-report", page, "-model", model)
	var s summary
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Equal(t, 567, s.Rows)
	require.Zero(t, s.Rejected)
	require.GreaterOrEqual(t, s.Truth.Clusters.F1, 0.965)
	require.GreaterOrEqual(t, s.Truth.Edges.F1, 0.94, "of records that differ: equal ones, the easy pairs, are joined before")
	require.GreaterOrEqual(t, s.Truth.BlockingRecall, 0.95)
	for _, phase := range []string{"read", "block", "learn", "compare", "cluster", "evaluate", "write", "total"} {
		require.Contains(t, s.Seconds, phase)
		require.Contains(t, s.CPUSeconds, phase)
	}
	require.Positive(t, s.PeakRSS)

	rows := cells(t, clusters)
	require.Equal(t, []string{"row", "id", "cluster_id"}, rows[0])
	require.Len(t, rows, 568)
	require.Equal(t, "1", rows[1][2], "clusters are numbered in the order of their first rows")
	numbers := map[string]bool{}
	for i, r := range rows[1:] {
		require.Equal(t, fmt.Sprint(i+1), r[0])
		numbers[r[2]] = true
	}
	require.Len(t, numbers, s.Clusters)
	linked := cells(t, pairs)
	require.Len(t, linked, s.Edges+1)

	// The model that was written links the same; so does any number of threads.
	again := filepath.Join(dir, "c2.csv")
	out, _ = start(t, "-json", "-out", again, "-model", model, "-threads", "1")
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.True(t, s.ModelLoaded)
	require.Equal(t, rows, cells(t, again))

	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), "</html>")
	require.NotContains(t, string(html), "<script")
}

const few = `id,name,phone,dob
7,"Ayşe Yılmaz",0532 123 45 67,12/11/1978
=cmd,AYSE YILMAZ,+90 532 123 45 67,12/11/1978
8,Mehmet Demir,05429998877,25/01/1980
`

// TestFiles holds that the same people are found however a file is written.
func TestFiles(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte(few))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, text := range map[string]string{
		"plain":     few,
		"bom":       "\ufeff" + few,
		"crlf":      strings.ReplaceAll(few, "\n", "\r\n"),
		"semicolon": strings.ReplaceAll(few, ",", ";"),
		"tab":       strings.ReplaceAll(few, ",", "\t"),
		"gzip":      zipped.String(),
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "c.csv")
			_, errs := start(t, "-in", put(t, name+".csv", text), "-out", out)
			for _, line := range []string{"  id         id\n", "  full       name\n", "  birth      dob\n", "  phone      phone\n"} {
				require.Contains(t, errs, line)
			}
			require.Equal(t, [][]string{{"row", "id", "cluster_id"}, {"1", "7", "1"}, {"2", "'=cmd", "1"}, {"3", "8", "2"}}, cells(t, out))
		})
	}
}

// TestBadRows holds that bad rows are named with their line, keep their number and cost
// nothing else.
func TestBadRows(t *testing.T) {
	in := put(t, "bad.csv", few+"9,too,many,cells,here\n10,\"a \"quote\" inside\",,\n11,\xff\xfe broken,,\n12,"+strings.Repeat("x", maxCell+1)+",,\n13,Ali Veli,,\n")
	out := filepath.Join(t.TempDir(), "c.csv")
	_, errs := start(t, "-in", in, "-out", out)
	require.Contains(t, errs, "bad.csv:5: 5 cells where the header has 4")
	require.Contains(t, errs, "bad.csv:6:")
	require.Contains(t, errs, "bad.csv:8: name holds 1048577 bytes")
	require.Contains(t, errs, "bad.csv:7: name is not UTF-8, as most of the file is")
	require.Contains(t, errs, "4 of 8 rows could not be read")
	rows := cells(t, out)
	require.Len(t, rows, 9)
	require.Equal(t, []string{"4", "", ""}, rows[4])
	require.Equal(t, "13", rows[8][1])
	require.NotEmpty(t, rows[8][2])
}

// TestTwoFiles links a file with another one that names its columns otherwise.
func TestTwoFiles(t *testing.T) {
	second := put(t, "b.csv", "kayit_no,ad,soyad,cep,dogum_tarihi\nb1,Ayse,Yilmaz,5321234567,12.11.1978\nb2,AYŞE,YILMAZ,5321234567,12.11.1978\n")
	first := put(t, "a.csv", few)
	out := filepath.Join(t.TempDir(), "c.csv")
	start(t, "-in", first, "-in2", second, "-out", out)
	require.Equal(t, [][]string{{"row", "id", "cluster_id", "file"}, {"1", "7", "1", "1"}, {"2", "'=cmd", "1", "1"}, {"3", "8", "2", "1"}, {"1", "b1", "1", "2"}, {"2", "b2", "1", "2"}}, cells(t, out))
	// Where each file has everybody once, the four of them are two.
	start(t, "-in", first, "-in2", second, "-out", out, "-one-per-source", "file")
	of := map[string]int{}
	for _, r := range cells(t, out)[1:] {
		of[r[2]+" of file "+r[3]]++
	}
	for who, n := range of {
		require.Equal(t, 1, n, who)
	}
}

// TestTwoVocabularies maps two files that call the same things by different names.
func TestTwoVocabularies(t *testing.T) {
	first := put(t, "a.csv", "nr,first,last,tel,job\n7,Ayşe,Yılmaz,0532 123 45 67,clerk\n8,Mehmet,Kaya,0533 765 43 21,cook\n")
	second := put(t, "b.csv", "key;fname;lname;gsm\nx;AYSE;YILMAZ;+905321234567\n")
	out := filepath.Join(t.TempDir(), "c.csv")
	mapping := "id=nr,id=key,given=first,given=fname,family=last,family=lname,phone=tel,phone=gsm,extra:job=job"
	start(t, "-in", first, "-in2", second, "-map", mapping, "-out", out)
	require.Equal(t, [][]string{{"row", "id", "cluster_id", "file"}, {"1", "7", "1", "1"}, {"2", "8", "2", "1"}, {"1", "x", "1", "2"}}, cells(t, out))
	// What no file has is a mistake, and so is a file of which nothing is mapped.
	require.Contains(t, fails(t, "-in", first, "-in2", second, "-map", mapping+",city=town"), `-map: there is no column "town"`)
	require.Contains(t, fails(t, "-in", first, "-in2", second, "-map", "given=first,phone=tel"), "no column says anything about a person")
}

// TestRecognised reads columns by their names, and what belongs together as one.
func TestRecognised(t *testing.T) {
	var file strings.Builder
	file.WriteString("voter id,first name,Middle_Name,Last Name,Name Suffix,SSN,Doğum Yeri,meslek,anne adı,status\n" +
		"1,John,Paul,Smith,Sr,1111,Bursa,cook,Ada,active\n2,John,Paul,Smith,Jr,2222,Bursa,cook,Eva,active\n3,John,P,Smith,SR,1111,Bursa,cook,Ada,moved\n")
	for i := range 200 { // others, each twice
		k := i / 2
		fmt.Fprintf(&file, "%d,%s,,%s,,%d,%s,%s,%s,active\n", i+4, strings.Repeat(string(rune('a'+k%25)), 4)+string(rune('a'+k/25)), string(rune('b'+k/25))+strings.Repeat(string(rune('a'+k%23)), 5),
			3000+37*k, []string{"Bursa", "Izmir", "Ankara"}[k%3], []string{"cook", "clerk", "nurse"}[k/3%3], []string{"Ada", "Eva", "Ida", "Uma"}[k%4])
	}
	in := put(t, "voters.csv", file.String())
	out := filepath.Join(t.TempDir(), "c.csv")
	_, said := start(t, "-in", in, "-out", out)
	for _, line := range []string{"given      first name\n  given      Middle_Name\n  family     Last Name\n  family     Name Suffix\n", "extra:birthplace Doğum Yeri\n", "extra:mother anne adı\n", "extra:nationalid SSN\n", "extra:occupation meslek\n"} {
		require.Contains(t, said, line)
	}
	require.NotContains(t, said, "status")
	rows := cells(t, out)
	require.Equal(t, rows[1][2], rows[3][2], "the same man")
	require.NotEqual(t, rows[1][2], rows[2][2], "his son")
}

func TestRefused(t *testing.T) {
	in := put(t, "few.csv", few)
	for _, c := range []struct {
		want string
		args []string
	}{
		{`-map: there is no role "shoe"`, []string{"-in", in, "-map", "shoe=dob,full=name"}},
		{`-map: extra:gender: gender is a role of its own: write gender=dob`, []string{"-in", in, "-map", "full=name,extra:gender=dob"}}, // B23
		{`-map: extra:Name: full is a role of its own: write full=name`, []string{"-in", in, "-map", "extra:Name=name"}},
		{`"place" is no extra attribute: the preset compares "place" itself`, []string{"-in", in, "-map", "full=name,extra:place=dob"}},
		{`-map: "dob" is not role=column`, []string{"-in", in, "-map", "dob"}},
		{`-map: there is no column "nobody"`, []string{"-in", in, "-map", "full=nobody"}},
		{`-truth: there is no column "who"`, []string{"-in", in, "-truth", "who"}},
		{"-in2 goes with -in", []string{"-in2", in}},
		{"-delimiter", []string{"-in", in, "-delimiter", "ab"}},
		{"-threads", []string{"-in", in, "-threads", "0"}},
		{"unexpected argument", []string{"x"}},
		{"the file is empty", []string{"-in", put(t, "empty.csv", "")}},
		{"no column says anything about a person", []string{"-in", put(t, "odd.csv", "a,b\n1,2\n")}},
		{"no column says anything about a person; name them with -map. There are a, a (2)", []string{"-in", put(t, "twice.csv", "a,a\n1,2\n")}},
		{"there is no row", []string{"-in", put(t, "header.csv", "name,phone\n")}},
		{"wide.csv:1: the file ends within a character of UTF-16", []string{"-in", put(t, "wide.csv", "\xff\xfen\x00a")}},
		{"dos.csv:2: byte 0x81 is neither UTF-8 nor Windows-1254", []string{"-in", put(t, "dos.csv", "name,phone\nM\x81ller,1\n")}},
		{"another alphabet", []string{"-in", put(t, "russian.csv", "name,phone\n\xc8\xe2\xe0\xed \xcf\xe5\xf2\xf0\xee\xe2,1\n")}},
		{"mapping of columns: no JSON of a mapping", []string{"-in", in, "-mapping", put(t, "c.json", "x")}},
		{`mapping of columns: "shoe": there is no such column; there are id, name, phone, dob`, []string{"-in", in, "-mapping", put(t, "c.json", `{"version":1,"columns":[{"name":"shoe","role":"full"}]}`)}},
		{"both say what the columns are", []string{"-in", in, "-map", "full=name", "-mapping", put(t, "c.json", `{"version":1,"columns":[{"name":"name","role":"full"}]}`)}},
		{"-mapping2 goes with -in2", []string{"-in", in, "-mapping2", "x"}},
		{"-model", []string{"-in", in, "-model", put(t, "m.json", "{}")}},
		{"no such file", []string{"-in", "nowhere.csv"}},
	} {
		require.Contains(t, fails(t, c.args...), c.want)
	}
}

// TestCancelled ends while it reads.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	require.ErrorIs(t, run(ctx, nil, &out, &errs), context.Canceled)
}

// FuzzRows holds that no file crashes the reader, and that every row is used or named.
func FuzzRows(f *testing.F) {
	f.Add(few)
	f.Add("a,b\n\"")
	f.Add("a;b\n1;2;3\n\n\"x\"y;z")
	f.Add("\ufeffname\n\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		path := put(t, "f.csv", text)
		table := file(path)
		last := 0
		take := func(n int) error {
			require.Equal(t, last+1, n)
			last = n
			return nil
		}
		err := table.rows(func(n int, row []string) error {
			require.Len(t, row, len(table.header))
			return take(n)
		}, func(n int, e *rowError) error {
			require.NotEmpty(t, e.Msg)
			return take(n)
		})
		if err == nil && table.arrange(options{}, "", nil) == nil {
			_, err := table.layout.reading.Bind(table.header, nil)
			require.NoError(t, err)
		}
	})
}

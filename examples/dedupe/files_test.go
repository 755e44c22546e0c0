package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func wide(text string, big, mark bool) string {
	var b []byte
	if mark {
		text = "\ufeff" + text
	}
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// narrow writes Windows-1254.
func narrow(text string) string {
	var b []byte
	for _, r := range text {
		for c := range 256 {
			if rune1254(byte(c)) == r {
				b = append(b, byte(c))
				break
			}
		}
	}
	return string(b)
}

// Case E13: files as programs write them are read as the same rows.
func TestEncodings(t *testing.T) {
	const text = "Müşteri Adı,Müşteri Soyadı,Cep Telefonu\nIşıl,Çağlar,0532 123 45 67\nÖmer,Güneş,0533 765 43 21\nIŞIL,ÇAĞLAR,+905321234567\n"
	for name, c := range map[string]struct{ text, said string }{
		"utf-8":          {text, ""},
		"mark":           {"\ufeff" + text, ""},
		"1254":           {narrow(text), "is read as Windows-1254"},
		"utf-16":         {wide(text, false, true), "is read as UTF-16"},
		"utf-16 bare":    {wide(text, false, false), "is read as UTF-16"},
		"utf-16 big":     {wide(text, true, true), "is read as UTF-16, big-endian"},
		"utf-16 bare be": {wide(text, true, false), "is read as UTF-16, big-endian"},
		"cr":             {strings.ReplaceAll(text, "\n", "\r"), ""},
		"cr 1254":        {narrow(strings.ReplaceAll(text, "\n", "\r")), "is read as Windows-1254"},
		"cr utf-16":      {wide(strings.ReplaceAll(text, "\n", "\r"), false, true), "is read as UTF-16"},
		"sep":            {"sep=;\n" + strings.ReplaceAll(text, ",", ";"), ""},
		"sep odd":        {"\ufeffsep=^\r\n" + strings.ReplaceAll(text, ",", "^"), ""},
		"titles":         {"Müşteri Listesi\n\nTarih: 01.03.2024\n" + text, "line 4 is read as the header"},
		"padded titles":  {"Müşteri Listesi;;\n" + strings.ReplaceAll(text, ",", ";"), "line 2 is read as the header"},
		"decimal commas": {strings.ReplaceAll(strings.ReplaceAll(text, ",", ";"), "\n", ";1,5\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "decimal commas" {
				c.text = strings.Replace(c.text, ";1,5", ";puan", 1)
			}
			out := filepath.Join(t.TempDir(), "c.csv")
			_, said := start(t, "-in", put(t, "f.csv", c.text), "-out", out)
			require.Contains(t, said, c.said)
			require.Contains(t, said, "given      Müşteri Adı")
			require.Equal(t, [][]string{{"row", "id", "cluster_id"}, {"1", "", "1"}, {"2", "", "2"}, {"3", "", "1"}}, cells(t, out))
		})
	}
}

// Case E13: a header that stands again in the middle is no customer, and columns of one name
// are told apart.
func TestRepeatedHeaders(t *testing.T) {
	in := put(t, "f.csv", "sep=,\nname,phone,phone\nAda Kaya,0532 123 45 67,0533 765 43 21\nname,phone,phone\nAda Kaya,,0533 765 43 21\n")
	out := filepath.Join(t.TempDir(), "c.csv")
	_, said := start(t, "-in", in, "-out", out)
	require.Contains(t, said, "f.csv:4: the header stands here once more")
	require.Contains(t, said, "phone      phone (2)")
	require.Equal(t, [][]string{{"row", "id", "cluster_id"}, {"1", "", "1"}, {"2", "", ""}, {"3", "", "1"}}, cells(t, out))
}

// What a decoder makes does not depend on how its source hands bytes out.
func TestDecoder(t *testing.T) {
	text := strings.Repeat("a;b\n", chunk/4-1) + "Işıl;Ğ😀\n" + strings.Repeat("Çağ;ş\n", 30_000)
	for name, c := range map[string]string{"utf-8": text, "utf-16": wide(text, false, true), "utf-16 bare": wide(text, true, false), "1254": narrow(text)} {
		want := text
		if name == "1254" {
			want = strings.ReplaceAll(text, "😀", "")
		}
		for _, src := range []io.Reader{strings.NewReader(c), iotest.HalfReader(strings.NewReader(c)), iotest.DataErrReader(strings.NewReader(c))} {
			got, err := io.ReadAll(&decoder{path: "f", src: src})
			require.NoError(t, err)
			require.True(t, want == string(got), name)
		}
	}
	// A file that cannot be read to its end is an error, not the end.
	_, err := io.ReadAll(&decoder{path: "f", src: io.MultiReader(strings.NewReader("a,b\n"), iotest.ErrReader(io.ErrUnexpectedEOF))})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	// The line is said where an encoding is not certain far inside.
	_, err = io.ReadAll(&decoder{path: "f", src: strings.NewReader(strings.Repeat("abc\n", chunk) + "M\x81ller\n")})
	var row *rowError
	require.True(t, errors.As(err, &row))
	require.Equal(t, chunk+1, row.Line)
}

// FuzzDecode holds that any bytes become valid UTF-8 or an error with a line, but for what
// is UTF-8 in most places, and that UTF-8 stays as it is.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("a,b\nI\xfe\xfdl,c\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("a\x00b\x00\n\x00"))
	f.Add([]byte("\x00\xd8\x00\xdc"))
	f.Add([]byte("a\rb\r"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &decoder{path: "f", src: bytes.NewReader(bytes.Clone(b))}
		got, err := io.ReadAll(d)
		if err != nil {
			var row *rowError
			require.True(t, errors.As(err, &row))
			require.Positive(t, row.Line)
			return
		}
		if d.enc != encodedUTF8 {
			require.True(t, utf8.Valid(got))
		}
		if d.enc == encodedUTF8 && !bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) && !d.cr {
			require.Equal(t, b, got)
		}
		require.LessOrEqual(t, len(got), 3*len(b))
	})
}

// A header that does not name all columns is no title.
func TestHalfHeader(t *testing.T) {
	row := ";1;2;3;4;5;6;7;8;9\n"
	in := put(t, "f.csv", "name;phone;id;;;;;;;;\nAda Kaya;0532 123 45 67"+row+"Eve Can;0533 765 43 21"+row)
	_, said := start(t, "-in", in)
	require.Contains(t, said, "full       name")
	require.NotContains(t, said, "is read as the header")
}

// Case E5: a column that one of two files has is no evidence for the other.
func TestOtherColumns(t *testing.T) {
	first := put(t, "a.csv", "name,phone,job,passport\nAda Kaya,0532 123 45 67,clerk,U1\nEve Can,0533 765 43 21,cook,U2\n")
	second := put(t, "b.csv", "full name,tel,city,ssn\nADA KAYA,+905321234567,Bursa,77\n")
	out := filepath.Join(t.TempDir(), "c.csv")
	for _, files := range [][]string{{first, second}, {second, first}} {
		start(t, "-in", files[0], "-in2", files[1], "-out", out)
		of := map[string]int{}
		for _, r := range cells(t, out)[1:] {
			of[r[2]]++
		}
		require.Equal(t, map[string]int{"1": 2, "2": 1}, of)
	}
	start(t, "-in", first, "-in2", second, "-map", "full=name,full=full name,phone=phone,phone=tel,extra:number=ssn", "-out", out)
}

// Case E4: birth in three columns, recognised or told.
func TestBirthInThree(t *testing.T) {
	const text = "id,full name,y,m,d\n1,Ada Kaya,1953,12,13\n2,Ada Kaya,1953,12,13\n3,Eve Can,1988,1,2\n"
	for _, args := range [][]string{nil, {"-map", "id=id,full=full name,birth=y+m+d"}} {
		out := filepath.Join(t.TempDir(), "c.csv")
		start(t, append([]string{"-in", put(t, "f.csv", text), "-out", out}, args...)...)
		require.Equal(t, [][]string{{"row", "id", "cluster_id"}, {"1", "1", "1"}, {"2", "2", "1"}, {"3", "3", "2"}}, cells(t, out))
	}
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	path := filepath.Join(dir, "..", "cases", "dedup", "birth_in_three.csv")
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatalf("no shared cases: %v (set VEFA_DATA)", err)
		}
		t.Skipf("no shared cases: %v (set VEFA_DATA)", err)
	}
	// As good as with the date in one column.
	measure := func(mapping string) measures {
		printed, _ := start(t, "-in", path, "-truth", "who", "-json", "-map", mapping)
		var s summary
		require.NoError(t, json.Unmarshal([]byte(printed), &s))
		return *s.Truth
	}
	require.Equal(t, measure("given=first_name,family=last_name,birth=iso"), measure("given=first_name,family=last_name,birth=y+m+d"))
}

// Case E14: how columns were read is said once, saved, and read again.
func TestMappingFile(t *testing.T) {
	in := put(t, "f.csv", "Ad,Soyad,Doğum,Cep,E-posta durumu,Telefon\nAda,Kaya,01/25/1980,0532 123 45 67,açık,evet\nADA,KAYA,01/25/1980,0532 123 45 67,açık,hayır\n")
	saved, out, again := filepath.Join(t.TempDir(), "m.json"), filepath.Join(t.TempDir(), "c.csv"), filepath.Join(t.TempDir(), "d.csv")
	_, said := start(t, "-in", in, "-mapping", saved, "-out", out)
	require.Contains(t, said, "birth      Doğum (months before days)\n")
	require.Contains(t, said, "not read   Telefon, as phone: 2 of 2 cells are no phone numbers\n")
	text, err := os.ReadFile(saved)
	require.NoError(t, err)
	require.Contains(t, string(text), `"dates": "mdy"`)
	_, said = start(t, "-in", in, "-mapping", saved, "-out", again)
	require.NotContains(t, said, "is read as:")
	require.Equal(t, cells(t, out), cells(t, again))
	// The second file has its own.
	second := filepath.Join(t.TempDir(), "2.json")
	start(t, "-in", in, "-mapping", saved, "-in2", put(t, "b.csv", "name,tel\nAda Kaya,05321234567\n"), "-mapping2", second)
	text, err = os.ReadFile(second)
	require.NoError(t, err)
	require.Contains(t, string(text), `"tel"`)
}

// A warning where only names were recognised.
func TestWeakColumns(t *testing.T) {
	_, said := start(t, "-in", put(t, "f.csv", "Ad,Soyad,Puan\nAda,Kaya,3\nEve,Can,4\n"))
	require.Contains(t, said, "warning: ")
	require.Contains(t, said, "namesakes will be joined")
	printed, _ := start(t, "-json", "-in", put(t, "f.csv", "Ad,Soyad,Puan\nAda,Kaya,3\nEve,Can,4\n"))
	require.Contains(t, printed, "namesakes will be joined")
}

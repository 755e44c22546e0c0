package rules

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What follows is how places were found before case A11, counting from the
// start each time: the oracle of fileText.

func plainFollows(p place, file, text string) bool {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 1; i < p.line; i++ {
		nl := strings.IndexByte(file, '\n')
		if nl < 0 {
			return false
		}
		file = file[nl+1:]
	}
	for i, want := range lines {
		line, rest, _ := strings.Cut(file, "\n")
		if i == 0 || p.block {
			for range p.column - 1 {
				_, n := utf8.DecodeRuneInString(line)
				line = line[n:]
			}
		}
		if !strings.HasPrefix(line, want) {
			return false
		}
		file = rest
	}
	return true
}

func plainSnippet(text string, s spot) string {
	for i := 1; i < s.line; i++ {
		nl := strings.IndexByte(text, '\n')
		if nl < 0 {
			return ""
		}
		text = text[nl+1:]
	}
	if nl := strings.IndexByte(text, '\n'); nl >= 0 {
		text = text[:nl]
	}
	line := []rune(strings.TrimRight(strings.ToValidUTF8(text, "\ufffd"), "\r"))
	col := min(s.column-1, len(line))
	if col < 0 || len(line) == 0 {
		return ""
	}
	const width = 60
	if cut := col - width; cut > 0 {
		line = append([]rune{'…'}, line[cut:]...)
		col -= cut - 1
	}
	if len(line) > col+width {
		line = append(line[:col+width:col+width], '…')
	}
	for i, r := range line {
		if r < ' ' || r == 0x7f {
			line[i] = ' '
		}
	}
	return " | " + string(line) + "\n | " + strings.Repeat(" ", col) + "^"
}

// Case A11: positions are what they were when each was counted from the start,
// with letters of several bytes, tabs, carriage returns and long lines.
func TestFileTextAgreesWithCounting(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "b", "ğ", "İ", "漢", "🙂", "\t", " ", "\r", "\r\n", "\n", "\xff", "\xe2\x82", "\u0301",
		strings.Repeat("x", 300), strings.Repeat("ş", 300), strings.Repeat("🙂", 70), strings.Repeat("\r", 150)})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 30).Draw(t, "text"), "")
		f := newFileText(text)
		p := place{line: rapid.IntRange(1, 12).Draw(t, "line"), column: rapid.IntRange(1, 1500).Draw(t, "column"), block: rapid.Bool().Draw(t, "block")}
		if rapid.Bool().Draw(t, "near") {
			p.column = 1 + p.column%9
		}
		require.Equal(t, plainSnippet(text, spot{p.line, p.column}), f.snippet(spot{p.line, p.column}))
		// What does stand there, and what may.
		from, to := f.bounds(p.line)
		stands := ""
		if p.line <= f.lines() {
			stands = text[f.skip(from, to, p.column-1):]
		}
		stands = stands[:rapid.IntRange(0, len(stands)).Draw(t, "length")]
		for _, want := range []string{stands, strings.Join(rapid.SliceOfN(piece, 0, 3).Draw(t, "want"), "")} {
			require.Equal(t, plainFollows(p, text, want), p.follows(f, want), "%q at %+v", want, p)
		}
		i := rapid.IntRange(0, len(text)).Draw(t, "offset")
		for i < len(text) && !utf8.RuneStart(text[i]) {
			i++
		}
		if utf8.ValidString(text) {
			require.Equal(t, utf8.RuneCountInString(text[:i]), f.number(i))
		}
	})
}

// Case A11: each value of a file that is one line stands where it stood.
func TestJSONPlacesOnOneLine(t *testing.T) {
	text := "{\"rules\": [" + strings.Repeat(`{"name":"ağ🙂","when":"Örnek == 1","then":[{"tag":"x"}]}, `, 40) + "\r\n\t" + `{"name":"son","when":"true"}]}`
	book, err := ReadJSON("one.json", []byte(text))
	require.NoError(t, err)
	for path, p := range book.places {
		if p.verbatim {
			require.True(t, plainFollows(p, text, textAt(book, path)), path)
		}
	}
	require.Equal(t, place{line: 2, column: 2}, book.places["rules[40]"])
	require.Equal(t, place{line: 2, column: 11, verbatim: true}, book.places["rules[40].name"])
	require.Equal(t, place{line: 1, column: 12 + 39*57, verbatim: false}, book.places["rules[39]"])
}

func textAt(b *Book, path string) string {
	for i, r := range b.Rules {
		switch path {
		case "rules[" + strconv.Itoa(i) + "].name":
			return r.Name
		case "rules[" + strconv.Itoa(i) + "].when":
			return r.When
		}
	}
	return "x" // the tag of an action
}

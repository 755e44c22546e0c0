package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever stands in a file, its rows, and which of them are at fault and where, are what a
// csv.Reader alone makes of it.
func TestPlainRows(t *testing.T) {
	pieces := []string{"a", "Şule", " ", "\t", "\"", "\"\"", "\"x\ny\"", "\"x,y\"", ",", ",", ",", ";", "\n", "\n", "\r\n", "\r", "\xff", "name,phone,city\n", "05551112233", "'", "\u00a0"}
	read := func(text string, quick bool) (out []string) {
		tab := &table{path: "x", open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
		tab.comma, tab.begun, tab.enc = ',', true, encodedUTF8
		if !quick { // a header that no row has as many cells as: none is plain
			r, _, _, err := tab.start()
			require.NoError(t, err)
			return slowRows(tab, r)
		}
		err := tab.rows(func(n int, row []string) error {
			out = append(out, fmt.Sprintf("%d %q", n, row))
			return nil
		}, func(n int, e *rowError) error {
			out = append(out, fmt.Sprintf("%d %v", n, e))
			return nil
		})
		if err != nil {
			out = append(out, err.Error())
		}
		return out
	}
	good, faulty := 0, 0
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 3))
		text := strings.Builder{}
		text.WriteString("name,phone,city\n")
		for range r.IntN(25) {
			if r.IntN(3) == 0 {
				fmt.Fprintf(&text, "Ayşe %d , 0532%d,İzmir\n", r.IntN(9), r.IntN(100))
			}
			text.WriteString(pieces[r.IntN(len(pieces))])
		}
		want, got := read(text.String(), false), read(text.String(), true)
		require.Equal(t, want, got, "%q", text.String())
		for _, line := range got {
			if strings.HasSuffix(line, "]") {
				good++
			} else {
				faulty++
			}
		}
	}
	require.Greater(t, good, 4000)
	require.Greater(t, faulty, 4000)
}

// slowRows is what a csv.Reader makes of the rows after the header.
func slowRows(t *table, r *csv.Reader) (out []string) {
	for n := 1; ; n++ {
		row, err := r.Read()
		if err == io.EOF {
			return out
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			out = append(out, fmt.Sprintf("%d %v", n, t.fault(err)))
			continue
		}
		line, _ := r.FieldPos(0)
		bad := ""
		cells := make([]string, len(row))
		for i := range row {
			cells[i] = strings.TrimSpace(row[i])
		}
		switch {
		case len(row) != 3:
			bad = fmt.Sprintf("x:%d: %d cells where the header has 3", line, len(row))
		case row[0] == "name" && t.again(row):
			bad = fmt.Sprintf("x:%d: the header stands here once more", line)
		default:
			for i := range row {
				if strings.ToValidUTF8(row[i], "") != row[i] {
					at, _ := r.FieldPos(i)
					bad = fmt.Sprintf("x:%d: %s is not UTF-8, as most of the file is", at, t.header[i])
					break
				}
			}
		}
		if bad != "" {
			out = append(out, fmt.Sprintf("%d %s", n, bad))
		} else {
			out = append(out, fmt.Sprintf("%d %q", n, cells))
		}
	}
}

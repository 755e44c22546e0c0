// Package list writes lists of recipients that people or machines work off: CSV that a
// spreadsheet opens without running anything.
package list

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/crm"
)

// Cell is a text of a cell that no spreadsheet takes for a formula: one that begins with
// what a formula begins with, blanks before it or not, gets an apostrophe in front. Control
// characters but line feeds are left out.
func Cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s)
	if t := strings.TrimSpace(s); t != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}

// CSV writes a table in UTF-8 with a byte order mark, by which spreadsheets know it, and
// lines that end in CRLF. Cells are written by Cell.
func CSV(header []string, rows [][]string) ([]byte, error) {
	out := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(out)
	w.UseCRLF = true
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = Cell(c)
		}
		if err := w.Write(cells); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

// Hand writes a list and returns the receipt of each of its rows, Provider being the file's
// name: prefix, a digest of the ids and .csv. An error of write means that there is no
// file, so that the rows come again; what panics leaves that open.
func Hand(ctx context.Context, write func(context.Context, string, []byte) error, prefix string, ids []crm.EffectID, header []string, rows [][]string) crm.Receipt {
	if ctx.Err() != nil {
		return crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: "the time is over"}
	}
	data, err := CSV(header, rows)
	if err != nil {
		return crm.Receipt{Status: crm.Declined, Reason: "the list cannot be written"}
	}
	sum := sha256.New()
	for _, id := range ids {
		_, _ = sum.Write([]byte(id + "\n"))
	}
	name := prefix + hex.EncodeToString(sum.Sum(nil)[:8]) + ".csv"
	done := false
	err = func() (err error) {
		defer crm.Recover("write", &err)
		err = write(ctx, name, data)
		done = true
		return err
	}()
	switch {
	case !done:
		return crm.Receipt{Status: crm.Uncertain, Reason: "writing the list was broken off"}
	case err != nil:
		return crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: "the list could not be written"}
	}
	return crm.Receipt{Status: crm.Accepted, Provider: name}
}

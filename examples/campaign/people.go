package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/people/columns"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// person is somebody who may be written to.
type person struct {
	id            string
	given, family string
	phone         string // E.164
	consent       bool
}

// readPeople reads the people of a CSV file. Rows without a telephone number are counted and
// left out; of two rows with one number the first counts.
func readPeople(path string, errs io.Writer) ([]person, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, terminal.Usagef("-in: %w", err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, terminal.Usagef("-in: %s: %w", path, err)
	}
	if len(rows) == 1 && strings.Contains(rows[0][0], ";") || len(rows) > 1 && len(rows[0]) == 1 {
		return nil, terminal.Usagef("-in: %s has one column only: are its columns divided by something else than commas?", path)
	}
	if len(rows) < 2 {
		return nil, terminal.Usagef("-in: %s has no rows below its header", path)
	}
	header := rows[0]
	reading := columns.Recognise(header, slices.Values(rows[1:]))
	layout, err := reading.Bind(header, nil)
	if err != nil {
		return nil, err
	}
	if len(layout.Columns(columns.Phone)) == 0 {
		return nil, terminal.Usagef("-in: %s: no column is recognised as telephone numbers (read: %s)", path, reading.Mapping)
	}
	agreed := slices.IndexFunc(header, func(h string) bool {
		h = strings.ToLower(h)
		return strings.Contains(h, "consent") || strings.Contains(h, "permission") || strings.Contains(h, "izin") || strings.Contains(h, "izni")
	})
	if agreed < 0 {
		fmt.Fprintln(errs, "no column says who has agreed to be written to: all are taken to have")
	}
	var out []person
	seen := map[string]bool{}
	var without int
	for i, row := range rows[1:] {
		var rec people.Record
		layout.Record(row, &rec)
		phone := ""
		for _, raw := range rec.Phones {
			if v, ok := people.PhoneAddress(raw, "TR"); ok && phone == "" {
				phone = v
			}
		}
		if phone == "" || seen[phone] {
			without++
			continue
		}
		seen[phone] = true
		p := person{id: fmt.Sprint(i + 2), given: rec.Given, family: rec.Family, phone: phone, consent: true}
		if agreed >= 0 {
			p.consent = agreed < len(row) && yes(row[agreed])
		}
		out = append(out, p)
	}
	if without > 0 {
		fmt.Fprintf(errs, "%d rows without a telephone number of their own are left out\n", without)
	}
	if len(out) == 0 {
		return nil, errors.New("nobody has a telephone number")
	}
	return out, nil
}

// yes reports what people write into such columns for yes.
func yes(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "y", "yes", "true", "evet", "e", "x", "var", "onay", "granted":
		return true
	}
	return false
}

// makePeople makes people up, of whom seventeen in twenty have agreed.
func makePeople(n int, seed uint64) []person {
	r := rand.New(rand.NewPCG(seed, 1))
	given := strings.Fields("Ayşe Mehmet Fatma Mustafa Emine Ahmet Zeynep Ali Elif Hüseyin Merve Hasan Esra İbrahim Özlem Murat Derya Ömer Pınar Emre")
	family := strings.Fields("Yılmaz Kaya Demir Çelik Şahin Yıldız Öztürk Aydın Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Işık")
	out := make([]person, n)
	for i := range out {
		out[i] = person{id: fmt.Sprint(i + 1), given: given[r.IntN(len(given))], family: family[r.IntN(len(family))],
			phone: fmt.Sprintf("+90532%07d", i), consent: r.Float64() < 0.85}
	}
	return out
}

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup/people/columns"
	"github.com/vefacrm/vefa/dedup/things"
)

// What rows speak of, as -of says.
const (
	ofPeople    = "people"
	ofThings    = "things"
	ofCompanies = "companies"
)

// thingColumns are the fields of things.Record with the names of columns that are read as
// them, folded and without blanks, in the languages that persons' columns are known in.
// What stands behind the bar is nothing that a list of persons has: one of them tells things.
var thingColumns = []struct{ field, known string }{
	{"id", "id productid itemid urunid recordid uniqueid articleid |"},
	{"source", "source kaynak quelle |"},
	{"name", "name title productname itemname urun urunadi malzemeadi stokadi titel titre titulo produkt produktname produktbezeichnung bezeichnung artikelbezeichnung designation nom nombre naam productnaam sitename restaurant название |"},
	{"maker", "vendor | manufacturer maker brand marka uretici hersteller marke fabricant marque marca fabricante merk fabrikant publisher yayinevi verlag производитель бренд"},
	{"code", "code barcode barkod taxnumber taxid vatid ustid vkn vergino | model modelno modelnumber sku ean ean13 upc gtin mpn partnumber productcode urunkodu stokkodu artikelnummer isbn issn артикул"},
	{"price", "| price listprice saleprice unitprice fiyat satisfiyati birimfiyat preis prix precio prezzo prijs цена"},
	{"text", "| description productdescription aciklama urunaciklamasi beschreibung artikelbeschreibung descripcion descrizione omschrijving abstract описание"},
	{"category", "category type kategori kategorie categorie categoria producttype venue | cuisine journal booktitle productcategory urunkategorisi"},
	{"year", "year yil jahr annee ano publicationyear pubyear |"},
	{"authors", "| authors author yazar yazarlar autor autoren auteur auteurs autores"},
	{"street", "street address addr address1 streetaddress adres adresse strasse rue direccion indirizzo straat |"},
	{"city", "city town il sehir ort stadt ville ciudad citta plaats |"},
	{"postcode", "postcode zip zipcode postalcode postakodu plz codepostal cap |"},
	{"phone", "phone telephone tel telefon phonenumber telefono |"},
}

// companyNames are names of a column that holds names of companies.
const companyNames = "company companyname organization organisation organizationname firm firma firmaadi unvan unvani ticariunvan ticaretunvani unternehmen firmenname societe raisonsociale empresa razonsocial azienda ragionesociale bedrijf bedrijfsnaam компания организация"

func knows(list, column string) bool {
	return slices.Contains(strings.Fields(list), strings.ReplaceAll(things.Fold(column), " ", ""))
}

// recogniseThings finds the columns of things by their names, and whether the file says of
// nothing but things: it has a name and something that only they have, or is of companies.
func recogniseThings(header []string, skip int) (at map[string][]int, of string) {
	at = map[string][]int{}
	certain := false
	for i, h := range header {
		if i == skip {
			continue
		}
		if knows(companyNames, h) && of == "" {
			of, at["name"] = ofCompanies, []int{i}
			continue
		}
		for _, c := range thingColumns {
			common, own, _ := strings.Cut(c.known, "|")
			// A record has several codes, and may be found by each; of all else it has one.
			if (len(at[c.field]) == 0 || c.field == "code") && (knows(common, h) || knows(own, h)) {
				at[c.field] = append(at[c.field], i)
				certain = certain || knows(own, h)
				break
			}
		}
	}
	if of == "" && certain && len(at["name"]) > 0 && len(at["phone"]) == 0 {
		of = ofThings
	}
	return at, of
}

// personal are the roles that only persons have.
var personal = []columns.Role{columns.Given, columns.Family, columns.Birth, columns.Gender}

// decide says what the tables are of: what -of says, or things where each of them says of
// things and none has a column that only persons have.
func (j *job) decide() string {
	switch {
	case j.o.of != "":
		return j.o.of
	case j.o.roles != nil || j.o.mappings[0] != "" || j.o.mappings[1] != "":
		return ofPeople
	}
	of := ""
	for _, t := range j.tables {
		_, here := recogniseThings(t.header, slices.Index(t.header, j.o.truth))
		person := func(c columns.Column) bool {
			return slices.Contains(personal, c.Role) || here == ofThings && (c.Role == columns.Email || c.Role == columns.Phone)
		}
		names := columns.Recognise(t.header, func(func([]string) bool) {})
		if here == "" || of != "" && here != of || slices.ContainsFunc(names.Columns, person) {
			return ofPeople
		}
		of = here
	}
	return of
}

// arrangeThings finds the columns of a table of things, by -map or by their names.
func (t *table) arrangeThings(o options, others []string) error {
	l := &layout{truth: -1, single: -1}
	t.layout = l
	var faults []error
	find := func(flag, name string) int {
		i := slices.Index(t.header, name)
		if i < 0 {
			faults = append(faults, fmt.Errorf("%s: there is no column %q; there are %s", flag, name, strings.Join(t.header, ", ")))
		}
		return i
	}
	if o.truth != "" {
		l.truth = find("-truth", o.truth)
	}
	if o.single != "" && (o.single != fileSource || len(o.in) < 2 || slices.Contains(t.header, fileSource)) {
		l.single = find("-one-per-source", o.single)
	}
	l.thing, _ = recogniseThings(t.header, l.truth)
	if o.roles != nil {
		l.thing = map[string][]int{}
		for _, role := range slices.Sorted(maps.Keys(o.roles)) {
			for name := range strings.SplitSeq(o.roles[role], "+") {
				name = strings.TrimSpace(name)
				if slices.Contains(t.header, name) || !slices.Contains(others, name) {
					l.thing[string(role)] = append(l.thing[string(role)], find("-map", name))
				}
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	for field := range l.thing {
		if field != "id" && field != "source" {
			return nil
		}
	}
	return fmt.Errorf("no column says anything about a thing; name them with -map. There are %s", strings.Join(t.header, ", "))
}

// parseThings checks -map for things: the roles are the fields of things.Record.
func parseThings(text string) (map[columns.Role]string, error) {
	if text == "" {
		return nil, nil
	}
	out := map[columns.Role]string{}
	var faults []error
	for part := range strings.SplitSeq(text, ",") {
		field, column, ok := strings.Cut(part, "=")
		field, column = strings.TrimSpace(field), strings.TrimSpace(column)
		switch {
		case !ok || field == "" || column == "":
			faults = append(faults, fmt.Errorf("-map: %q is not role=column", part))
		case !slices.Contains(things.Columns(), field):
			faults = append(faults, fmt.Errorf("-map: there is no role %q of things; there are %s", field, strings.Join(things.Columns(), ", ")))
		}
		if was := out[columns.Role(field)]; was != "" {
			column = was + "+" + column
		}
		out[columns.Role(field)] = column
	}
	return out, errors.Join(faults...)
}

// thing fills a record of a thing from a row.
func (l *layout) fill(row []string, rec *things.Record) {
	*rec = things.Record{}
	for field, at := range l.thing {
		between := " "
		if field == "code" {
			between = ", "
		}
		value := row[at[0]]
		for _, c := range at[1:] {
			switch {
			case value == "":
				value = row[c]
			case row[c] != "":
				value += between + row[c]
			}
		}
		_ = rec.Set(field, value) // the fields were checked
	}
}

// describeThings tells how the columns are read, a line each.
func (t *table) describeThings() (lines []string) {
	for _, field := range things.Columns() {
		for _, c := range t.layout.thing[field] {
			lines = append(lines, fmt.Sprintf("  %-10s %s", field, t.header[c]))
		}
	}
	return lines
}

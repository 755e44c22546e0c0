package things

import (
	"fmt"
	"html"
	"strings"

	"github.com/vefacrm/vefa/dedup"
)

// Record is one thing as a source knows it, in the words of the source. Nothing but the ID
// is needed; what is empty is unknown and says nothing.
type Record struct {
	ID     string // the caller's key, unique among the records
	Source string // where it comes from; it matters where [Options.OnePerSource] says so

	Name     string // of a product, a company or a place; the title of a publication
	Maker    string // brand or manufacturer; of a publication the publisher
	Code     string // model number, bar code, tax number, ISBN; several with commas between
	Price    string // as people write it: "1.234,56 TL", "$39.99"
	Text     string // description
	Category string // kind of product, trade, cuisine, journal or conference
	Year     string // the first number of four digits counts
	Authors  string // persons; how they are separated does not matter
	Street   string // with the house number
	City     string
	Postcode string
	Phone    string
}

// The fields of the schema, in the order of its values.
const (
	fieldName = iota
	fieldStart
	fieldKeys
	fieldRare
	fieldCode
	fieldMeasure
	fieldForm
	fieldMaker
	fieldPrice
	fieldText
	fieldTextKeys
	fieldRareText
	fieldCategory
	fieldYear
	fieldAuthors
	fieldAuthorKeys
	fieldRareAuthors
	fieldStreet
	fieldStreetKeys
	fieldRareStreet
	fieldCity
	fieldPostcode
	fieldPhone
	fieldCount
)

// columns are the fields of a record by the name that [Record.Set] knows.
var columns = []struct {
	name string
	at   func(*Record) *string
}{
	{"id", func(r *Record) *string { return &r.ID }},
	{"source", func(r *Record) *string { return &r.Source }},
	{"name", func(r *Record) *string { return &r.Name }},
	{"maker", func(r *Record) *string { return &r.Maker }},
	{"code", func(r *Record) *string { return &r.Code }},
	{"price", func(r *Record) *string { return &r.Price }},
	{"text", func(r *Record) *string { return &r.Text }},
	{"category", func(r *Record) *string { return &r.Category }},
	{"year", func(r *Record) *string { return &r.Year }},
	{"authors", func(r *Record) *string { return &r.Authors }},
	{"street", func(r *Record) *string { return &r.Street }},
	{"city", func(r *Record) *string { return &r.City }},
	{"postcode", func(r *Record) *string { return &r.Postcode }},
	{"phone", func(r *Record) *string { return &r.Phone }},
}

// Columns returns the names that [Record.Set] knows: the fields of a Record in lower case.
func Columns() []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.name
	}
	return out
}

// Set sets a field by its name, one of [Columns], so that a file's columns can be mapped by
// data. It fails for any other name.
func (r *Record) Set(column, value string) error {
	for _, c := range columns {
		if c.name == column {
			*c.at(r) = value
			return nil
		}
	}
	return fmt.Errorf("things: there is no column %q; there are %s", column, strings.Join(Columns(), ", "))
}

// normal is a record as it is compared, before words are weighed.
type normal struct {
	name, form, measure, maker, price, text, category string
	year, authors, street, city, postcode             string
	codes, phones                                     []string
}

// Longer cells are read up to here: names of things are short, and a hostile one must not
// cost more than its row.
const (
	mostName = 1 << 10
	mostText = 1 << 14
)

// clip cuts a text off at a character, and decodes the entities of HTML that exports of shops
// and libraries leave.
func clip(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	if strings.Contains(s, "&") {
		return html.UnescapeString(s)
	}
	return s
}

// read takes a record apart.
func (k Kind) read(r *Record) (n normal) {
	name := clip(r.Name, mostName)
	if k == Companies {
		name = cutBranch(name)
	}
	n.codes, name = cutCodes(nil, name, false)
	n.codes, _ = cutCodes(n.codes, clip(r.Code, mostName), true)
	n.measure, name = cutMeasures(name)
	n.name = Fold(name)
	if k == Companies {
		n.name, n.form = cutForm(n.name)
	}
	n.name = joinLetters(n.name)
	n.maker = joinLetters(Fold(clip(r.Maker, mostName)))
	n.price = parsePrice(clip(r.Price, mostName))
	n.text = Fold(clip(r.Text, mostText))
	n.category = Fold(clip(r.Category, mostName))
	n.year = parseYear(clip(r.Year, mostName))
	n.authors = Fold(clip(r.Authors, mostText))
	n.street = Fold(clip(r.Street, mostName))
	n.city = Fold(clip(r.City, mostName))
	n.postcode = strings.ReplaceAll(Fold(clip(r.Postcode, mostName)), " ", "")
	if d := digits(clip(r.Phone, mostName)); len(d) >= leastPhone {
		n.phones = append(n.phones, d[max(0, len(d)-mostPhone):])
	}
	return n
}

// A telephone number has at least seven digits; its last ten are the same with and without
// the code of the country.
const leastPhone, mostPhone = 7, 10

// values fills in the fields of the schema.
func (b *bound) values(out []string, r *Record) dedup.Record {
	n, c, t := b.opt.Kind.read(r), b.words, &b.tune
	out[fieldName] = fit(c.Name, n.name)
	out[fieldStart] = start(n.name)
	out[fieldKeys], out[fieldRare] = t.keys(c.Name, n.name)
	out[fieldCode] = strings.Join(n.codes, dedup.Sep)
	out[fieldMeasure] = n.measure
	out[fieldForm] = n.form
	out[fieldMaker] = fit(c.Maker, n.maker)
	out[fieldPrice] = n.price
	out[fieldText] = fit(c.Text, n.text)
	out[fieldTextKeys], out[fieldRareText] = t.keys(c.Text, n.text)
	out[fieldCategory] = fit(c.Category, n.category)
	out[fieldYear] = n.year
	out[fieldAuthors] = fit(c.Authors, n.authors)
	out[fieldAuthorKeys], out[fieldRareAuthors] = t.keys(c.Authors, n.authors)
	out[fieldStreet] = fit(c.Street, n.street)
	out[fieldStreetKeys], out[fieldRareStreet] = t.keys(c.Street, n.street)
	out[fieldCity] = n.city
	out[fieldPostcode] = n.postcode
	out[fieldPhone] = strings.Join(n.phones, dedup.Sep)
	return dedup.Record{ID: r.ID, Source: r.Source, Values: out}
}

// start is a name without blanks, by the beginning of which it is looked for; "" for one too
// short to have one.
func start(name string) string {
	s := strings.ReplaceAll(name, " ", "")
	if len(s) < 4 {
		return ""
	}
	return s
}

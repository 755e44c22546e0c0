package main

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm/importer"
)

// awMapping says what the files are that adventure writes.
const awMapping = `
zone: America/Los_Angeles
currency: USD
region: US
round: true
sources:
  - name: aw
    files:
      - {name: places.csv, kind: places, columns: {id: id, name: name, kind: kind, parent: parent, zone: zone}, constants: {currency: USD}}
      - name: profiles.csv
        kind: profiles
        columns: {id: id, kind: kind, title: title, given: given, family: family, full: full, country: country, locale: locale, since: since}
        attributes: {type: type, suffix: suffix, sales_person: sales_person, territory: territory, contact: contact, contact_of: contact_of}
      - {name: contacts.csv, kind: contacts, columns: {profile: profile, channel: channel, value: value, masked: masked}}
      - {name: consents.csv, kind: consents, columns: {id: id, profile: profile, channel: channel, recipient: recipient, at: at}, constants: {status: granted, via: HS_WEB, proof: EmailPromotion}}
      - {name: orders.csv, kind: orders, columns: {number: number, profile: profile, at: at, total: total, status: status, delivered: delivered, channel: channel, place: place, employee: employee}}
      - {name: lines.csv, kind: lines, columns: {order: order, sku: sku, qty: qty, amount: amount}}
`

// awZones are the zones of the sales territories by name, else by country. The
// data has days without zones.
var awZones = map[string]string{
	"Northwest": "America/Los_Angeles", "Southwest": "America/Los_Angeles", "Central": "America/Chicago",
	"Northeast": "America/New_York", "Southeast": "America/New_York",
	"US": "America/Los_Angeles", "CA": "America/Vancouver", "FR": "Europe/Paris", "DE": "Europe/Berlin",
	"AU": "Australia/Sydney", "GB": "Europe/London",
}

var awLocales = map[string]string{"US": "en-US", "CA": "en-CA", "FR": "fr", "DE": "de", "AU": "en-AU", "GB": "en-GB"}

var awCountries = map[string]string{"US": "United States", "CA": "Canada", "FR": "France", "DE": "Germany", "AU": "Australia", "GB": "United Kingdom"}

// adventure turns the tables of AdventureWorks, Microsoft's sample of a bicycle maker that
// sells online and through sales people, into files that package importer reads: what its
// rows say depends on those of other tables. What became of it, where one could have chosen
// otherwise:
//
//   - Everything has the source "aw"; persons and stores share one space of ids.
//   - The 701 stores are profiles of organisations. Online orders hang on the
//     person, all others on the store that buys, with the sales person as
//     employee and channel "dealer". The store's contact person is no role of
//     the order (a recipient who is not the buyer would make it a gift): store
//     and person name each other in the attributes contact and contact_of.
//   - Each territory is a region of its country with an online shop and a field
//     sales place. All amounts are in US dollars, as in the data.
//   - The total is TotalDue, rounded half up: lines, tax and freight. Amounts of
//     lines have four decimals; see lines for how they become cents that
//     sum up to 29,358,677.22 exactly.
//   - Days have no times: they are read as noon in the territory's zone. Orders
//     of status 5 are placed on OrderDate and delivered on ShipDate.
//   - EmailPromotion 1 and 2 are a granted consent for e-mail; for phone too,
//     which is an assumption of the demonstration, as the data has one flag
//     only. Contact persons of stores grant as merchants. 0 says nothing.
//   - A consent is dated to the person's first order, persons are known from
//     then; who never bought, from the first day of the data.
//   - Telephone numbers abroad are a hundred placeholders shared by 9,187
//     people. They are kept as masked, so that no message goes to them.
//   - internet_sales_lines dates the same orders 153 days earlier; the dates of
//     orders count. Quotas, offers and sales reasons are not read.
type adventure struct {
	files       fs.FS
	out         string // folder
	rejected    []importer.RowError
	territories map[string]awTerritory
	parties     map[string]*awParty
	order       []*awParty // in that of the files
	customers   map[string]awCustomer
	sold        map[string]bool // order numbers
	first       time.Time
	err         error
}

type awTerritory struct {
	id, country string
	zone        *time.Location
}

type awCustomer struct{ person, store, territory string }

type awParty struct {
	fields   map[string]string
	promoted bool
	contacts [][2]string // channel and value
	phone    bool        // one that is no placeholder
	heard    time.Time
}

// awRow is a row of a table.
type awRow struct {
	a     *adventure
	file  string
	line  int
	cells map[string]string
	bad   bool
}

// refuse rejects a row.
func (r *awRow) refuse(field, format string, args ...any) {
	if !r.bad {
		r.a.rejected = append(r.a.rejected, importer.RowError{File: r.file, Line: r.line, Field: field, Reason: fmt.Sprintf(format, args...)})
	}
	r.bad = true
}

// openAdventureWorks reads the folder retail/adventureworks of the project's test data into
// another one, for which it returns the rows that it could not use.
func openAdventureWorks(files fs.FS, out string) ([]importer.RowError, error) {
	a := &adventure{files: files, out: out, territories: map[string]awTerritory{}, parties: map[string]*awParty{}, customers: map[string]awCustomer{}, sold: map[string]bool{}}
	a.places()
	a.people()
	a.buyers()
	a.orders()
	a.lines()
	a.profiles()
	if a.err == nil {
		a.err = os.WriteFile(filepath.Join(out, "mapping.yaml"), []byte(awMapping), 0o600)
	}
	return a.rejected, a.err
}

// table hands out the rows of a table.
func (a *adventure) table(name string, read func(*awRow)) {
	f, err := a.files.Open(name)
	var text io.Reader = f
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = a.files.Open(name + ".gz"); err == nil {
			text, err = gzip.NewReader(f)
		}
	}
	if err != nil {
		a.err = errors.Join(a.err, fmt.Errorf("%s: %w", name, err))
		return
	}
	defer f.Close()
	in := csv.NewReader(text)
	names, err := in.Read()
	for err == nil {
		var cells []string
		if cells, err = in.Read(); err != nil {
			break
		}
		line, _ := in.FieldPos(0)
		r := &awRow{a: a, file: name, line: line, cells: make(map[string]string, len(cells))}
		for i, c := range cells {
			r.cells[names[i]] = strings.TrimSpace(c)
		}
		read(r)
	}
	if !errors.Is(err, io.EOF) {
		a.err = errors.Join(a.err, fmt.Errorf("%s: %w", name, err))
	}
}

// write writes a file of the importer's.
func (a *adventure) write(name string, columns string, rows func(row func(cells ...string))) {
	f, err := os.Create(filepath.Join(a.out, name))
	if err != nil {
		a.err = errors.Join(a.err, err)
		return
	}
	w := csv.NewWriter(f)
	put := func(cells ...string) { _ = w.Write(cells) } // Error tells
	put(strings.Fields(columns)...)
	rows(put)
	w.Flush()
	a.err = errors.Join(a.err, w.Error(), f.Close())
}

func (a *adventure) places() {
	declared := map[string]bool{}
	a.write("places.csv", "id name kind parent zone", func(row func(...string)) {
		a.table("territory.csv", func(r *awRow) {
			id, name, code := r.cells["TerritoryID"], r.cells["Name"], r.cells["CountryRegionCode"]
			if _, twice := a.territories[id]; twice {
				r.refuse("TerritoryID", "%q stands twice", id)
				return
			}
			zone, err := time.LoadLocation(cmp.Or(awZones[name], awZones[code]))
			if err != nil {
				r.refuse("Name", "%v", err)
				return
			}
			a.territories[id] = awTerritory{id, code, zone}
			country := strings.ToLower(code)
			if !declared[country] {
				declared[country] = true
				row(country, cmp.Or(awCountries[code], code), "country", "", awZones[code])
			}
			row("aw-"+id, name, "region", country, zone.String())
			row("aw-web-"+id, "Online shop "+name, "web", "aw-"+id, "")
			row("aw-sales-"+id, "Field sales "+name, "dealer", "aw-"+id, "")
		})
	})
}

func (a *adventure) people() {
	add := func(r *awRow, promoted bool, fields map[string]string) {
		id := r.cells["BusinessEntityID"]
		if a.parties[id] != nil {
			r.refuse("BusinessEntityID", "%q stands twice", id)
			return
		}
		fields["id"] = id
		a.parties[id] = &awParty{fields: fields, promoted: promoted}
		a.order = append(a.order, a.parties[id])
	}
	a.table("person.csv", func(r *awRow) {
		switch s := r.cells["EmailPromotion"]; s {
		case "", "0", "1", "2":
			add(r, s == "1" || s == "2", map[string]string{"kind": "person", "title": r.cells["Title"], "family": r.cells["LastName"], "type": r.cells["PersonType"],
				"given": strings.TrimSpace(r.cells["FirstName"] + " " + r.cells["MiddleName"]), "suffix": r.cells["Suffix"]})
		default:
			r.refuse("EmailPromotion", "%q is not 0, 1 or 2", s)
		}
	})
	a.table("store.csv", func(r *awRow) {
		seller := r.cells["SalesPersonID"]
		if seller != "" {
			seller = "aw-" + seller
		}
		add(r, false, map[string]string{"kind": "organisation", "full": r.cells["Name"], "type": "store", "sales_person": seller})
	})
	for _, x := range [...][3]string{{"email.csv", "email", "EmailAddress"}, {"phone.csv", "phone", "PhoneNumber"}} {
		a.table(x[0], func(r *awRow) {
			p := a.parties[r.cells["BusinessEntityID"]]
			if p == nil {
				r.refuse("BusinessEntityID", "%q is in no file of persons", r.cells["BusinessEntityID"])
				return
			}
			p.contacts = append(p.contacts, [2]string{x[1], r.cells[x[2]]})
			p.phone = p.phone || x[1] == "phone" && !placeholder(r.cells[x[2]])
		})
	}
}

// placeholder reports whether a number is one of a hundred that stand for all numbers abroad,
// such as "1 (11) 500 555-0190".
func placeholder(number string) bool { return strings.HasPrefix(number, "1 (11)") }

func (a *adventure) buyers() {
	a.table("customer.csv", func(r *awRow) {
		id := r.cells["CustomerID"]
		c := awCustomer{r.cells["PersonID"], r.cells["StoreID"], r.cells["TerritoryID"]}
		person, store := a.parties[c.person], a.parties[c.store]
		switch {
		case c.person == "" && c.store == "":
			r.refuse("PersonID", "neither a person nor a store is given")
		case c.person != "" && person == nil:
			r.refuse("PersonID", "%q is in no file of persons", c.person)
		case c.store != "" && store == nil:
			r.refuse("StoreID", "%q is in no file of stores", c.store)
		}
		t, ok := a.territories[c.territory]
		if !ok {
			r.refuse("TerritoryID", "%q is not a territory", c.territory)
		}
		if _, twice := a.customers[id]; twice {
			r.refuse("CustomerID", "%q stands twice", id)
		}
		if r.bad {
			return
		}
		a.customers[id] = c
		for _, p := range [...]*awParty{person, store} {
			if p != nil {
				p.fields["country"], p.fields["locale"], p.fields["territory"] = t.country, awLocales[t.country], "aw-"+t.id
			}
		}
		if person != nil && store != nil {
			person.fields["contact_of"], store.fields["contact"] = "aw/"+c.store, "aw/"+c.person
		}
	})
}

// noon reads a day as noon of it in the territory's zone: the data has no times
// of day, and noon is the same day in all zones in which it matters.
func (r *awRow) noon(field string, t awTerritory) time.Time {
	d, err := time.Parse(time.DateTime, r.cells[field])
	if err != nil {
		r.refuse(field, "%q is no day", r.cells[field])
		return d
	}
	return time.Date(d.Year(), d.Month(), d.Day(), 12, 0, 0, 0, t.zone).UTC()
}

func (a *adventure) orders() {
	a.write("orders.csv", "number profile at total status delivered channel place employee", func(row func(...string)) {
		a.table("orders.csv", func(r *awRow) {
			c, known := a.customers[r.cells["CustomerID"]]
			if !known {
				r.refuse("CustomerID", "%q is in no file of customers or was rejected there", r.cells["CustomerID"])
			}
			t, known := a.territories[r.cells["TerritoryID"]]
			if !known {
				r.refuse("TerritoryID", "%q is not a territory", r.cells["TerritoryID"])
			}
			if r.bad {
				return
			}
			number, at, seller := r.cells["SalesOrderNumber"], r.noon("OrderDate", t), r.cells["SalesPersonID"]
			if seller != "" {
				seller = "aw-" + seller
			}
			buyer, channel, place := cmp.Or(c.store, c.person), "dealer", "aw-sales-"+t.id
			if online := r.cells["OnlineOrderFlag"]; online == "true" || online == "1" {
				if buyer, channel, place = c.person, "web", "aw-web-"+t.id; buyer == "" {
					r.refuse("CustomerID", "%q is no person, but the order was made online", r.cells["CustomerID"])
				}
			}
			status, delivered := "", ""
			switch s := r.cells["Status"]; s {
			case "1", "2", "3":
				status = "placed"
			case "4", "6":
				status = "cancelled"
			case "5":
				shipped := r.noon("ShipDate", t)
				if shipped.Before(at) {
					r.refuse("ShipDate", "%q is before OrderDate, %q", r.cells["ShipDate"], r.cells["OrderDate"])
				}
				status, delivered = "delivered", shipped.Format(time.RFC3339)
			default:
				r.refuse("Status", "%q is not 1 to 6", s)
			}
			if a.sold[number] {
				r.refuse("SalesOrderNumber", "%q stands twice", number)
			}
			if r.bad {
				return
			}
			a.sold[number] = true
			for _, id := range [...]string{buyer, c.person} {
				if p := a.parties[id]; p != nil && (p.heard.IsZero() || at.Before(p.heard)) {
					p.heard = at
				}
			}
			if a.first.IsZero() || at.Before(a.first) {
				a.first = at
			}
			row(number, buyer, at.Format(time.RFC3339), r.cells["TotalDue"], status, delivered, channel, place, seller)
		})
	})
}

// lines brings amounts of four decimals to cents. What is cut off or added is carried on to
// the next line, by order and line number: every amount is right to the cent, and so is the
// sum of all.
func (a *adventure) lines() {
	type line struct {
		order, sku, qty string
		number, exact   int64 // exact in hundredths of a cent
	}
	var all []line
	a.table("internet_sales_lines.csv", func(r *awRow) {
		l := line{order: r.cells["SalesOrderNumber"], sku: r.cells["ProductKey"], qty: r.cells["OrderQuantity"]}
		if !a.sold[l.order] {
			r.refuse("SalesOrderNumber", "%q is in no file of orders or was rejected there", l.order)
		}
		var err error
		if l.number, err = strconv.ParseInt(r.cells["SalesOrderLineNumber"], 10, 64); err != nil {
			r.refuse("SalesOrderLineNumber", "%q is no number", r.cells["SalesOrderLineNumber"])
		}
		if n, err := strconv.Atoi(l.qty); err != nil || n == 0 {
			r.refuse("OrderQuantity", "%q is not a number of pieces", l.qty)
		}
		amount, err := strconv.ParseFloat(r.cells["SalesAmount"], 64)
		if l.exact = int64(math.Round(amount * 10_000)); err != nil || math.Abs(amount) > 1e9 {
			r.refuse("SalesAmount", "%q is no number", r.cells["SalesAmount"])
		}
		if !r.bad {
			all = append(all, l)
		}
	})
	slices.SortFunc(all, func(x, y line) int {
		return cmp.Or(cmp.Compare(x.order, y.order), cmp.Compare(x.number, y.number), cmp.Compare(x.sku, y.sku), cmp.Compare(x.exact, y.exact))
	})
	a.write("lines.csv", "order sku qty amount", func(row func(...string)) {
		var carry int64
		for _, l := range all {
			cents := l.exact / 100
			if carry += l.exact % 100; carry >= 50 {
				cents, carry = cents+1, carry-100
			} else if carry < -50 {
				cents, carry = cents-1, carry+100
			}
			row(l.order, l.sku, l.qty, strconv.FormatFloat(float64(cents)/100, 'f', 2, 64))
		}
	})
}

// profiles writes who they are, each known since the first order, and what they allowed.
func (a *adventure) profiles() {
	const columns = "id kind title given family full country locale since type suffix sales_person territory contact contact_of"
	a.write("profiles.csv", columns, func(row func(...string)) {
		for _, p := range a.order {
			if p.heard.IsZero() {
				p.heard = a.first
			}
			if !p.heard.IsZero() {
				p.fields["since"] = p.heard.Format(time.RFC3339)
			}
			var cells []string
			for _, c := range strings.Fields(columns) {
				cells = append(cells, p.fields[c])
			}
			row(cells...)
		}
	})
	a.write("contacts.csv", "profile channel value masked", func(row func(...string)) {
		for _, p := range a.order {
			for _, c := range p.contacts {
				row(p.fields["id"], c[0], c[1], strconv.FormatBool(placeholder(c[1])))
			}
		}
	})
	a.write("consents.csv", "id profile channel recipient at", func(row func(...string)) {
		for _, p := range a.order {
			recipient := ""
			if p.fields["contact_of"] != "" {
				recipient = "merchant"
			}
			for _, channel := range [...]string{"email", "phone"} {
				if p.promoted && !p.heard.IsZero() && (channel == "email" || p.phone) {
					row(p.fields["id"]+"-"+channel, p.fields["id"], channel, recipient, p.fields["since"])
				}
			}
		}
	})
}

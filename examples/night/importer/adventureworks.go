package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// awSource is the source of everything in AdventureWorks.
const awSource = "aw"

// awZones are the zones of the sales territories by name, else by country. The
// data has days without zones.
var awZones = map[string]string{
	"Northwest": "America/Los_Angeles", "Southwest": "America/Los_Angeles", "Central": "America/Chicago",
	"Northeast": "America/New_York", "Southeast": "America/New_York",
	"US": "America/Los_Angeles", "CA": "America/Vancouver", "FR": "Europe/Paris", "DE": "Europe/Berlin",
	"AU": "Australia/Sydney", "GB": "Europe/London",
}

var awLocales = map[string]string{"US": "en-US", "CA": "en-CA", "FR": "fr", "DE": "de", "AU": "en-AU", "GB": "en-GB"}

// awCountries are the names of the countries.
var awCountries = map[string]string{"US": "United States", "CA": "Canada", "FR": "France", "DE": "Germany", "AU": "Australia", "GB": "United Kingdom"}

// adventure is what reading AdventureWorks has to remember.
type adventure struct {
	*loader
	territories map[string]awTerritory
	customers   map[string]awCustomer
	sellers     map[string]bool
	promoted    []crm.ProfileKey // with EmailPromotion 1 or 2
	lines       map[crm.FactKey][]awLine
	first       time.Time
}

type awTerritory struct {
	id, country string
	zone        *time.Location
}

type awCustomer struct{ person, store, territory string }

// awLine is an order line with its amount in hundredths of a cent.
type awLine struct {
	number int64
	line   crm.OrderLine
	exact  int64
}

// adventureWorks reads the folder retail/adventureworks. The package comment
// says what becomes of it.
func (l *loader) adventureWorks() error {
	a := &adventure{loader: l, territories: map[string]awTerritory{}, customers: map[string]awCustomer{}, sellers: map[string]bool{}, lines: map[crm.FactKey][]awLine{}}
	l.data.zone = zoneOf("America/Los_Angeles")
	l.sources[awSource] = true
	for _, f := range []struct {
		name    string
		columns string
		read    func(*row)
	}{
		{"territory.csv", "TerritoryID Name CountryRegionCode", a.territory},
		{"person.csv", "BusinessEntityID PersonType Title FirstName MiddleName LastName Suffix EmailPromotion", a.person},
		{"email.csv", "BusinessEntityID EmailAddress", a.email},
		{"phone.csv", "BusinessEntityID PhoneNumber", a.phone},
		{"store.csv", "BusinessEntityID Name SalesPersonID", a.store},
		{"customer.csv", "CustomerID PersonID StoreID TerritoryID", a.customer},
		{"sales_person.csv", "BusinessEntityID TerritoryID", a.seller},
		{"orders.csv", "OrderDate ShipDate Status OnlineOrderFlag SalesOrderNumber CustomerID SalesPersonID TerritoryID TotalDue", a.sale},
		{"internet_sales_lines.csv", "ProductKey SalesOrderNumber SalesOrderLineNumber OrderQuantity SalesAmount", a.onlineLine},
	} {
		columns := map[string]string{}
		for _, c := range strings.Fields(f.columns) {
			columns[c] = c
		}
		spec := &file{name: f.name, source: awSource, columns: columns, defaults: defaults{
			delimiter: ',', currency: "USD", region: "US", number: number{round: true},
			clock: clock{layouts: []string{"2006-01-02 15:04:05"}, zone: time.UTC},
		}}
		if err := l.rows(spec, f.read); err != nil {
			return err
		}
	}
	if err := joined(l.faults); err != nil {
		return err
	}
	a.settleLines()
	a.settleParties()
	return nil
}

func zoneOf(name string) *time.Location {
	if z, err := time.LoadLocation(name); err == nil && name != "" {
		return z
	}
	return time.UTC
}

func awKey(id string) crm.ProfileKey { return crm.ProfileKey{Source: awSource, ID: id} }

func (a *adventure) territory(r *row) {
	id, name, code := r.need("TerritoryID"), r.need("Name"), r.need("CountryRegionCode")
	if _, twice := a.territories[id]; twice {
		r.fault("TerritoryID", "%s stands twice", quote(id))
	}
	if len(r.faults) > 0 {
		return
	}
	zone := cmp.Or(awZones[name], awZones[code])
	a.territories[id] = awTerritory{id, code, zoneOf(zone)}
	add := func(p crm.Place) {
		if a.placeAt[p.ID] == nil {
			a.addPlace(&place{p, r.origin()})
		}
	}
	country := strings.ToLower(code)
	add(crm.Place{ID: country, Kind: "country", Name: cmp.Or(awCountries[code], code), Zone: awZones[code], Currency: "USD"})
	add(crm.Place{ID: "aw-" + id, Parent: country, Kind: crm.Region, Name: name, Zone: zone})
	add(crm.Place{ID: "aw-web-" + id, Parent: "aw-" + id, Kind: "web", Name: "Online shop " + name})
	add(crm.Place{ID: "aw-sales-" + id, Parent: "aw-" + id, Kind: "dealer", Name: "Field sales " + name})
}

func (a *adventure) person(r *row) {
	p := &crm.Profile{
		ProfileKey: awKey(r.need("BusinessEntityID")), Kind: crm.Person, SourceVersion: 1,
		Name: crm.Name{
			Title:  r.text("Title"),
			Given:  strings.TrimSpace(r.text("FirstName") + " " + r.text("MiddleName")),
			Family: r.text("LastName"),
		},
		Attributes: map[string]string{"type": r.value("PersonType")},
	}
	if s := r.value("Suffix"); s != "" {
		p.Attributes["suffix"] = s
	}
	promoted := false
	switch s := r.value("EmailPromotion"); s {
	case "0", "":
	case "1", "2":
		promoted = true
	default:
		r.fault("EmailPromotion", "%s is not 0, 1 or 2", quote(s))
	}
	a.newParty(r, p)
	if len(r.faults) == 0 && promoted {
		a.promoted = append(a.promoted, p.ProfileKey)
	}
}

func (a *adventure) newParty(r *row, p *crm.Profile) {
	if a.parties[p.ProfileKey] != nil {
		r.fault("BusinessEntityID", "%s stands twice", quote(p.ID))
	}
	if p.ID != "" {
		r.valid(p.Validate())
	}
	if len(r.faults) == 0 {
		a.addVersion(r, version{profile: p, from: r.origin()})
	}
}

func (a *adventure) email(r *row) { a.point(r, crm.Email, "EmailAddress") }

func (a *adventure) phone(r *row) { a.point(r, crm.Phone, "PhoneNumber") }

// point adds a contact. Numbers abroad are written "1 (11) 500 555-0190": a
// hundred of them for 9,000 people. They are placeholders, and kept as such.
func (a *adventure) point(r *row, channel crm.Channel, field string) {
	id, raw := r.need("BusinessEntityID"), r.need(field)
	p := a.parties[awKey(id)]
	if p == nil && id != "" {
		r.fault("BusinessEntityID", "%s is in no file of persons", quote(id))
	}
	if len(r.faults) > 0 {
		return
	}
	to, ok := r.table.file.address(channel, raw)
	if !ok {
		r.note(field, "%s is no %s that reaches one person; left out", quote(raw), nameOf(channel))
		return
	}
	masked := channel == crm.Phone && strings.HasPrefix(raw, "1 (11)")
	if masked {
		r.note(field, "%s is a placeholder that many share; kept as masked", quote(raw))
	}
	p.contacts = append(p.contacts, crm.Contact{Address: to, Masked: masked})
}

func (a *adventure) store(r *row) {
	p := &crm.Profile{ProfileKey: awKey(r.need("BusinessEntityID")), Kind: crm.Organisation, SourceVersion: 1, Name: crm.Name{Full: r.text("Name")}}
	p.Attributes = map[string]string{"type": "store"}
	if s := r.value("SalesPersonID"); s != "" {
		p.Attributes["sales_person"] = awEmployee(s)
	}
	a.newParty(r, p)
}

func awEmployee(id string) string { return awSource + "-" + id }

func (a *adventure) customer(r *row) {
	id := r.need("CustomerID")
	c := awCustomer{r.value("PersonID"), r.value("StoreID"), r.value("TerritoryID")}
	person, store := a.parties[awKey(c.person)], a.parties[awKey(c.store)]
	switch {
	case c.person == "" && c.store == "":
		r.fault("PersonID", "neither a person nor a store is given")
	case c.person != "" && person == nil:
		r.fault("PersonID", "%s is in no file of persons", quote(c.person))
	case c.store != "" && store == nil:
		r.fault("StoreID", "%s is in no file of stores", quote(c.store))
	}
	t, ok := a.territories[c.territory]
	if !ok {
		r.fault("TerritoryID", "%s is not a territory", quote(c.territory))
	}
	if _, twice := a.customers[id]; twice {
		r.fault("CustomerID", "%s stands twice", quote(id))
	}
	if len(r.faults) > 0 {
		return
	}
	a.customers[id] = c
	for _, p := range [...]*party{person, store} {
		if p != nil {
			x := p.versions[0].profile
			x.Postal.Country, x.Locale, x.Attributes["territory"] = t.country, awLocales[t.country], "aw-"+t.id
		}
	}
	if person != nil && store != nil {
		person.versions[0].profile.Attributes["contact_of"] = awKey(c.store).String()
		store.versions[0].profile.Attributes["contact"] = awKey(c.person).String()
	}
}

func (a *adventure) seller(r *row) {
	if id := r.need("BusinessEntityID"); id != "" {
		a.sellers[id] = true
	}
}

// day reads a day as noon of it in the territory's zone: the data has no times
// of day, and noon is the same day in all zones in which it matters.
func (r *row) day(field string, t awTerritory) time.Time {
	s := r.need(field)
	if s == "" {
		return time.Time{}
	}
	d, err := r.table.file.clock.time(s)
	if err != nil {
		r.fault(field, "%v", err)
		return d
	}
	return time.Date(d.Year(), d.Month(), d.Day(), 12, 0, 0, 0, t.zone).UTC()
}

func (a *adventure) sale(r *row) {
	s := &sale{from: r.origin(), total: true}
	id := r.need("CustomerID")
	c, ok := a.customers[id]
	if !ok && id != "" {
		r.fault("CustomerID", "%s is in no file of customers or was rejected there", quote(id))
	}
	t, ok := a.territories[r.value("TerritoryID")]
	if !ok {
		r.fault("TerritoryID", "%s is not a territory", quote(r.value("TerritoryID")))
	}
	if len(r.faults) > 0 {
		return
	}
	o := &s.order
	o.Number = r.need("SalesOrderNumber")
	o.Total, _ = r.money("TotalDue", "USD")
	r.need("TotalDue")
	s.fact = crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: awSource, ID: o.Number}, At: r.day("OrderDate", t), Data: o}
	online := r.yes("OnlineOrderFlag")
	switch {
	case online && c.person == "":
		r.fault("CustomerID", "%s is no person, but the order was made online", quote(id))
	case online:
		s.fact.Subject, s.fact.Place, o.Channel = crm.OfProfile(awKey(c.person)), "aw-web-"+t.id, "web"
	default:
		s.fact.Subject, s.fact.Place, o.Channel = crm.OfProfile(awKey(cmp.Or(c.store, c.person))), "aw-sales-"+t.id, "dealer"
	}
	if seller := r.value("SalesPersonID"); seller != "" {
		o.Employee = awEmployee(seller)
		if !a.sellers[seller] {
			r.note("SalesPersonID", "%s is in no file of sales people", quote(seller))
		}
	}
	switch status := r.value("Status"); status {
	case "1", "2", "3":
		o.Status = crm.OrderPlaced
	case "4", "6":
		o.Status = crm.OrderCancelled
	case "5":
		o.Status, o.Delivered = crm.OrderDelivered, r.day("ShipDate", t)
		r.dates(&o.Delivered, "ShipDate", s.fact.At, "OrderDate")
	default:
		r.fault("Status", "%s is not 1 to 6", quote(status))
	}
	if len(r.faults) == 0 {
		r.valid(s.fact.Validate())
	}
	if was := a.sales[s.fact.Key]; was != nil {
		r.fault("SalesOrderNumber", "%s stands in %s already", quote(o.Number), was.from)
	}
	if len(r.faults) > 0 {
		return
	}
	a.addSale(s)
	a.heard(awKey(c.person), s.fact.At)
	if a.first.IsZero() || s.fact.At.Before(a.first) {
		a.first = s.fact.At
	}
}

func (a *adventure) onlineLine(r *row) {
	f := r.table.file
	key := crm.FactKey{Kind: crm.KindOrder, Source: awSource, ID: r.need("SalesOrderNumber")}
	if a.sales[key] == nil && key.ID != "" {
		r.fault("SalesOrderNumber", "%s is in no file of orders or was rejected there", quote(key.ID))
	}
	l := awLine{line: crm.OrderLine{SKU: r.need("ProductKey")}}
	var err error
	if l.number, err = f.number.whole(r.need("SalesOrderLineNumber")); err != nil {
		r.fault("SalesOrderLineNumber", "%v", err)
	}
	if l.line.Quantity, err = f.number.whole(r.need("OrderQuantity")); err != nil || l.line.Quantity == 0 {
		r.fault("OrderQuantity", "%s is not a number of pieces", quote(r.value("OrderQuantity")))
	}
	if l.exact, err = f.number.parse(r.value("SalesAmount"), r.need("SalesAmount"), 4); err != nil {
		r.fault("SalesAmount", "%v", err)
	}
	if len(r.faults) == 0 {
		a.lines[key] = append(a.lines[key], l)
	}
}

// settleLines brings amounts of four decimals to cents. What is cut off or
// added is carried on to the next line, by order and line number: every amount
// is right to the cent, and so is the sum of all.
func (a *adventure) settleLines() {
	keys := make([]crm.FactKey, 0, len(a.lines))
	for k := range a.lines {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, crm.FactKey.Compare)
	var carry int64
	for _, k := range keys {
		lines := a.lines[k]
		slices.SortFunc(lines, func(x, y awLine) int {
			return cmp.Or(cmp.Compare(x.number, y.number), strings.Compare(x.line.SKU, y.line.SKU), cmp.Compare(x.exact, y.exact))
		})
		s := a.sales[k]
		for _, l := range lines {
			cents := l.exact / 100
			if carry += l.exact % 100; carry >= 50 {
				cents, carry = cents+1, carry-100
			} else if carry < -50 {
				cents, carry = cents-1, carry+100
			}
			l.line.Amount = crm.Money{Amount: cents, Currency: "USD"}
			s.order.Lines = append(s.order.Lines, l.line)
		}
	}
}

// settleParties dates who never bought to the first day of the data, and grants
// the consents, at the time at which each was first heard of.
func (a *adventure) settleParties() {
	for _, p := range a.parties {
		if p.heard.IsZero() {
			p.heard = a.first
		}
	}
	for _, k := range a.promoted {
		p := a.parties[k]
		if p.heard.IsZero() {
			continue
		}
		for _, channel := range [...]crm.Channel{crm.Email, crm.Phone} {
			for _, to := range p.reachable(channel) {
				c := &crm.Consent{Status: crm.Granted, Via: "HS_WEB", Proof: "EmailPromotion"}
				if p.versions[0].profile.Attributes["contact_of"] != "" {
					c.Recipient = "merchant"
				}
				f := &crm.Fact{
					Key:     crm.FactKey{Kind: crm.KindConsent, Source: awSource, ID: fmt.Sprintf("%s-%s", k.ID, channel)},
					Subject: crm.OfAddress(to), At: p.heard, Version: p.heard.UnixMicro(), Data: c,
				}
				a.facts = append(a.facts, &care{from: p.versions[0].from, stages: []stage{{f.At, f}}})
				a.brands[c.Brand] = true
			}
		}
	}
}

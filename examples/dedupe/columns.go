package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup/people"
)

// roles are what a column can mean, with the names under which they are recognised, folded
// as headerKey does. Names of columns that hold a part of something are not listed.
var roles = []struct {
	name  string
	known string
}{
	{"id", "id recid recordid uniqueid rowid customerid clientid memberid patientid personid musterino musteriid musterikodu kayitno kundennummer"},
	{"given", "given givenname givennames firstname firstnames forename forenames fname first ad adi isim isimler onad vorname prenom nombre nome primarynamefirst"},
	{"family", "family familyname surname lastname lname last soyad soyadi soyisim nachname familienname nomdefamille apellido apellidos cognome primarynamelast"},
	{"full", "full fullname name customername clientname contactname adsoyad adisoyadi adsoyadi isimsoyisim musteri musteriadi unvan vollername primarynamefull"},
	{"gender", "gender sex cinsiyet geschlecht sexe"},
	{"birth", "birth dob dateofbirth birthdate birthday dogumtarihi dogumgunu dogum geburtsdatum datedenaissance"},
	{"phone", "phone phones phonenumber telephone telephonenumber tel telno telefon telefonno mobile mobilephone mobilenumber cell cellphone gsm gsmno cep ceptel ceptelefonu handy phone1 phone2"},
	{"email", "email emails emailaddress mail mailaddress eposta epostaadresi elektronikposta email1 email2"},
	{"city", "city town suburb addrcity addresscity cityname il sehir ort stadt ville ciudad"},
	{"district", "district ilce semt bezirk"},
	{"postcode", "postcode zip zipcode postalcode addrpostalcode addresspostcode postakodu plz codepostal postcodefake"},
	{"street", "street streetaddress address address1 addressline1 addr addr1 addrline1 addrfull fulladdress adres strasse rue"},
	{"source", "source datasource sourcesystem kaynak kanal"},
}

// parts are columns that belong to a role beside its own: they are read after it.
var parts = []struct{ role, known string }{
	{"given", "middle middlename middlenames middleinitial midname secondname secondgivenname ikinciad ikinciisim zweitername primarynamemiddle"},
	{"family", "suffix namesuffix generation generationsuffix primarynamesuffix"},
}

// attributes are what files say of persons beyond the roles, by the name that they get.
var attributes = []struct{ name, known string }{
	{"nationalid", "nationalid nationalidnumber ssn ssnnumber socialsecuritynumber socsecid tckn tcno tckimlik tckimlikno kimlikno taxid taxnumber vergino vkn"},
	{"passport", "passport passportno passportnumber pasaportno"},
	{"licence", "licence license licencenumber licensenumber driverslicense driverslicensenumber driverlicense driverlicensenumber ehliyetno"},
	{"birthplace", "birthplace placeofbirth dogumyeri geburtsort lieudenaissance"},
	{"occupation", "occupation profession job jobtitle meslek beruf"},
	{"father", "father fathername fathersname babaadi"},
	{"mother", "mother mothername mothersname mothersmaidenname anneadi annekizliksoyadi"},
}

// mostExtras is the number of attributes that people.Options takes.
const mostExtras = 6

// extraRole marks a role that is an attribute of the user's own.
const extraRole = "extra:"

func isRole(name string) bool {
	if rest, ok := strings.CutPrefix(name, extraRole); ok {
		return rest != ""
	}
	for _, r := range roles {
		if r.name == name {
			return true
		}
	}
	return false
}

// roleOf returns the role that an attribute's name means.
func roleOf(name string) string {
	if name = headerKey(name); name == "name" {
		return "full"
	}
	return name
}

// parseMap reads -map: role=column with commas between. A role may stand more than once,
// and a column may be several with + between: phones and e-mails of one person, or parts
// of a street that are read one after the other.
func parseMap(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	out := map[string]string{}
	var faults []error
	for part := range strings.SplitSeq(text, ",") {
		role, column, ok := strings.Cut(part, "=")
		role, column = strings.TrimSpace(role), strings.TrimSpace(column)
		switch {
		case !ok || role == "" || column == "":
			faults = append(faults, fmt.Errorf("-map: %q is not role=column", part))
		case role == "name":
			role = "full"
		case !isRole(role):
			known := make([]string, len(roles))
			for i, r := range roles {
				known[i] = r.name
			}
			faults = append(faults, fmt.Errorf("-map: there is no role %q; there are %s and extra:NAME", role, strings.Join(known, ", ")))
		case strings.HasPrefix(role, extraRole) && isRole(roleOf(role[len(extraRole):])):
			own := roleOf(role[len(extraRole):])
			faults = append(faults, fmt.Errorf("-map: %s: %s is a role of its own: write %s=%s", role, own, own, column))
		}
		if was := out[role]; was != "" {
			column = was + "+" + column
		}
		out[role] = column
	}
	return out, errors.Join(faults...)
}

// headerKey folds the name of a column: letters and digits only, without accents.
func headerKey(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.NewReplacer("İ", "i", "I", "i", "ı", "i", "Ş", "s", "ş", "s", "Ğ", "g", "ğ", "g",
		"Ç", "c", "ç", "c", "Ö", "o", "ö", "o", "Ü", "u", "ü", "u", "ß", "ss", "é", "e", "è", "e").Replace(name)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// layout says which cells of a row mean what.
type layout struct {
	at     map[string][]int // role → columns
	extras []string         // in the order of people.Options.Extra
	truth  int              // -1: none
	single int              // column of the source, -1: none
}

// arrange finds the columns. Without a map they are recognised by name. A column of the map
// that only another file has, of which others are the columns, is nothing here: two files
// may call one thing by two names.
func arrange(o options, header, others []string) (*layout, error) {
	l := &layout{at: map[string][]int{}, truth: -1, single: -1}
	exact := map[string]int{}
	for i, h := range header {
		if _, twice := exact[h]; twice {
			return nil, fmt.Errorf("column %q stands twice in the header", h)
		}
		exact[h] = i
	}
	var faults []error
	find := func(flag, name string) int {
		if i, ok := exact[name]; ok {
			return i
		}
		faults = append(faults, fmt.Errorf("%s: there is no column %q; there are %s", flag, name, strings.Join(header, ", ")))
		return -1
	}
	if o.truth != "" {
		l.truth = find("-truth", o.truth)
	}
	if o.single != "" && (o.single != fileSource || len(o.in) < 2 || slices.Contains(header, fileSource)) {
		l.single = find("-one-per-source", o.single)
	}
	if o.roles != nil {
		for _, role := range slices.Sorted(maps.Keys(o.roles)) {
			for name := range strings.SplitSeq(o.roles[role], "+") {
				name = strings.TrimSpace(name)
				if _, here := exact[name]; here || !slices.Contains(others, name) {
					l.at[role] = append(l.at[role], find("-map", name))
				}
			}
			if strings.HasPrefix(role, extraRole) {
				l.extras = append(l.extras, role)
			}
		}
	} else {
		l.recognise(header)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for role := range l.at {
		switch role {
		case "id", "source":
		default:
			return l, nil
		}
	}
	return nil, fmt.Errorf("no column says anything about a person; name them with -map. There are %s", strings.Join(header, ", "))
}

// recognise finds the columns of roles by their names.
func (l *layout) recognise(header []string) {
	taken := map[int]bool{l.truth: true}
	for _, r := range roles {
		known := strings.Fields(r.known)
		for i, h := range header {
			if !taken[i] && slices.Contains(known, headerKey(h)) {
				if (r.name != "phone" && r.name != "email") && len(l.at[r.name]) > 0 {
					continue // the first one is it
				}
				l.at[r.name] = append(l.at[r.name], i)
				taken[i] = true
			}
		}
	}
	column := func(known string) int {
		return slices.IndexFunc(header, func(h string) bool { return slices.Contains(strings.Fields(known), headerKey(h)) })
	}
	for _, p := range parts {
		if i := column(p.known); i >= 0 && !taken[i] && len(l.at[p.role]) > 0 {
			l.at[p.role] = append(l.at[p.role], i)
			taken[i] = true
		}
	}
	for _, a := range attributes {
		if i := column(a.known); i >= 0 && !taken[i] && len(l.extras) < mostExtras {
			l.extras = append(l.extras, extraRole+a.name)
			l.at[extraRole+a.name] = []int{i}
			taken[i] = true
		}
	}
}

// String tells how the columns were read.
func (l *layout) describe(header []string) string {
	var parts []string
	for _, role := range slices.Sorted(maps.Keys(l.at)) {
		names := make([]string, len(l.at[role]))
		for i, c := range l.at[role] {
			names[i] = header[c]
		}
		parts = append(parts, role+"="+strings.Join(names, "+"))
	}
	return strings.Join(parts, ",")
}

// record fills a record from a row. The slices in it are used again.
func (l *layout) record(rec *people.Record, row []string, dates dateOrder) {
	get := func(role string) string {
		cols := l.at[role]
		switch len(cols) {
		case 0:
			return ""
		case 1:
			return row[cols[0]]
		}
		parts := make([]string, 0, len(cols))
		for _, c := range cols {
			if row[c] != "" {
				parts = append(parts, row[c])
			}
		}
		return strings.Join(parts, " ")
	}
	several := func(into []string, role string) []string {
		into = into[:0]
		for _, c := range l.at[role] {
			if row[c] != "" {
				into = append(into, row[c])
			}
		}
		return into
	}
	rec.Given, rec.Family, rec.FullName, rec.Gender = get("given"), get("family"), get("full"), get("gender")
	rec.Birth = dates.iso(get("birth"))
	rec.Phones, rec.Emails = several(rec.Phones, "phone"), several(rec.Emails, "email")
	rec.City, rec.District, rec.Postcode, rec.Street = get("city"), get("district"), get("postcode"), get("street")
	rec.Extra = rec.Extra[:0]
	for _, role := range l.extras {
		rec.Extra = append(rec.Extra, get(role))
	}
}

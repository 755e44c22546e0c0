package columns

import (
	"iter"
	"slices"
	"strings"
)

// Reading is what was recognised in a table.
type Reading struct {
	Mapping
	// Refused are columns whose names say what their cells do not.
	Refused []Refusal
	// Weak says, where it is not "", that what was recognised is hardly enough to tell
	// people apart, and why.
	Weak string
}

// Refusal is a column that is not used although its name is known.
type Refusal struct {
	Column string
	Role   Role
	Reason string
}

// Recognise finds the columns of a table that say something of a person, by their names and
// by rows of the table, of which the first thousand that differ from the one before are looked
// at; for how dates are
// written all of them are. Without rows the names decide alone. A row is good until the next
// one is asked for.
func Recognise(header []string, rows iter.Seq[[]string]) Reading {
	if len(header) > mostColumns {
		header = header[:mostColumns]
	}
	r := &recognition{header: header, senses: make([]sense, len(header)), cells: make([]cellsOf, len(header)), taken: make([]bool, len(header))}
	known := newLexicon()
	for i, name := range header {
		r.senses[i] = known.read(name)
		if slices.Contains(header[:i], name) {
			r.senses[i] = sense{} // which of the two is meant is not said
		}
	}
	r.parts()
	r.numbered()
	if rows != nil {
		r.look(rows)
	}
	for i := range header {
		if s := r.senses[i].is; s != none {
			if why := r.cells[i].doubt(s); why != "" {
				r.out.Refused = append(r.out.Refused, Refusal{header[i], roleOf(s), why})
				r.senses[i] = sense{}
			}
		}
	}
	r.id()
	r.names()
	r.one(mGender, Gender)
	r.birth()
	r.contacts(mPhone, Phone)
	r.contacts(mEmail, Email)
	r.address()
	r.one(mSource, Source)
	r.attributes()
	r.out.Weak = weakness(r.out.Mapping)
	return r.out
}

type recognition struct {
	header []string
	senses []sense
	cells  []cellsOf
	taken  []bool
	out    Reading
}

// look counts what stands in the cells of the columns whose names are known. A row that says
// of a person what the one before says counts once: an export of orders may begin with a
// thousand of one customer.
func (r *recognition) look(rows iter.Seq[[]string]) {
	n := 0
	before := make([]string, len(r.senses))
	for row := range rows {
		same := n > 0
		for i := range r.senses {
			if is := r.senses[i].is; is != none && is != mID && i < len(row) && row[i] != before[i] {
				same, before[i] = false, strings.Clone(row[i])
			}
		}
		if same {
			continue
		}
		n++
		for i := range r.senses {
			switch is := r.senses[i].is; {
			case is == none || i >= len(row):
			case n <= sampled:
				r.cells[i].look(row[i])
				fallthrough
			case is == mBirth:
				r.cells[i].votes.look(row[i])
			}
		}
	}
}

// parts takes "y", "m" and "d" for the parts of a date where all three are there, and
// "birth day" for one where its year and month are.
func (r *recognition) parts() {
	if i := slices.IndexFunc(r.header, func(name string) bool { return slices.Equal(headerWords(name), []string{"birth", "day"}) }); i >= 0 {
		if len(r.is(mYear)) > 0 && len(r.is(mMonth)) > 0 {
			r.senses[i].is = mDay
		}
	}
	letters := map[string]meaning{"y": mYear, "yy": mYear, "yyyy": mYear, "m": mMonth, "mm": mMonth, "d": mDay, "dd": mDay}
	var at [3]int
	found := 0
	for i, name := range r.header {
		if m, ok := letters[strings.ToLower(strings.TrimSpace(name))]; ok && at[m-mYear] == 0 {
			at[m-mYear] = i + 1
			found++
		}
	}
	if found == 3 {
		for k, i := range at {
			r.senses[i-1] = sense{is: mYear + meaning(k)}
		}
	}
}

// numbered takes "street 2", "postcode 2" and "city 2" for those of a second address, where
// all three are there.
func (r *recognition) numbered() {
	found := map[meaning]bool{}
	for _, s := range r.senses {
		if s.line == 2 && s.group == 0 {
			found[s.is] = true
		}
	}
	if !found[mPostcode] || !found[mCity] || !found[mStreet] && !found[mAddress] {
		return
	}
	for i := range r.senses {
		switch s := &r.senses[i]; s.is {
		case mStreet, mWay, mHouse, mAddress, mCity, mTown, mDistrict, mPostcode:
			if s.group == 0 {
				s.group, s.line = s.line, 0
			}
		}
	}
}

func (r *recognition) use(i int, role Role) {
	r.taken[i] = true
	c := Column{Name: r.header[i], Role: role}
	if role == Birth && r.senses[i].is == mBirth {
		c.Dates = r.cells[i].votes.order()
	}
	r.out.Columns = append(r.out.Columns, c)
}

// is returns the columns with one of the meanings.
func (r *recognition) is(all ...meaning) (at []int) {
	for i, s := range r.senses {
		if !r.taken[i] && slices.Contains(all, s.is) {
			at = append(at, i)
		}
	}
	return at
}

// one uses the first column of a meaning, one with cells rather than one without.
func (r *recognition) one(m meaning, role Role) {
	if i := r.first(r.is(m)); i >= 0 {
		r.use(i, role)
	}
}

// first returns the first column that has cells, else the first, else -1.
func (r *recognition) first(at []int) int {
	for _, i := range at {
		if r.cells[i].filled > 0 {
			return i
		}
	}
	if len(at) > 0 {
		return at[0]
	}
	return -1
}

// id uses the identifier of the person: "customer id" before "id" before a code.
func (r *recognition) id() {
	at := r.is(mID)
	slices.SortStableFunc(at, func(a, b int) int { return r.idRank(a) - r.idRank(b) })
	if len(at) > 0 {
		r.use(at[0], ID)
	}
}

func (r *recognition) idRank(i int) int {
	switch {
	case r.senses[i].person:
		return 0
	case slices.Contains(headerWords(r.header[i]), "id"):
		return 1
	}
	return 2
}

// contexts are in the order in which they are preferred.
var contexts = [...]meaning{none, mBilling, mHome, mWork, mOther, mShipping}

// names uses the names of one context: given and family name, or a full one.
func (r *recognition) names() {
	for _, filled := range [...]bool{true, false} { // columns with cells first
		for _, c := range contexts {
			in := func(m meaning) (at []int) {
				for _, i := range r.is(m) {
					if r.senses[i].context == c && r.senses[i].group <= 1 && (!filled || r.cells[i].filled > 0) {
						at = append(at, i)
					}
				}
				return at
			}
			given, family, full, open := in(mGiven), in(mFamily), r.lines(in(mFull)), in(mName)
			switch {
			case len(open) == 0:
			case len(given) > 0 && len(family) == 0 && r.senses[open[0]].line < 2:
				family = open[:1]
			case len(family) > 0 && len(given) == 0:
				given = open[:1]
			case len(full) == 0:
				full = r.lines(open)
			}
			if len(given)+len(family)+len(full) == 0 {
				continue
			}
			r.together(Given, given, r.inContext(c, mMiddle), 1)
			r.together(Family, family, append(r.inContext(c, mSuffix), r.inContext(c, mInfix)...), 1)
			r.together(Full, full, nil, len(full))
			return
		}
		for _, c := range contexts {
			var at []int
			for _, i := range r.is(mTitle) {
				if r.senses[i].context == c && (!filled || r.cells[i].filled > 0) {
					at = append(at, i)
				}
			}
			if len(at) > 0 {
				at = r.lines(at)
				r.together(Full, at, nil, len(at))
				return
			}
		}
	}
}

// lines returns the first column and those that continue it: "name 1", "name 2".
func (r *recognition) lines(at []int) []int {
	if len(at) == 0 {
		return nil
	}
	out := at[:1:1]
	for _, i := range at[1:] {
		if r.senses[i].line >= 2 {
			out = append(out, i)
		}
	}
	return out
}

func (r *recognition) inContext(c, m meaning) (at []int) {
	for _, i := range r.is(m) {
		if r.senses[i].context == c {
			at = append(at, i)
		}
	}
	return at
}

// together uses the first columns of a role, those that continue them and, where there is
// one, their parts, in the order in which they stand in the table.
func (r *recognition) together(role Role, at, parts []int, most int) {
	if len(at) == 0 {
		return
	}
	use := slices.Clone(at[:min(most, len(at))])
	for _, i := range at[len(use):] {
		if r.senses[i].line >= 2 {
			use = append(use, i)
		}
	}
	use = append(use, parts...)
	slices.Sort(use)
	for _, i := range use {
		r.use(i, role)
	}
}

// birth uses a date of birth, or the columns of its parts.
func (r *recognition) birth() {
	if at := r.is(mBirth); len(at) > 0 {
		r.use(r.first(at), Birth)
		return
	}
	year, month, day := r.is(mYear), r.is(mMonth), r.is(mDay)
	switch {
	case len(year) > 0 && len(month) > 0 && len(day) > 0:
		r.use(year[0], Birth)
		r.use(month[0], Birth)
		r.use(day[0], Birth)
	case len(year) > 0 && len(headerWords(r.header[year[0]])) > 1: // "birth year", not "year"
		r.use(year[0], Birth)
	}
}

// contacts uses all columns of phones or e-mail addresses, but those of what is sent to
// somebody, who may be another one, where there are others.
func (r *recognition) contacts(m meaning, role Role) {
	at := r.is(m)
	own := slices.DeleteFunc(slices.Clone(at), func(i int) bool { return r.senses[i].context == mShipping })
	if len(own) > 0 {
		at = own
	}
	for _, i := range at {
		r.use(i, role)
	}
}

// address uses the columns of one address.
func (r *recognition) address() {
	parts := [...]meaning{mStreet, mWay, mAddress, mCity, mTown, mDistrict, mPostcode}
	// One with a street, rather than one with a city only, of the first context.
	best, at := 1<<30, sense{}
	for _, filled := range [...]bool{true, false} {
		for _, i := range r.is(parts[:]...) {
			s := r.senses[i]
			rank := 100*slices.Index(contexts[:], s.context) + max(s.group, 1)
			if k := slices.Index(parts[:], s.is); k >= 3 {
				rank += 10000 * k
			}
			if rank < best && (!filled || r.cells[i].filled > 0) {
				best, at = rank, s
			}
		}
		if at.is != none {
			break
		}
	}
	if at.is == none {
		return
	}
	in := func(m ...meaning) (out []int) {
		var plain []int // of no context: what one address does not say, these do
		for _, i := range r.is(m...) {
			switch s := r.senses[i]; {
			case s.context == at.context && max(s.group, 1) == max(at.group, 1):
				out = append(out, i)
			case s.context == none && s.group <= 1:
				plain = append(plain, i)
			}
		}
		if len(out) == 0 {
			return plain
		}
		return out
	}
	street := in(mStreet, mWay, mHouse)
	if !slices.ContainsFunc(in(mStreet), func(i int) bool { return r.senses[i].line < 2 }) { // else "address" is all of it once more
		street = in(mStreet, mWay, mHouse, mAddress)
	}
	city, town, district, postcode := in(mCity), in(mTown), in(mDistrict), in(mPostcode)
	if len(in(mStreet, mWay, mAddress)) > 0 {
		for _, i := range street {
			r.use(i, Street)
		}
	}
	if len(city) == 0 {
		city, town = town, nil
	} else if len(city) > 1 && r.senses[city[1]].line == 2 {
		town = append(town, city[1])
	}
	if len(district) == 0 {
		district = town
	}
	for _, p := range [...]struct {
		at   []int
		role Role
	}{{city, City}, {district, District}, {postcode, Postcode}} {
		if i := r.first(p.at); i >= 0 {
			r.use(i, p.role)
		}
	}
}

// attributes uses what files say of people beyond records.
func (r *recognition) attributes() {
	names := [...]string{"nationalid", "passport", "licence", "birthplace", "occupation", "father", "mother"}
	n := 0
	for k, name := range names {
		if i := r.first(r.is(mNational + meaning(k))); i >= 0 && n < mostExtras {
			r.use(i, Extra(name))
			n++
		}
	}
}

// roleOf returns the role that a meaning would have had.
func roleOf(m meaning) Role {
	switch m {
	case mGiven, mMiddle:
		return Given
	case mFamily, mSuffix, mInfix:
		return Family
	case mName, mFull, mTitle:
		return Full
	case mGender:
		return Gender
	case mBirth, mYear, mMonth, mDay:
		return Birth
	case mPhone:
		return Phone
	case mEmail:
		return Email
	case mCity, mTown:
		return City
	case mDistrict:
		return District
	case mPostcode:
		return Postcode
	case mStreet, mWay, mAddress, mHouse:
		return Street
	case mSource:
		return Source
	}
	return ID
}

// weakness says why roles are hardly enough to tell people apart, "" where they are.
func weakness(m Mapping) string {
	has := func(roles ...Role) bool {
		return slices.ContainsFunc(m.Columns, func(c Column) bool { return slices.Contains(roles, c.Role) })
	}
	names := has(Full) || has(Given) && has(Family)
	strong := has(Phone, Email, Birth, Street, Postcode) || len(m.Extras()) > 0
	switch {
	case len(m.Columns) == 0 || !has(Given, Family, Full, Phone, Email, Birth, Street, Postcode, City, District) && len(m.Extras()) == 0:
		return "" // nothing to link by: an error of the caller
	case !has(Given, Family, Full):
		return "no names were recognised, and whatever several people share will join them"
	case !names && !strong:
		return "only a part of names was recognised: namesakes will be joined"
	case !strong:
		return "only names and what many people share were recognised: namesakes will be joined"
	}
	return ""
}

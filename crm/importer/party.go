package importer

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// party is a profile with its versions and what other files say about it.
type party struct {
	versions []version
	contacts []crm.Contact // of files of contacts
	heard    time.Time     // the earliest fact on it
	// of those with many, where each stands
	contactAt map[crm.Address]int
	versionAt map[int64]int
}

// fewParts is up to how many versions or contacts are looked through one by one.
const fewParts = 16

// contact returns the index of an address among the contacts of files of contacts, or -1.
func (p *party) contact(a crm.Address) int {
	if len(p.contacts) <= fewParts {
		return slices.IndexFunc(p.contacts, func(c crm.Contact) bool { return c.Address == a })
	}
	if p.contactAt == nil {
		p.contactAt = make(map[crm.Address]int, 2*len(p.contacts))
	}
	for i := len(p.contactAt); i < len(p.contacts); i++ { // no address stands there twice
		p.contactAt[p.contacts[i].Address] = i
	}
	if i, is := p.contactAt[a]; is {
		return i
	}
	return -1
}

// version returns the first version of a number, or nil.
func (p *party) version(number int64) *version {
	is := func(v version) bool { return v.profile.SourceVersion == number }
	if len(p.versions) <= fewParts {
		if i := slices.IndexFunc(p.versions, is); i >= 0 {
			return &p.versions[i]
		}
		return nil
	}
	if p.versionAt == nil {
		p.versionAt = make(map[int64]int, 2*len(p.versions))
		for i, v := range slices.Backward(p.versions) {
			p.versionAt[v.profile.SourceVersion] = i
		}
	}
	if i, is := p.versionAt[number]; is {
		return &p.versions[i]
	}
	return nil
}

type version struct {
	profile *crm.Profile
	updated time.Time
	from    origin
}

func (l *loader) profile(r *row) {
	f := r.table.file
	p := &crm.Profile{
		ProfileKey: crm.ProfileKey{Source: f.source, ID: r.need("id")}, Kind: crm.PartyKind(r.word("kind")),
		Name:   crm.Name{Given: r.text("given"), Family: r.text("family"), Full: r.text("full"), Title: r.text("title")},
		Gender: r.text("gender"), Locale: r.text("locale"), Since: r.time("since"), SourceVersion: 1,
		Postal: crm.Postal{Street: r.text("street"), District: r.text("district"), City: r.text("city"),
			Postcode: r.text("postcode"), Country: r.text("country")},
	}
	if s := r.value("birth"); s != "" {
		birth, err := f.clock.birth(s)
		if err != nil {
			r.note("birth", "%v; left out", err)
		}
		p.Birth = birth
	}
	for _, name := range [...]string{"phone", "phone2", "email", "email2"} {
		l.contactOf(r, p, name)
	}
	for _, a := range r.table.attributes {
		r.formula(a.name, a.cell)
		if v := strings.TrimSpace(r.cells[a.cell]); v != "" {
			if p.Attributes == nil {
				p.Attributes = map[string]string{}
			}
			p.Attributes[a.name] = v
		}
	}
	v := version{p, r.time("updated"), r.origin()}
	if p.At = v.updated; p.At.IsZero() {
		p.At = p.Since
	} else {
		p.SourceVersion = p.At.UnixMicro()
	}
	if p.ID != "" {
		r.valid(p.Validate())
	}
	if len(r.faults) == 0 {
		l.addVersion(r, v)
	}
}

func (l *loader) contactOf(r *row, p *crm.Profile, field string) {
	raw := r.value(field)
	if raw == "" {
		return
	}
	channel := crm.Channel(strings.TrimSuffix(field, "2"))
	a, ok := r.table.file.address(channel, raw)
	if !ok {
		r.note(field, "%s is no %s that reaches one person; left out", quote(raw), nameOf(channel))
		return
	}
	if !slices.ContainsFunc(p.Contacts, func(c crm.Contact) bool { return c.Address == a }) {
		p.Contacts = append(p.Contacts, crm.Contact{Address: a})
	}
}

func nameOf(c crm.Channel) string {
	switch c {
	case crm.Phone:
		return "phone number"
	case crm.Email:
		return "e-mail address"
	}
	return "address"
}

func (l *loader) addVersion(r *row, v version) {
	k := v.profile.ProfileKey
	p := l.parties[k]
	if p == nil {
		p = &party{}
		l.parties[k] = p
	}
	if w := p.version(v.profile.SourceVersion); w != nil {
		r.note("id", "%s stands in %s already, no older; one of the two counts", quote(k.ID), w.from)
	} else if p.versionAt != nil {
		p.versionAt[v.profile.SourceVersion] = len(p.versions)
	}
	p.versions = append(p.versions, v)
}

func (l *loader) contact(r *row) {
	k := r.profile("profile", l.sources)
	channel := crm.Channel(r.word("channel"))
	raw := r.need("value")
	r.need("profile")
	r.need("channel")
	c := crm.Contact{Verified: r.yes("verified"), Masked: r.yes("masked")}
	if len(r.faults) > 0 {
		return
	}
	p := l.parties[k]
	if p == nil {
		r.fault("profile", "%s is in no file of profiles or was rejected there", quote(k.String()))
		return
	}
	var ok bool
	if c.Address, ok = r.table.file.address(channel, raw); !ok && c.Masked && channel == crm.Email {
		// A relay is no address of a person, but it is what the source has.
		c.Address = crm.Address{Channel: channel, Value: strings.ToLower(raw)}
		ok = c.Address.Validate() == nil
	}
	if !ok {
		r.note("value", "%s is no %s that reaches one person; left out", quote(raw), nameOf(channel))
		return
	}
	if i := p.contact(c.Address); i >= 0 {
		have := &p.contacts[i]
		have.Verified, have.Masked = have.Verified || c.Verified, have.Masked || c.Masked
		return
	}
	p.contacts = append(p.contacts, c)
}

// finishParties decides when each version of a profile became known.
func (l *loader) finishParties() {
	keys := make([]crm.ProfileKey, 0, len(l.parties))
	for k := range l.parties {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	for _, k := range keys {
		p := l.parties[k]
		since, known := p.since()
		for i, v := range p.distinct() {
			if l.ctx.Err() != nil {
				return // Open says so
			}
			v.profile.Contacts = p.addContacts(v.profile.Contacts)
			v.profile.Since = since
			at := v.updated
			if i == 0 || at.IsZero() {
				at = known
			}
			if v.profile.At.IsZero() {
				v.profile.At = known
			}
			if at.IsZero() {
				l.data.timeline.addProfile(undated, v.profile)
			} else {
				l.data.timeline.addProfile(at.UnixMicro(), v.profile)
			}
		}
	}
}

// distinct returns the versions in their order. Of two that say to be the same
// one counts: which does not depend on the order of the rows.
func (p *party) distinct() []version {
	hash := func(v version) int64 {
		text, err := json.Marshal(v.profile)
		if err != nil { // a struct of texts and times
			return 0
		}
		return crm.ContentHash(text)
	}
	slices.SortStableFunc(p.versions, func(a, b version) int {
		if c := cmp.Compare(a.profile.SourceVersion, b.profile.SourceVersion); c != 0 {
			return c
		}
		return cmp.Compare(hash(b), hash(a))
	})
	return slices.CompactFunc(p.versions, func(a, b version) bool { return a.profile.SourceVersion == b.profile.SourceVersion })
}

// since returns since when the source says to know a party, and when the run
// tells of it: then, or earlier where something happened to it before. Without
// a date the first thing that happened counts, or the first change of the row.
func (p *party) since() (since, known time.Time) {
	var changed time.Time
	earliest := func(t *time.Time, u time.Time) {
		if t.IsZero() || !u.IsZero() && u.Before(*t) {
			*t = u
		}
	}
	for _, v := range p.versions {
		earliest(&since, v.profile.Since)
		earliest(&changed, v.updated)
	}
	known = since
	earliest(&known, p.heard)
	earliest(&known, changed)
	if since.IsZero() {
		since = known
	}
	return since, known
}

// addContacts adds to a profile's contacts what files of contacts say of it.
func (p *party) addContacts(own []crm.Contact) []crm.Contact {
	if len(p.contacts) == 0 { // most profiles: their contacts are in their row
		return own
	}
	out := make([]crm.Contact, len(own), len(own)+len(p.contacts))
	copy(out, own)
	given := map[crm.Address]bool{}
	for i := range out {
		c := &out[i]
		given[c.Address] = true
		if at := p.contact(c.Address); at >= 0 {
			c.Verified, c.Masked = c.Verified || p.contacts[at].Verified, c.Masked || p.contacts[at].Masked
		}
	}
	for _, c := range p.contacts {
		if !given[c.Address] {
			out = append(out, c)
		}
	}
	return out
}

func (l *loader) consent(r *row) {
	f := r.table.file
	k := r.profile("profile", l.sources)
	channel := crm.Channel(r.word("channel"))
	status := r.word("status")
	raw := r.value("value")
	if f.provides("value") && !f.provides("profile") && f.kind == consents && raw == "" && status != "none" && status != "" {
		r.need("value")
	}
	if status == "" || status == "none" { // nothing was said
		return
	}
	at := r.time("at")
	c := crm.Consent{
		ConsentKey: crm.ConsentKey{Brand: r.value("brand"), Recipient: r.word("recipient"), Purpose: r.value("purpose")},
		Status:     crm.ConsentStatus(status), Via: r.text("via"), Proof: r.text("proof"), Actor: r.text("actor"),
	}
	if c.Recipient == "consumer" { // the two are one to the ledger
		c.Recipient = ""
	}
	if c.Brand == "" {
		c.Brand = f.brand
	}
	r.need("channel")
	r.need("at")
	if len(r.faults) > 0 {
		return
	}
	var to []crm.Address
	switch {
	case raw != "":
		a, ok := f.address(channel, raw)
		if !ok {
			r.fault("value", "%s is no %s that reaches one person", quote(raw), nameOf(channel))
			return
		}
		to = append(to, a)
	case k.IsZero():
		r.fault("profile", "neither an address nor a profile is given")
		return
	case l.parties[k] == nil:
		r.fault("profile", "%s is in no file of profiles or was rejected there", quote(k.String()))
		return
	default:
		if to = l.parties[k].reachable(channel); len(to) == 0 {
			r.note("profile", "%s has no %s that the consent could be about; left out", quote(k.String()), nameOf(channel))
			return
		}
	}
	id := r.value("id")
	if id == "" {
		id = strings.Join([]string{at.Format(time.RFC3339Nano), status, c.Brand, c.Recipient, c.Purpose}, "|")
	}
	for _, a := range to {
		data := c
		fact := &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: f.source, ID: id}, Subject: crm.OfAddress(a), At: at, Version: at.UnixMicro(), Data: &data}
		if r.valid(fact.Validate()); len(r.faults) > 0 {
			return
		}
		l.facts = append(l.facts, &care{from: r.origin(), stages: []stage{{at, fact}}})
	}
	l.brands[c.Brand] = true
	l.heard(k, at)
}

// reachable returns the addresses of a channel in any version of a profile.
func (p *party) reachable(channel crm.Channel) []crm.Address {
	var out []crm.Address
	add := func(contacts []crm.Contact) {
		for _, c := range contacts {
			if c.Channel == channel && !c.Masked && !slices.Contains(out, c.Address) {
				out = append(out, c.Address)
			}
		}
	}
	for _, v := range p.versions {
		add(v.profile.Contacts)
	}
	add(p.contacts)
	return out
}

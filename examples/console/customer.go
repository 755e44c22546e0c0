package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
)

// person is the page of a customer.
type person struct {
	ID        crm.CustomerID
	Name      string
	About     []figure
	Profiles  []member
	Contacts  []contact
	Tags      []crm.Tag
	Decisions []decision
	Moments   []moment
	Earlier   int // moments before those shown
	Causes    []string
}

// member is what a source says of the customer.
type member struct {
	Key                      crm.ProfileKey
	Source, Name, City, Born string
	Contacts                 string
	Since                    string
}

// Line is where a customer lives and when he was born, as far as is known.
func (m member) Line() string { return strings.Trim(m.City+" · "+m.Born, " ·") }

// contact is an address, with what may be done to it.
type contact struct {
	crm.Address
	Kind, Consent, State string
	Profile              crm.ProfileKey
	Silent               bool
}

// decision is what was decided about who is who, in one operation.
type decision struct {
	Op, Kind, By, At, Note string
	Profiles               int
	Bits                   float64
	Agreed                 []string
	Undoable, Undone       bool
}

func (c *console) customer(r *http.Request, w *words) (shown, error) {
	ctx := r.Context()
	x, err := c.svc.Customer(ctx, crm.CustomerID(r.PathValue("id")))
	if err != nil {
		return shown{}, err
	}
	out := person{ID: x.ID, Name: w.Called(x.Name)}
	add := func(key, value string) {
		if value != "" {
			out.About = append(out.About, figure{Name: w.Say(key), Value: value})
		}
	}
	add("customer.city", strings.Trim(x.Postal.District+", "+x.Postal.City, ", "))
	add("customer.born", x.Birth)
	add("customer.since", w.On(x.Since))
	add("customer.language", x.Locale)
	if out.Profiles, err = c.members(ctx, w, x); err != nil {
		return shown{}, err
	}
	if out.Contacts, err = c.contacts(ctx, w, x); err != nil {
		return shown{}, err
	}
	if out.Tags, err = c.svc.Tags(ctx, x.ID); err != nil {
		return shown{}, err
	}
	if err := c.story(ctx, w, x, &out); err != nil {
		return shown{}, err
	}
	return shown{page: "customer", section: "customers", title: out.Name, data: out}, nil
}

// records reads what the sources say of a customer.
func (c *console) records(ctx context.Context, keys []crm.ProfileKey) (out []*crm.Profile, err error) {
	err = c.town.store.View(ctx, func(r crm.Reader) (err error) {
		out, err = r.Profiles(ctx, keys...)
		return err
	})
	return out, err
}

func (c *console) members(ctx context.Context, w *words, x *crm.Customer) (out []member, err error) {
	records, err := c.records(ctx, x.Profiles)
	for _, p := range records {
		if p != nil {
			out = append(out, w.member(p))
		}
	}
	return out, err
}

func (w *words) member(p *crm.Profile) member {
	m := member{Key: p.ProfileKey, Source: w.Name("source", p.Source), Name: p.Name.String(), City: p.Postal.City, Born: p.Birth, Since: w.On(p.Since)}
	var all []string
	for _, a := range p.Contacts {
		switch {
		case a.Masked:
			all = append(all, w.Say("customer.masked"))
		case slices.Contains(p.Disowned, a.Address):
			all = append(all, w.Say("customer.disowned", a.Value))
		default:
			all = append(all, a.Value)
		}
	}
	m.Contacts = strings.Join(all, ", ")
	return m
}

// contacts are the addresses of a customer, with what their holders said.
func (c *console) contacts(ctx context.Context, w *words, x *crm.Customer) (out []contact, err error) {
	records, err := c.records(ctx, x.Profiles)
	if err != nil {
		return nil, err
	}
	for _, a := range x.Contacts {
		if a.Masked {
			continue
		}
		k := contact{Address: a.Address, Kind: w.Name("channel", string(a.Channel))}
		for _, p := range records {
			if p != nil && k.Profile.IsZero() && slices.ContainsFunc(p.Contacts, func(o crm.Contact) bool { return o.Address == a.Address }) && !slices.Contains(p.Disowned, a.Address) {
				k.Profile = p.ProfileKey
			}
		}
		s, err := c.svc.Address(ctx, a.Address)
		if err != nil {
			return nil, err
		}
		k.Consent, k.State = w.consent(s, c.town.cfg.Consent), w.silence(s)
		k.Silent = k.State != ""
		out = append(out, k)
	}
	return out, nil
}

// alike is a customer beside those who may be the same person.
type alike struct {
	ID     crm.CustomerID
	Mine   side
	Others []candidate
}

// side is one of two customers that are compared.
type side struct {
	ID       crm.CustomerID
	Name     string
	Profiles []member
}

// candidate is a customer who may be the same person.
type candidate struct {
	side
	Mine, Theirs crm.ProfileKey
	Bits         float64
	Share        float64
	Agreed       []string
}

// mostCompared is how many records of a customer others are looked for by, and how many of those
// are shown.
const mostCompared = 5

func (c *console) alike(r *http.Request, w *words) (shown, error) {
	ctx := r.Context()
	x, err := c.svc.Customer(ctx, crm.CustomerID(r.PathValue("id")))
	if err != nil {
		return shown{}, err
	}
	out := alike{ID: x.ID}
	if out.Mine, err = c.side(ctx, w, x.ID); err != nil {
		return shown{}, err
	}
	if c.last.Get().At.IsZero() { // nobody was read yet: it would take as long as the work that does
		return shown{page: "alike", section: "customers", title: w.Say("alike.title"), data: out}, nil
	}
	records, err := c.records(ctx, x.Profiles[:min(len(x.Profiles), mostCompared)])
	if err != nil {
		return shown{}, err
	}
	best := map[crm.CustomerID]candidate{}
	for _, p := range records {
		if p == nil {
			continue
		}
		found, err := c.eng.Identify(ctx, p)
		if err != nil {
			return shown{}, err
		}
		for _, k := range found.Candidates {
			if k.Customer == x.ID || best[k.Customer].Bits >= k.Weight && best[k.Customer].Mine.Source != "" {
				continue
			}
			best[k.Customer] = candidate{side: side{ID: k.Customer}, Mine: p.ProfileKey, Theirs: k.Profile, Bits: k.Weight, Share: k.Probability, Agreed: k.Fields}
		}
	}
	for _, k := range best {
		out.Others = append(out.Others, k)
	}
	slices.SortFunc(out.Others, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.Bits, a.Bits), a.Theirs.Compare(b.Theirs)) })
	out.Others = out.Others[:min(len(out.Others), mostCompared)]
	for i := range out.Others {
		if out.Others[i].side, err = c.side(ctx, w, out.Others[i].ID); err != nil {
			return shown{}, err
		}
	}
	return shown{page: "alike", section: "customers", title: w.Say("alike.title"), data: out}, nil
}

func (c *console) side(ctx context.Context, w *words, id crm.CustomerID) (side, error) {
	x, err := c.svc.Customer(ctx, id)
	if err != nil {
		return side{}, err
	}
	out := side{ID: x.ID, Name: w.Called(x.Name)}
	out.Profiles, err = c.members(ctx, w, x)
	return out, err
}

// explained is why a customer did or did not get something.
type explained struct {
	ID    crm.CustomerID
	Cause string
	Text  string
}

func (c *console) why(r *http.Request, w *words) (shown, error) {
	id := crm.CustomerID(r.PathValue("id"))
	out := explained{ID: id, Cause: r.URL.Query().Get("cause")}
	if !slices.Contains(c.causes(), out.Cause) {
		return shown{}, errNoPage
	}
	y, err := c.eng.Why(r.Context(), id, out.Cause, vefa.WhyQuery{Locale: w.Tag, Zone: c.zone})
	out.Text = y.String()
	return shown{page: "why", section: "customers", title: w.Say("why.title", w.Cause(out.Cause)), data: out}, err
}

// causes are what a customer may get something by.
func (c *console) causes() (out []string) {
	for _, x := range c.eng.Rules().Active().Rules() {
		out = append(out, "rule/"+x.Name)
	}
	slices.Sort(out)
	for _, x := range c.town.cfg.Campaigns {
		out = append(out, x.Cause())
	}
	return out
}

// keyOf reads a source's record from a form.
func keyOf(text string) (crm.ProfileKey, error) {
	source, id, ok := strings.Cut(text, "/")
	if !ok {
		return crm.ProfileKey{}, fmt.Errorf("%w: no record is chosen", crm.ErrInvalid)
	}
	return crm.ProfileKey{Source: strings.NewReplacer("%2F", "/", "%25", "%").Replace(source), ID: id}, nil
}

// Form is how a record is named in a form.
func (m member) Form() string { return m.Key.String() }

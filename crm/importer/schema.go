package importer

import "slices"

// kind says what the rows of a file are.
type kind string

const (
	places   kind = "places"
	profiles kind = "profiles"
	contacts kind = "contacts"
	consents kind = "consents"
	orders   kind = "orders"
	lines    kind = "lines"
	visits   kind = "visits"
	tickets  kind = "tickets"
)

// kinds in the order in which they are read: what others refer to comes first.
var kinds = []kind{places, profiles, contacts, consents, orders, lines, visits, tickets}

// field is one of our fields that a column or a constant may be mapped to.
type field struct {
	name  string
	must  bool     // a mapping has to provide it
	words []string // the only words there are, if any
}

// schema lists the fields of each kind. The table in README.md says what they mean.
var schema = map[kind][]field{
	places: {
		{name: "id", must: true}, {name: "name", must: true},
		{name: "kind", must: true, words: []string{"country", "region", "store", "dealer", "kiosk", "web", "marketplace", "service", "callcentre"}},
		{name: "parent"}, {name: "zone"}, {name: "currency"}, {name: "opened"}, {name: "closed"},
	},
	profiles: {
		{name: "id", must: true}, {name: "kind", words: []string{"person", "organisation", "household"}},
		{name: "given"}, {name: "family"}, {name: "full"}, {name: "title"},
		{name: "birth"}, {name: "gender"}, {name: "locale"},
		{name: "phone"}, {name: "phone2"}, {name: "email"}, {name: "email2"},
		{name: "street"}, {name: "district"}, {name: "city"}, {name: "postcode"}, {name: "country"},
		{name: "since"}, {name: "updated"},
	},
	contacts: {
		{name: "profile", must: true}, {name: "channel", must: true, words: []string{"phone", "email", "post"}}, {name: "value", must: true},
		{name: "verified"}, {name: "masked"},
	},
	consents: {
		{name: "status", must: true, words: []string{"granted", "refused", "none"}}, {name: "at", must: true},
		{name: "channel", must: true, words: []string{"phone", "email", "post"}},
		{name: "value"}, {name: "profile"}, {name: "id"},
		{name: "brand"}, {name: "recipient", words: []string{"consumer", "merchant"}}, {name: "purpose"},
		{name: "via"}, {name: "proof"}, {name: "actor"},
	},
	orders: {
		{name: "number", must: true}, {name: "profile", must: true}, {name: "at", must: true},
		{name: "total"}, {name: "currency"},
		{name: "status", words: []string{"placed", "shipped", "delivered", "cancelled", "returned"}},
		{name: "delivered"}, {name: "updated"},
		{name: "channel"}, {name: "place"}, {name: "employee"}, {name: "gift"},
		{name: "payer"}, {name: "recipient"}, {name: "owner"},
		{name: "fulfilled_at"}, {name: "deliver_to"}, {name: "returned_at"}, {name: "returns"},
	},
	lines: {
		{name: "order", must: true}, {name: "sku", must: true}, {name: "amount", must: true},
		{name: "qty"}, {name: "category"}, {name: "brand"}, {name: "serial"}, {name: "recipient"},
	},
	visits: {
		{name: "number", must: true}, {name: "profile", must: true}, {name: "at", must: true}, {name: "service", must: true},
		{name: "serial"}, {name: "sku"}, {name: "brand"}, {name: "place"},
		{name: "status", words: []string{"open", "done"}}, {name: "done"},
		{name: "price"}, {name: "currency"},
	},
	tickets: {
		{name: "id", must: true}, {name: "profile", must: true}, {name: "opened", must: true}, {name: "title", must: true},
		{name: "state", words: []string{"open", "pending", "solved"}}, {name: "solved"}, {name: "updated"},
		{name: "reason"}, {name: "order"}, {name: "assignee"}, {name: "place"},
	},
}

func fieldOf(k kind, name string) (field, bool) {
	i := slices.IndexFunc(schema[k], func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return schema[k][i], true
}

func fieldNames(k kind) []string {
	var out []string
	for _, f := range schema[k] {
		out = append(out, f.name)
	}
	return out
}

// Package crm is the record of a retailer's customers: what each source said,
// what happened, who is believed to be who, and what is to be done about it.
//
// There are three durable primitives. Facts are profiles (what a source says
// about a party) and happenings (orders, service visits, tickets, answers,
// clicks, tags, consents), each hanging on the profile or the address that it
// came with. Links are decisions about which profiles are one customer; they
// are only ever appended. Effects are things to be done in the world, each
// under a deterministic id. A Customer is a view over these: merging and
// splitting people moves nothing but links and is always exactly reversible.
//
// A Service works on a Store: crm/memstore keeps the record in memory,
// crm/sqlstore in SQLite, PostgreSQL or MariaDB through the host's *sql.DB.
//
//	svc := crm.New(memstore.New(), crm.Config{})
//	err := svc.PutProfile(ctx, &crm.Profile{
//		ProfileKey: crm.ProfileKey{Source: "pos", ID: "4711"},
//		Name:       crm.Name{Given: "Ayşe", Family: "Yılmaz"},
//		Contacts:   []crm.Contact{{Address: crm.Address{Channel: crm.Phone, Value: "+905321234567"}}},
//	})
//
// Everything may be delivered twice and in any order: a newer version wins, an
// older one changes nothing. Everything joins a transaction: svc.In(tx) that of a
// store's Update, svc.On(store.Join(tx)) one of the host's database. Nothing here calls time.Now but the defaults of Config.Now and Worker.Now, starts
// a goroutine or opens anything.
//
// The engines (rules, dedup, segment, survey, messaging) do not know each
// other; vefa binds them to the record.
package crm

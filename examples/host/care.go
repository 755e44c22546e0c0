package main

import (
	"context"
	"database/sql"
	_ "embed"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/crm/worth"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

//go:embed care.yaml
var careRules []byte

// consent is what customers of this shop agree to.
var consent = crm.ConsentKey{Brand: "shop"}

// settings are what differs between a test, a laptop and a server.
type settings struct {
	now    func() time.Time
	sender messaging.Sender
	base   string // where the shop is reached
	home   *time.Location
	keys   vefa.Keys
	local  bool // base is a loopback address
}

// newShop puts the shop together: its own tables, vefa's, and the engine with the
// shop's rules, module, fields, step and task.
func newShop(ctx context.Context, db *sql.DB, o settings) (*shop, error) {
	book, err := rules.ReadYAML("care.yaml", careRules)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	if err := sqlstore.Migrate(ctx, db, sqlstore.SQLite, sqlstore.Config{}); err != nil {
		return nil, err
	}
	s := &shop{db: db, store: sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{}), now: o.now}
	if err := s.store.Check(ctx); err != nil {
		return nil, err
	}
	// What customers are worth and whether they still buy: fields of care.yaml, and a step that fits the models each night.
	value, err := worth.New(worth.Config{Version: "shop-1", Costs: 0.6, Discount: 0.1})
	if err != nil {
		return nil, err
	}
	steps := vefa.DefaultSteps()
	s.care, err = vefa.New(vefa.Config{
		Store: s.store, Sender: o.sender, Now: o.now, Home: o.home, Keys: o.keys, Consent: consent, Observer: meter{},
		Brand:   web.Brand{Name: "The Shop", Accent: "#0b6770", Privacy: map[string]string{"": "Your answers stay with us."}},
		BaseURL: o.base + "/care", Destinations: link.Destinations{LoopbackHTTP: o.local},
		Rules:   []*rules.Book{book},
		Modules: []crm.Module{value},
		Fields:  s.fields(),
		Steps:   append([]vefa.Step{{Name: "old carts", Run: s.forgetCarts}}, steps...),
		Tasks:   map[string]vefa.TaskFunc{"thank": s.thank},
		Effects: []vefa.Effect{{
			EffectHandler: crm.EffectHandler{Kind: "voucher", Do: crm.Each(s.voucher), Idempotent: true},
			Actions: []rules.ActionType{{Kind: "voucher", Doc: "makes a voucher", Params: []rules.ActionParam{
				{Name: "amount", Kind: rules.Int, Required: true, Doc: "hundredths"}}}},
		}},
		Messages: []messaging.Campaign{{Name: "cart", Text: "Your cart is still here: {link}",
			URL: o.base + "/cart", Unmeasured: "a reminder"},
			{Name: "comeback", Text: "We have not seen you for a while: {link}", URL: o.base + "/", Unmeasured: "few get it"}},
		Surveys: []vefa.Survey{{Name: "delivery", Definition: survey.Recommendation(), Invitation: messaging.Campaign{
			Text: "Did it come well? {link}", Unmeasured: "asked after each delivery"}}},
	})
	return s, err
}

// fields are what the rules know of carts. They are read for many customers at
// once, and only while some rule asks.
func (s *shop) fields() []vefa.Field {
	read := func(column func(amount int64, age time.Duration) any) func(context.Context, crm.Reader, time.Time, []vefa.FieldSubject) ([]any, error) {
		return func(ctx context.Context, _ crm.Reader, at time.Time, of []vefa.FieldSubject) ([]any, error) {
			carts, err := s.carts(ctx)
			out := make([]any, len(of))
			for i, x := range of {
				for _, k := range x.Profiles {
					if c, ok := carts[k.ID]; ok && k.Source == source {
						out[i] = column(c.amount, at.Sub(c.changed))
					}
				}
			}
			return out, err
		}
	}
	return []vefa.Field{
		{Name: "CartAmount", Kind: rules.Int, Scale: 2, Unit: "TRY", Doc: "what is in the cart; null without one",
			Fill: read(func(amount int64, _ time.Duration) any { return amount })},
		{Name: "CartHours", Kind: rules.Int, Unit: "hours", Doc: "since the cart was changed; null without one",
			Fill: read(func(_ int64, age time.Duration) any { return int64(age.Hours()) })},
	}
}

type cart struct {
	amount  int64
	changed time.Time
}

// carts reads all carts: there are few. A shop with many would ask for those of
// the given customers.
func (s *shop) carts(ctx context.Context) (map[string]cart, error) {
	rows, err := s.db.QueryContext(ctx, "select phone, amount, changed from carts")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[string]cart{}
	for rows.Next() {
		var phone, changed string
		var c cart
		if err := rows.Scan(&phone, &c.amount, &changed); err != nil {
			return nil, err
		}
		if c.changed, err = time.Parse(time.RFC3339, changed); err != nil {
			return nil, err
		}
		out[phone] = c
	}
	return out, rows.Err()
}

// forgetCarts is the shop's own step of the night.
func (s *shop) forgetCarts(ctx context.Context, ev *vefa.Evening) error {
	res, err := s.db.ExecContext(ctx, "delete from carts where changed < ?", ev.At.AddDate(0, 0, -30).Format(time.RFC3339))
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	ev.Count("forgotten", int(n))
	return err
}

// thank carries out the rules' task "thank": it puts the customer on the list of
// the people who write cards, in the transaction that marks the task done.
func (s *shop) thank(ctx context.Context, svc *crm.Service, e *crm.Effect) error {
	return svc.Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: source, ID: "thank " + string(e.ID)},
		Subject: e.Subject, At: e.Due, Version: 1, Data: &crm.Note{Text: "write a card"}})
}

// voucher carries out the rules' action voucher in the shop's own system, which
// recognises the effect's id: whatever is lost on the way, there is one voucher.
func (s *shop) voucher(ctx context.Context, c *crm.Claim) (crm.Receipt, error) {
	p, err := rules.DecodePayload(c.Effect)
	if err != nil {
		return crm.Receipt{}, err
	}
	_, err = s.db.ExecContext(ctx, "insert into vouchers (id, amount) values (?, ?) on conflict do nothing", string(c.Effect.ID), p.With["amount"])
	return crm.Receipt{}, err
}

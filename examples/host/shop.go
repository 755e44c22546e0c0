package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// The shop's own tables. They stand beside vefa's in one database, so that a sale
// and what vefa learns of it commit together.
const schema = `
create table if not exists orders (id integer primary key, phone text not null, amount integer not null, placed text not null, delivered text not null default '');
create table if not exists carts (phone text primary key, amount integer not null, changed text not null);
create table if not exists vouchers (id text primary key, amount integer not null)`

// shop is an e-commerce service that has vefa inside.
type shop struct {
	db    *sql.DB
	store *sqlstore.Store
	care  *vefa.Engine
	now   func() time.Time
}

// source is how the shop is called among the sources of the record.
const source = "shop"

type checkout struct {
	Given, Family, Phone string
	Amount               int64 // hundredths
	SMS                  bool  // the box "write to me" was ticked
}

// checkout stores an order in the shop's table and tells vefa of it, in one
// transaction: both are there, or neither.
func (s *shop) checkout(ctx context.Context, c checkout) (id int64, err error) {
	now := s.now()
	phone, err := s.care.Service().Normal(crm.Address{Channel: crm.Phone, Value: c.Phone})
	if err != nil {
		return 0, err
	}
	err = s.together(ctx, func(tx *sql.Tx, svc *crm.Service) error {
		err := tx.QueryRowContext(ctx, "insert into orders (phone, amount, placed) values (?, ?, ?) returning id", phone.Value, c.Amount, now.Format(time.RFC3339)).Scan(&id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "delete from carts where phone = ?", phone.Value); err != nil {
			return err
		}
		batch := crm.Batch{
			Profiles: []*crm.Profile{{ProfileKey: buyer(phone), Name: crm.Name{Given: c.Given, Family: c.Family}, Contacts: []crm.Contact{{Address: phone}}, At: now}},
			Facts:    []*crm.Fact{order(id, phone, c.Amount, now, time.Time{}, now)},
		}
		if c.SMS {
			batch.Facts = append(batch.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: source, ID: fmt.Sprint("order ", id)},
				Subject: crm.OfAddress(phone), At: now, Data: &crm.Consent{ConsentKey: consent, Status: crm.Granted, Via: "checkout"}})
		}
		got, err := svc.Import(ctx, batch)
		if err == nil && len(got.Rejected) > 0 {
			err = got.Rejected[0].Err
		}
		return err
	})
	return id, err
}

// delivered notes that a parcel came.
func (s *shop) delivered(ctx context.Context, id int64) error {
	now := s.now()
	return s.together(ctx, func(tx *sql.Tx, svc *crm.Service) error {
		phone, amount, placed := crm.Address{Channel: crm.Phone}, int64(0), ""
		err := tx.QueryRowContext(ctx, "update orders set delivered = ? where id = ? returning phone, amount, placed", now.Format(time.RFC3339), id).Scan(&phone.Value, &amount, &placed)
		if err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339, placed)
		if err != nil {
			return err
		}
		return svc.Record(ctx, order(id, phone, amount, at, now, now))
	})
}

// cart notes what a known customer has put into the cart.
func (s *shop) cart(ctx context.Context, phone string, amount int64) error {
	_, err := s.db.ExecContext(ctx, "insert into carts (phone, amount, changed) values (?, ?, ?) on conflict (phone) do update set amount = excluded.amount, changed = excluded.changed",
		phone, amount, s.now().Format(time.RFC3339))
	return err
}

// together runs fn in one transaction of the shop's, with a service that writes
// into it.
func (s *shop) together(ctx context.Context, fn func(*sql.Tx, *crm.Service) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := fn(tx, s.care.Service().On(s.store.Join(tx))); err != nil {
		return err
	}
	return tx.Commit()
}

// buyer is the source record of who gave a phone number: the shop has no accounts.
func buyer(phone crm.Address) crm.ProfileKey {
	return crm.ProfileKey{Source: source, ID: phone.Value}
}

// order is what vefa keeps of an order. The version is the time of its last
// change: however often and in whatever order it is told, the latest stays.
func order(id int64, phone crm.Address, amount int64, placed, delivered, changed time.Time) *crm.Fact {
	o := &crm.Order{Number: fmt.Sprint(id), Channel: "web", Status: crm.OrderPlaced, Total: crm.Money{Amount: amount, Currency: "TRY"}}
	if !delivered.IsZero() {
		o.Status, o.Delivered = crm.OrderDelivered, delivered
	}
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: source, ID: o.Number}, Subject: crm.OfProfile(buyer(phone)),
		At: placed, Version: changed.UnixMicro(), Data: o}
}

// routes are the shop's own pages, and vefa's below /care/.
func (s *shop) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /checkout", func(w http.ResponseWriter, r *http.Request) {
		var c checkout
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id, err := s.checkout(r.Context(), c)
		answer(w, map[string]any{"order": id}, err)
	})
	mux.HandleFunc("POST /orders/{id}/delivered", func(w http.ResponseWriter, r *http.Request) {
		var id int64
		if _, err := fmt.Sscan(r.PathValue("id"), &id); err != nil {
			http.Error(w, "no such order", http.StatusNotFound)
			return
		}
		answer(w, nil, s.delivered(r.Context(), id))
	})
	mux.HandleFunc("GET /tickets", func(w http.ResponseWriter, r *http.Request) {
		open, err := s.care.Unsolved(r.Context())
		answer(w, open, err)
	})
	mux.Handle("/care/", s.care.Handler())
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, crm.ErrInvalid) {
			status = http.StatusBadRequest
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// town is the shop on a file, with a clock and a sender of the tests.
type town struct {
	t      *testing.T
	shop   *shop
	clock  *crmtest.Clock
	sender *messaging.MemorySender
	server *httptest.Server
}

var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

func newTown(t *testing.T) *town {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "shop.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := &town{t: t, clock: &crmtest.Clock{}, sender: messaging.NewMemorySender(nil)}
	w.clock.Set(noon)
	mux := http.NewServeMux()
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	w.shop, err = newShop(t.Context(), db, settings{now: w.clock.Now, sender: w.sender, base: w.server.URL, home: time.UTC, local: true,
		keys: vefa.Keys{Tenant: "test", Sign: []vefa.Key{{ID: 1, Secret: crmtest.Secret("sign")}}, ID: crmtest.Secret("id")}})
	require.NoError(t, err)
	mux.Handle("/", w.shop.routes())
	return w
}

// post sends what a browser would and returns the status.
func (w *town) post(path string, body, into any) int {
	w.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(w.t, err)
	r, err := w.server.Client().Post(w.server.URL+path, "application/json", bytes.NewReader(data))
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, r.Body.Close()) }()
	if into != nil {
		require.NoError(w.t, json.NewDecoder(r.Body).Decode(into))
	}
	return r.StatusCode
}

func (w *town) buy(phone string, amount int64) int64 {
	w.t.Helper()
	var got struct{ Order int64 }
	require.Equal(w.t, http.StatusOK, w.post("/checkout", checkout{Given: "Ayşe", Family: "Yılmaz", Phone: phone, Amount: amount, SMS: true}, &got))
	return got.Order
}

// night does the evening of a day and audits it.
func (w *town) night(days int) vefa.NightReport {
	w.t.Helper()
	w.clock.Set(noon.AddDate(0, 0, days).Add(time.Hour))
	rep, err := w.shop.care.Night(w.t.Context(), vefa.Night{})
	require.NoError(w.t, err)
	got, err := vefa.Audit(w.t.Context(), w.shop.store, consent)
	require.NoError(w.t, err)
	require.True(w.t, got.Clean(), "%+v", got)
	return rep
}

// A parcel comes, the buyer is asked, is unhappy, and is left alone from then on.
func TestAnUnhappyBuyer(t *testing.T) {
	w := newTown(t)
	id := w.buy("0532 123 45 67", 1299_00)
	require.Equal(t, http.StatusOK, w.post(fmt.Sprintf("/orders/%d/delivered", id), nil, nil))
	require.Zero(t, w.night(0).Rules.Planned, "it came today")
	require.Equal(t, 1, w.night(1).Delivered.Done)
	require.Len(t, w.sender.Messages(), 1)
	m := w.sender.Messages()[0]
	require.Equal(t, "+905321234567", m.To.Value)
	require.Contains(t, m.Text, w.server.URL+"/care/l/")

	w.clock.Advance(time.Hour)
	link := m.Text[len("Did it come well? "):]
	out, err := webtest.Answer(t.Context(), w.server.Client(), link, map[string]any{"nps": 0, "comment": "Kutu boştu"})
	require.NoError(t, err)
	require.True(t, out.Thanked())
	open, err := w.shop.care.Unsolved(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 1)

	require.NoError(t, w.shop.cart(t.Context(), "+905321234567", 900_00))
	require.Zero(t, w.night(3).Delivered.Done, "an open ticket silences")
	require.NoError(t, w.shop.care.Service().SetTicket(t.Context(), open[0].Ref, crm.TicketSolved, "desk", "sent again"))
	require.Equal(t, 1, w.night(4).Delivered.Done, "the cart is still there")
	require.Zero(t, w.night(5).Delivered.Done, "once a month")
}

// A checkout that fails leaves nothing, in the shop's tables or in the record.
func TestACheckoutIsAllOrNothing(t *testing.T) {
	w := newTown(t)
	require.Equal(t, http.StatusBadRequest, w.post("/checkout", checkout{Given: "Ayşe", Phone: "not a phone", Amount: 1}, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.shop.checkout(ctx, checkout{Given: "Ayşe", Phone: "+905321234567", Amount: 1})
	require.ErrorIs(t, err, context.Canceled)
	_, err = w.shop.db.Exec("alter table carts rename to elsewhere")
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, w.post("/checkout", checkout{Given: "Ayşe", Phone: "+905321234567", Amount: 1, SMS: true}, nil))
	var orders int
	require.NoError(t, w.shop.db.QueryRow("select count(*) from orders").Scan(&orders))
	require.Zero(t, orders)
	for range w.shop.care.Service().Customers(t.Context()) {
		t.Fatal("a customer was left")
	}
}

func TestTheThirdOrderIsThankedFor(t *testing.T) {
	w := newTown(t)
	for range 3 {
		w.buy("+905321234567", 100_00)
	}
	rep := w.night(0)
	require.Equal(t, 1, rep.Carried.Done[crm.EffectTask])
	require.Equal(t, 1, rep.Carried.Done[crm.EffectTag])
	require.Equal(t, 1, rep.Effects["voucher"].Done)
	require.Zero(t, w.night(1).Carried.Done[crm.EffectTask])
	var amount, vouchers int
	require.NoError(t, w.shop.db.QueryRow("select count(*), sum(amount) from vouchers").Scan(&vouchers, &amount))
	require.Equal(t, []int{1, 10000}, []int{vouchers, amount})
}

func TestOldCartsAreForgotten(t *testing.T) {
	w := newTown(t)
	require.NoError(t, w.shop.cart(t.Context(), "+905321234567", 100))
	require.Equal(t, map[string]int{"forgotten": 0}, w.night(29).Steps[0].Counts)
	require.Equal(t, map[string]int{"forgotten": 1}, w.night(30).Steps[0].Counts)
	require.Equal(t, http.StatusNotFound, w.post("/orders/x/delivered", nil, nil))
}

// The shop opens, answers and closes when it is told to.
func TestServe(t *testing.T) {
	w := newTown(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.shop.serve(ctx, "127.0.0.1:0", time.UTC) }()
	cancel()
	require.NoError(t, <-done)
}

// TestFigures: what the shop's care did is on expvar.
func TestFigures(t *testing.T) {
	before := figures.String()
	w := newTown(t)
	_, err := w.shop.care.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.NotEqual(t, before, figures.String())
	for _, name := range []string{"night.calls", "night.seconds", "night/old carts.calls"} {
		require.NotNil(t, figures.Get(name), name)
	}
}

// Command host is an e-commerce service that has vefa inside: its own tables and
// transactions, its own sender, pages below /care/, a field, a step and a task, and
// the module crm/worth, by which a rule asks who has probably left. It is meant to
// be read and copied.
//
//	go run ./examples/host
//	curl -d '{"Given":"Ayşe","Family":"Yılmaz","Phone":"0532 123 45 67","Amount":129900,"SMS":true}' localhost:8080/checkout
//	curl -d '' localhost:8080/orders/1/delivered
//
// The messages of the evening are printed. With -night the evening is done at once
// and the program ends.
package main

import (
	"context"
	"database/sql"
	"errors"
	"expvar"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/messaging"
)

func main() { terminal.Main("host", run) }

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, _ io.Writer) error {
	f := terminal.NewFlags("host", "Runs a shop that has vefa inside: its orders, the messages that they cause, and the customers' pages.",
		"go run ./examples/host",
		"go run ./examples/host -db shop.db -night   # the evening of today, at once")
	file := f.String("db", "shop.db", "the SQLite file")
	addr := f.String("addr", "127.0.0.1:8080", "where the shop listens")
	night := f.Bool("night", false, "do the evening now and end")
	if err := f.Parse(args, out); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return open(ctx, *file, *addr, *night)
}

// open opens the shop, for the evening alone or until ctx ends.
func open(ctx context.Context, file, addr string, night bool) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	home, err := time.LoadLocation("Europe/Istanbul")
	if err != nil {
		return err
	}
	keys, err := secrets()
	if err != nil {
		return err
	}
	s, err := newShop(ctx, db, settings{now: time.Now, sender: printer{}, base: "http://" + addr, home: home, keys: keys, local: true})
	if err != nil {
		return err
	}
	if night {
		report, err := s.care.Night(ctx, vefa.Night{})
		if err != nil {
			return err
		}
		slog.Info("night", "day", report.Day, "planned", report.Rules.Planned, "sent", report.Delivered.Done)
		return nil
	}
	return s.serve(ctx, addr, home)
}

// figures are what expvar.Handler shows, on a listener that customers do not reach.
var figures = expvar.NewMap("shop")

// meter puts what vefa tells into figures. OpenTelemetry's would be as short: see
// vefa.Observer.
type meter struct{}

func (meter) Took(name string, d time.Duration, err error) {
	figures.Add(name+".calls", 1)
	figures.AddFloat(name+".seconds", d.Seconds())
	if err != nil {
		figures.Add(name+".failed", 1)
	}
}

func (meter) Count(name string, n int) { figures.Add(name, int64(n)) }

// serve runs the shop until ctx ends: its pages, the click log, what is due every
// minute, and the night at 19:00.
func (s *shop) serve(ctx context.Context, addr string, home *time.Location) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { _ = s.care.Clicks().Run(ctx) })
	work.Go(func() {
		every(ctx, time.Minute, func(now time.Time) {
			if _, err := s.care.Deliver(ctx); err != nil && ctx.Err() == nil {
				slog.Error("deliver", "err", err)
			}
			if now.In(home).Hour() < 19 {
				return
			}
			if _, err := s.care.Night(ctx, vefa.Night{}); err != nil && ctx.Err() == nil { // once it is closed, running it again does nothing
				slog.Error("night", "err", err)
			}
		})
	})
	server := &http.Server{Addr: addr, Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	work.Go(func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	})
	slog.Info("the shop is open", "addr", addr)
	err := server.ListenAndServe()
	cancel()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// every calls fn now and at every tick until ctx ends.
func every(ctx context.Context, d time.Duration, fn func(now time.Time)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for now := time.Now(); ; {
		fn(now)
		select {
		case <-ctx.Done():
			return
		case now = <-tick.C:
		}
	}
}

// secrets reads the keys from the environment, and makes some that are good for
// this database alone where there are none: a server must set them, and keep them.
func secrets() (vefa.Keys, error) {
	var keys vefa.Keys
	parse := func(name, otherwise string) (crm.Secret, error) {
		text := os.Getenv(name)
		if text == "" {
			slog.Warn(name + " is not set: a secret that everybody knows is used")
			text = otherwise
		}
		return crm.ParseSecret(text)
	}
	sign, err1 := parse("SHOP_SIGN", "3f0c8f1f7d0e4a6cb1a7c2d95e8b64f03f0c8f1f7d0e4a6cb1a7c2d95e8b64f1")
	id, err2 := parse("SHOP_ID", "9b1de37a52c64f08a6e3d4c1b2f09785e1d37c5a4b2f6908c7e6d5a4b3c2f1e0")
	keys.Tenant, keys.Sign, keys.ID = "shop", []vefa.Key{{ID: 1, Secret: sign}}, id
	return keys, errors.Join(err1, err2)
}

// printer is the sender of a laptop: it prints. Package messaging has one for
// providers with an HTTP interface.
type printer struct{}

func (printer) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		fmt.Printf("to %s: %s\n", m.To.Value, m.Text)
		out[i] = crm.Receipt{ID: m.ID, Status: crm.Accepted}
	}
	return out, nil
}

// Command console is what the staff of a retailer have on their screens: tonight's run, customers,
// pairs to answer, segments, rules, campaigns, surveys. It is one program without a build step:
// html/template, one style sheet, one small script for progress that nothing depends on.
//
//	go run ./examples/console
//
// It shows the simulated retailer of examples/night, in a SQLite file that it throws away. See
// -help, and README.md beside this file.
package main

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/vefacrm/vefa/examples/internal/record"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// options are the flags.
type options struct {
	db        string
	addr      string
	password  string
	lang      string
	zone      string
	customers int
	evenings  int
	seed      uint64
	bench     int
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := terminal.NewFlags("console", "Pages for the staff of a retailer: the night, customers, duplicates, segments, rules, campaigns, surveys.",
		"go run ./examples/console -lang tr   # then open http://127.0.0.1:8090/",
		"go run ./examples/console -db postgres://me@localhost/shop -customers 20000",
		"go run ./examples/console -addr :8090 -password \"$PASSWORD\"   # behind a proxy that speaks https")
	f.StringVar(&o.db, "db", "", "where the record is: memory, sqlite:PATH, postgres:DSN, postgres://USER@HOST/DATABASE or mysql:DSN (default: a SQLite file that is thrown away)")
	f.StringVar(&o.addr, "addr", "127.0.0.1:8090", "where it listens; an address that others reach needs -password")
	f.StringVar(&o.password, "password", "", "ask for it (HTTP Basic); the user's name is who is on record as having decided")
	f.StringVar(&o.lang, "lang", "en", "language of the pages of who has not chosen one: en or tr")
	f.StringVar(&o.zone, "zone", "Europe/Istanbul", "zone in which times are shown")
	f.IntVar(&o.customers, "customers", 3000, "people in the simulated world")
	f.IntVar(&o.evenings, "evenings", 26, "evenings that a new record has behind it")
	f.Uint64Var(&o.seed, "seed", 1, "of the simulated world")
	f.IntVar(&o.bench, "bench", 0, "ask for each page so many times, print how long the answers took, and end")
	if err := f.Parse(args, out); err != nil {
		return o, err
	}
	if err := terminal.OneOf("lang", o.lang, tongues()...); err != nil {
		return o, err
	}
	host, _, err := net.SplitHostPort(o.addr)
	switch {
	case err != nil:
		return o, terminal.Usagef("-addr: %q is not HOST:PORT", o.addr)
	case o.password == "" && !loopback(host):
		return o, terminal.Usagef("-addr: %s is reached by others: it shows customers, so it needs -password", o.addr)
	case o.customers < 1 || o.customers > 1<<24:
		return o, terminal.Usagef("-customers: %d is not between 1 and %d", o.customers, 1<<24)
	case o.evenings < 0 || o.evenings > 3650:
		return o, terminal.Usagef("-evenings: %d is not between 0 and 3650", o.evenings)
	case o.bench < 0:
		return o, terminal.Usagef("-bench: %d is below 0", o.bench)
	}
	if _, err := time.LoadLocation(o.zone); err != nil {
		return o, terminal.Usagef("-zone: %q is no zone such as Europe/Istanbul", o.zone)
	}
	return o, nil
}

// loopback reports whether a host is this machine alone.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func main() {
	debug.SetGCPercent(400)
	terminal.Main("console", run)
}

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	store, where, shut, err := record.Open(ctx, o.db)
	if err != nil {
		return err
	}
	defer shut()
	t, stop, err := newTown(ctx, o, store)
	if err != nil {
		return err
	}
	defer stop()
	c, err := newConsole(o, t, slog.New(slog.NewTextHandler(errs, nil)))
	if err != nil {
		return err
	}
	work := make(chan error, 1)
	go func() { work <- c.jobs.run(ctx) }()
	defer func() {
		cancel()
		<-work
	}()
	c.begin()
	if o.bench > 0 {
		return c.measure(ctx, o.bench, where, out)
	}
	return c.serve(ctx, o.addr, errs)
}

// serve answers until ctx ends.
func (c *console) serve(ctx context.Context, addr string, errs io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	// The zero value of each of these waits for ever. A stream of progress sets its own.
	server := &http.Server{Handler: c.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			_ = server.Close()
		}
	}()
	fmt.Fprintf(errs, "console: http://%s/\n", listener.Addr())
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	<-ended
	return nil
}

// guarded asks for the password, if there is one, and gives the name to what follows.
func guarded(password string, next http.Handler) http.Handler {
	if password == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, given, ok := r.BasicAuth()
		if ok = subtle.ConstantTimeCompare([]byte(given), []byte(password)) == 1 && ok && name != ""; !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="console", charset="UTF-8"`)
			http.Error(w, "401", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

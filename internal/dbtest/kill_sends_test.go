package dbtest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/delivery"
	"github.com/vefacrm/vefa/messaging/kannel"
	"github.com/vefacrm/vefa/messaging/netgsm"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
	"github.com/vefacrm/vefa/messaging/smppsender"
	"github.com/vefacrm/vefa/messaging/sms"
	"github.com/vefacrm/vefa/messaging/twilio"
	"github.com/vefacrm/vefa/messaging/verimor"
	"github.com/vefacrm/vefa/messaging/webhook"
	"github.com/vefacrm/vefa/messaging/whatsapp"
)

// asMailing makes this binary a process that sends through a provider, see TestMain.
const asMailing = "VEFA_TEST_MAILING"

// mailing is such a process: it looks into what an earlier one left, and sends until nothing
// is due.
type mailing struct {
	Path      string // of the SQLite file
	Provider  string
	URL       string // of its simulator; for SMPP the address of its listener
	User      string
	Password  string
	AppSecret string
	Off       time.Duration // by which the simulated time is ahead

	now func() time.Time
}

func mailingMain(job string) int {
	var m mailing
	err := json.Unmarshal([]byte(job), &m)
	m.now = func() time.Time { return time.Now().Add(m.Off) }
	if err == nil {
		err = m.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (m mailing) run(ctx context.Context) error {
	db, err := sql.Open("sqlite", sqliteDSN(m.Path))
	if err != nil {
		return err
	}
	defer db.Close()
	sender, end, err := m.sender(nil)
	if err != nil {
		return err
	}
	defer end()
	box := m.box(sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{}), sender)
	if _, err := box.Resume(ctx); err != nil {
		return err
	}
	_, err = box.Drain(ctx)
	return err
}

func (m mailing) box(store crm.Store, sender messaging.Sender) *messaging.Outbox {
	box := deliveringBox(store, sender, 5*time.Minute)
	box.Render = func(_ context.Context, _ crm.Tx, e *crm.Effect) (messaging.Message, error) {
		return messaging.Message{To: e.Subject.Address, From: "VEFA", Text: "Merhaba " + e.Occurrence,
			Parts: map[string]string{whatsapp.Template: "hello", "1": e.Occurrence}}, nil
	}
	box.Now, box.LeaseNow, box.Batch = m.now, m.now, 200
	box.Logger = slog.New(slog.DiscardHandler)
	return box
}

// hooks are where the simulated providers report to.
const (
	hooks    = "https://hooks.example/messages"
	hookPath = "a-path-that-nobody-guesses"
)

// sender makes the sender; take gets what the provider tells it in its session.
func (m mailing) sender(take func(context.Context, messaging.Feedback) error) (s messaging.Sender, end func(), err error) {
	secret, end := crm.NewSecret([]byte(m.Password)), func() {}
	switch m.Provider {
	case "verimor":
		s, err = verimor.New(verimor.Config{URL: m.URL, Username: m.User, Password: secret, Header: "VEFA", Batch: 1, Settle: time.Minute, Now: m.now})
	case "verimor batches":
		s, err = verimor.New(verimor.Config{URL: m.URL, Username: m.User, Password: secret, Header: "VEFA", Settle: time.Minute, Now: m.now})
	case "netgsm":
		s, err = netgsm.New(netgsm.Config{URL: m.URL, Username: m.User, Password: secret, Header: "VEFA", Now: m.now})
	case "twilio":
		s, err = twilio.New(twilio.Config{URL: m.URL, AccountSID: m.User, AuthToken: secret, From: "VEFA", WebhookURL: hooks, Now: m.now})
	case "kannel":
		s, err = kannel.New(kannel.Config{URL: m.URL, Username: m.User, Password: secret, From: "VEFA", WebhookURL: hooks, Guard: webhook.Guard{Secret: crm.NewSecret([]byte(hookPath))}})
	case "whatsapp":
		s, err = whatsapp.New(whatsapp.Config{URL: m.URL, PhoneNumberID: m.User, Token: secret, AppSecret: crm.NewSecret([]byte(m.AppSecret)), VerifyToken: secret, Now: m.now})
	case "smpp":
		var x *smppsender.Sender
		x, err = smppsender.New(smppsender.Config{
			Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}, Window: 20, ResponseTimeout: time.Second}, Dial: func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", m.URL)
			}},
			Profile: sms.Profile{Name: "plain", Encodings: []sms.Encoding{sms.GSM7, sms.UCS2}}, Feedback: take})
		if err == nil {
			s, end = x, func() { _ = x.Close(context.Background()) }
		}
	default:
		err = errors.New("no such provider: " + m.Provider)
	}
	return s, end, err
}

// postOffice is a simulated provider, seen by the test.
type postOffice struct {
	job     mailing
	counts  atomic.Int64 // requests, or messages of SMPP
	kill    atomic.Pointer[func(n int64, after bool)]
	arrived func() []string // where to, of each message
	deliver func()          // brings every message to its end
	pushTo  func(http.Handler)
	faults  func(providertest.Faults)
	end     func()
}

// came is called before and after each request; the process that made it may die of it.
func (o *postOffice) came(after bool) {
	n := o.counts.Load()
	if !after {
		n = o.counts.Add(1)
	}
	if f := o.kill.Load(); f != nil {
		(*f)(n, after)
	}
}

func openPostOffice(t *testing.T, name string, now func() time.Time) *postOffice {
	o := &postOffice{pushTo: func(http.Handler) {}, deliver: func() {}, faults: func(providertest.Faults) {}}
	o.job.Provider = name
	cfg := providertest.Config{Seed: 1, Now: now}
	serve := func(h http.Handler, user string, password crm.Secret, arrivals func() []providertest.Arrival, faults func(providertest.Faults)) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			o.came(false)
			defer o.came(true)
			h.ServeHTTP(w, r)
		}))
		o.job.URL, o.job.User, o.job.Password, o.end, o.faults = server.URL, user, string(password.Reveal()), server.Close, faults
		o.arrived = func() (out []string) {
			for _, a := range arrivals() {
				out = append(out, a.To)
			}
			return out
		}
	}
	switch name {
	case "verimor", "verimor batches":
		sim := providertest.NewVerimor(cfg)
		serve(sim, sim.Username, sim.Password, sim.Arrivals, sim.SetFaults)
	case "netgsm":
		sim := providertest.NewNetgsm(cfg)
		serve(sim, sim.Username, sim.Password, sim.Arrivals, sim.SetFaults)
	case "twilio":
		sim := providertest.NewTwilio(cfg)
		serve(sim, sim.Username, sim.Password, sim.Arrivals, sim.SetFaults)
		o.deliver, o.pushTo = sim.Deliver, func(h http.Handler) { sim.PushTo(h, hooks) }
	case "kannel":
		sim := providertest.NewKannel(cfg)
		serve(sim, sim.Username, sim.Password, sim.Arrivals, sim.SetFaults)
		o.deliver, o.pushTo = sim.Deliver, func(h http.Handler) { sim.PushTo(h, hooks) }
	case "whatsapp":
		sim := providertest.NewWhatsApp(cfg)
		serve(sim, sim.Username, sim.Password, sim.Arrivals, sim.SetFaults)
		sim.Templates["hello/tr"] = 1
		o.job.AppSecret = string(sim.AppSecret.Reveal())
		o.deliver, o.pushTo = sim.Deliver, func(h http.Handler) { sim.PushTo(h, "/whatsapp") }
	case "smpp":
		smsc := smpptest.New(smpptest.Options{Now: now, Answer: func(n int, _ *smpp.Message) smpptest.Answer {
			o.came(false)
			return smpptest.Answer{Lose: n%50 == 49}
		}})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() { _ = smsc.Serve(l) })
		o.job.URL, o.end = l.Addr().String(), func() { _ = l.Close(); smsc.Close(); wg.Wait() }
		o.arrived = func() (out []string) {
			for _, m := range smsc.Messages() {
				if m.ID != "" {
					out = append(out, m.Message.Destination.Addr)
				}
			}
			return out
		}
	}
	return o
}

// TestKilledSends kills the process that sends, at random moments before, in and after its
// requests, and starts it again until all is sent, once through each simulated provider.
// Nothing is sent twice, what counts as sent arrived, and what cannot be known is said to be
// unknown: nothing of it where the provider can be asked by the id of the message; nothing that
// arrived, after the reports, where these bring the id back. VEFA_LONG=1 sends 100,000 messages and kills 1,000
// times, or as many as VEFA_SENDS=messages,kills has.
func TestKilledSends(t *testing.T) {
	messages, kills := 300, 6
	if os.Getenv("VEFA_LONG") == "1" {
		messages, kills = 100_000, 1000
		if size := os.Getenv("VEFA_SENDS"); size != "" {
			_, err := fmt.Sscanf(size, "%d,%d", &messages, &kills)
			require.NoError(t, err, "VEFA_SENDS is messages,kills")
		}
	}
	for name, known := range map[string]string{ // who knows of a message whose answer was lost
		"verimor": "asked", "verimor batches": "", "netgsm": "", "twilio": "reports", "kannel": "reports", "whatsapp": "reports", "smpp": "",
	} {
		t.Run(name, func(t *testing.T) { killSends(t, name, messages, kills, known) })
	}
}

func killSends(t *testing.T, name string, messages, kills int, known string) {
	var off atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
	o := openPostOffice(t, name, now)
	defer o.end()
	o.faults(providertest.Faults{Lost: 0.01})
	o.job.now = now
	o.job.Path = filepath.Join(t.TempDir(), "vefa.db")
	db, err := sql.Open("sqlite", sqliteDSN(o.job.Path))
	require.NoError(t, err)
	defer db.Close()
	store := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite, sqlstore.Config{}))
	plan(t, store, messages)

	random := rand.New(rand.NewPCG(uint64(len(name)), 11))
	for left := kills; ; left-- {
		job, err := json.Marshal(o.job)
		require.NoError(t, err)
		cmd := osexec.Command(os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), asMailing+"="+string(job)), os.Stderr
		done := make(chan struct{})
		if left > 0 {
			at, after, late := o.counts.Load()+1+random.Int64N(max(1, 2*int64(o.requests(messages))/int64(kills))), random.IntN(2) == 0, time.Duration(random.IntN(4000))*time.Microsecond
			if name == "smpp" {
				after = false
			}
			var once sync.Once
			kill := func(n int64, ended bool) {
				if n >= at && ended == after {
					once.Do(func() {
						select {
						case <-time.After(late): // the request may be on its way
						case <-done:
						}
						_ = cmd.Process.Kill()
					})
				}
			}
			require.NoError(t, cmd.Start())
			o.kill.Store(&kill)
		} else {
			require.NoError(t, cmd.Start())
		}
		err = cmd.Wait()
		close(done)
		o.kill.Store(nil)
		if err == nil {
			break
		}
		require.Positive(t, left, "the last one was not killed: %v", err)
		o.job.Off += 10 * time.Second
		off.Store(int64(o.job.Off))
	}

	// What is still open is asked about by the last process, while time goes by.
	sender, end, err := o.job.sender(nil)
	require.NoError(t, err)
	defer end()
	doubtful := func() bool { // who can be asked answers so many questions a minute
		some := false
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			found, err := r.DueEffects(t.Context(), crm.DueQuery{State: crm.Unknown, Before: now().AddDate(10, 0, 0), Limit: 1})
			some = len(found) > 0
			return err
		}))
		return some
	}
	for round := 0; round < 30 || known == "asked" && round < 30+messages && doubtful(); round++ {
		off.Add(int64(10 * time.Minute))
		_, err := o.job.box(store, sender).Drain(t.Context())
		require.NoError(t, err)
	}
	got := map[string]int{}
	for _, to := range o.arrived() {
		got[to[len(to)-7:]]++
	}
	states, doubts := map[crm.EffectState]int{}, 0
	look := func() {
		clear(states)
		doubts = 0
		for _, e := range effectsOf(t, store) {
			states[e.State]++
			to := e.Subject.Address.Value
			n := got[to[len(to)-7:]]
			require.LessOrEqual(t, n, 1, "%s was sent twice", e.ID)
			switch e.State {
			case crm.Done:
				require.Equal(t, 1, n, "%s counts as sent and is lost", e.ID)
			case crm.Unknown:
				doubts += n
			default:
				require.Failf(t, "not at an end", "%s is %s, arrived %d: %v", e.ID, e.State, n, e.Reasons)
			}
		}
	}
	look()
	before := fmt.Sprint(states)
	if hook, ok := sender.(interface {
		Webhook(func(context.Context, messaging.Feedback) error) http.Handler
	}); ok {
		box, log := o.job.box(store, sender), &delivery.Log{Service: crm.New(store, crm.Config{Now: now})}
		o.pushTo(hook.Webhook(func(ctx context.Context, f messaging.Feedback) error {
			for _, r := range f.Reports {
				if _, err := box.Receive(ctx, crm.Receipt{ID: r.ID, Provider: r.Provider, Status: crm.Accepted}); err != nil {
					return err
				}
			}
			_, err := log.Take(ctx, f.Reports...)
			return err
		}))
		o.deliver()
		look()
	}
	t.Logf("%s: %d messages, %d kills: %s, after the reports %v, of which %d arrived", name, messages, kills, before, states, doubts)
	switch known {
	case "asked":
		require.Equal(t, map[crm.EffectState]int{crm.Done: messages}, states)
	case "reports":
		require.Zero(t, doubts, "a report tells")
	}
}

// requests is about how many requests the messages take.
func (o *postOffice) requests(messages int) int {
	switch o.job.Provider {
	case "verimor batches", "netgsm":
		return messages / 150
	}
	return messages
}

func plan(t *testing.T, store crm.Store, messages int) {
	long := time.Now().AddDate(0, 0, -2)
	for from := 0; from < messages; from += 5000 {
		var effects []*crm.Effect
		for i := from; i < min(from+5000, messages); i++ {
			s := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)})
			effects = append(effects, &crm.Effect{ID: crmtest.IDs().ID("campaign/spring", s, crm.FactKey{}, strconv.Itoa(i)), Kind: crm.EffectMessage, Cause: "campaign/spring",
				Subject: s, Occurrence: strconv.Itoa(i), Due: long, State: crm.Planned, Created: long, Changed: long})
		}
		require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
			_, err := tx.PutEffects(t.Context(), effects...)
			return err
		}))
	}
}

func effectsOf(t *testing.T, store crm.Store) (out []*crm.Effect) {
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for e, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	}))
	return out
}

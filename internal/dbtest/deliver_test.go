package dbtest

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	osexec "os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/messaging"
)

// Tests of several processes run this binary again as one that delivers.
const asDeliverer = "VEFA_TEST_DELIVERER"

func TestMain(m *testing.M) {
	if job := os.Getenv(asTaker); job != "" {
		os.Exit(takerMain(job))
	}
	if job := os.Getenv(asPages); job != "" {
		os.Exit(pagesMain(job))
	}
	if job := os.Getenv(asMailing); job != "" {
		os.Exit(mailingMain(job))
	}
	if job := os.Getenv(asNight); job != "" {
		if err := nightMain(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	job := os.Getenv(asDeliverer)
	if job == "" {
		os.Exit(m.Run())
	}
	var d deliverer
	if err := json.Unmarshal([]byte(job), &d); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := d.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// deliverer is a process that sends what is due until its standard input ends.
type deliverer struct {
	Schema   string
	URL      string
	Asks     bool // the provider can be asked
	Lease    time.Duration
	ClockOff time.Duration // by which its own clock is wrong
}

func (d deliverer) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
		stop()
	}()
	db, err := sql.Open("pgx", os.Getenv("VEFA_TEST_POSTGRES"))
	if err != nil {
		return err
	}
	defer db.Close()
	cfg := messaging.HTTPConfig{URL: d.URL + "/send"}
	if d.Asks {
		cfg.StatusURL = d.URL + "/status"
	}
	sender, err := messaging.NewHTTPSender(cfg)
	if err != nil {
		return err
	}
	box := deliveringBox(sqlstore.New(db, sqlstore.Postgres, sqlstore.Config{Schema: d.Schema}), sender, d.Lease)
	box.Now = func() time.Time { return time.Now().Add(d.ClockOff) }
	for {
		s, err := box.RunOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if s.Due > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d.Lease / 20): // nothing is due yet
		}
	}
}

func deliveringBox(store crm.Store, sender messaging.Sender, lease time.Duration) *messaging.Outbox {
	return &messaging.Outbox{Store: store, Sender: sender, Lease: lease,
		Render: func(_ context.Context, _ crm.Tx, e *crm.Effect) (messaging.Message, error) {
			return messaging.Message{To: e.Subject.Address, Text: "Merhaba"}, nil
		},
		Guard: func(_ context.Context, _ crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
			out := make([]messaging.Verdict, len(effects))
			for i := range out {
				out[i].Outcome = messaging.Send
			}
			return out, nil
		}}
}

// slowProvider takes its time over each message, loses answers, and takes a
// message as often as it comes.
type slowProvider struct {
	unit time.Duration
	mu   sync.Mutex
	rand *rand.Rand
	got  map[crm.EffectID]int
	lost map[crm.EffectID]bool // whose answer was lost
}

func (p *slowProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Messages []struct {
			ID crm.EffectID `json:"id"`
		} `json:"messages"`
		IDs []crm.EffectID `json:"ids"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	type receipt struct {
		ID     crm.EffectID `json:"id"`
		Status string       `json:"status"`
	}
	var out struct {
		Receipts []receipt `json:"receipts"`
	}
	for _, id := range in.IDs {
		p.mu.Lock()
		status := "absent"
		if p.got[id] > 0 {
			status = "accepted"
		}
		p.mu.Unlock()
		out.Receipts = append(out.Receipts, receipt{id, status})
	}
	for _, m := range in.Messages { // the process that asked may be dead by now
		time.Sleep(p.unit) // it is the point of this provider
		p.mu.Lock()
		p.got[m.ID]++
		p.mu.Unlock()
		out.Receipts = append(out.Receipts, receipt{m.ID, "accepted"})
	}
	p.mu.Lock()
	lose := len(in.Messages) > 0 && p.rand.IntN(5) == 0
	for _, m := range in.Messages {
		p.lost[m.ID] = p.lost[m.ID] || lose
	}
	p.mu.Unlock()
	if lose {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(out)
}

// Case A2: four processes with wrong clocks send through a slow provider that
// loses a fifth of its answers, and are killed at random and started again.
// No one is written to twice. With a provider that can be asked, all arrives and
// is known to have; with another one, what was answered is known, and a delivery
// report tells the rest. VEFA_LONG=1 takes a second a message, leases of 20 s and
// 20 runs; else a message takes 100 ms and a lease 2 s. VEFA_DELIVER_RUNS is the
// number of runs.
func TestSeveralProcessesDeliver(t *testing.T) {
	dsn := postgresDSN(t)
	require.NotEmpty(t, dsn)
	runs, messages, unit := 1, 60, 100*time.Millisecond
	if os.Getenv("VEFA_LONG") == "1" {
		runs, messages, unit = 20, 120, time.Second
	}
	if n, err := strconv.Atoi(os.Getenv("VEFA_DELIVER_RUNS")); err == nil {
		runs = n
	}
	seed := rand.Uint64()
	t.Logf("seed of the kills: %d", seed)
	for n := range runs {
		for _, asks := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, can be asked: %v", n, asks), func(t *testing.T) {
				deliverTogether(t, rand.New(rand.NewPCG(seed, uint64(2*n))), messages, unit, asks)
			})
		}
	}
}

func deliverTogether(t *testing.T, random *rand.Rand, messages int, unit time.Duration, asks bool) {
	d := openPostgres(t)
	migrate(t, d)
	store, lease := d.store(), 20*unit
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute+time.Duration(messages)*10*unit)
	defer cancel()
	effects := make([]*crm.Effect, messages)
	long := time.Now().AddDate(0, 0, -2)
	for i := range effects {
		s := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)})
		effects[i] = &crm.Effect{ID: crmtest.IDs().ID("campaign/spring", s, crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: "campaign/spring",
			Subject: s, Due: long, State: crm.Planned, Created: long, Changed: long}
	}
	require.NoError(t, store.Update(ctx, func(tx crm.Tx) error {
		_, err := tx.PutEffects(ctx, effects...)
		return err
	}))
	p := &slowProvider{unit: unit, rand: rand.New(rand.NewPCG(random.Uint64(), 1)), got: map[crm.EffectID]int{}, lost: map[crm.EffectID]bool{}}
	server := httptest.NewServer(p)
	defer server.Close()

	var procs []*process
	start := func() *process {
		off := time.Duration(random.Int64N(int64(25*time.Hour))) - time.Hour
		return startProcess(t, deliverer{Schema: d.cfg.Schema, URL: server.URL, Asks: asks, Lease: lease, ClockOff: off})
	}
	for range 4 {
		procs = append(procs, start())
	}
	defer func() {
		for _, x := range procs {
			x.end(t)
		}
	}()
	kills := 0
	if asks {
		kills = 5
	}
	tick := time.NewTicker(lease / 4)
	defer tick.Stop()
	for waiting := messages; waiting > 0; {
		select {
		case <-ctx.Done():
			t.Fatalf("%d messages are not settled in time", waiting)
		case <-tick.C:
		}
		if kills > 0 && random.IntN(3) == 0 {
			kills--
			i := random.IntN(len(procs))
			procs[i].kill(t)
			procs[i] = start()
		}
		states := p.states(t, store)
		waiting = states[crm.Planned] + states[crm.Sent]
		if asks {
			waiting += states[crm.Unknown]
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, n := range p.got {
		assert.Equal(t, 1, n, "%s was sent %d times", id, n)
	}
	states := p.states(t, store)
	if asks {
		require.Len(t, p.got, messages, "lost")
		require.Equal(t, map[crm.EffectState]int{crm.Done: messages}, states)
		return
	}
	var reports []crm.Receipt
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for e, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if e.State == crm.Unknown {
				assert.True(t, p.lost[e.ID], "the provider answered, and yet its fate is unknown: %s", e.ID)
			}
			if p.got[e.ID] > 0 {
				reports = append(reports, crm.Receipt{ID: e.ID, Status: crm.Accepted})
			}
		}
		return nil
	}))
	sender, err := messaging.NewHTTPSender(messaging.HTTPConfig{URL: server.URL})
	require.NoError(t, err)
	_, err = deliveringBox(store, sender, lease).Receive(ctx, reports...)
	require.NoError(t, err)
	require.Equal(t, len(p.got), p.states(t, store)[crm.Done], "a delivery report settles it")
}

func (p *slowProvider) states(t *testing.T, store crm.Store) map[crm.EffectState]int {
	t.Helper()
	out := map[crm.EffectState]int{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for e, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			out[e.State]++
		}
		return nil
	}))
	return out
}

// process is a running deliverer.
type process struct {
	cmd   *osexec.Cmd
	stdin io.WriteCloser
}

func startProcess(t *testing.T, d deliverer) *process {
	t.Helper()
	job, err := json.Marshal(d)
	require.NoError(t, err)
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asDeliverer+"="+string(job))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return &process{cmd, stdin}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

// end lets a process finish what it does; one that failed fails the test.
func (p *process) end(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close()
	err := p.cmd.Wait()
	var exit *osexec.ExitError
	if errors.As(err, &exit) {
		t.Errorf("a process failed: %v", exit)
	}
}

package dbtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	consents "github.com/vefacrm/vefa/messaging/consent"
)

var consentKey = crm.NewSecret([]byte("a key of the tests, which all the world may know"))

func withConsents(d database) database {
	d.cfg.Kinds = []crm.Kind{consents.Kind()}
	d.cfg.Migrations = []sqlstore.Steps{{Owner: "consent", Files: consents.Schema()}}
	return d
}

// TestEightAppend: eight people record what the holders of three addresses say, some of it
// the same thing, through the ledger, the record and the feed. No chain forks or loses an
// entry, what was told twice is one entry, and the ledger says what the record does.
func TestEightAppend(t *testing.T) {
	const addresses, rounds = 3, 6
	ctx := deadline(t)
	d := withConsents(openPostgres(t))
	migrate(t, d)
	store := d.store()
	svc := crm.New(store, crm.Config{Kinds: []crm.Kind{consents.Kind()}})
	ledger, err := consents.New(svc, consents.Config{Key: consentKey})
	require.NoError(t, err)
	feed := &crm.Feed{Store: store, Consumer: "ledger", Handler: ledger.Handle}
	address := func(i int) crm.Address {
		return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532000000%d", i)}
	}
	statuses := []crm.ConsentStatus{crm.Granted, crm.Refused}
	nighttest.AtOnce(t, func(w int) error {
		for n := range rounds {
			a := address((w + n) % addresses)
			said := consents.Said{ConsentKey: crm.ConsentKey{Brand: "vefa"}, Status: statuses[(w+n)%2], Source: "HS_WEB", ID: fmt.Sprint(w, "/", n)}
			e, err := ledger.Append(ctx, a, said)
			if err != nil {
				return err
			}
			again, err := ledger.Append(ctx, a, said) // the answer was lost
			if err != nil || again[0] != e[0] && again[0].Hash != e[0].Hash {
				return fmt.Errorf("told again: %v, not %v: %w", again, e, err)
			}
			same := consents.Said{ConsentKey: crm.ConsentKey{Brand: "vefa", Purpose: "news"}, Status: crm.Granted, At: day, Source: "HS_WEB", ID: "one form"}
			if _, err := ledger.Append(ctx, a, same); err != nil {
				return err
			}
			if err := svc.Consent(ctx, a, crm.Consent{ConsentKey: crm.ConsentKey{Brand: "vefa"}, Status: statuses[n%2], Actor: fmt.Sprint("desk ", w)}); err != nil {
				return err
			}
			if _, err := feed.RunOnce(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	for n := 1; n > 0; {
		n, err = feed.RunOnce(ctx)
		require.NoError(t, err)
	}
	rep, err := ledger.Verify(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
	require.Equal(t, int64(addresses), rep.Chains)
	require.Equal(t, int64(2*nighttest.Writers*rounds+addresses), rep.Entries, "each thing that was said is one entry")
	for i := range addresses {
		h, err := ledger.Histories(ctx, address(i))
		require.NoError(t, err)
		news := 0
		for _, e := range h[0].Entries {
			if e.Purpose == "news" {
				news++
			}
		}
		require.Equal(t, 1, news)
		record, err := svc.Address(ctx, address(i))
		require.NoError(t, err)
		require.Equal(t, record.Consents, consents.Fold(h, time.Time{}, time.Time{}))
	}
}

// The ledger is the same on every store: chains, erasure, digest.
func TestConsentLedger(t *testing.T) {
	digests := map[[32]byte]bool{}
	heads := map[consents.Hash]bool{}
	onEach(t, func(t *testing.T, d database) {
		ctx := deadline(t)
		d = withConsents(d)
		migrate(t, d)
		store, now := d.store(), day
		svc := crm.New(store, crm.Config{Kinds: []crm.Kind{consents.Kind()}, Now: func() time.Time { now = now.Add(time.Second); return now }})
		ledger, err := consents.New(svc, consents.Config{Key: consentKey})
		require.NoError(t, err)
		var addrs []crm.Address
		for i := range 20 {
			a := crm.Address{Channel: crm.Email, Value: fmt.Sprintf("ş%d@example.com", i)}
			addrs = append(addrs, a)
			for n, status := range []crm.ConsentStatus{crm.Granted, crm.Refused, crm.Granted} {
				_, err := ledger.Append(ctx, a, consents.Said{ConsentKey: crm.ConsentKey{Brand: "vefa"}, Status: status, At: day.AddDate(0, 0, n), Actor: "web", IP: "192.0.2.1"})
				require.NoError(t, err)
			}
		}
		kept, err := ledger.Checkpoint(ctx)
		require.NoError(t, err)
		heads[kept.Head().Root] = true
		n, err := ledger.Erase(ctx, addrs[7])
		require.NoError(t, err)
		require.Equal(t, consents.Erased{Chains: 1, Entries: 3, Consents: 3}, n)
		rep, err := ledger.Verify(ctx, kept)
		require.NoError(t, err)
		require.Empty(t, rep.Breaks)
		require.Equal(t, int64(60), rep.Entries)
		var left int
		prefix := map[sqlstore.Dialect]string{sqlstore.SQLite: "vefa_", sqlstore.MySQL: "vefa_"}[d.dialect]
		require.NoError(t, d.db.QueryRowContext(ctx, "SELECT count(*) FROM "+qualified(d, prefix+"consent_entries")+" WHERE status = 'refused' AND seq = 2 AND subject_a = 'email'").Scan(&left))
		require.Equal(t, 19, left, "hosts query the table; the erased one hangs elsewhere")
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			sum, err := crm.Digest(ctx, r, day)
			digests[sum] = true
			return err
		}))
	})
	require.LessOrEqual(t, len(digests), 1, "the same on all stores that ran")
	require.LessOrEqual(t, len(heads), 1)
}

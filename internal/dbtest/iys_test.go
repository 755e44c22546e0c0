package dbtest

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
	consents "github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/consent/iys"
	"github.com/vefacrm/vefa/messaging/consent/iys/iystest"
)

// TestEightPull: eight processes take the changes of the registry of consents into one record
// while people say things there, too. Each change is one entry, and no chain forks.
func TestEightPull(t *testing.T) {
	const changes, addresses = 60, 7
	ctx := deadline(t)
	d := withConsents(openPostgres(t))
	migrate(t, d)
	clock := day
	registry := iystest.New(iystest.Config{Now: func() time.Time { return clock }, Page: 4})
	server := httptest.NewServer(registry)
	t.Cleanup(server.Close)
	number := func(i int) string { return fmt.Sprintf("+9053200000%02d", i) }
	for i := range changes {
		registry.Holder(number(i%addresses), "BIREYSEL", "MESAJ", []string{"ONAY", "RET"}[i/addresses%2])
		clock = clock.Add(time.Minute)
	}
	clock = clock.Add(2 * time.Hour)
	at := clock // of everybody from now on
	svc := crm.New(d.store(), crm.Config{Kinds: []crm.Kind{consents.Kind()}})
	ledger, err := consents.New(svc, consents.Config{Key: consentKey})
	require.NoError(t, err)
	client, err := iys.NewClient(iys.ClientConfig{URL: server.URL, User: "user", Password: crm.NewSecret([]byte("password")), Code: 1, Brand: 2, HTTP: server.Client(), Now: func() time.Time { return at }})
	require.NoError(t, err)
	said := 0
	nighttest.AtOnce(t, func(w int) error {
		puller, err := iys.NewPuller(iys.PullerConfig{Client: client, Service: svc, Ledger: ledger, Brand: "vefa", Now: func() time.Time { return at }})
		if err != nil {
			return err
		}
		for more, n := true, 0; more; n++ {
			p, err := puller.RunOnce(ctx)
			if err != nil {
				return err
			}
			if _, err := ledger.Append(ctx, crm.Address{Channel: crm.Phone, Value: number(n % addresses)}, consents.Said{ConsentKey: crm.ConsentKey{Brand: "vefa"}, Status: crm.Refused, At: day.AddDate(0, 0, -1), ID: "one form"}); err != nil {
				return err
			}
			more = p.More
		}
		return nil
	})
	rep, err := ledger.Verify(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
	pulled := map[string]int{}
	for i := range addresses {
		h, err := ledger.Histories(ctx, crm.Address{Channel: crm.Phone, Value: number(i)})
		require.NoError(t, err)
		require.Len(t, h, 1)
		for _, e := range h[0].Entries {
			if e.Evidence.Actor == "iys" {
				pulled[e.Evidence.Note]++
			} else {
				said++
			}
		}
		is, _ := registry.Now(number(i), "BIREYSEL", "MESAJ")
		st, err := svc.Address(ctx, crm.Address{Channel: crm.Phone, Value: number(i)})
		require.NoError(t, err)
		require.Equal(t, map[string]crm.ConsentStatus{"ONAY": crm.Granted, "RET": crm.Refused}[is.Status], st.Consents[0].Status)
	}
	require.Len(t, pulled, changes)
	for id, n := range pulled {
		require.Equal(t, 1, n, id)
	}
	require.Equal(t, addresses, said, "the form was told often, and is one entry of each")
}

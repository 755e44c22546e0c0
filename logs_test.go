package vefa_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// Case H11: what goes wrong is told by key, never by address or by the text of
// a message.
func TestLogsNameNoAddress(t *testing.T) {
	var log bytes.Buffer
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Sender = messaging.NewMemorySender(func(messaging.Message) crm.Receipt {
			return crm.Receipt{Status: crm.Declined, Reason: "HTTP 400"}
		})
		c.Tasks["call"] = func(context.Context, *crm.Service, *crm.Effect) error { return errors.New("no line") }
	})
	svc := shop.Engine.Service()
	b := nighttest.People(30)
	for i := range 3 {
		b.Facts = append(b.Facts, nighttest.Order(1, fmt.Sprint("more", i), nighttest.Start.Add(-time.Hour)))
	}
	_, err := svc.Import(t.Context(), b)
	require.NoError(t, err)
	for d := range 3 {
		clock.Set(nighttest.Start.AddDate(0, 0, d))
		_, err := shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
	}
	require.Contains(t, log.String(), "no line", "the log is read")
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	bad := crm.Address{Channel: crm.Phone, Value: "0531 000 00\x00 01"}
	note(shop.Engine.Reply(t.Context(), bad, "1", "STOP", clock.Now()))
	note(nil, svc.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "web", ID: "x"}, Subject: crm.OfAddress(bad), At: clock.Now(), Version: 1, Data: &crm.Consent{}}))
	note(nil, svc.PutProfile(t.Context(), &crm.Profile{ProfileKey: nighttest.Key(1), At: clock.Now(), Contacts: []crm.Contact{{Address: bad}}}))
	note(svc.NotMe(t.Context(), crm.ProfileKey{Source: "pos", ID: "nobody"}, nighttest.Phone(1), "desk"))
	require.Error(t, errors.Join(errs...))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	shop.Engine.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/s/0000000000000000000000", nil))
	for _, text := range []string{log.String(), fmt.Sprint(errs)} {
		for _, personal := range []string{"+9053", "9053", "0531", "How was it", "Spring", "Kaya"} {
			require.NotContains(t, text, personal)
		}
	}
}

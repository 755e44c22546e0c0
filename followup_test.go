package vefa_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

func TestFollowUps(t *testing.T) { nighttest.FollowUps(t, memstore.New()) }

// B17: what a respondent writes after the answer reaches the desk, in the ticket of the answer, and is
// answered the way the respondent was asked.
func TestFollowUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*vefa.Config)
		offers bool
	}{
		{"inbox", func(c *vefa.Config) { c.Inbox = &vefa.Inbox{} }, true},
		{"no inbox", nil, false},
		{"off", func(c *vefa.Config) { c.Inbox, c.Surveys[0].NoFollowUp = &vefa.Inbox{}, true }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			w := nighttest.Ask(t, ctx, memstore.New(), 1, 2, c.change)
			e, client := w.Engines[0], w.Client(0)
			o, err := webtest.Answer(ctx, client, w.Links[0], map[string]any{"nps": 0})
			require.NoError(t, err)
			require.True(t, o.Thanked())
			write := func(link, text string) int {
				o, err := webtest.Send(ctx, client, link+"/follow-up", webtest.Form{}, url.Values{"text": {text}}, nil)
				require.NoError(t, err)
				return o.Status
			}
			if !c.offers {
				require.NotContains(t, string(o.Page), "follow-up")
				require.Equal(t, http.StatusGone, write(w.Links[0], "x"))
				return
			}
			require.Contains(t, string(o.Page), "follow-up")
			require.Equal(t, 200, write(w.Links[0], "STOP"), "it is filed, too")
			tickets := func() (out []*crm.Fact) {
				for f, err := range e.Service().OpenTickets(ctx, crm.TicketQuery{}) {
					require.NoError(t, err)
					out = append(out, f)
				}
				return out
			}
			all := tickets()
			require.Len(t, all, 1)
			require.Equal(t, "survey", all[0].Data.(*crm.Ticket).Reason)
			ref := all[0].Data.(*crm.Ticket).Related[0]
			address, err := e.Service().Address(ctx, ref.Subject.Address)
			require.NoError(t, err)
			consent, ok := address.Consent(nighttest.Brand)
			require.True(t, ok)
			require.Equal(t, crm.Refused, consent.Status)

			// Another person, later: a ticket of the message, until the invitation ends.
			o, err = webtest.Answer(ctx, client, w.Links[1], map[string]any{"nps": 10})
			require.NoError(t, err)
			require.Equal(t, 200, write(w.Links[1], "Merhaba"))
			all = tickets()
			require.Len(t, all, 2)
			for _, f := range all {
				if tk := f.Data.(*crm.Ticket); tk.Reason == "inbound" {
					_, err = e.Respond(ctx, vefa.Response{ID: "r2", Ticket: f.Ref(), Actor: "ayse", Text: "Thank you"})
					require.NoError(t, err)
				}
			}
			w.Clock.Advance(400 * 24 * time.Hour)
			require.Equal(t, http.StatusGone, write(w.Links[1], "Merhaba"), "it ends with the invitation")
			require.Len(t, tickets(), 2)
			rep, err := vefa.Audit(ctx, w.Store, nighttest.Brand)
			require.NoError(t, err)
			require.True(t, rep.Clean(), "%+v", rep)
		})
	}
}

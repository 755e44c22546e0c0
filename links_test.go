package vefa_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// A message can show its scale as links, "{link}?a=9": the page has that point chosen, and nothing else that
// somebody writes behind a link goes on.
func TestShortLinkCarriesAnAnswer(t *testing.T) {
	w := nighttest.Ask(t, t.Context(), memstore.New(), 1, 1, nil)
	short := ""
	require.NoError(t, w.Store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if name, err := vefa.MessageName(f); err == nil && name == "survey/visit" {
				if short, _, err = w.Engines[0].Links(f); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	to := func(query string) string {
		rec := httptest.NewRecorder()
		w.Engines[0].Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, short+query, nil))
		require.Equal(t, http.StatusFound, rec.Code)
		return strings.TrimPrefix(rec.Header().Get("Location"), w.Links[0])
	}
	for query, want := range map[string]string{
		"": "", "?a=9": "?a=9", "?a=10&lang=en": "?a=10&lang=en", "/?a=3": "?a=3", "?a=" + strings.Repeat("9", 36): "", "?b=1&utm=x": "",
		"?a=%22%3E": "", "?lang=en%0d%0aX:y": "", "?a=ş": "", "?a=1&a=2": "?a=1",
	} {
		require.Equal(t, want, to(query), query)
	}
	o, err := nighttest.Open(t.Context(), w.Client(0), short+"?a=9")
	require.NoError(t, err)
	require.Regexp(t, `value="9"[^>]* checked`, string(o.Page))
	require.Empty(t, w.Stored(t, t.Context()))
}

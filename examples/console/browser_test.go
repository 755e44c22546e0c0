package main

import (
	_ "embed"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/looktest"
)

//go:embed testdata/night.js
var night string

// G1: every page as a browser sees and prints it, in Turkish, and some in English; an evening by the
// button of the first page, with script and without.
func TestBrowser(t *testing.T) {
	d := open(t, memstore.New(), nil)
	d.post("/campaigns", url.Values{"new": {"1"}, "name": {"spring"}, "text": {"Bahar geldi: {link}"}, "url": {"https://saat.example/spring"}, "segment": {"new-collection"}, "holdout": {"20"}})
	counted, _, _ := strings.Cut(d.send("/campaigns/spring/count", nil).Header().Get("Location"), "#")
	server := httptest.NewServer(d.h)
	defer server.Close()
	var pages []looktest.Page
	for i, p := range append(d.paths(), counted) { // all have one style sheet
		pages = append(pages, looktest.Page{Name: p + " tr", URL: server.URL + p, Lang: "tr", Brief: i%4 != 3})
		if i%4 == 1 {
			pages = append(pages, looktest.Page{Name: p + " en", URL: server.URL + p, Lang: "en"})
		}
	}
	looktest.Pages(t, pages...)
	require.Equal(t, 2, looktest.Script(t, night, []string{"playwright-core"}, map[string]string{"url": server.URL}))
}

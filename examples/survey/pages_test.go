package main

import (
	"bytes"
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Cases GS1, GS3, GS5 and GR2 to GR4: a form with long choices and tables in three languages, with
// faults and thanked for, and the page of its results, as a browser sees and prints them.
func TestPagesInABrowser(t *testing.T) {
	const file = "testdata/visit.json"
	dir := t.TempDir()
	db := filepath.Join(dir, "survey.db")
	ctx, cancel := context.WithCancel(t.Context())
	at := make(chan net.Addr, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-db", db, "-place", "Moda", file}, io.Discard, func(a net.Addr) { at <- a })
	}()
	code := "http://" + (<-at).String() + "/q/FORM"
	read := func(res *http.Response, err error) (string, string) {
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.Request.URL.String(), string(body)
	}
	hidden := regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	post := func(to, page string, answers url.Values) (string, string) {
		for _, m := range hidden.FindAllStringSubmatch(page, -1) {
			answers.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		return read(http.PostForm(to, answers))
	}
	pages := map[string][]byte{}
	for i := range 6 {
		link, first := read(http.Get(code))
		if i == 0 {
			_, tr := read(http.Get(link + "?lang=tr"))
			_, ar := read(http.Get(link + "?lang=ar"))
			_, faulty := post(link+"?lang=tr", tr, url.Values{"q.age": {"-1"}})
			require.Contains(t, faulty, "<title>Hata", "what is wrong is said first")
			require.Contains(t, ar, `<html lang="ar" dir="rtl">`)
			pages["ar first"], pages["tr faults"] = []byte(ar), []byte(faulty)
		}
		to, second := post(link, first, url.Values{"q.nps": {[]string{"9", "3"}[i%2]}, "q.why": {"b"}, "q.seen": {"Kasa"}})
		require.Contains(t, second, "<title>Your visit to our shop · Page 2 of 3</title>")
		_, third := post(to, second, url.Values{"q.m.k": {"2"}, "q.c": {"Kasada çok bekledim"}})
		done, thanks := post(to, third, url.Values{})
		require.Contains(t, done, "/thanks")
		require.Contains(t, thanks, "<li>two</li>")
		pages["en tables"], pages["en third"] = []byte(second), []byte(third)
	}
	cancel()
	require.NoError(t, <-ended)
	report := filepath.Join(dir, "results.html")
	require.NoError(t, run(t.Context(), []string{"-db", db, "-results", "-report", report, file}, &bytes.Buffer{}, nil))
	var err error
	pages["results"], err = os.ReadFile(report)
	require.NoError(t, err)
	programtest.Pages(t, pages)
}

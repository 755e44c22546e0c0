package main

import (
	"bytes"
	"context"
	"flag"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/survey"
)

const visit = `{"title":"Visit","pages":[
 {"elements":[{"type":"rating","name":"nps","isRequired":true,"rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}}]},
 {"elements":[{"type":"comment","name":"why","visibleIf":"{nps} < 9"},{"type":"checkbox","name":"seen","choices":["till","shelf"]}]}]}`

// TestAnswers: visitors open the link of the code, answer twice at once, and the results and
// exports have each answer once.
func TestAnswers(t *testing.T) {
	dir := t.TempDir()
	file, db := filepath.Join(dir, "visit.json"), filepath.Join(dir, "survey.db")
	require.NoError(t, os.WriteFile(file, []byte(visit), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	at := make(chan net.Addr, 1)
	ended := make(chan error, 1)
	var screen bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-db", db, file}, &screen, func(a net.Addr) { at <- a })
	}()
	base := "http://" + (<-at).String()
	client := &http.Client{}
	get := func(to string) (string, string) {
		res, err := client.Get(to)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		return res.Request.URL.String(), string(body)
	}
	hidden := regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	post := func(to, page string, answers url.Values) (string, string) {
		for _, m := range hidden.FindAllStringSubmatch(page, -1) {
			answers.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		res, err := client.PostForm(to, answers)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.Request.URL.String(), string(body)
	}
	for i, nps := range []string{"10", "3", "9", "0"} {
		link, page := get(base + "/q/FORM")
		_, second := post(link, page, url.Values{"q.nps": {nps}})
		if i == 1 { // the link goes on where he stopped
			_, second = get(link)
		}
		answers := url.Values{"q.seen": {"till"}}
		if strings.Contains(second, "q.why") {
			answers.Set("q.why", "=Kasada çok bekledim")
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				sent := url.Values{}
				for k, v := range answers {
					sent[k] = v
				}
				done, body := post(link, second, sent)
				if !strings.HasSuffix(done, "/thanks") {
					t.Error(done, len(body))
				}
			})
		}
		wg.Wait()
	}
	svg, _ := get(base + "/q/FORM.svg")
	require.Contains(t, svg, ".svg")
	cancel()
	require.NoError(t, <-ended)
	require.Contains(t, screen.String(), base+"/q/FORM")

	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-db", db, "-results", file}, &out, nil))
	require.Contains(t, out.String(), "4 answers\nnps: Net Promoter Score 0.0 (95% interval")
	require.Contains(t, out.String(), `"=Kasada çok bekledim"`)
	require.Contains(t, out.String(), "2 comments; without a topic: 0")
	html := filepath.Join(dir, "results.html")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-db", db, "-results", "-report", html, file}, &out, nil))
	require.Contains(t, out.String(), "wrote "+html)
	drawn, err := os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(drawn), "Fewer than 5 answers", "four answers show who gave them")
	require.Error(t, run(t.Context(), []string{"-report", html, file}, &out, nil))
	for _, end := range []string{".csv", ".json", ".xlsx", ".parquet"} {
		out.Reset()
		name := filepath.Join(dir, "out"+end)
		require.NoError(t, run(t.Context(), []string{"-db", db, "-export", name, file}, &out, nil))
		require.Contains(t, out.String(), "4 answers")
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		if end == ".csv" {
			require.Equal(t, 5, bytes.Count(data, []byte("\n")))
			require.Contains(t, string(data), "'=Kasada")
		}
	}
	require.ErrorContains(t, run(t.Context(), []string{"-db", db, "-export", "x.doc", file}, &out, nil), "x.doc")
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"elements":[{"type":"text","name":"a","isRequried":true},{"type":"wheel","name":"b"}]}`), 0o600))
	var out bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-check", file}, &out, nil), errFailures)
	require.Contains(t, out.String(), "isRequired?")
	require.Contains(t, out.String(), "questions: 1, failures: 2")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-check"}, &out, nil))
	require.ErrorContains(t, run(t.Context(), []string{file}, &out, nil), "-check")
	require.ErrorContains(t, run(t.Context(), []string{"a", "b"}, &out, nil), `unexpected argument "b"`)
	require.Error(t, run(t.Context(), []string{"nowhere.json"}, &out, nil))
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	require.ErrorContains(t, run(t.Context(), []string{file}, &out, nil), "bad.json")
}

// TestPage: each question has its answers and its months, those without an answer too; hostile
// comments are only counted.
func TestPage(t *testing.T) {
	def, err := survey.Parse([]byte(visit), survey.Limits{})
	require.NoError(t, err)
	all := &said{n: 40, choices: offers(def)}
	require.Len(t, all.choices, 1)
	for i := range 40 {
		all.choices[0].add([]any{"till", "shelf"}[:i%3])
	}
	require.Equal(t, []int64{26, 13}, all.choices[0].n)
	q := all.question("nps")
	for i := range 40 {
		at := time.Date(2025, 1+time.Month(i/10), 3, 0, 0, 0, 0, time.UTC)
		if i >= 30 {
			at = at.AddDate(0, 2, 0)
		}
		require.NoError(t, q.add(at, survey.Score{Metric: survey.NPS, Answered: true, Value: i % 11}))
	}
	require.Len(t, q.periods(), 6)
	require.Same(t, q, all.question("nps"))
	file := filepath.Join(t.TempDir(), "page.html")
	l, err := speak.In("lang", "en", languages)
	require.NoError(t, err)
	require.NoError(t, writePage(all, file, l))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, want := range []string{"40 people answered.", "Month by month", "05/2025", "26 respondents", "<bdi>shelf</bdi>", "2 periods are not shown"} {
		require.Contains(t, string(data), want)
	}
	require.Error(t, writePage(all, filepath.Join(file, "no"), l))
}

// Case GT2: help is no failure and goes to where it was asked for; a fault of the command line is one line.
func TestCommandLine(t *testing.T) {
	var out bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-h"}, &out, nil), flag.ErrHelp)
	require.Contains(t, out.String(), "usage: survey [flags] [DEFINITION.json]")
	require.Contains(t, out.String(), "examples:\n  go run ./examples/survey visit.json")
	for _, args := range [][]string{{"-nosuch"}, {"a", "b"}, {"-report", "x.html"}} {
		var errs bytes.Buffer
		err := run(t.Context(), args, io.Discard, nil)
		require.Equal(t, terminal.Usage, terminal.Code("survey", err, false, &errs))
		require.Equal(t, 1, strings.Count(errs.String(), "\n"))
	}
}

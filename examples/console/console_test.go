package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/examples/internal/programtest"
	"github.com/vefacrm/vefa/examples/internal/record"
)

// desk is a console with a browser that keeps cookies.
type desk struct {
	*console
	t   *testing.T
	h   http.Handler
	jar map[string]string
}

// open returns a console on a store, with what its first work made.
func open(t *testing.T, store crm.Store, change func(*options)) *desk {
	t.Helper()
	o := options{lang: "en", zone: "Europe/Istanbul", customers: 400, evenings: 12, seed: 1}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	town, stop, err := newTown(ctx, o, store)
	require.NoError(t, err)
	c, err := newConsole(o, town, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	var work sync.WaitGroup
	work.Go(func() { _ = c.jobs.run(ctx) })
	t.Cleanup(func() {
		cancel()
		work.Wait()
		stop()
	})
	d := &desk{console: c, t: t, h: c.handler(), jar: map[string]string{}}
	c.begin()
	d.wait()
	return d
}

// wait returns when nothing runs any more.
func (d *desk) wait() {
	d.t.Helper()
	for {
		p, changed := d.jobs.far()
		if !p.Running {
			require.NoError(d.t, p.Err)
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Minute):
			d.t.Fatal("the work does not end: ", p.Step)
		}
	}
}

func (d *desk) do(r *http.Request) *httptest.ResponseRecorder {
	for k, v := range d.jar {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	for _, k := range w.Result().Cookies() {
		d.jar[k.Name] = k.Value
	}
	return w
}

// get returns a page that must be there.
func (d *desk) get(path string) string {
	d.t.Helper()
	w := d.do(httptest.NewRequest("GET", path, nil))
	require.Equal(d.t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
	return w.Body.String()
}

// post sends a form and returns the page that it leads to.
func (d *desk) post(path string, form url.Values) string {
	d.t.Helper()
	w := d.send(path, form)
	require.Equal(d.t, http.StatusSeeOther, w.Code, "%s: %s", path, w.Body)
	to, _, _ := strings.Cut(w.Header().Get("Location"), "#")
	return d.get(to)
}

func (d *desk) send(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(r)
}

// several returns a customer of two records and more.
func (d *desk) several() *crm.Customer {
	d.t.Helper()
	for x, err := range d.svc.Customers(d.t.Context()) {
		require.NoError(d.t, err)
		if len(x.Profiles) > 1 && len(x.Contacts) > 0 {
			return x
		}
	}
	d.t.Fatal("nobody has two records")
	return nil
}

// G4: the whole console on one record: each page is there in both languages, and each thing that
// can be done there is done, shown and taken back.
func TestPages(t *testing.T) {
	open(t, memstore.New(), nil).everything(t)
}

func (d *desk) everything(t *testing.T) {
	t.Run("every page", d.everyPage)
	t.Run("customers", d.customersWork)
	t.Run("duplicates", d.duplicatesWork)
	t.Run("segments", d.segmentsWork)
	t.Run("rules", d.rulesWork)
	t.Run("campaigns", d.campaignsWork)
	t.Run("night", d.nightWorks)
}

// The same on each database, and what was done is there when it is opened again.
func TestOnDatabases(t *testing.T) {
	for name, empty := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + t.TempDir() + "/shop.db" },
		"postgres": programtest.EmptyPostgres, "mysql": programtest.EmptyMySQL,
	} {
		t.Run(name, func(t *testing.T) {
			at := empty(t)
			small := func(o *options) { o.customers, o.evenings = 90, 2 }
			store, _, shut, err := record.Open(t.Context(), at)
			require.NoError(t, err)
			t.Run("first", func(t *testing.T) { open(t, store, small).everything(t) })
			shut()
			store, _, shut, err = record.Open(t.Context(), at)
			require.NoError(t, err)
			defer shut()
			d := open(t, store, small)
			day := d.town.far().Day
			assert.Greater(t, day, 2)
			assert.Contains(t, d.get("/"), "What the evening of "+d.say["en"].On(d.town.date(day-1))+" did")
			_, _, err = newTown(t.Context(), options{customers: 91, seed: 1}, store)
			require.ErrorIs(t, err, errOther)
		})
	}
}

// paths are all pages, with a customer's and a campaign's.
func (d *desk) paths() []string {
	x := d.several()
	id := string(x.ID)
	return []string{"/", "/customers", "/customers?s=" + d.kept.put(search{For: x.Name.String()}), "/customers/" + id, "/customers/" + id + "/alike",
		"/customers/" + id + "/why?cause=campaign/new-collection", "/duplicates", "/segments", "/segments?d=" + d.kept.put(draft("segment a = loyal and (")), "/rules",
		"/rules?d=" + d.kept.put(draft("rules:\n  - name: x\n    when: Orderz > 1\n    then: [{tag: t}]\n")), "/campaigns", "/campaigns/new-collection", "/surveys", "/surveys/after-purchase"}
}

var customerID = regexp.MustCompile(`/customers/[0-9a-f-]{36}`) // of which digits may look like a number of a phone

var personal = regexp.MustCompile(`(?:href|action)="[^"]*(?:%40|@|%2B90|\+90|5[0-9]{9})`)

func (d *desk) everyPage(t *testing.T) {
	d.t = t
	for _, lang := range tongues() {
		for _, path := range d.paths() {
			join := "?"
			if strings.Contains(path, "?") {
				join = "&"
			}
			w := d.do(httptest.NewRequest("GET", path+join+"lang="+lang, nil))
			require.Equal(t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
			body := w.Body.String()
			assert.Contains(t, body, `<html lang="`+lang+`">`)
			assert.NotRegexp(t, personal, customerID.ReplaceAllString(body, "/customers/id"), path)
			assert.Less(t, len(body)+size(t), 60<<10, "first paint of %s", path)
			assert.Equal(t, policy, w.Header().Get("Content-Security-Policy"))
			assert.NotContains(t, body, " style=")
			assert.NotContains(t, body, "ZgotmplZ", path)
			for _, key := range regexp.MustCompile(`>[a-z-]+\.[a-z.-]+<`).FindAllString(body, -1) {
				assert.Fail(t, "a key without a text", "%s: %s", path, key)
			}
		}
	}
	d.get("/?lang=en")
}

// size is of what a first page loads besides.
func size(t *testing.T) int {
	css, err := assets.ReadFile("assets/console.css")
	require.NoError(t, err)
	js, err := assets.ReadFile("assets/console.js")
	require.NoError(t, err)
	return len(css) + len(js)
}

func (d *desk) customersWork(t *testing.T) {
	d.t = t
	x := d.several()
	id := string(x.ID)
	// A name is found, and is in no address.
	w := d.send("/customers", url.Values{"q": {x.Name.String()}})
	require.Equal(t, http.StatusSeeOther, w.Code)
	assert.NotContains(t, w.Header().Get("Location"), url.QueryEscape(x.Name.Family))
	assert.Contains(t, d.get(w.Header().Get("Location")), "/customers/"+id)
	assert.Contains(t, d.post("/customers", url.Values{"q": {x.Contacts[0].Value}}), "/customers/"+id)
	assert.Contains(t, d.post("/customers", url.Values{"q": {"nobody at all"}}), "Nobody was found.")
	assert.Equal(t, http.StatusGone, d.do(httptest.NewRequest("GET", "/customers?s=forged", nil)).Code)
	// All are reached page by page, each once.
	seen, path := map[string]bool{}, "/customers"
	for path != "" {
		body := d.get(path)
		for _, m := range regexp.MustCompile(`<th scope="row"><a href="/customers/([^"]+)"`).FindAllStringSubmatch(body, -1) {
			assert.False(t, seen[m[1]], "%s twice", m[1])
			seen[m[1]] = true
		}
		path = first(regexp.MustCompile(`href="(/customers\?s=\w+)" rel="next"`), body)
	}
	assert.Len(t, seen, d.last.Get().Results.Customers)
	// Records are split off and put back.
	body := d.post("/customers/"+id+"/split", url.Values{"record": {x.Profiles[1].String()}})
	assert.Contains(t, body, "The records were split off.")
	require.False(t, d.together(x.Profiles[0], x.Profiles[1]))
	op := first(regexp.MustCompile(`name="op" value="([^"]+)"`), body)
	d.said.ops = nil // as after a restart: the decisions about the other customer are found by what they name
	moved, err := d.svc.CustomerOf(t.Context(), x.Profiles[1])
	require.NoError(t, err)
	body = d.post("/customers/"+string(moved.ID)+"/undo", url.Values{"op": {op}})
	assert.Contains(t, body, "It was taken back.")
	require.True(t, d.together(x.Profiles[0], x.Profiles[1]))
	// Who has not chosen, and who chose all, is told.
	assert.Equal(t, http.StatusUnprocessableEntity, d.send("/customers/"+id+"/split", nil).Code)
	// An address of somebody else's.
	a := x.Contacts[0].Address
	form := url.Values{"record": {owner(t, d, x, a).String()}, "channel": {string(a.Channel)}, "address": {a.Value}}
	assert.Contains(t, d.post("/customers/"+id+"/not-me", form), "Nothing about this customer goes to that address any more.")
	// A note, which is shown as text.
	assert.Contains(t, d.post("/customers/"+id+"/note", url.Values{"text": {"<b>call</b>"}}), "&lt;b&gt;call&lt;/b&gt;")
	assert.Equal(t, http.StatusNotFound, d.do(httptest.NewRequest("GET", "/customers/nobody", nil)).Code)
}

func owner(t *testing.T, d *desk, x *crm.Customer, a crm.Address) crm.ProfileKey {
	records, err := d.records(t.Context(), x.Profiles)
	require.NoError(t, err)
	for _, p := range records {
		for _, k := range p.Contacts {
			if k.Address == a {
				return p.ProfileKey
			}
		}
	}
	t.Fatal("nobody has it")
	return crm.ProfileKey{}
}

func first(re *regexp.Regexp, s string) string {
	if m := re.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// Two answers, one yes and one no, and both taken back.
func (d *desk) duplicatesWork(t *testing.T) {
	d.t = t
	for _, say := range []string{"yes", "no"} {
		body := d.get("/duplicates")
		q := regexp.MustCompile(`name="a" value="([^"]+)"><input type="hidden" name="b" value="([^"]+)"`).FindStringSubmatch(body)
		require.NotNil(t, q, "nothing is asked")
		a, err := keyOf(q[1])
		require.NoError(t, err)
		b, err := keyOf(q[2])
		require.NoError(t, err)
		before := d.together(a, b)
		body = d.post("/duplicates", url.Values{"a": {q[1]}, "b": {q[2]}, "answer": {say}})
		assert.Contains(t, body, "The answer is on record.")
		assert.NotContains(t, body, q[0], "it is asked again")
		assert.Equal(t, say == "yes", d.together(a, b))
		op := first(regexp.MustCompile(`name="op" value="([^"]+)"`), body)
		require.NotEmpty(t, op)
		body = d.post("/duplicates/undo", url.Values{"op": {op}})
		assert.Contains(t, body, "It was taken back.")
		assert.Equal(t, before, d.together(a, b))
	}
}

func (d *desk) together(a, b crm.ProfileKey) bool {
	x, err := d.svc.CustomerOf(d.t.Context(), a)
	require.NoError(d.t, err)
	y, err := d.svc.CustomerOf(d.t.Context(), b)
	require.NoError(d.t, err)
	return x.ID == y.ID
}

func (d *desk) segmentsWork(t *testing.T) {
	d.t = t
	body := d.get("/segments")
	n, err := d.last.Get().Segments.Counts(time.Time{}, "new-collection")
	require.NoError(t, err)
	assert.Contains(t, body, "new-collection: "+d.say["en"].Say("segments.members", n[0]))
	body = d.post("/segments", url.Values{"text": {"segment mine = watch-buyer\n  and not loyal"}})
	assert.Regexp(t, `mine: \d+ customers`, body)
	body = d.post("/segments", url.Values{"text": {"segment mine = watch-buyer\nsegment b = (loyal"}})
	assert.Contains(t, body, "Line 2, column")
	assert.Contains(t, body, `aria-invalid="true"`)
}

func (d *desk) rulesWork(t *testing.T) {
	d.t = t
	body := d.post("/rules", url.Values{"text": {"rules:\n  - name: buyers\n    when: Orders > 0 and reachable\n    then: [{tag: t}]\n"}})
	assert.Regexp(t, `buyers: \d+ customers`, body)
	assert.Contains(t, body, "Some of them:")
	body = d.post("/rules", url.Values{"text": {"rules:\n  - name: buyers\n    when: Orderz > 0\n    then: [{tag: t}]\n"}})
	assert.Contains(t, body, "Line 3, column 11:")
	body = d.post("/rules", url.Values{"text": {"rules:\n  - name: vip\n    when: Orders >= 1\n    then: [{tag: vip}]\n"}})
	assert.Regexp(t, `vip: \d+ customers`, body, "one in force that is edited")
	body = d.post("/rules", url.Values{"text": {"rules: ["}})
	assert.Contains(t, body, "Line 1")
}

// A campaign from the draft to what it did: its author cannot approve it, a colleague sees whom it
// would reach first, and the evening sends it.
func (d *desk) campaignsWork(t *testing.T) {
	d.t = t
	form := url.Values{"new": {"1"}, "name": {"spring"}, "text": {"Bahar geldi: {link}"}, "url": {"https://saat.example/spring"}, "segment": {"new-collection"}, "holdout": {"20"}}
	bad := url.Values{"new": {"1"}, "name": {"x"}, "text": {"{nothing}"}, "url": {"https://saat.example/x"}, "segment": {"new-collection"}, "holdout": {"20"}}
	assert.Contains(t, d.post("/campaigns", bad), "nothing")
	body := d.post("/campaigns", form)
	assert.Contains(t, body, "The draft is kept.")
	assert.Contains(t, d.post("/campaigns", form), "there is a campaign")
	seal := func(body string) url.Values {
		return url.Values{"seal": {first(regexp.MustCompile(`name="seal" value="(\w+)"`), body)}}
	}
	assert.Contains(t, body, "You wrote it")
	assert.Equal(t, http.StatusUnprocessableEntity, d.send("/campaigns/spring/approve", seal(body)).Code)
	body = d.post("/campaigns/spring/count", nil)
	assert.Contains(t, body, "Whom it would reach now")
	assert.Contains(t, body, "No consent")
	d.post("/campaigns/spring/test", seal(body))
	assert.Equal(t, http.StatusSeeOther, d.send("/who", url.Values{"who": {"mehmet"}}).Code)
	assert.Contains(t, d.post("/campaigns/spring/approve", seal(body)), "The campaign is approved.")
	assert.Contains(t, d.post("/campaigns/spring/schedule", nil), "Scheduled")
	assert.Equal(t, http.StatusConflict, d.send("/campaigns/spring/pause", nil).Code)
	d.post("/night", nil)
	d.wait()
	body = d.get("/campaigns/spring")
	assert.Contains(t, body, "How far it is")
	assert.Contains(t, body, "the programme")
}

// An evening is run from the page, which tells how far it is.
func (d *desk) nightWorks(t *testing.T) {
	d.t = t
	day := d.town.far().Day
	release := make(chan struct{})
	require.NoError(t, d.jobs.start("night", func(ctx context.Context) error {
		d.jobs.step("rules", 3, 10)
		<-release
		return nil
	}))
	assert.Equal(t, http.StatusConflict, d.send("/night", nil).Code)
	require.Eventually(t, func() bool { p, _ := d.jobs.far(); return p.Step == "rules" }, time.Minute, time.Millisecond)
	body := d.get("/")
	assert.Contains(t, body, `<progress aria-labelledby="progress-text" max="10" value="3">`)
	assert.Contains(t, body, "rules · 3 of 10")
	w := d.do(httptest.NewRequest("GET", "/?follow", nil))
	assert.Equal(t, "2", w.Header().Get("Refresh"), "without script it goes on by itself")
	server := httptest.NewServer(d.h)
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/events")
	require.NoError(t, err)
	defer resp.Body.Close()
	close(release)
	stream, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(stream), `"done":3,"total":10`)
	assert.Contains(t, string(stream), "event: end")
	d.post("/night", nil)
	d.wait()
	assert.Equal(t, day+1, d.town.far().Day)
	assert.Contains(t, d.get("/"), "What the evening of "+d.say["en"].On(d.town.date(day))+" did")
}

// What another site sends is not done, and without the password nothing is shown.
func TestGuards(t *testing.T) {
	d := open(t, memstore.New(), func(o *options) { o.customers, o.evenings, o.password = 20, 0, "a b" })
	assert.Equal(t, http.StatusUnauthorized, d.do(httptest.NewRequest("GET", "/customers", nil)).Code)
	for _, try := range []struct {
		name, password string
		want           int
	}{{"zeynep", "wrong", 401}, {"", "a b", 401}, {"zeynep", "a b", 200}} {
		r := httptest.NewRequest("GET", "/customers", nil)
		r.SetBasicAuth(try.name, try.password)
		w := d.do(r)
		assert.Equal(t, try.want, w.Code)
		if try.want == 200 {
			assert.Contains(t, w.Body.String(), "Signed in as zeynep")
		}
	}
	r := httptest.NewRequest("POST", "/night", nil)
	r.SetBasicAuth("zeynep", "a b")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, d.do(r).Code)
	assert.Zero(t, d.town.far().Day)
	r = httptest.NewRequest("GET", "/nowhere", nil)
	r.SetBasicAuth("zeynep", "a b")
	assert.Equal(t, http.StatusNotFound, d.do(r).Code)
}

// Each language says all that the other says.
func TestLanguages(t *testing.T) {
	say, err := speak(time.UTC)
	require.NoError(t, err)
	for key := range keysOf(t, "en") {
		assert.True(t, say["tr"].Has(key), "tr lacks %s", key)
	}
	for key := range keysOf(t, "tr") {
		assert.True(t, say["en"].Has(key), "en lacks %s", key)
	}
}

func TestCommandLine(t *testing.T) {
	programtest.CommandLine(t, "console", run, "-addr :8090", "-addr 0.0.0.0:1", "-addr x", "-lang de", "-zone Nowhere/At", "-customers 0", "-evenings -1", "-bench -1")
}

func TestInterrupted(t *testing.T) {
	programtest.Interrupted(t, "console", run, "-db", "memory", "-customers", "10")
}

// The benchmark looks at all pages.
func TestBench(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-db", "memory", "-customers", "60", "-evenings", "1", "-bench", "2"}, &out, io.Discard))
	assert.Equal(t, 27, strings.Count(out.String(), "\n"), out.String())
	assert.Contains(t, out.String(), "p95 ms")
}

// keysOf reads which texts a language has.
func keysOf(t *testing.T, tag string) map[string]json.RawMessage {
	data, err := languages.ReadFile("languages/" + tag + ".json")
	require.NoError(t, err)
	var file struct{ Words map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal(data, &file))
	return file.Words
}

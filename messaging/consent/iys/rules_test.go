package iys_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/messaging/consent/iys"
	"github.com/vefacrm/vefa/messaging/consent/iys/iystest"
)

var tr = time.FixedZone("TR", 3*3600)

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, tr)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// now is a Wednesday with three ordinary days before it.
var now = at("2025-11-12 10:00:00")

// The deadlines of all days of 18 years are those that the Python package holidays 0.x gives
// with law 2429's days; some of them in full.
func TestDeadlines(t *testing.T) {
	line := func(day time.Time) string {
		end := iys.Calendar{}.Deadline(day).In(tr)
		half := ""
		if end.Hour() == 13 {
			half, end = " 13", end.AddDate(0, 0, 1)
		}
		return day.Format(time.DateOnly) + " " + end.AddDate(0, 0, -1).Format(time.DateOnly) + half + "\n"
	}
	for given, want := range map[string]string{
		"2024-12-30": "2025-01-03", "2025-03-26": "2025-04-02", "2025-03-27": "2025-04-03", "2025-06-02": "2025-06-05 13",
		"2025-10-25": "2025-10-30", "2026-05-22": "2026-06-01", "2026-07-13": "2026-07-17",
	} {
		day, err := time.ParseInLocation(time.DateOnly, given, tr)
		require.NoError(t, err)
		require.Equal(t, given+" "+want+"\n", line(day))
	}
	h := sha256.New()
	for day := time.Date(2015, 1, 1, 12, 0, 0, 0, tr); !day.After(time.Date(2032, 12, 20, 23, 0, 0, 0, tr)); day = day.AddDate(0, 0, 1) {
		h.Write([]byte(line(day)))
	}
	require.Equal(t, "bfc5764174623b66d183273552973634718cd1ba899c6113e492f49535f6f43e", hex.EncodeToString(h.Sum(nil)))

	c := iys.Calendar{Closed: []string{"2025-11-13"}}
	require.Equal(t, at("2025-11-19 00:00:00"), c.Deadline(now), "a day that was declared")
	require.Equal(t, at("2025-11-18 00:00:00"), iys.Calendar{}.Deadline(now))
	require.True(t, c.Covers(at("2032-12-31 23:59:59")))
	require.False(t, c.Covers(at("2033-01-01 00:00:00")))
	require.False(t, c.Covers(at("2014-12-31 23:59:59")))
	require.True(t, iys.Calendar{}.Deadline(at("2040-05-02 10:00:00")).Equal(at("2040-05-08 00:00:00")), "without feasts: too early, not too late")
}

func good() iys.Consent {
	return iys.Consent{Date: now.Add(-time.Hour), Source: iys.Web, Recipient: "+905321234567", As: iys.Consumer, Status: iys.Granted, Channel: iys.Texts}
}

// Each rule of section 4.4, by itself and at its border.
func TestRules(t *testing.T) {
	var past iys.Rules
	before := iys.Rules{Activation: now.AddDate(0, 0, 1)}
	had := func(s iys.Status, at time.Time) *iys.Consent { c := good(); c.Status, c.Date = s, at; return &c }
	for _, c := range []struct {
		name   string
		rules  iys.Rules
		change func(*iys.Consent)
		was    *iys.Consent
		want   string
	}{
		{"good", past, func(*iys.Consent) {}, nil, ""},
		{"e-mail", past, func(c *iys.Consent) { c.Channel, c.Recipient = iys.Emails, "a@example.com" }, nil, ""},
		{"call", past, func(c *iys.Consent) { c.Channel = iys.Calls }, nil, ""},
		{"no recipient", past, func(c *iys.Consent) { c.Recipient = "" }, nil, "recipient H114"},
		{"a number for e-mail", past, func(c *iys.Consent) { c.Channel = iys.Emails }, nil, "recipient "},
		{"a foreign number", past, func(c *iys.Consent) { c.Recipient = "+4915112345678" }, nil, "recipient "},
		{"channel", past, func(c *iys.Consent) { c.Channel = "SMS" }, nil, "type H111"},
		{"kind", past, func(c *iys.Consent) { c.As = "" }, nil, "recipient-as "},
		{"status", past, func(c *iys.Consent) { c.Status = "EVET" }, nil, "status "},
		{"source", past, func(c *iys.Consent) { c.Source = "HS_FAKS" }, nil, "source H113"},
		{"the registry's own source", past, func(c *iys.Consent) { c.Source = "IYS_WEB" }, nil, "source H113"},
		{"no source", past, func(c *iys.Consent) { c.Source = "" }, nil, "source H113"},
		{"a merchant without source and date", past, func(c *iys.Consent) { c.As, c.Source, c.Date = iys.Merchant, "", time.Time{} }, nil, ""},
		{"no date", past, func(c *iys.Consent) { c.Date = time.Time{} }, nil, "date "},
		{"now", past, func(c *iys.Consent) { c.Date = now }, nil, ""},
		{"a second ahead", past, func(c *iys.Consent) { c.Date = now.Add(time.Second) }, nil, "future "},
		{"before May 2015", before, func(c *iys.Consent) { c.Date = at("2015-04-30 23:59:59") }, nil, "before-2015 H155"},
		{"May 2015", before, func(c *iys.Consent) { c.Date = at("2015-05-01 00:00:00") }, nil, ""},
		{"HS_2015", before, func(c *iys.Consent) { c.Source, c.Date = iys.Before2015, at("2015-05-01 00:00:00") }, nil, ""},
		{"HS_2015 of another date", before, func(c *iys.Consent) { c.Source, c.Date = iys.Before2015, at("2015-05-01 00:00:01") }, nil, "before-2015 "},
		{"HS_2015 when activation is over", past, func(c *iys.Consent) { c.Source, c.Date = iys.Before2015, at("2015-05-01 00:00:00") }, nil, "too-old "},
		{"three business days ago", past, func(c *iys.Consent) { c.Date = at("2025-11-07 00:00:00") }, nil, ""},
		{"more", past, func(c *iys.Consent) { c.Date = at("2025-11-06 23:59:59") }, nil, "too-old "},
		{"more, before activation", before, func(c *iys.Consent) { c.Date = at("2025-11-06 23:59:59") }, nil, ""},
		{"first refused", past, func(c *iys.Consent) { c.Status = iys.Refused }, nil, "first-refused H175"},
		{"refused after granted", past, func(c *iys.Consent) { c.Status = iys.Refused }, had(iys.Granted, now.Add(-2*time.Hour)), ""},
		{"granted twice", past, func(*iys.Consent) {}, had(iys.Granted, now.Add(-2*time.Hour)), "repeated "},
		{"refused twice", past, func(c *iys.Consent) { c.Status = iys.Refused }, had(iys.Refused, now.Add(-2*time.Hour)), "repeated "},
		{"the same second", past, func(c *iys.Consent) { c.Status, c.Date = iys.Refused, c.Date.Add(900*time.Millisecond) }, had(iys.Granted, now.Add(-time.Hour)), "not-later "},
		{"a second later", past, func(c *iys.Consent) { c.Status, c.Date = iys.Refused, c.Date.Add(time.Second) }, had(iys.Granted, now.Add(-time.Hour)), ""},
		{"older and the same", past, func(*iys.Consent) {}, had(iys.Granted, now), "repeated , not-later "},
		{"everything", past, func(c *iys.Consent) { *c = iys.Consent{Date: now.AddDate(0, 0, 1)} }, nil, "recipient H114, type H111, recipient-as , status , source H113, future "},
	} {
		x := good()
		c.change(&x)
		var got []string
		for _, r := range c.rules.Check(x, c.was, now) {
			got = append(got, string(r.Rule)+" "+r.Code)
			require.NotEmpty(t, r.Field)
			require.NotContains(t, r.Error(), "5321234567")
		}
		require.Equal(t, c.want, strings.Join(got, ", "), c.name)
	}
	require.True(t, iys.Later(*had(iys.Refused, now.Add(500*time.Millisecond)), *had(iys.Granted, now.Add(900*time.Millisecond))), "in one second the refusal counts")
	require.False(t, iys.Later(*had(iys.Granted, now.Add(900*time.Millisecond)), *had(iys.Refused, now)))
	require.True(t, iys.Later(*had(iys.Granted, now.Add(time.Second)), *had(iys.Refused, now)))
}

// asker asks a simulator without a network.
type asker struct {
	g     *iystest.Registry
	token string
}

func (a *asker) ask(t require.TestingT, method, path string, body any, out any) int {
	data, err := json.Marshal(body)
	require.NoError(t, err)
	r := httptest.NewRequest(method, path, bytes.NewReader(data))
	r.Header.Set("Authorization", "Bearer "+a.token)
	w := httptest.NewRecorder()
	a.g.ServeHTTP(w, r)
	if out != nil {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), out), w.Body.String())
	}
	return w.Code
}

func newAsker(t require.TestingT, cfg iystest.Config) *asker {
	a := &asker{g: iystest.New(cfg)}
	a.login(t)
	return a
}

func (a *asker) login(t require.TestingT) {
	var got map[string]any
	require.Equal(t, http.StatusOK, a.ask(t, http.MethodPost, "/oauth2/token", map[string]string{"grant_type": "password", "username": "user", "password": "password"}, &got))
	a.token, _ = got["access_token"].(string)
}

type verdict struct {
	Errors []struct {
		Code     string   `json:"code"`
		Location []string `json:"location"`
	} `json:"errors"`
}

// documented are the codes that the registry's pages name.
var documented = []string{"H111", "H113", "H114", "H155", "H175"}

// agree enters a consent and compares what the simulator says with what the rules say.
func (a *asker) agree(t require.TestingT, rules iys.Rules, c iys.Consent, now time.Time) bool {
	var was *iys.Consent
	if r, ok := a.g.Now(c.Recipient, string(c.As), string(c.Channel)); ok {
		was = &iys.Consent{Date: r.Given, Status: iys.Status(r.Status)}
	}
	var said verdict
	code := a.ask(t, http.MethodPost, "/sps/1/brands/2/consents", c, &said)
	refusals := rules.Check(c, was, now)
	require.Equal(t, len(refusals) == 0, code == http.StatusOK, "%+v: rules %v, registry %v", c, refusals, said)
	var fields, theirFields, codes, theirCodes []string
	for _, r := range refusals {
		fields = append(fields, r.Field)
		if r.Code != "" {
			codes = append(codes, r.Code)
		}
	}
	for _, e := range said.Errors {
		theirFields = append(theirFields, e.Location...)
		if slices.Contains(documented, e.Code) {
			theirCodes = append(theirCodes, e.Code)
		}
	}
	set := func(s []string) []string { slices.Sort(s); return slices.Compact(s) }
	require.Equal(t, set(theirFields), set(fields), "%+v: rules %v, registry %v", c, refusals, said)
	require.Equal(t, set(theirCodes), set(codes), "%+v: rules %v, registry %v", c, refusals, said)
	return code == http.StatusOK
}

var (
	anySource    = []iys.Source{iys.Web, iys.Paper, iys.Before2015, "IYS_WEB", "", "HS_FAKS", iys.Decision, "HS_WEB HS_ATM", " "}
	anyRecipient = []string{"+905321234567", "+905321234568", "a@example.com", "b@example", "+90532123456", "+900321234567", "", "a b@example.com", "a@b@example.com", "@example.com", "a@.com.", "+90५३२1234567"}
	anyChannel   = []iys.Channel{iys.Texts, iys.Texts, iys.Calls, iys.Emails, "SMS", ""}
	anyAs        = []iys.Recipient{iys.Consumer, iys.Consumer, iys.Merchant, "", "bireysel"}
	anyStatus    = []iys.Status{iys.Granted, iys.Refused, "", "onay"}
)

// The engine and the simulator, which share no table and no code, refuse the same consents,
// for the same fields and with the same documented codes, over random histories across
// weekends, feasts and half days of eighteen years.
func TestRulesAgreeWithSimulator(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		clock := time.Date(rapid.IntRange(2015, 2032).Draw(t, "year"), time.Month(rapid.IntRange(1, 11).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"), rapid.SampledFrom([]int{0, 9, 12, 13, 20, 23}).Draw(t, "hour"), 0, 0, 0, tr)
		activated := time.Time{}
		if rapid.Bool().Draw(t, "before activation") {
			activated = clock.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "days"))
		}
		a := newAsker(t, iystest.Config{Now: func() time.Time { return clock }, Activated: activated})
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			clock = clock.Add(time.Duration(rapid.IntRange(10, 100).Draw(t, "minutes"))*time.Minute + time.Duration(rapid.IntRange(0, 999).Draw(t, "ms"))*time.Millisecond)
			c := iys.Consent{Recipient: rapid.SampledFrom(anyRecipient).Draw(t, "recipient"), Source: rapid.SampledFrom(anySource).Draw(t, "source"), As: rapid.SampledFrom(anyAs).Draw(t, "as"),
				Status: rapid.SampledFrom(anyStatus).Draw(t, "status"), Channel: rapid.SampledFrom(anyChannel).Draw(t, "channel")}
			if rapid.Bool().Draw(t, "ordinary") {
				c.Recipient, c.Source, c.As, c.Channel, c.Status = anyRecipient[0], iys.Web, iys.Consumer, iys.Texts, rapid.SampledFrom(anyStatus[:2]).Draw(t, "s")
			}
			switch rapid.IntRange(0, 4).Draw(t, "when") {
			case 0:
			case 1:
				c.Date = at("2015-05-01 00:00:00").Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "second")) * time.Second)
			case 2:
				c.Date = clock.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "second")) * time.Second)
			default:
				c.Date = clock.Add(-time.Duration(rapid.IntRange(0, 14*24*60).Draw(t, "ago")) * time.Minute)
				if rapid.Bool().Draw(t, "fresh") {
					c.Date = clock.Add(-time.Second)
				}
			}
			a.login(t)
			if a.agree(t, iys.Rules{Activation: activated}, c, clock) {
				accepted++
			}
		}
	})
	require.NotZero(t, accepted, "the histories are not all refusals")
}

func FuzzRules(f *testing.F) {
	f.Add("+905321234567", "HS_WEB", "BIREYSEL", "ONAY", "MESAJ", int64(1762930800), int64(0))
	f.Add("a@example.com", "", "TACIR", "ONAY", "EPOSTA", int64(1430427600), int64(3600))
	f.Fuzz(func(t *testing.T, recipient, source, as, status, channel string, given, ahead int64) {
		c := iys.Consent{Recipient: strings.ToValidUTF8(recipient, "?"), Source: iys.Source(strings.ToValidUTF8(source, "?")), As: iys.Recipient(strings.ToValidUTF8(as, "?")), Status: iys.Status(strings.ToValidUTF8(status, "?")), Channel: iys.Channel(strings.ToValidUTF8(channel, "?"))}
		if given < 0 || given > 1_980_000_000 || ahead < 0 || ahead > 1_000_000 { // until September 2032
			return
		}
		clock := time.Unix(given+ahead, 0)
		if clock.Year() < 2015 {
			return
		}
		if given > 0 {
			c.Date = time.Unix(given, 0)
		}
		newAsker(t, iystest.Config{Now: func() time.Time { return clock }}).agree(t, iys.Rules{}, c, clock)
	})
}

func FuzzReadDailyFile(f *testing.F) {
	f.Add([]byte("creationDate,transactionId,recipient,recipientType,type,status,consentDate,source\n2020-10-29 23:58:53,f2,a@example.com,BIREYSEL,EPOSTA,ONAY,2017-06-28 19:39:28,HS_WEB\n"))
	f.Add([]byte("\ufeffsource;creationDate;transactionId;recipient;recipientType;type;status;consentDate\r\nHS_WEB;2020-10-29 23:58:53;f2;a@example.com;TACIR;EPOSTA;RET;\r\n"))
	f.Add([]byte("creationDate\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := iys.ReadDailyFile(bytes.NewReader(data))
		if err != nil {
			require.ErrorIs(t, err, iys.ErrAnswer)
			return
		}
		for _, c := range got {
			require.NotEmpty(t, c.Transaction)
			require.False(t, c.Created.IsZero())
		}
	})
}

func FuzzChange(f *testing.F) {
	f.Add([]byte(`{"consentDate":"2015-05-01 00:00:00","creationDate":"2020-11-03 20:05:00","source":"HS_2015","recipient":"+905813334455","recipientType":"BIREYSEL","status":"ONAY","type":"MESAJ","transactionId":"a"}`))
	f.Add([]byte(`{"consentDate":"x"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c iys.Change
		if json.Unmarshal(data, &c) != nil {
			return
		}
		back, err := json.Marshal(c.Consent)
		require.NoError(t, err)
		var again iys.Consent
		if c.Date.Year() > 0 && c.Date.Year() < 9999 {
			require.NoError(t, json.Unmarshal(back, &again), string(back))
			require.True(t, again.Date.Equal(c.Date))
		}
	})
}

func ExampleRules_Check() {
	given := time.Date(2025, 11, 10, 9, 30, 0, 0, time.UTC)
	c := iys.Consent{Date: given, Source: iys.Web, Recipient: "+905321234567", As: iys.Consumer, Status: iys.Refused, Channel: iys.Texts}
	for _, r := range (iys.Rules{}).Check(c, nil, given.AddDate(0, 0, 7)) {
		fmt.Println(r.Rule, r.Code, r.Note)
	}
	fmt.Println(iys.Calendar{}.Deadline(given).Format(time.RFC3339))
	// Output:
	// too-old  is more than three business days ago
	// first-refused H175 nothing was granted that could be refused
	// 2025-11-13T21:00:00Z
}

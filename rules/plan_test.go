package rules_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
)

var (
	buyer  = crm.OfProfile(crm.ProfileKey{Source: "erp", ID: "7"})
	order1 = crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: "o1"}
)

// due plans one action and returns when it is due, in the zone.
func due(t *testing.T, now, zone, after, at string) string {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	local, err := time.ParseInLocation("2006-01-02 15:04:05", now, loc)
	require.NoError(t, err)
	m := rules.NewMoment(local, loc)
	set, err := factsSchema(t).Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "true", Then: []rules.Action{{Kind: "message", Name: "m", After: after, At: at}}}}})
	require.NoError(t, err)
	f, err := set.Evening(nil, &facts{}, m)
	require.NoError(t, err)
	e, err := set.Plan(crmtest.IDs(), nil, f[0], rules.Target{Subject: buyer}, m)
	require.NoError(t, err)
	require.NoError(t, e[0].Validate())
	require.Equal(t, time.UTC, e[0].Due.Location())
	return e[0].Due.In(loc).Format("2006-01-02 15:04:05 -0700")
}

func TestDue(t *testing.T) {
	const tr, de, ny, lh = "Europe/Istanbul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
	for _, c := range [][5]string{
		{"2025-03-01 20:00:00", tr, "", "", "2025-03-01 20:00:00 +0300"},
		{"2025-03-01 20:00:00", tr, "1d", "10:00", "2025-03-02 10:00:00 +0300"},
		{"2025-03-01 20:00:00", tr, "", "10:00", "2025-03-02 10:00:00 +0300"}, // never before the moment
		{"2025-03-01 20:00:00", tr, "", "21:30", "2025-03-01 21:30:00 +0300"},
		{"2025-03-01 20:00:00", tr, "730d", "10:00", "2027-03-01 10:00:00 +0300"},
		{"2024-02-29 20:00:00", tr, "1y", "10:00", "2025-02-28 10:00:00 +0300"},
		{"2024-02-29 20:00:00", tr, "4y", "10:00", "2028-02-29 10:00:00 +0300"},
		{"2025-01-31 20:00:00", tr, "1mo", "", "2025-02-28 20:00:00 +0300"},
		{"2025-12-31 20:00:00", tr, "2mo1w", "", "2026-03-07 20:00:00 +0300"},
		{"2025-03-01 20:00:00", tr, "90min", "", "2025-03-01 21:30:00 +0300"},
		{"2025-03-29 02:30:00", de, "1d", "", "2025-03-30 03:00:00 +0200"},      // 02:30 does not exist
		{"2025-03-29 20:00:00", de, "1d", "02:30", "2025-03-30 03:00:00 +0200"}, // it is when clocks go forward
		{"2025-03-29 20:00:00", de, "1d", "03:00", "2025-03-30 03:00:00 +0200"},
		{"2025-03-29 20:00:00", de, "1d", "01:59", "2025-03-30 01:59:00 +0100"},
		{"2025-10-25 20:00:00", de, "1d", "02:30", "2025-10-26 02:30:00 +0200"}, // the first of two
		{"2025-03-29 20:00:00", de, "24h", "", "2025-03-30 21:00:00 +0200"},     // hours are exact
		{"2025-03-29 20:00:00", de, "1d", "", "2025-03-30 20:00:00 +0200"},      // days are calendar days
		{"2025-03-08 20:00:00", ny, "1d", "02:15", "2025-03-09 03:00:00 -0400"},
		{"2025-10-04 20:00:00", lh, "1d", "02:15", "2025-10-05 02:30:00 +1100"}, // half an hour
	} {
		require.Equal(t, c[4], due(t, c[0], c[1], c[2], c[3]), "%v", c)
	}
	for _, bad := range []string{"d", "1", "1day", "-1d", "1d ", "60y", "9999999d", "1.5d", "ı1d"} {
		_, err := factsSchema(t).Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "true", Then: []rules.Action{{Kind: "tag", Name: "m", After: bad}}}}})
		require.ErrorContains(t, err, "then[0].after", bad)
	}
}

func TestPlan(t *testing.T) {
	set, err := compileYAML(t, `
rules:
  - {name: row, each: Orders, when: row.Amount > 0, then: [{tag: a, for: 1y}, {untag: b}, {survey: s, after: 1d}, {message: m}, {ticket: q, with: {priority: high}}, {task: host}]}
  - {name: day, each: Orders, once: day, when: row.Amount > 0, then: [{tag: a}]}
  - {name: week, once: week, when: Flag, then: [{tag: a}]}
  - {name: month, once: month, when: Flag, then: [{tag: a}]}
  - {name: year, once: year, when: Flag, then: [{tag: a, id: mine}]}
  - {name: version, once: version, version: 9, when: Flag, then: [{tag: a}]}
`)
	require.NoError(t, err)
	m := rules.NewMoment(time.Date(2024, 12, 30, 22, 0, 0, 0, time.UTC), time.FixedZone("TRT", 3*3600)) // 31 December, 2025-W01
	f := &facts{Flag: true, Orders: []order{{Amount: 1}}}
	firings, err := set.Evening(nil, f, m)
	require.NoError(t, err)
	var effects []*crm.Effect
	var lines []string
	for _, g := range firings {
		effects, err = set.Plan(crmtest.IDs(), effects, g, rules.Target{Subject: buyer, About: order1}, m)
		require.NoError(t, err)
	}
	for _, e := range effects {
		require.NoError(t, e.Validate())
		p, err := rules.DecodePayload(e)
		require.NoError(t, err)
		lines = append(lines, fmt.Sprint(e.Cause, " ", e.Kind, " ", e.About.ID, " ", e.Occurrence, " ", p.Action, " ", p.Name, " ", p.With["priority"], " ", rules.RowOf(e).ID))
	}
	require.Equal(t, []string{
		"rule/day tag  tag:a@2024-12-31 tag a  o1",
		"rule/month tag  tag:a@2024-12 tag a  ",
		"rule/row tag o1 tag:a tag a  o1",
		"rule/row tag o1 untag:b untag b  o1",
		"rule/row message o1 survey:s survey s  o1",
		"rule/row message o1 message:m message m  o1",
		"rule/row ticket o1 ticket:q ticket q high o1",
		"rule/row task o1 task:host task host  o1",
		"rule/version tag  tag:a@v9 tag a  ",
		"rule/week tag  tag:a@2025-W01 tag a  ",
		"rule/year tag  mine@2024 tag a  ",
	}, lines)
	p, err := rules.DecodePayload(effects[2])
	require.NoError(t, err)
	require.Equal(t, "2025-12-30T22:00:00Z", p.Expires.Format(time.RFC3339))
	require.JSONEq(t, `{"action":"ticket","name":"q","with":{"priority":"high"},"row":{"kind":"order","source":"erp","id":"o1"},"planned":"2024-12-31"}`, string(effects[6].Data))

	again, err := set.Plan(crmtest.IDs(), nil, firings[2], rules.Target{Subject: buyer, About: order1}, m)
	require.NoError(t, err)
	require.Equal(t, effects[2:8], again)
	_, err = set.Plan(crmtest.IDs(), nil, firings[2], rules.Target{Subject: buyer}, m)
	require.ErrorContains(t, err, "once per row needs the row's fact")
	_, err = set.Plan(crmtest.IDs(), nil, firings[2], rules.Target{About: order1}, m)
	require.ErrorContains(t, err, "subject")
	_, err = set.Plan(crmtest.IDs(), nil, rules.Firing{Rule: &rules.Rule{Name: "row"}}, rules.Target{Subject: buyer}, m)
	require.ErrorContains(t, err, "of another set")
	_, err = rules.DecodePayload(&crm.Effect{Cause: "campaign/x"})
	require.Error(t, err)
}

func TestRecheck(t *testing.T) {
	data, err := os.ReadFile("testdata/evening.yaml")
	require.NoError(t, err)
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	require.NoError(t, err)
	compile := func(replace ...string) *rules.Set[Shopper] {
		book, err := rules.ReadYAML("evening.yaml", []byte(strings.NewReplacer(replace...).Replace(string(data))))
		require.NoError(t, err)
		set, err := schema.Compile(book)
		require.NoError(t, err)
		return set
	}
	set := compile()
	planned := rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)
	then := rules.NewMoment(time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC), nil)
	firings, err := set.Evening(nil, &Shopper{Orders: 1, Visits: []Visit{{DaysAgo: 1, Service: "battery"}}}, planned)
	require.NoError(t, err)
	effects, err := set.Plan(crmtest.IDs(), nil, firings[0], rules.Target{Subject: buyer, About: order1}, planned)
	require.NoError(t, err)
	invitation := effects[1]
	later := func() *Shopper {
		return &Shopper{SMSConsent: true, Visits: []Visit{{DaysAgo: 731, Service: "battery"}}}
	}
	check := func(set *rules.Set[Shopper], s *Shopper, row int) string {
		d, err := set.Recheck(invitation, s, row, then)
		require.NoError(t, err)
		text := fmt.Sprint(d.Proceed, " ", d.State)
		for _, r := range d.Reasons {
			text += fmt.Sprint("; ", r.Guard, " ", r.Pass)
		}
		return text
	}
	require.Equal(t, "true planned; rule true; cancel_on battery_again false", strings.Replace(check(set, later(), 0), "battery_again true; guard true", "battery_again false", 1))
	s := later()
	s.Visits = append(s.Visits, Visit{DaysAgo: 90, Service: "battery"})
	require.Equal(t, "false cancelled; rule true; cancel_on battery_again false; guard true", check(set, s, 0))
	s = later()
	s.SMSConsent = false
	require.Equal(t, "false withheld; rule true; cancel_on battery_again true; guard false", check(set, s, 0))
	require.Equal(t, "false cancelled; rule true; row false", check(set, later(), -1))
	require.Equal(t, "false cancelled; rule true; row false", check(set, later(), 1))
	require.Equal(t, "false cancelled; rule false", check(compile("name: battery\n", "name: other\n"), later(), 0))
	require.Equal(t, "false cancelled; rule false", check(compile("tags: [battery]", "enabled: false"), later(), 0))
	require.Equal(t, "false cancelled; rule true; effective false; cancel_on battery_again true; guard true", check(compile("tags: [battery]", "to: 2026-12-31"), later(), 0))
	require.Equal(t, "true planned; rule true; cancel_on battery_again true; guard true", check(compile("after: 730d", "after: 700d"), later(), 0))
	_, err = set.Recheck(&crm.Effect{Cause: "campaign/x"}, s, 0, then)
	require.Error(t, err)
	_, err = set.Recheck(invitation, &Shopper{Visits: make([]Visit, 65)}, 0, then)
	var be *rules.BoundsError
	require.ErrorAs(t, err, &be)
}

// TestImports holds the boundary: only the files that make durable effects
// know the record, none an engine or expr's virtual machine, and what is below
// rules knows neither the record nor expr.
func TestImports(t *testing.T) {
	knowRecord := map[string]bool{"action.go": true, "plan.go": true, "journal.go": true, "account.go": true, "explain.go": true, "explain_text.go": true}
	require.NoError(t, filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range file.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			require.NotContains(t, path, "expr/vm", name)
			if filepath.Dir(name) != "." {
				require.NotContains(t, path, "expr-lang", name)
			}
			rest, ours := strings.CutPrefix(path, "github.com/vefacrm/vefa/")
			if !ours || strings.HasPrefix(rest, "internal/") || rest == "rules" || strings.HasPrefix(rest, "rules/internal/") {
				continue
			}
			require.Equal(t, "crm", rest, name)
			require.True(t, knowRecord[name], "%s imports crm", name)
		}
		return nil
	}))
}

// TestBatteryOverYears runs every tenth evening of ten years, each twice. Two
// battery changes give two tags and two invitations; the first invitation is
// cancelled because the second change came before it was due.
func TestBatteryOverYears(t *testing.T) {
	data, err := os.ReadFile("testdata/evening.yaml")
	require.NoError(t, err)
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	require.NoError(t, err)
	book, err := rules.ReadYAML("evening.yaml", data)
	require.NoError(t, err)
	set, err := schema.Compile(book)
	require.NoError(t, err)
	journal := newJournal()
	ctx := t.Context()
	zone, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	day0 := time.Date(2025, 1, 1, 20, 0, 0, 0, zone)
	changes := []int{10, 400}
	var log []string
	facts := func(day int) (*Shopper, []crm.FactKey) {
		s, keys := &Shopper{SMSConsent: true, Orders: 1}, []crm.FactKey{}
		for i, c := range changes {
			if c <= day {
				s.Visits = append(s.Visits, Visit{DaysAgo: day - c, Service: "battery"})
				keys = append(keys, crm.FactKey{Kind: crm.KindVisit, Source: "service", ID: fmt.Sprint("v", i)})
			}
		}
		return s, keys
	}
	evening := func(day int) {
		m := rules.NewMoment(day0.AddDate(0, 0, day), zone)
		s, keys := facts(day)
		firings, err := set.Evening(nil, s, m)
		require.NoError(t, err)
		in := rules.Intent{Members: []crm.Subject{buyer}}
		for _, f := range firings {
			in.Effects, err = set.Plan(crmtest.IDs(), in.Effects, f, rules.Target{Subject: buyer, About: keys[f.Row]}, m)
			require.NoError(t, err)
		}
		require.NoError(t, journal.Update(ctx, func(j rules.Journal) error {
			if _, err := rules.Record(ctx, j, in); err != nil {
				return err
			}
			due, err := j.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: m.Now().Add(time.Second)})
			if err != nil {
				return err
			}
			for _, e := range due {
				row := -1
				for i, k := range keys {
					if k == rules.RowOf(e) {
						row = i
					}
				}
				d, err := set.Recheck(e, s, row, m)
				if err != nil {
					return err
				}
				e.State = crm.Done
				if !d.Proceed {
					e.State = d.State
				}
				log = append(log, fmt.Sprint(day, " ", e.Occurrence, " ", e.About.ID, " ", e.State))
				if err := j.UpdateEffects(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for day := 0; day <= 3650; day += 10 {
		evening(day)
		evening(day)
	}
	require.Equal(t, []string{
		"10 tag:battery v0 done",
		"400 tag:battery v1 done",
		"740 message:battery-invitation v0 cancelled",
		"1130 message:battery-invitation v1 done",
	}, log)
}

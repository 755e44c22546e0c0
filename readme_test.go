package vefa_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
)

var at = time.Date(2025, 3, 1, 19, 0, 0, 0, time.UTC)

// README begin
func run(ctx context.Context, sender messaging.Sender, keys vefa.Keys, now func() time.Time) error {
	book, err := rules.ReadYAML("evening.yaml", []byte(`rules: [{name: ask, each: Purchases, once: day,
  when: row.DaysAgo <= 1 and row.Delivered and SMSConsent and OpenTickets == 0, then: [{survey: visit}]}]`))
	if err != nil {
		return err // with file, line, column and a caret
	}
	eng, err := vefa.New(vefa.Config{
		Store: memstore.New(), Sender: sender, Now: now, BaseURL: "https://s.example", Keys: keys, Rules: []*rules.Book{book},
		Surveys: []vefa.Survey{{Name: "visit", Definition: survey.Recommendation(),
			Invitation: messaging.Campaign{Text: "How was it? {link}", Unmeasured: "asked after each visit"}}},
	})
	if err != nil {
		return err
	}
	ayse, phone := crm.ProfileKey{Source: "till", ID: "4711"}, crm.Address{Channel: crm.Phone, Value: "+905321234567"}
	got, err := eng.Service().Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{{ProfileKey: ayse, Name: crm.Name{Given: "Ayşe", Family: "Yılmaz"}, Contacts: []crm.Contact{{Address: phone}}}},
		Facts: []*crm.Fact{
			{Key: crm.FactKey{Source: "till", ID: "1"}, Subject: crm.OfAddress(phone), At: now(), Data: &crm.Consent{Status: crm.Granted}},
			{Key: crm.FactKey{Source: "till", ID: "90"}, Subject: crm.OfProfile(ayse), At: now(), Data: &crm.Order{Number: "90", Total: crm.Money{Amount: 129900, Currency: "TRY"}}},
		}})
	if err != nil || len(got.Rejected) > 0 { // one bad record stops no other
		return errors.Join(err, fmt.Errorf("rejected: %v", got.Rejected))
	}
	report, err := eng.Night(ctx, vefa.Night{}) // tonight; twice does nothing twice
	fmt.Println(report.Day, report.Delivered.Done, "sent")
	return err
}

// README end

func Example_readme() {
	sender := messaging.NewMemorySender(nil)
	now := func() time.Time { return at }
	if err := run(context.Background(), sender, nighttest.Keys(), now); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.HasPrefix(sender.Messages()[0].Text, "How was it? https://s.example/l/"))
	// Output:
	// 2025-03-01 1 sent
	// true
}

// TestREADME holds that the README shows the code that Example runs.
func TestREADME(t *testing.T) {
	src, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(src), "// README begin\n")
	require.True(t, ok)
	code, _, ok := strings.Cut(rest, "\n// README end")
	require.True(t, ok)
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(code, "\n"), 30, "an example of at most 30 lines was promised")
	require.Contains(t, string(page), "```go\n"+code+"```", "README.md shows other code than readme_test.go runs")
	for _, command := range []string{"go run ./examples/night", "go test work"} {
		require.Contains(t, string(page), command)
	}
}

// TestREADMEOpensDatabases holds that the README opens SQLite as sqlstore asks for,
// and internal/dbtest does the same.
func TestREADMEOpensDatabases(t *testing.T) {
	doc, err := os.ReadFile("crm/sqlstore/doc.go")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(doc), "//\tfile:vefa.db?")
	require.True(t, ok)
	options, _, _ := strings.Cut(rest, "\n")
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Contains(t, string(page), `sql.Open("sqlite", "file:vefa.db?`+options+`")`)
	tests, err := os.ReadFile("internal/dbtest/open_test.go")
	require.NoError(t, err)
	require.Contains(t, string(tests), `"file:" + path + "?`+options+`"`)
	_, rest, ok = strings.Cut(string(page), `sql.Open("pgx", "`)
	require.True(t, ok)
	dsn, _, _ := strings.Cut(rest, `"`)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	require.Equal(t, "postgres", u.Scheme)
	require.Equal(t, "verify-full", u.Query().Get("sslmode"))
}

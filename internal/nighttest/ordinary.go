package nighttest

import (
	"context"
	_ "embed"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
)

//go:embed testdata/ordinary.yaml
var ordinary []byte

// Ordinary has an engine do the twenty rules of an ordinary evening, and no campaign.
func Ordinary(t TB, c *vefa.Config) {
	t.Helper()
	book, err := rules.ReadYAML("ordinary.yaml", ordinary)
	require.NoError(t, err)
	message := func(name string) messaging.Campaign {
		return messaging.Campaign{Name: name, Text: "{link}", Fields: []messaging.Field{{Name: "link", Type: messaging.LinkField, Max: 60}},
			URL: "https://shop.example/", Unmeasured: "a benchmark"}
	}
	c.Rules, c.Campaigns = []*rules.Book{book}, nil
	c.Messages = []messaging.Campaign{message("battery-reminder"), message("birthday")}
	c.Surveys = nil
	for _, name := range []string{"after-purchase", "after-service"} {
		c.Surveys = append(c.Surveys, vefa.Survey{Name: name, Definition: survey.Recommendation(), Invitation: message(name)})
	}
	c.Tasks = map[string]vefa.TaskFunc{"call-back": func(context.Context, *crm.Service, *crm.Effect) error { return nil }}
}

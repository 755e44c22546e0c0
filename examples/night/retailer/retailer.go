// Package retailer is the watch retailer of the examples as vefa sees her: rules, segments,
// campaigns, surveys and keys as data, and the provider and the visitors of the simulated world.
package retailer

import (
	"context"
	_ "embed"
	"os"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// Rules are those of the evening, in YAML.
//
//go:embed evening.yaml
var Rules []byte

// Segments are the audiences of the campaigns.
const Segments = `
segment new-collection = watch-buyer or jewelry-buyer or gift-giver or loyal
segment trade-in       = watch-buyer or smartwatch-buyer or churn-risk except staff
segment first-watch    = watch-prospect or battery ignoring red service-only
`

// RedDay is the evening on which head office turns a tag red: those who are
// known from the technical service alone are left out of campaigns from then: RedTag.
const (
	RedDay = 20
	RedTag = "service-only"
)

// SentFrom is the sender that recipients see.
const SentFrom = "SAAT"

// Keys are the example's, and the same each time, so that a run can be repeated.
// A real host draws 32 random bytes for each and keeps them to itself.
func Keys() vefa.Keys {
	return vefa.Keys{
		Tenant: "saat",
		Sign:   []vefa.Key{{ID: 1, Secret: crm.NewSecret([]byte("vefa example night: signs, and is not secret"))}},
		ID:     crm.NewSecret([]byte("vefa example night: ids, and is not secret either")),
	}
}

// Theme is how the retailer's survey pages look; vefa.New refuses one that cannot be read.
var Theme = web.Brand{
	Name: "SAAT", Accent: "#123b52", Ink: "#ffffff",
	Privacy: map[string]string{
		"tr": "Yanıtınız yalnızca hizmetimizi iyileştirmek için kullanılır.",
		"":   "Your answer is used to improve our service, and for nothing else.",
	},
}

var link40 = messaging.Field{Name: "link", Type: messaging.LinkField, Max: 48}
var shop = messaging.Field{Name: "shop", Max: 24, Fallback: "SAAT"}

// words returns a message that rules may send.
func words(name, text string, fields ...messaging.Field) messaging.Campaign {
	return messaging.Campaign{
		Name: name, From: SentFrom, Locale: "tr", Text: text, Fields: fields, URL: "https://saat.example/" + name,
		Quiet: messaging.EveningQuiet(), Unmeasured: "sent one by one, for service",
	}
}

// Book reads rules, those of a file or, without one, Rules.
func Book(file string) (*rules.Book, error) {
	if file == "" {
		return rules.ReadYAML("evening.yaml", Rules)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return rules.ReadYAML(file, data)
}

// Config is the retailer as data, whose first evening is of the day from. What a program has of its
// own is not set: the store, the clock, the sender and the address.
func Config(book *rules.Book, from time.Time, home *time.Location) vefa.Config {
	campaign := func(name, text, segment string, holdout float64, evenings ...int) vefa.Campaign {
		c := vefa.Campaign{Segment: segment, Campaign: messaging.Campaign{
			Name: name, From: SentFrom, Locale: "tr", Text: text, Fields: []messaging.Field{link40}, URL: "https://saat.example/" + name,
			Quiet: messaging.EveningQuiet(), Caps: []messaging.Cap{{Max: 3, Per: 7 * 24 * time.Hour}},
			Cost: crm.Money{Amount: 12, Currency: "TRY"}, Holdout: holdout, Window: 14 * 24 * time.Hour,
		}}
		for _, n := range evenings {
			c.On = append(c.On, from.AddDate(0, 0, n).Format(time.DateOnly))
		}
		return c
	}
	invitation := func(name, text string) messaging.Campaign {
		c := words(name, text, shop, link40)
		c.URL = ""
		return c
	}
	return vefa.Config{
		Home:     home,
		Rules:    []*rules.Book{book},
		Segments: Segments,
		Campaigns: []vefa.Campaign{
			campaign("new-collection", "Yeni koleksiyon mağazalarımızda. Size özel koşullar: {link} SMS istemiyorsanız RET yazın.", "new-collection", 0.2, 10),
			campaign("trade-in", "Eski saatinizi getirin, yenisinde indirim kazanın: {link} SMS istemiyorsanız RET yazın.", "trade-in", 0.2, 25),
			campaign("first-watch", "Servisimizi tercih ettiniz; ilk saatinizde size özel fiyat: {link} SMS istemiyorsanız RET yazın.", "first-watch", 0.2, 40),
		},
		Messages: []messaging.Campaign{
			words("battery-reminder", "Saatinizin pili iki yaşında. {shop} sizi bekliyor: {link}", shop, link40),
			words("birthday", "Doğum gününüz kutlu olsun! Size bir sürprizimiz var: {link}", link40),
		},
		Surveys: []vefa.Survey{
			{Name: "after-purchase", Definition: survey.Recommendation(), Invitation: invitation("after-purchase", "{shop} ziyaretiniz nasıldı? İki soru: {link}")},
			{Name: "after-service", Definition: survey.Recommendation(), Invitation: invitation("after-service", "{shop}: servisimizden memnun kaldınız mı? İki soru: {link}")},
		},
		Brand: Theme,
		Tasks: map[string]vefa.TaskFunc{
			"call-back": func(ctx context.Context, svc *crm.Service, e *crm.Effect) error {
				return svc.Record(ctx, &crm.Fact{
					Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: string(e.ID)}, Subject: e.Subject, At: e.Due, Version: 1,
					Data: &crm.Note{Text: "Bir hafta geçti: müşteri aransın.", Actor: "desk"},
				})
			},
		},
		Keys:         Keys(),
		Destinations: link.Destinations{LoopbackHTTP: true},
	}
}

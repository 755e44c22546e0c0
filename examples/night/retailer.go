package main

import (
	"context"
	_ "embed"
	"fmt"
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

//go:embed evening.yaml
var eveningRules []byte

// segments are the audiences of the campaigns.
const segments = `
segment new-collection = watch-buyer or jewelry-buyer or gift-giver or loyal
segment trade-in       = watch-buyer or smartwatch-buyer or churn-risk except staff
segment first-watch    = watch-prospect or battery ignoring red service-only
`

// redDay is the evening on which head office turns a tag red: those who are
// known from the technical service alone are left out of campaigns from then.
const (
	redDay = 20
	redTag = "service-only"
)

// sentFrom is the sender that recipients see.
const sentFrom = "SAAT"

// keys are the example's, and the same each time, so that a run can be repeated.
// A real host draws 32 random bytes for each and keeps them to itself.
func keys() vefa.Keys {
	return vefa.Keys{
		Tenant: "saat",
		Sign:   []vefa.Key{{ID: 1, Secret: crm.NewSecret([]byte("vefa example night: signs, and is not secret"))}},
		ID:     crm.NewSecret([]byte("vefa example night: ids, and is not secret either")),
	}
}

// theme is how the retailer's survey pages look; vefa.New refuses one that cannot be read.
var theme = web.Brand{
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
		Name: name, From: sentFrom, Locale: "tr", Text: text, Fields: fields, URL: "https://saat.example/" + name,
		Quiet: messaging.EveningQuiet(), Unmeasured: "sent one by one, for service",
	}
}

// configuration is the retailer as data.
func configuration(o options, from time.Time, home *time.Location) (vefa.Config, error) {
	data, name := eveningRules, "evening.yaml"
	if o.rules != "" {
		var err error
		if data, err = os.ReadFile(o.rules); err != nil {
			return vefa.Config{}, err
		}
		name = o.rules
	}
	book, err := rules.ReadYAML(name, data)
	if err != nil {
		return vefa.Config{}, err
	}
	campaign := func(name, text, segment string, holdout float64, evenings ...int) vefa.Campaign {
		c := vefa.Campaign{Segment: segment, Campaign: messaging.Campaign{
			Name: name, From: sentFrom, Locale: "tr", Text: text, Fields: []messaging.Field{link40}, URL: "https://saat.example/" + name,
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
		Segments: segments,
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
		Brand: theme,
		Tasks: map[string]vefa.TaskFunc{
			"call-back": func(ctx context.Context, svc *crm.Service, e *crm.Effect) error {
				return svc.Record(ctx, &crm.Fact{
					Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: string(e.ID)}, Subject: e.Subject, At: e.Due, Version: 1,
					Data: &crm.Note{Text: "Bir hafta geçti: müşteri aransın.", Actor: "desk"},
				})
			},
		},
		Resident:     o.resident,
		Keys:         keys(),
		Destinations: link.Destinations{LoopbackHTTP: true},
	}, nil
}

// checkDay parses a date flag.
func checkDay(name, s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("-%s: %q is no date such as 2025-01-01", name, s)
	}
	return t, nil
}

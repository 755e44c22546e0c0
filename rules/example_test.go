package rules_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/rules"
)

// Shopper is what the rules of testdata/evening.yaml can see of a customer.
type Shopper struct {
	SMSConsent        bool
	OpenTickets       int
	Orders            int
	DaysSincePurchase int
	Spend12m          int64 `doc:"kuruş"`
	Born              time.Time
	Tags              rules.TagSet
	Purchases         []Purchase `rule:",max=64"`
	Visits            []Visit    `rule:",max=64"`
	Answers           []Answer   `rule:",max=64"`
}

// Purchase is a child row of Shopper.
type Purchase struct {
	Key                       crm.FactKey // rules cannot read it; the loop needs it
	DaysAgo                   int
	Channel                   string
	Gift, Returned, Delivered bool
	DaysSinceDelivery         int
}

// Visit is a child row of Shopper.
type Visit struct {
	Key     crm.FactKey
	DaysAgo int
	Service string
}

// Answer is a child row of Shopper.
type Answer struct {
	DaysAgo int
	Score   int
}

func Example() {
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	if err != nil {
		log.Fatal(err)
	}
	data, err := os.ReadFile("testdata/evening.yaml")
	if err != nil {
		log.Fatal(err)
	}
	book, err := rules.ReadYAML("evening.yaml", data)
	if err != nil {
		log.Fatal(err)
	}
	set, err := schema.Compile(book)
	if err != nil {
		log.Fatal(err)
	}

	shoppers := []Shopper{{
		SMSConsent: true, Orders: 1, DaysSincePurchase: 1,
		Purchases: []Purchase{{Key: crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: "o-17"}, DaysAgo: 1, Channel: "store"}},
		Visits:    []Visit{{Key: crm.FactKey{Kind: crm.KindVisit, Source: "service", ID: "v-3"}, DaysAgo: 1, Service: "battery"}},
	}}
	profile := crm.OfProfile(crm.ProfileKey{Source: "erp", ID: "1042"})
	istanbul := time.FixedZone("TRT", 3*3600)
	ctx, store := context.Background(), memstore.New() // a database of yours has the same role

	ids, err := crm.NewEffectIDs(crmtest.Secret("ids")) // yours is drawn once and never changes
	if err != nil {
		log.Fatal(err)
	}

	night := func(now time.Time) {
		m := rules.NewMoment(now, istanbul)
		var firings []rules.Firing
		for i := range shoppers {
			s := &shoppers[i]
			if firings, err = set.Evening(firings[:0], s, m); err != nil {
				log.Fatal(err)
			}
			intent := rules.Intent{Members: []crm.Subject{profile}}
			for _, f := range firings {
				target := rules.Target{Subject: profile}
				switch f.Rule.Each {
				case "Purchases":
					target.About = s.Purchases[f.Row].Key
				case "Visits":
					target.About = s.Visits[f.Row].Key
				}
				if intent.Effects, err = set.Plan(ids, intent.Effects, f, target, m); err != nil {
					log.Fatal(err)
				}
			}
			var created []*crm.Effect
			err := store.Update(ctx, func(tx crm.Tx) error {
				created, err = rules.Record(ctx, tx, intent)
				return err
			})
			if err != nil {
				log.Fatal(err)
			}
			for _, e := range created {
				fmt.Println(e.Due.In(istanbul).Format("2006-01-02 15:04"), e.Kind, e.Cause, e.About.ID, e.Occurrence)
			}
			fmt.Println(len(created), "new effects")
		}
	}
	evening := time.Date(2025, 3, 1, 20, 0, 0, 0, istanbul)
	night(evening)
	night(evening) // again: nothing is done twice
	// Output:
	// 2025-03-01 20:00 tag rule/battery v-3 tag:battery
	// 2027-03-01 10:00 message rule/battery v-3 message:battery-invitation
	// 2025-03-02 10:00 message rule/survey-store o-17 survey:after-purchase
	// 3 new effects
	// 0 new effects
}

func ExampleSet_Explain() {
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	if err != nil {
		log.Fatal(err)
	}
	set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{
		Name: "vip", When: `Spend12m >= 2_000_000 and Orders >= 5 and "vip" not in Tags`,
		Then: []rules.Action{{Kind: "tag", Name: "vip"}},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	x, err := set.Explain("vip", &Shopper{Spend12m: 2_500_000, Orders: 3}, rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(x)
	fmt.Print(x.Text("tr"))
	// Output:
	// Rule vip does not fire: Orders >= 5 (Orders is 3).
	//   no  all of:
	//     yes Spend12m >= 2000000 (Spend12m is 2500000)
	//     no  Orders >= 5 (Orders is 3)
	//     yes "vip" not in Tags
	// vip kuralı çalışmaz: Orders >= 5 (Orders = 3).
	//   hayır hepsi:
	//     evet  Spend12m >= 2000000 (Spend12m = 2500000)
	//     hayır Orders >= 5 (Orders = 3)
	//     evet  "vip" not in Tags
}

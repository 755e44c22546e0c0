package rules_test

import (
	"fmt"
	"log"
	"time"

	"github.com/vefacrm/vefa/rules"
)

// A decision table: Decide gives the values of a subject's case, and since the
// table has actions its rows are rules, too.
func ExampleSet_Decide() {
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	if err != nil {
		log.Fatal(err)
	}
	book, err := rules.ReadYAML("offers.yaml", []byte(`
parameters: {vip_spend: 2_000_000}
tables:
  - name: spring
    hit: first
    when: SMSConsent
    inputs: [Spend12m, Orders, Tags]
    outputs: [template, percent]
    rows:
      - {name: house, when: ["-", "-", staff], then: ["-", 0]}
      - {name: best, when: [">= vip_spend", ">= 5", "-"], then: [best, 20]}
      - {name: rest, when: ["-", ">= 1", not red], then: [spring, 5]}
    then:
      - message: "{template}"
        with: {percent: "{percent}"}
`))
	if err != nil {
		log.Fatal(err)
	}
	set, err := schema.Compile(book)
	if err != nil {
		log.Fatal(err)
	}
	m := rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)
	shopper := Shopper{SMSConsent: true, Spend12m: 2_400_000, Orders: 6}
	got, err := set.Decide("spring", &shopper, -1, m)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got[0].Row, got[0].Values["percent"])
	firings, err := set.Evening(nil, &shopper, m)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(firings[0].Rule.Name, firings[0].Rule.Then[0].Name)
	for _, f := range set.Lint(nil) {
		fmt.Println(f)
	}
	// Output:
	// best 20
	// spring/best best
	// offers.yaml:4:5: table spring: gap: no row for: Spend12m < 2000000, Orders < 1, Tags has none of red, staff
}

func ExampleExplanation_FlipText() {
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	if err != nil {
		log.Fatal(err)
	}
	set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{
		Name: "vip", When: `Spend12m >= 2_000_000 and (Orders >= 5 or "golden" in Tags)`,
		Then: []rules.Action{{Kind: "tag", Name: "vip"}},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	x, err := set.Explain("vip", &Shopper{Spend12m: 2_500_000, Orders: 3}, rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(x.FlipText("en"))
	fmt.Print(x.FlipText("tr"))
	// Output:
	// It would fire if:
	//   Orders were 5 instead of 3
	//   "golden" in Tags were true instead of false
	// Şöyle olsaydı çalışırdı:
	//   Orders 5 olsaydı (şimdi 3)
	//   "golden" in Tags doğru olsaydı (şimdi yanlış)
}

func ExampleBreaker() {
	var b rules.Breaker
	past := rules.Populations{"survey": {120, 95, 143, 110}}
	tonight := map[string]int{"survey": 48_000}
	trips := b.Check(past, tonight)
	for _, t := range trips {
		fmt.Printf("%s: %d customers, usual is at most %d\n", t.Rule, t.Matched, t.Usual)
	}
	past = b.Learn(past, tonight, trips)
	fmt.Println(past)
	// Output:
	// survey: 48000 customers, usual is at most 143
	// map[survey:[120 95 143 110]]
}

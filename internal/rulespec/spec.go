// Package rulespec is the benchmark specification of package rules: a population
// of customers, the twenty rules of a retailer's evening in the rule language
// and in Go, and templates for as many more as one likes. It is shared by the
// tests of package rules and by the comparisons of internal/rulesbench.
package rulespec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Purchase is one purchase of a customer.
type Purchase struct {
	Category string
	Channel  string
	Amount   float64
	DaysAgo  int `rule:",days=since"`
}

// Customer is what rules know of a customer.
type Customer struct {
	ID                                                            int
	Email, Phone, City, StoreCode, Tier, LastChannel, LastService string
	SMSConsent, EmailConsent                                      bool
	DaysSincePurchase, DaysSinceService, DaysSinceSurvey          int `rule:",days=since"`
	DaysToBirthday                                                int `rule:",days=yearly"`
	DaysSinceSignup                                               int `rule:",days=since"`
	OpenComplaints, Orders, R, F, M, LastNPS                      int
	TotalSpend, Spend12m                                          float64
	Tags                                                          []string
	Purchases                                                     []Purchase `rule:",max=12"`
}

var (
	cities     = []string{"Istanbul", "Ankara", "Izmir", "Bursa", "Antalya", "Adana", "Konya", "Gaziantep", "Mersin", "Kayseri", "Eskisehir", "Samsun"}
	mailHosts  = []string{"gmail.com", "hotmail.com", "icloud.com", "outlook.com", "sirket.com.tr"}
	tiers      = []string{"bronze", "silver", "gold", "platinum"}
	channels   = []string{"store", "store", "web", "app"}
	services   = []string{"", "", "", "", "battery", "strap", "polish", "repair"}
	categories = []string{"watch", "strap", "battery", "jewelry", "sunglasses", "wall-clock"}
)

// TagName returns the name of tag t of 200.
func TagName(t int) string {
	names := []string{"red", "golden", "battery", "churn-risk", "complaint", "vip", "newsletter", "staff", "b2b", "watch-lover"}
	if t < len(names) {
		return names[t]
	}
	return fmt.Sprintf("tag-%03d", t)
}

// Population draws n customers: the same for the same n, and the first of them
// the same for any.
func Population(n int) []Customer {
	r := rand.New(rand.NewPCG(42, 7))
	tags := make([]string, 200)
	for t := range tags {
		tags[t] = TagName(t)
	}
	out := make([]Customer, n)
	for i := range out {
		c := &out[i]
		c.ID = i
		c.Email = fmt.Sprintf("user%07d@%s", i, mailHosts[r.IntN(5)])
		c.Phone = fmt.Sprintf("+905%09d", r.IntN(1e9))
		c.City = cities[min(r.IntN(12), r.IntN(12))]
		c.StoreCode = fmt.Sprintf("TR%04d", r.IntN(300))
		c.Tier = tiers[min(r.IntN(4), r.IntN(4))]
		c.LastChannel = channels[r.IntN(4)]
		c.LastService = services[r.IntN(8)]
		c.SMSConsent = r.IntN(100) < 60
		c.EmailConsent = r.IntN(100) < 55
		c.DaysSincePurchase = int(200 * r.ExpFloat64())
		c.DaysSinceService = int(400 * r.ExpFloat64())
		c.DaysSinceSurvey = int(120 * r.ExpFloat64())
		c.DaysToBirthday = r.IntN(365)
		c.DaysSinceSignup = int(900 * r.ExpFloat64())
		if r.IntN(50) == 0 {
			c.OpenComplaints = 1 + r.IntN(2)
		}
		c.Orders = 1 + int(4*r.ExpFloat64())
		c.R, c.F, c.M = 1+r.IntN(5), 1+r.IntN(5), 1+r.IntN(5)
		if c.LastNPS = r.IntN(40); c.LastNPS > 10 {
			c.LastNPS = -1
		}
		c.TotalSpend = 8000 * r.ExpFloat64()
		c.Spend12m = c.TotalSpend * r.Float64()
		for range 4 + r.IntN(9) {
			t := int(200 * r.Float64() * r.Float64())
			if t == 0 && r.IntN(4) != 0 {
				t = 50 + r.IntN(100)
			}
			if !slices.Contains(c.Tags, tags[t]) {
				c.Tags = append(c.Tags, tags[t])
			}
		}
		for k := range min(c.Orders, 12) {
			c.Purchases = append(c.Purchases, Purchase{
				Category: categories[r.IntN(6)],
				Channel:  channels[r.IntN(4)],
				Amount:   3000 * r.ExpFloat64(),
				DaysAgo:  c.DaysSincePurchase + 30*k + r.IntN(60),
			})
		}
	}
	return out
}

// Twenty is the rules of the evening, in the rule language.
var Twenty = strings.Split(strings.TrimSpace(`
DaysSincePurchase == 1 && LastChannel == "store" && SMSConsent
DaysSincePurchase == 5 && LastChannel == "web" && EmailConsent
LastService == "battery" && DaysSinceService <= 1 && "battery" not in Tags
"battery" in Tags && DaysSinceService >= 730 && SMSConsent && "red" not in Tags
DaysToBirthday == 7 && (SMSConsent || EmailConsent) && "red" not in Tags
Spend12m > 20000 && Orders >= 5 && "vip" not in Tags
DaysSincePurchase > 180 && Orders >= 3 && "churn-risk" not in Tags
LastNPS >= 0 && LastNPS <= 6 && DaysSinceSurvey <= 2 && "complaint" not in Tags
R == 5 && F >= 4 && M >= 4 && City in ["Istanbul", "Ankara", "Izmir"]
"golden" in Tags && "red" not in Tags && EmailConsent
DaysSinceSignup <= 1 && Orders == 1 && EmailConsent
any(Purchases, .Category == "watch" && .Amount > 10000 && .DaysAgo <= 30)
count(Purchases, .Channel == "store" && .DaysAgo <= 365) >= 3
sum(filter(Purchases, .Category == "jewelry"), .Amount) > 15000
EmailConsent && Email endsWith "@gmail.com" && Orders >= 2
SMSConsent && Phone startsWith "+90532" && DaysSincePurchase <= 90
((Tier in ["gold", "platinum"] && Orders >= 4) || TotalSpend >= 30000) && OpenComplaints == 0 && DaysSinceSurvey > 90 && (SMSConsent || EmailConsent) && "staff" not in Tags
Tier == "silver" && Spend12m >= 20000 && OpenComplaints == 0
StoreCode in ["TR0001","TR0007","TR0019","TR0023","TR0042","TR0077","TR0101","TR0150","TR0200","TR0299"] && DaysSincePurchase <= 7 && SMSConsent
SMSConsent && any(Purchases, .Category == "watch" && .DaysAgo >= 700 && .DaysAgo <= 730)
`), "\n")

// ByHand is the twenty rules as a programmer would write them.
var ByHand = []func(c *Customer) bool{
	func(c *Customer) bool { return c.DaysSincePurchase == 1 && c.LastChannel == "store" && c.SMSConsent },
	func(c *Customer) bool { return c.DaysSincePurchase == 5 && c.LastChannel == "web" && c.EmailConsent },
	func(c *Customer) bool {
		return c.LastService == "battery" && c.DaysSinceService <= 1 && !has(c.Tags, "battery")
	},
	func(c *Customer) bool {
		return has(c.Tags, "battery") && c.DaysSinceService >= 730 && c.SMSConsent && !has(c.Tags, "red")
	},
	func(c *Customer) bool {
		return c.DaysToBirthday == 7 && (c.SMSConsent || c.EmailConsent) && !has(c.Tags, "red")
	},
	func(c *Customer) bool { return c.Spend12m > 20000 && c.Orders >= 5 && !has(c.Tags, "vip") },
	func(c *Customer) bool {
		return c.DaysSincePurchase > 180 && c.Orders >= 3 && !has(c.Tags, "churn-risk")
	},
	func(c *Customer) bool {
		return c.LastNPS >= 0 && c.LastNPS <= 6 && c.DaysSinceSurvey <= 2 && !has(c.Tags, "complaint")
	},
	func(c *Customer) bool {
		return c.R == 5 && c.F >= 4 && c.M >= 4 && (c.City == "Istanbul" || c.City == "Ankara" || c.City == "Izmir")
	},
	func(c *Customer) bool { return has(c.Tags, "golden") && !has(c.Tags, "red") && c.EmailConsent },
	func(c *Customer) bool { return c.DaysSinceSignup <= 1 && c.Orders == 1 && c.EmailConsent },
	func(c *Customer) bool {
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Category == "watch" && p.Amount > 10000 && p.DaysAgo <= 30 {
				return true
			}
		}
		return false
	},
	func(c *Customer) bool {
		n := 0
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Channel == "store" && p.DaysAgo <= 365 {
				n++
			}
		}
		return n >= 3
	},
	func(c *Customer) bool {
		sum := 0.0
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Category == "jewelry" {
				sum += p.Amount
			}
		}
		return sum > 15000
	},
	func(c *Customer) bool {
		return c.EmailConsent && strings.HasSuffix(c.Email, "@gmail.com") && c.Orders >= 2
	},
	func(c *Customer) bool {
		return c.SMSConsent && strings.HasPrefix(c.Phone, "+90532") && c.DaysSincePurchase <= 90
	},
	func(c *Customer) bool {
		return (((c.Tier == "gold" || c.Tier == "platinum") && c.Orders >= 4) || c.TotalSpend >= 30000) &&
			c.OpenComplaints == 0 && c.DaysSinceSurvey > 90 && (c.SMSConsent || c.EmailConsent) && !has(c.Tags, "staff")
	},
	func(c *Customer) bool { return c.Tier == "silver" && c.Spend12m >= 20000 && c.OpenComplaints == 0 },
	func(c *Customer) bool {
		switch c.StoreCode {
		case "TR0001", "TR0007", "TR0019", "TR0023", "TR0042", "TR0077", "TR0101", "TR0150", "TR0200", "TR0299":
			return c.DaysSincePurchase <= 7 && c.SMSConsent
		}
		return false
	},
	func(c *Customer) bool {
		if !c.SMSConsent {
			return false
		}
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Category == "watch" && p.DaysAgo >= 700 && p.DaysAgo <= 730 {
				return true
			}
		}
		return false
	},
}

func has(tags []string, tag string) bool {
	for _, t := range tags {
		if t == tag {
			return true
		}
	}
	return false
}

// Many returns the twenty rules and more of the eight templates of the
// specification, n in all.
func Many(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	tag := func() string { return TagName(r.IntN(200)) }
	consent := func() string { return one("SMSConsent", "EmailConsent", "(SMSConsent || EmailConsent)") }
	texts := append([]string(nil), Twenty...)
	for len(texts) < n {
		var s string
		switch r.IntN(8) {
		case 0:
			s = fmt.Sprintf(`DaysSincePurchase == %d && LastChannel == %q && %s`, 1+r.IntN(30), one("store", "web", "app"), consent())
		case 1:
			s = fmt.Sprintf(`%q in Tags && "red" not in Tags && %s`, tag(), consent())
		case 2:
			s = fmt.Sprintf(`%q in Tags && %q not in Tags && DaysSincePurchase > %d && %s`, tag(), tag(), 30*(1+r.IntN(12)), consent())
		case 3:
			s = fmt.Sprintf(`LastService == %q && DaysSinceService == %d && %q not in Tags`, one("battery", "strap", "polish", "repair"), r.IntN(30), tag())
		case 4:
			s = fmt.Sprintf(`R == %d && F >= %d && M >= %d && City == %q && "red" not in Tags`, 1+r.IntN(5), 1+r.IntN(5), 1+r.IntN(5), one(cities...))
		case 5:
			s = fmt.Sprintf(`StoreCode == "TR%04d" && DaysSincePurchase <= %d && %s`, r.IntN(300), 1+r.IntN(14), consent())
		case 6:
			s = fmt.Sprintf(`Tier == %q && Spend12m >= %d && OpenComplaints == 0 && DaysSinceSurvey > %d`, one(tiers...), 1000*(1+r.IntN(20)), 30*(1+r.IntN(6)))
		case 7:
			s = fmt.Sprintf(`any(Purchases, .Category == %q && .DaysAgo <= %d) && %s && %q in Tags`, one(categories...), 30*(1+r.IntN(12)), consent(), tag())
		}
		texts = append(texts, s)
	}
	return texts[:n]
}

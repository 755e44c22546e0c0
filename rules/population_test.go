package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

// The population and the rules of the benchmark specification
// (rules-and-segments.md, section 4), drawn in its order.

type purchase struct {
	Category string
	Channel  string
	Amount   float64
	DaysAgo  int `rule:",days=since"`
}

type customer struct {
	ID                                                            int
	Email, Phone, City, StoreCode, Tier, LastChannel, LastService string
	SMSConsent, EmailConsent                                      bool
	DaysSincePurchase, DaysSinceService, DaysSinceSurvey          int `rule:",days=since"`
	DaysToBirthday                                                int `rule:",days=yearly"`
	DaysSinceSignup                                               int `rule:",days=since"`
	OpenComplaints, Orders, R, F, M, LastNPS                      int
	TotalSpend, Spend12m                                          float64
	Tags                                                          []string
	Purchases                                                     []purchase `rule:",max=12"`
}

var (
	cities     = []string{"Istanbul", "Ankara", "Izmir", "Bursa", "Antalya", "Adana", "Konya", "Gaziantep", "Mersin", "Kayseri", "Eskisehir", "Samsun"}
	mailHosts  = []string{"gmail.com", "hotmail.com", "icloud.com", "outlook.com", "sirket.com.tr"}
	tiers      = []string{"bronze", "silver", "gold", "platinum"}
	channels   = []string{"store", "store", "web", "app"}
	services   = []string{"", "", "", "", "battery", "strap", "polish", "repair"}
	categories = []string{"watch", "strap", "battery", "jewelry", "sunglasses", "wall-clock"}
)

func tagName(t int) string {
	names := []string{"red", "golden", "battery", "churn-risk", "complaint", "vip", "newsletter", "staff", "b2b", "watch-lover"}
	if t < len(names) {
		return names[t]
	}
	return fmt.Sprintf("tag-%03d", t)
}

func population(n int) []customer {
	r := rand.New(rand.NewPCG(42, 7))
	tags := make([]string, 200)
	for t := range tags {
		tags[t] = tagName(t)
	}
	out := make([]customer, n)
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
			c.Purchases = append(c.Purchases, purchase{
				Category: categories[r.IntN(6)],
				Channel:  channels[r.IntN(4)],
				Amount:   3000 * r.ExpFloat64(),
				DaysAgo:  c.DaysSincePurchase + 30*k + r.IntN(60),
			})
		}
	}
	return out
}

var twenty = strings.Split(strings.TrimSpace(`
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

// byHand are the twenty rules as a programmer would write them.
var byHand = []func(c *customer) bool{
	func(c *customer) bool { return c.DaysSincePurchase == 1 && c.LastChannel == "store" && c.SMSConsent },
	func(c *customer) bool { return c.DaysSincePurchase == 5 && c.LastChannel == "web" && c.EmailConsent },
	func(c *customer) bool {
		return c.LastService == "battery" && c.DaysSinceService <= 1 && !has(c.Tags, "battery")
	},
	func(c *customer) bool {
		return has(c.Tags, "battery") && c.DaysSinceService >= 730 && c.SMSConsent && !has(c.Tags, "red")
	},
	func(c *customer) bool {
		return c.DaysToBirthday == 7 && (c.SMSConsent || c.EmailConsent) && !has(c.Tags, "red")
	},
	func(c *customer) bool { return c.Spend12m > 20000 && c.Orders >= 5 && !has(c.Tags, "vip") },
	func(c *customer) bool {
		return c.DaysSincePurchase > 180 && c.Orders >= 3 && !has(c.Tags, "churn-risk")
	},
	func(c *customer) bool {
		return c.LastNPS >= 0 && c.LastNPS <= 6 && c.DaysSinceSurvey <= 2 && !has(c.Tags, "complaint")
	},
	func(c *customer) bool {
		return c.R == 5 && c.F >= 4 && c.M >= 4 && (c.City == "Istanbul" || c.City == "Ankara" || c.City == "Izmir")
	},
	func(c *customer) bool { return has(c.Tags, "golden") && !has(c.Tags, "red") && c.EmailConsent },
	func(c *customer) bool { return c.DaysSinceSignup <= 1 && c.Orders == 1 && c.EmailConsent },
	func(c *customer) bool {
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Category == "watch" && p.Amount > 10000 && p.DaysAgo <= 30 {
				return true
			}
		}
		return false
	},
	func(c *customer) bool {
		n := 0
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Channel == "store" && p.DaysAgo <= 365 {
				n++
			}
		}
		return n >= 3
	},
	func(c *customer) bool {
		sum := 0.0
		for i := range c.Purchases {
			if p := &c.Purchases[i]; p.Category == "jewelry" {
				sum += p.Amount
			}
		}
		return sum > 15000
	},
	func(c *customer) bool {
		return c.EmailConsent && strings.HasSuffix(c.Email, "@gmail.com") && c.Orders >= 2
	},
	func(c *customer) bool {
		return c.SMSConsent && strings.HasPrefix(c.Phone, "+90532") && c.DaysSincePurchase <= 90
	},
	func(c *customer) bool {
		return (((c.Tier == "gold" || c.Tier == "platinum") && c.Orders >= 4) || c.TotalSpend >= 30000) &&
			c.OpenComplaints == 0 && c.DaysSinceSurvey > 90 && (c.SMSConsent || c.EmailConsent) && !has(c.Tags, "staff")
	},
	func(c *customer) bool { return c.Tier == "silver" && c.Spend12m >= 20000 && c.OpenComplaints == 0 },
	func(c *customer) bool {
		switch c.StoreCode {
		case "TR0001", "TR0007", "TR0019", "TR0023", "TR0042", "TR0077", "TR0101", "TR0150", "TR0200", "TR0299":
			return c.DaysSincePurchase <= 7 && c.SMSConsent
		}
		return false
	},
	func(c *customer) bool {
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

var evening = rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)

// twentyRules compiles the twenty expressions over a facts struct.
func twentyRules[F any](t testing.TB) *rules.Set[F] {
	t.Helper()
	schema, err := rules.NewSchema[F](rules.Options{})
	require.NoError(t, err)
	var book rules.Book
	for i, text := range twenty {
		book.Rules = append(book.Rules, rules.Rule{
			Name: fmt.Sprintf("r%02d", i+1), When: text,
			Then: []rules.Action{{Kind: rules.DoTag, Name: "x"}},
		})
	}
	set, err := schema.Compile(&book)
	require.NoError(t, err)
	return set
}

func TestTwentyRulesEqualHandWritten(t *testing.T) {
	people := population(20_000)
	set := twentyRules[customer](t)
	var firings []rules.Firing
	total := 0
	for i := range people {
		var err error
		firings, err = set.Evening(firings[:0], &people[i], evening)
		require.NoError(t, err)
		k := 0
		for r, rule := range byHand {
			if rule(&people[i]) {
				require.Greater(t, len(firings), k)
				require.Equal(t, fmt.Sprintf("r%02d", r+1), firings[k].Rule.Name)
				k++
			}
		}
		require.Len(t, firings, k)
		total += k
	}
	t.Logf("%d matches", total)
}

// tagged is what the twenty rules read, with tags as a TagSet.
type tagged struct {
	Email, Phone, City, StoreCode, Tier, LastChannel, LastService string
	SMSConsent, EmailConsent                                      bool
	DaysSincePurchase, DaysSinceService, DaysSinceSurvey          int `rule:",days=since"`
	DaysToBirthday                                                int `rule:",days=yearly"`
	DaysSinceSignup                                               int `rule:",days=since"`
	OpenComplaints, Orders, R, F, M, LastNPS                      int
	TotalSpend, Spend12m                                          float64
	Tags                                                          rules.TagSet
	Purchases                                                     []purchase `rule:",max=12"`
}

func tag(people []customer, v *rules.Vocabulary) []tagged {
	out := make([]tagged, len(people))
	for i := range people {
		c := &people[i]
		out[i] = tagged{c.Email, c.Phone, c.City, c.StoreCode, c.Tier, c.LastChannel, c.LastService, c.SMSConsent, c.EmailConsent,
			c.DaysSincePurchase, c.DaysSinceService, c.DaysSinceSurvey, c.DaysToBirthday, c.DaysSinceSignup, c.OpenComplaints, c.Orders,
			c.R, c.F, c.M, c.LastNPS, c.TotalSpend, c.Spend12m, v.Set(c.Tags...), c.Purchases}
	}
	return out
}

func TestTagSetsGiveTheSame(t *testing.T) {
	people := population(3000)
	a, b := twentyRules[customer](t), twentyRules[tagged](t)
	other := tag(people, b.Schema().Tags())
	for i := range people {
		x, err := a.Evening(nil, &people[i], evening)
		require.NoError(t, err)
		y, err := b.Evening(nil, &other[i], evening)
		require.NoError(t, err)
		require.Len(t, y, len(x))
		for k := range x {
			require.Equal(t, x[k].Rule.Name, y[k].Rule.Name)
		}
	}
}

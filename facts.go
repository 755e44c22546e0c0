package vefa

import (
	"time"

	"github.com/vefacrm/vefa/rules"
)

// Facts is what rules read about one customer on one evening: the names that a
// rule file may use. Days are counted in the zone of the place concerned, from
// the evening's date there. Amounts are in Config.Currency, written in its units,
// as in TotalSpend >= 1250.50.
//
// What never happened or is not known is null: a comparison with it is false, !=
// too, so that `LastScore <= 6` does not hold for a customer who never answered;
// `LastScore == nil` asks for it and `LastScore ?? 10` puts a value in its place.
type Facts struct {
	rules.Extensible // by Config.Fields

	Kind     string              `rule:"Kind" doc:"person, organisation or household"`
	City     rules.Maybe[string] `rule:"City,max=128" doc:"city of the best source"`
	District rules.Maybe[string] `rule:"District,max=128"`
	Gender   rules.Maybe[string] `rule:"Gender,max=32"`
	Locale   rules.Maybe[string] `rule:"Locale,max=32"`
	Sources  int                 `rule:"Sources" doc:"number of source records that are this customer"`
	Since    time.Time           `rule:"Since" doc:"when a source first knew the customer"`

	Phone bool `rule:"Phone" doc:"has a phone number that can be tried"`
	Email bool `rule:"Email" doc:"has an e-mail address that can be tried"`
	// Consents of the best address of each channel, as of this evening. They are
	// read again at the moment of sending.
	SMSConsent   bool `rule:"SMSConsent" doc:"the best phone number's holder agreed to messages"`
	EmailConsent bool `rule:"EmailConsent" doc:"the best e-mail address's holder agreed to messages"`

	OpenTickets    int              `rule:"OpenTickets" doc:"tickets that are not solved"`
	LastSolved     time.Time        `rule:"LastSolved" doc:"when the last ticket was solved"`
	DaysSinceSolve rules.Maybe[int] `rule:"DaysSinceSolve,days=since" doc:"since the last ticket was solved"`

	Orders            int                 `rule:"Orders" doc:"sales that were not cancelled or wholly returned"`
	FirstPurchase     time.Time           `rule:"FirstPurchase"`
	LastPurchase      time.Time           `rule:"LastPurchase"`
	DaysSincePurchase rules.Maybe[int]    `rule:"DaysSincePurchase,days=since"`
	DaysSinceFirst    rules.Maybe[int]    `rule:"DaysSinceFirst,days=since" doc:"since the first purchase"`
	LastChannel       rules.Maybe[string] `rule:"LastChannel,max=64" doc:"channel of the last purchase"`
	TotalSpend        rules.Maybe[int64]  `rule:"TotalSpend,scale=2" doc:"returns taken off; null if an amount is in a currency without a rate"`
	Spend12m          rules.Maybe[int64]  `rule:"Spend12m,scale=2" doc:"of the last 365 days, returns taken off; null as TotalSpend is"`
	Returns           int                 `rule:"Returns"`

	ServiceVisits    int                 `rule:"ServiceVisits"`
	LastVisit        time.Time           `rule:"LastVisit" doc:"last visit to the technical service"`
	DaysSinceService rules.Maybe[int]    `rule:"DaysSinceService,days=since"`
	LastService      rules.Maybe[string] `rule:"LastService,max=64"`

	LastScore       rules.Maybe[int] `rule:"LastScore" doc:"of the last survey answer"`
	LastBad         bool             `rule:"LastBad" doc:"the last survey answer was below the threshold"`
	LastAnswer      time.Time        `rule:"LastAnswer"`
	DaysSinceAnswer rules.Maybe[int] `rule:"DaysSinceAnswer,days=since"`
	LastClick       time.Time        `rule:"LastClick" doc:"of a person"`
	DaysSinceClick  rules.Maybe[int] `rule:"DaysSinceClick,days=since" doc:"since the last click of a person"`

	Born           time.Time        `rule:"Born" doc:"birthday, where year, month and day are known"`
	DaysToBirthday rules.Maybe[int] `rule:"DaysToBirthday,days=yearly" doc:"0 today"`
	Age            rules.Maybe[int] `rule:"Age" doc:"in years"`

	Place       rules.Maybe[string] `rule:"Place,max=128" doc:"of the last purchase or visit: the customer's shop"`
	Region      rules.Maybe[string] `rule:"Region,max=128" doc:"the region that Place lies in"`
	PlaceOpened time.Time           `rule:"PlaceOpened" doc:"when Place opened"`
	Hour        int                 `rule:"Hour" doc:"hour of the day, 0 to 23, where the customer is"`

	Tags rules.TagSet `rule:"Tags,max=64" doc:"tags that are set this evening"`

	Segments rules.TagSet `rule:"Segments,names,max=1000" doc:"segments of Config.Segments that the customer is in"`

	Purchases []Purchase `rule:"Purchases,max=5000" doc:"all sales and returns, oldest first"`
	Lines     []Line     `rule:"Lines,max=10000" doc:"the articles of all sales and returns, oldest first"`
	Visits    []Visit    `rule:"Visits,max=2000" doc:"visits to the technical service"`
	Answers   []Answer   `rule:"Answers,max=2000" doc:"finished surveys"`
	Feasts    []Feast    `rule:"Feasts,max=100" doc:"of Config.Feasts, by name"`
	Sent      []Sent     `rule:"Sent,max=5000" doc:"messages that went out, oldest first"`
}

// Purchase is a child row of Facts: one order or return.
type Purchase struct {
	At           time.Time           `rule:"At"`
	DaysAgo      int                 `rule:"DaysAgo,days=since"`
	DeliveredAt  time.Time           `rule:"DeliveredAt" doc:"when the goods were handed over"`
	DeliveredAgo rules.Maybe[int]    `rule:"DeliveredAgo,days=since" doc:"days since the goods were handed over"`
	Channel      rules.Maybe[string] `rule:"Channel,max=64"`
	Place        rules.Maybe[string] `rule:"Place,max=128"`
	Region       rules.Maybe[string] `rule:"Region,max=128" doc:"the region that Place lies in"`
	Category     rules.Maybe[string] `rule:"Category,max=64" doc:"of the dearest line"`
	Brand        rules.Maybe[string] `rule:"Brand,max=64" doc:"of the dearest line"`
	Amount       rules.Maybe[int64]  `rule:"Amount,scale=2" doc:"negative in a return; null in a currency without a rate, which sum leaves out"`
	Gift         bool                `rule:"Gift"`
	Return       bool                `rule:"Return" doc:"goods came back"`
	Cancelled    bool                `rule:"Cancelled"`
	Returned     bool                `rule:"Returned" doc:"a later return took it back"`
	Delivered    bool                `rule:"Delivered"`
	index        int
}

// Line is a child row of Facts: one article of an order or return. A rule with
// each: Lines does what it does once for each order.
type Line struct {
	At        time.Time           `rule:"At"`
	DaysAgo   int                 `rule:"DaysAgo,days=since"`
	SKU       string              `rule:"SKU,max=512" doc:"the article: the model"`
	Category  rules.Maybe[string] `rule:"Category,max=64"`
	Brand     rules.Maybe[string] `rule:"Brand,max=64"`
	Serial    rules.Maybe[string] `rule:"Serial,max=512"`
	Quantity  int                 `rule:"Quantity" doc:"negative in a return"`
	Amount    rules.Maybe[int64]  `rule:"Amount,scale=2" doc:"of all pieces; null in a currency without a rate"`
	Channel   rules.Maybe[string] `rule:"Channel,max=64"`
	Place     rules.Maybe[string] `rule:"Place,max=128"`
	Gift      bool                `rule:"Gift"`
	Return    bool                `rule:"Return"`
	Cancelled bool                `rule:"Cancelled" doc:"the order was"`
	Returned  bool                `rule:"Returned" doc:"a later return took the order back"`
	Delivered bool                `rule:"Delivered"`
	index     int                 // of the order
}

// Visit is a child row of Facts: one visit to the technical service.
type Visit struct {
	At      time.Time           `rule:"At"`
	DaysAgo int                 `rule:"DaysAgo,days=since"`
	Service string              `rule:"Service,max=64"`
	Serial  rules.Maybe[string] `rule:"Serial,max=512"`
	Place   rules.Maybe[string] `rule:"Place,max=128"`
	Latest  bool                `rule:"Latest" doc:"no later visit for the same service and serial number"`
	index   int
}

// Answer is a child row of Facts: one finished survey.
type Answer struct {
	At      time.Time `rule:"At"`
	DaysAgo int       `rule:"DaysAgo,days=since"`
	Survey  string    `rule:"Survey,max=128"`
	Score   int       `rule:"Score"`
	Bad     bool      `rule:"Bad"`
	index   int
}

// Feast is a child row of Facts: a feast of Config.Feasts, the same for everybody in
// a zone.
type Feast struct {
	Name      string           `rule:"Name,max=128"`
	DaysTo    rules.Maybe[int] `rule:"DaysTo,days=until" doc:"to the next one; 0 today"`
	DaysSince rules.Maybe[int] `rule:"DaysSince,days=since" doc:"since the last one; 0 today"`
}

// Sent is a child row of Facts: one message that went out.
type Sent struct {
	At      time.Time `rule:"At"`
	DaysAgo int       `rule:"DaysAgo,days=since"`
	Name    string    `rule:"Name,max=256" doc:"campaign/…, message/… or survey/…"`
	Channel string    `rule:"Channel,max=32" doc:"phone or email"`
}

// day is a calendar day in some zone, counted from the epoch.
func dayNumber(t time.Time, loc *time.Location) int {
	y, m, d := t.In(loc).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

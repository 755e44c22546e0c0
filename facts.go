package vefa

import (
	"time"

	"github.com/vefacrm/vefa/rules"
)

// Facts is what rules read about one customer on one evening: the names that a
// rule file may use. Days are counted in the zone of the place concerned, from
// the evening's date there; a number of days is -1 where nothing of the kind
// ever happened. Money is in minor units.
type Facts struct {
	Kind     string `rule:"Kind" doc:"person, organisation or household"`
	City     string `rule:"City,max=128" doc:"city of the best source"`
	District string `rule:"District,max=128"`
	Gender   string `rule:"Gender,max=32"`
	Locale   string `rule:"Locale,max=32"`
	Sources  int    `rule:"Sources" doc:"number of source records that are this customer"`

	Phone bool `rule:"Phone" doc:"has a phone number that can be tried"`
	Email bool `rule:"Email" doc:"has an e-mail address that can be tried"`
	// Consents of the best address of each channel, as of this evening. They are
	// read again at the moment of sending.
	SMSConsent   bool `rule:"SMSConsent" doc:"the best phone number's holder agreed to messages"`
	EmailConsent bool `rule:"EmailConsent"`

	OpenTickets    int `rule:"OpenTickets" doc:"tickets that are not solved"`
	DaysSinceSolve int `rule:"DaysSinceSolve" doc:"since the last ticket was solved"`

	Orders            int    `rule:"Orders" doc:"sales that were not cancelled or wholly returned"`
	DaysSincePurchase int    `rule:"DaysSincePurchase"`
	DaysSinceFirst    int    `rule:"DaysSinceFirst" doc:"since the first purchase"`
	LastChannel       string `rule:"LastChannel,max=64" doc:"channel of the last purchase"`
	TotalSpend        int64  `rule:"TotalSpend"`
	Spend12m          int64  `rule:"Spend12m" doc:"of the last 365 days, returns taken off"`
	Returns           int    `rule:"Returns"`

	ServiceVisits    int    `rule:"ServiceVisits"`
	DaysSinceService int    `rule:"DaysSinceService"`
	LastService      string `rule:"LastService,max=64"`
	DaysSinceBattery int    `rule:"DaysSinceBattery" doc:"since the last battery change"`

	LastScore       int  `rule:"LastScore" doc:"of the last survey answer, -1 for none"`
	LastBad         bool `rule:"LastBad" doc:"the last survey answer was below the threshold"`
	DaysSinceAnswer int  `rule:"DaysSinceAnswer"`
	DaysSinceClick  int  `rule:"DaysSinceClick" doc:"since the last click of a person"`

	DaysToBirthday int `rule:"DaysToBirthday" doc:"0 today, -1 unknown"`
	Age            int `rule:"Age" doc:"in years, -1 unknown"`

	Tags rules.TagSet `rule:"Tags,max=64" doc:"tags that are set this evening"`

	Purchases []Purchase `rule:"Purchases,max=5000" doc:"all sales and returns, oldest first"`
	Visits    []Visit    `rule:"Visits,max=2000" doc:"visits to the technical service"`
	Answers   []Answer   `rule:"Answers,max=2000" doc:"finished surveys"`
}

// Purchase is a child row of Facts: one order or return.
type Purchase struct {
	DaysAgo      int    `rule:"DaysAgo"`
	DeliveredAgo int    `rule:"DeliveredAgo" doc:"days since the goods were handed over, -1 if they were not"`
	Channel      string `rule:"Channel,max=64"`
	Place        string `rule:"Place,max=128"`
	Category     string `rule:"Category,max=64" doc:"of the dearest line"`
	Brand        string `rule:"Brand,max=64" doc:"of the dearest line"`
	Amount       int64  `rule:"Amount" doc:"minor units, negative in a return"`
	Gift         bool   `rule:"Gift"`
	Return       bool   `rule:"Return" doc:"goods came back"`
	Cancelled    bool   `rule:"Cancelled"`
	Returned     bool   `rule:"Returned" doc:"a later return took it back"`
	Delivered    bool   `rule:"Delivered"`
	index        int
}

// Visit is a child row of Facts: one visit to the technical service.
type Visit struct {
	DaysAgo int    `rule:"DaysAgo"`
	Service string `rule:"Service,max=64"`
	Serial  string `rule:"Serial,max=512"`
	Latest  bool   `rule:"Latest" doc:"no later visit for the same service and serial number"`
	index   int
}

// Answer is a child row of Facts: one finished survey.
type Answer struct {
	DaysAgo int    `rule:"DaysAgo"`
	Survey  string `rule:"Survey,max=128"`
	Score   int    `rule:"Score"`
	Bad     bool   `rule:"Bad"`
	index   int
}

// Schema returns the schema of Facts, with the tags that rules test.
func Schema(vocabulary *rules.Vocabulary) (*rules.Schema[Facts], error) {
	return rules.NewSchema[Facts](rules.Options{Tags: vocabulary})
}

// day is a calendar day in some zone, counted from the epoch.
func dayNumber(t time.Time, loc *time.Location) int {
	y, m, d := t.In(loc).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

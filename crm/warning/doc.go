// Package warning notices that a store, an employee or a category is no longer what it was, soon
// and without crying wolf.
//
//	m, err := warning.NewMonitor(warning.Options{Season: 52, Learn: 104, FalseAlarms: 1})
//	alarms, err := m.Watch(weeklySales, nil)
//	for _, a := range alarms {
//		fmt.Println("week", a.At, "down by", a.Change, "since", a.Since)
//	}
//
// A monitor expects of each period what the season, the level and, if they are given, others like it
// (Peers) say, and adds up how far it stays behind: the chart of cumulated sums of Page 1954.
// Where the sum may lie so seldom by chance is computed from the number of false alarms that
// there may be a year (FalseAlarms), not chosen by feeling: CUSUM and EWMA
// have the limits of both charts for any number.
//
// DifferenceInDifferences says what a change did beside places that it was not made at. Forecast
// goes on with level, trend and season, with intervals that Backtest has measured.
//
// LeadTime says how much earlier alarms are than people, and how many are false. NewOutlook tells problems to come, a late
// shipment or a second repair, from how long things took; Fresh how current what is known of customers is; Blinds how
// much of it its sources do not see of each other; NewProductDrag who is behind with a new product.
//
// The package imports nothing of this module. A period of which nothing is known is NaN.
package warning

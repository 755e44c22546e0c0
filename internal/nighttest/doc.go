// Package nighttest holds what the evening promises on every store: nothing
// goes out without consent, to an open ticket or to a carrier of a red tag,
// however much happens while a campaign is being sent, and running an evening
// twice does nothing twice.
//
//	func TestNights(t *testing.T) { nighttest.Run(t, func(t *testing.T) crm.Store { … }) }
package nighttest

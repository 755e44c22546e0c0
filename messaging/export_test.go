package messaging

import "time"

// What the tests of the package look at by itself and hosts meet through Check, Campaign and
// Outbox alone.
var (
	AddressFault  = addressFault
	ParseTemplate = parseTemplate
	WorstCase     = (*Template).worstCase
)

func (q QuietHours) Validate() error { return q.validate() }

func (q QuietHours) NotBefore(at time.Time, zone *time.Location, key string) (time.Time, error) {
	return q.notBefore(at, zone, key)
}

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// TestAreasOfLibphonenumber: of each number of North America our zones have the hours of all zones that
// libphonenumber knows of it, in winter and in summer.
func TestAreasOfLibphonenumber(t *testing.T) {
	h, err := messaging.NewHours(messaging.Jurisdictions()...)
	require.NoError(t, err)
	offsets := func(zones []*time.Location) map[[2]int]bool {
		out := map[[2]int]bool{}
		for _, z := range zones {
			_, winter := time.Date(2025, 1, 15, 12, 0, 0, 0, z).Zone()
			_, summer := time.Date(2025, 7, 15, 12, 0, 0, 0, z).Zone()
			out[[2]int{winter, summer}] = true
		}
		return out
	}
	known := 0
	for area := 200; area < 1000; area++ {
		for exchange := 200 + area%37; exchange < 1000; exchange += 37 {
			number := fmt.Sprintf("+1%03d%03d0100", area, exchange)
			p, err := phonenumbers.Parse(number, "US")
			require.NoError(t, err)
			switch phonenumbers.GetRegionCodeForNumber(p) {
			case "US", "CA", "PR", "VI", "GU", "MP", "AS":
			default:
				continue
			}
			theirs, err := phonenumbers.GetTimezonesForPrefix(number)
			require.NoError(t, err)
			if len(theirs) > 6 { // of no area
				continue
			}
			known++
			ours := offsets(h.Zones("US", crm.Address{Channel: crm.Phone, Value: number}))
			for _, name := range theirs {
				zone, err := time.LoadLocation(name)
				require.NoError(t, err)
				for at := range offsets([]*time.Location{zone}) {
					require.True(t, ours[at], "%s: %s", number, name)
				}
			}
			require.Less(t, len(ours), 6, number)
		}
	}
	require.Greater(t, known, 5000)
}

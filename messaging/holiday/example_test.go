package holiday_test

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/messaging/holiday"
)

// On the eve of Ramazan Bayramı people work until 13:00.
func ExampleCalendar_Until() {
	tr, _ := holiday.Of("TR")
	eve := time.Date(2026, 3, 19, 0, 0, 0, 0, time.UTC)
	fmt.Println(tr.Until(eve), tr.Until(eve.AddDate(0, 0, 1)), tr.Until(eve.AddDate(0, 0, 4)))
	// Output: 13 0 24
}

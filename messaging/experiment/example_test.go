package experiment_test

import (
	"fmt"

	"github.com/vefacrm/vefa/messaging/experiment"
)

func ExampleEvaluate() {
	r, err := experiment.Evaluate(experiment.Counts{
		Assigned: 9000, Delivered: 8700, Clicked: 900, Converted: 540, ClickedConverted: 180,
		HeldOut: 1000, HeldOutConverted: 45,
	}, 0.1, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("everybody %.1f %%, clickers %.1f %% (descriptive), held out %.1f %%\n", 100*r.Total.Share, 100*r.Clickers.Share, 100*r.HeldOut.Share)
	fmt.Printf("increment %.2f %% [%.2f %%, %.2f %%]: %s\n", 100*r.Incremental.Difference, 100*r.Incremental.Interval.Lo, 100*r.Incremental.Interval.Hi, r.Result)
	// Output:
	// everybody 6.0 %, clickers 20.0 % (descriptive), held out 4.5 %
	// increment 1.50 % [-0.04 %, 2.73 %]: inconclusive
}

package idea_test

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/survey/idea"
)

func Example() {
	at := time.Date(2025, 5, 1, 12, 0, 0, 0, time.UTC)
	var board idea.Board
	for id, text := range map[string]string{"i1": "Küçük bilekler için kordon", "i2": "A shorter strap"} {
		if err := board.Propose(idea.Idea{ID: id, Text: text, Products: []string{"1042"}, By: "c1", At: at}); err != nil {
			fmt.Println(err)
		}
	}
	for i, person := range []string{"c2", "c3", "c2"} { // c2 votes for both
		if err := board.Vote(idea.Vote{ID: fmt.Sprint("v", i), Idea: []string{"i1", "i2", "i2"}[i], Person: person, For: true, At: at}); err != nil {
			fmt.Println(err)
		}
	}
	if err := board.Merge(idea.Merge{ID: "m1", Idea: "i2", Into: "i1", At: at}); err != nil {
		fmt.Println(err)
	}
	for _, r := range board.Ranking(idea.Query{Product: "1042"}) {
		fmt.Printf("%s: %d of %d, 95%% interval %.0f to %.0f\n", r.Text, r.For, r.N, r.Share.Interval.Low, r.Share.Interval.High)
	}
	// Output: Küçük bilekler için kordon: 2 of 2, 95% interval 34 to 100
}

package lifecycle

import "fmt"

// Move is how many customers were in a state at one date and are in another, or the same, at a later one.
type Move struct {
	From State `json:"from"`
	To   State `json:"to"`
	N    int   `json:"n"`
}

// Moves counts how customers changed their states between two dates: before and after are the answers of Definition.State
// about the same customers in the same order. The moves are in the order of States, by From and then To, without
// those of nobody. Slices of different lengths, and states of different versions, are an ErrData.
func Moves(before, after []Why) ([]Move, error) {
	if len(before) != len(after) {
		return nil, fmt.Errorf("%w: %d states before and %d after", ErrData, len(before), len(after))
	}
	type pair struct{ from, to State }
	count := map[pair]int{}
	for i := range before {
		if v := before[0].Version; before[i].Version != v || after[i].Version != v {
			return nil, fmt.Errorf("%w: customer %d: states of versions %q and %q among those of %q", ErrData, i, before[i].Version, after[i].Version, v)
		}
		count[pair{before[i].State, after[i].State}]++
	}
	var out []Move
	for _, from := range States() {
		for _, to := range States() {
			if n := count[pair{from, to}]; n > 0 {
				out = append(out, Move{from, to, n})
				delete(count, pair{from, to})
			}
		}
	}
	for p := range count {
		return nil, fmt.Errorf("%w: there is no state %q or %q", ErrData, p.from, p.to)
	}
	return out, nil
}

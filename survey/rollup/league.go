package rollup

import (
	"slices"

	"github.com/vefacrm/vefa/survey"
)

// Keep returns a league as those may see it who have figures of a tree of the same answers, too: a
// group is suppressed also where the tree does not show it. A league hides small groups among all
// groups, a tree those of each parent; side by side the one would give away what the other
// hides. The keys of the league are the names of the tree at a level; of a name that stands in
// several places all must be shown. The others keep their order, suppressed ones come last.
func Keep(league []survey.Standing[string], figures []Figure, level string) []survey.Standing[string] {
	shown := map[string]bool{}
	for _, f := range figures {
		if f.Level == level && len(f.Path) > 0 {
			name := f.Path[len(f.Path)-1]
			was, twice := shown[name]
			shown[name] = !f.Suppressed && (was || !twice)
		}
	}
	var kept, hidden []survey.Standing[string]
	for _, s := range league {
		if s.Suppressed || !shown[s.Key] {
			hidden = append(hidden, survey.Standing[string]{Key: s.Key, Suppressed: true})
		} else {
			kept = append(kept, s)
		}
	}
	return slices.Concat(kept, hidden)
}

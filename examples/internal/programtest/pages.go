package programtest

import (
	"maps"
	"slices"
	"testing"

	"github.com/vefacrm/vefa/internal/looktest"
)

// Pages checks the HTML pages of a program, by name, in Chromium, as looktest.Pages does. A test gives
// it all of its program at once.
func Pages(t *testing.T, pages map[string][]byte) {
	t.Helper()
	var list []looktest.Page
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		list = append(list, looktest.Page{Name: name, HTML: pages[name]})
	}
	looktest.Pages(t, list...)
}

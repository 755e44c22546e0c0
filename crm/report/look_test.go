package report

import (
	"testing"

	"github.com/vefacrm/vefa/internal/looktest"
)

// TestLook: a page with every picture, as a browser sees and prints it in English and Turkish.
func TestLook(t *testing.T) {
	var pages []looktest.Page
	for _, locale := range []string{"en", "tr"} {
		pages = append(pages, looktest.Page{Name: locale, HTML: []byte(write(t, whole(t, locale, "", 400, 8)))})
	}
	looktest.Pages(t, pages...)
}

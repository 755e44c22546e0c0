package vefa

import (
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/page"
)

// guardName is the reader's word for a guard; what a file of languages does not name is
// shown as it is.
func guardName(l *page.Locale, g string) string {
	if name, ok := strings.CutPrefix(g, "cancel_on "); ok {
		return l.Name("guard", "cancel_on") + " " + name
	}
	return l.Name("guard", g)
}

// thingName names what an effect is about.
func thingName(l *page.Locale, k crm.FactKey) string {
	return l.Name("thing", string(k.Kind)) + " " + k.ID
}

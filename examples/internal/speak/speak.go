// Package speak gives example programs the words and forms of a reader's language: those of the
// library's pages and, beside them, the program's own.
package speak

import (
	"io/fs"
	"path"
	"strings"

	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/internal/page"
)

// Locale writes numbers, money, dates and words of a language.
type Locale = page.Locale

// In returns the forms of a language with a program's own words beside them. The languages are
// the files languages/*.json of files, each called by its tag; another tag is a fault of the flag.
func In(flag, tag string, files fs.ReadFileFS) (*Locale, error) {
	found, err := fs.Glob(files, "languages/*.json")
	if err != nil {
		return nil, err
	}
	for i, f := range found {
		found[i] = strings.TrimSuffix(path.Base(f), ".json")
	}
	if err := terminal.OneOf(flag, tag, found...); err != nil {
		return nil, err
	}
	data, err := files.ReadFile("languages/" + tag + ".json")
	if err != nil {
		return nil, err
	}
	return page.For(tag).With(data)
}

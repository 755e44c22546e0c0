package terminal

import (
	"io/fs"
	"path"
	"strings"

	"github.com/vefacrm/vefa/internal/page"
)

// Speak returns the forms of a language with a program's own words beside them. The languages are
// the files languages/*.json of files, each called by its tag; another tag is a fault of the flag.
func Speak(flag, tag string, files fs.ReadFileFS) (*page.Locale, error) {
	found, err := fs.Glob(files, "languages/*.json")
	if err != nil {
		return nil, err
	}
	for i, f := range found {
		found[i] = strings.TrimSuffix(path.Base(f), ".json")
	}
	if err := OneOf(flag, tag, found...); err != nil {
		return nil, err
	}
	data, err := files.ReadFile("languages/" + tag + ".json")
	if err != nil {
		return nil, err
	}
	return page.For(tag).With(data)
}

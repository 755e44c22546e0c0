package topic

import (
	_ "embed" // retail.json
	"encoding/json"
)

//go:embed retail.json
var retail []byte

// Retail returns a new copy of a lexicon for shops and their web shops, in Turkish and
// English: retail.json of this package, which is also an example of how a lexicon looks in
// a file.
func Retail() (l Lexicon) {
	_ = json.Unmarshal(retail, &l) // read by the tests
	return l
}

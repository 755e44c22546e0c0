package importer

import "slices"

// What the tests see beside the package's own surface.
const MappingFile = mappingFile

var (
	ParseMapping = parseMapping
	ParseAmount  = parseAmount
)

// Files returns the names of the files that the mapping reads, in its order and
// each once.
func (m *mapping) Files() []string {
	var out []string
	for _, f := range m.files {
		if !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
	}
	return out
}

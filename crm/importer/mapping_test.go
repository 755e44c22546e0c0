package importer_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/importer"
)

func TestMappingFaults(t *testing.T) {
	file := func(f string) string { return "sources:\n  - name: s\n    files:\n      - " + f + "\n" }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "mapping.yaml:1:1: is empty"},
		{"no mapping", "- a\n", "mapping.yaml:1:1: must be a mapping of keys to values"},
		{"no sources", "zone: UTC\n", "mapping.yaml:1:1: sources: is missing"},
		{"sources of nothing", "sources: []\n", "mapping.yaml:1:10: sources: name no files"},
		{"not YAML", "sources:\n  - name: [\n", "mapping.yaml:2:11: is not YAML"},
		{"unknown key", "curency: TRY\nsources: []\n", `mapping.yaml:1:1: the key "curency" is not known; did you mean "currency"?`},
		{"unknown key of a source", "sources:\n  - nam: s\n    files: []\n", `mapping.yaml:2:5: sources: the key "nam" is not known; did you mean "name"?`},
		{"unknown key of a file", file("{name: a.csv, kind: lines, colums: {}}"), `mapping.yaml:4:36: files: the key "colums" is not known; did you mean "columns"?`},
		{"unknown kind", file("{name: a.csv, kind: profile}"), `mapping.yaml:4:29: kind: "profile" is not a kind of file; did you mean "profiles"?`},
		{"unknown field", file("{name: a.csv, kind: profiles, columns: {id: a, famly: b}}"), `mapping.yaml:4:56: columns: profiles have no field "famly"; did you mean "family"?`},
		{"field missing", file("{name: a.csv, kind: contacts, columns: {profile: a, value: b}}"), `mapping.yaml:4:10: channel: contacts need this field`},
		{"twice mapped", file("{name: a.csv, kind: profiles, columns: {id: a}, constants: {id: x}}"), `constants.id: is mapped to a column as well`},
		{"unknown word", file("{name: a.csv, kind: profiles, columns: {id: a, kind: b}, values: {kind: {K: persn}}}"), `values.kind: "persn" is not a kind; did you mean "person"?`},
		{"unknown constant", file("{name: a.csv, kind: profiles, columns: {id: a}, constants: {kind: robot}}"), `constants.kind: "robot" is not a kind; there are: household, organisation, person`},
		{"values of no column", file("{name: a.csv, kind: profiles, columns: {id: a}, values: {gender: {K: f}}}"), `values.gender: no column is mapped to the field`},
		{"zone", "zone: Europe/Istambul\nsources: []\n", `mapping.yaml:1:7: zone: "Europe/Istambul" is no IANA zone`},
		{"delimiter", "delimiter: ';;'\nsources: []\n", `delimiter: ";;" is not one character`},
		{"decimal", "decimal: x\nsources: []\n", `decimal: "x" is not , or .`},
		{"currency", "currency: lira\nsources: []\n", `currency: "lira" is no ISO 4217 code`},
		{"layout", "layouts: [DD.MM.YYYY]\nsources: []\n", `mapping.yaml:1:11: layouts: "DD.MM.YYYY" does not say which day`},
		{"layout without year", "layouts: [02.01 15:04]\nsources: []\n", `does not say which day`},
		{"region", "region: Turkey\nsources: []\n", `region: "Turkey" is no ISO 3166 code`},
		{"round", "round: maybe\nsources: []\n", `round: "maybe" is not true or false`},
		{"outside", file("{name: ../a.csv, kind: profiles, columns: {id: a}}"), `name: "../a.csv" is not a file within the folder`},
		{"absolute", file("{name: /etc/passwd, kind: profiles, columns: {id: a}}"), `is not a file within the folder`},
		{"order without currency", file("{name: a.csv, kind: orders, columns: {number: a, profile: b, at: c}}"), `currency: orders need a currency`},
		{"consent about nobody", file("{name: a.csv, kind: consents, columns: {at: a}, constants: {status: granted, channel: phone}}"), `value: consents need a value (the address) or a profile`},
		{"source twice", "sources:\n  - {name: s, files: []}\n  - {name: s, files: []}\n", `mapping.yaml:3:12: name: the source "s" stands here and in line 2`},
		{"alias", "zone: &z UTC\nsources: []\n", `anchors, aliases and tags are not understood here`},
		{"deep", "sources: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", "is nested too deep"},
		{"huge", "# " + strings.Repeat("x", 300<<10), "has more than 64 KB"},
		{"two documents", "zone: UTC\n---\nzone: UTC\n", "there is more than one document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := importer.ParseMapping([]byte(c.text))
			require.ErrorContains(t, err, c.want)
			for _, f := range importer.Faults(err) {
				require.Equal(t, importer.MappingFile, f.File)
			}
		})
	}
}

func TestMappingReportsEveryFault(t *testing.T) {
	_, err := importer.ParseMapping([]byte("zone: x\ndecimal: y\nsources:\n  - name: s\n    files:\n      - {name: a.csv, kind: profiles, columns: {idd: a}}\n"))
	require.Len(t, importer.Faults(err), 4)
}

// The example that README.md shows is one that is understood.
func TestReadmeExample(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, example, ok := strings.Cut(string(text), "```yaml\n")
	require.True(t, ok)
	example, _, ok = strings.Cut(example, "```")
	require.True(t, ok)
	m, err := importer.ParseMapping([]byte(example))
	require.NoError(t, err)
	require.Equal(t, []string{"customers.csv", "sales.csv.gz", "items.csv", "web_customers.csv"}, m.Files())
}

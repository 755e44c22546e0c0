package archtest_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/vefacrm/vefa"

// root stands for an import of the root package, which only what stands above
// it has: the suite of the composition and the examples.
const root = "."

// engines import crm at most, never one another.
var engines = []string{"rules", "dedup", "segment", "survey", "messaging"}

// composing are packages below crm that stand above others there.
var composing = []string{"crm/report", "crm/worth"}

// allowed says which packages of this module a package may import: a prefix of
// packages → prefixes that it may use. The longest matching prefix decides.
var allowed = map[string][]string{
	"crm":           {"internal/fold", "internal/keyring", "internal/rowjson"},
	"crm/audit":     {"crm", "internal"},
	"crm/memstore":  {"crm", "internal"},
	"crm/sqlstore":  {"crm", "internal"},
	"crm/storetest": {"crm", "internal"},
	"crm/crmtest":   {"crm", "internal"},
	"crm/value":     nil,
	"crm/cohort":    nil,
	"crm/lifecycle": nil,
	"crm/warning":   nil,
	"crm/cube":      {"internal/suppress"},
	"crm/cube/star": {"crm/cube", "crm/cube/star"},
	"crm/basket":    {"internal/pvalue"},
	"crm/report":    {"crm/value", "crm/cohort", "crm/lifecycle", "crm/warning", "crm/cube", "crm/basket", "internal"}, // draws their answers
	// puts algorithms together to a module
	"crm/worth":    {"crm", "segment/rfm"},
	"crm/importer": {"crm", "dedup/people"},                                                 // which reads telephone numbers and addresses as linkage does
	"":             {"crm", "rules", "dedup", "segment", "survey", "messaging", "internal"}, // the composition
	"rules":        {"crm", "rules", "internal"},
	"dedup":        {"crm", "dedup", "internal"},
	"segment":      {"crm", "segment", "internal"},
	"survey":       {"crm", "survey", "internal"},
	"messaging":    {"crm", "messaging", "internal"},
	"internal":     {"internal"},
	"examples":     {root, "crm", "rules", "dedup", "segment", "survey", "messaging", "examples"},
	// its report has the library's forms of numbers, money and dates of a language; its world has
	// the families that linkage is tested with
	"examples/night":          {root, "crm", "rules", "dedup", "segment", "survey", "messaging", "examples", "internal/page", "internal/households"},
	"examples/rules":          {root, "crm", "rules", "examples", "internal/page"},
	"examples/campaign":       {root, "crm", "dedup", "messaging", "examples", "internal/page"},
	"examples/console":        {root, "crm", "rules", "dedup", "segment", "survey", "messaging", "examples", "internal/page"},
	"examples/internal/speak": {"examples", "internal/page"},
	// its pages are looked at as those of the library
	"examples/internal/programtest": {"examples", "internal/looktest"},
	// the suite of the composition, for every store
	"internal/nighttest": {root, "crm", "rules", "survey", "messaging", "internal"},
	// the analyses beside packages of Python
	"internal/peers": {"crm", "internal"},
	// two writers in each other's way, for the suites
	"internal/interleave": {"crm"},
	// nested module: conformance on real databases
	"internal/dbtest": {root, "crm", "messaging", "internal"},
	// nested modules: peers of the engines
	"internal/rulesbench":   {"rules", "internal"},
	"internal/segmentbench": {"segment"},
	// algorithms import nothing of ours
	"segment/bitset":   {"internal"},
	"segment/rfm":      {"internal"},
	"rules/internal":   {"rules/internal", "internal"},
	"dedup/metric":     {"internal"},
	"rules/population": {"rules", "internal"},
	"messaging/sms":    {"internal"},
	"messaging/smpp":   {"internal"},
	// a double that speaks the protocol
	"messaging/smpp/smpptest": {"messaging/smpp", "internal"},
	"messaging/experiment":    {"internal"},
	"dedup/people":            {"dedup", "crm", "internal"},
}

// thirdParty says which modules besides the standard library a package may
// import outside its tests. The longest matching prefix decides.
var thirdParty = map[string][]string{
	"crm":                   {"github.com/google/uuid"},
	"crm/audit":             nil,
	"crm/memstore":          nil,
	"crm/sqlstore":          nil,
	"crm/storetest":         {"github.com/stretchr/testify", "pgregory.net/rapid"},
	"crm/crmtest":           nil,
	"crm/value":             nil,
	"crm/cohort":            nil,
	"crm/lifecycle":         nil,
	"crm/warning":           nil,
	"crm/cube":              {"github.com/axiomhq/hyperloglog"},
	"crm/cube/star/parquet": {"github.com/parquet-go/parquet-go"},
	"crm/cube/star/arrow":   {"github.com/apache/arrow-go/v18", "github.com/stretchr/testify"}, // nested module
	"crm/basket":            nil,
	"crm/report":            nil,
	"crm/worth":             nil,
	"crm/importer":          {"github.com/goccy/go-yaml"},
	"":                      nil,
	"rules":                 {"github.com/expr-lang/expr", "github.com/goccy/go-yaml"},
	"rules/internal":        nil,
	"rules/population":      nil,
	"dedup/metric":          nil,
	"dedup":                 {"github.com/adrg/strutil"},
	"dedup/people":          {"github.com/nyaruka/phonenumbers"},
	"segment":               nil,
	"survey":                {"rsc.io/qr"},
	"survey/export":         {"github.com/parquet-go/parquet-go", "github.com/xuri/excelize/v2"}, // by its tests
	"survey/export/parquet": {"github.com/parquet-go/parquet-go"},
	"survey/export/xlsx":    {"github.com/xuri/excelize/v2"},
	"messaging":             {"github.com/google/uuid"},
	"messaging/smpp":        nil,
	"messaging/email":       {"github.com/wneessen/go-mail", "golang.org/x/text"},
	"internal":              {"golang.org/x/text"},
	"internal/segmentbench": {"github.com/RoaringBitmap/roaring/v2", "github.com/stretchr/testify", "pgregory.net/rapid"},
	"internal/rulesbench":   {"cel.dev/cel-go", "github.com/expr-lang/expr", "github.com/stretchr/testify"},
	"internal/dbtest":       {"github.com/jackc/pgx/v5", "modernc.org/sqlite", "github.com/go-sql-driver/mysql", "github.com/stretchr/testify", "pgregory.net/rapid", "github.com/anishathalye/porcupine"},
	"examples": {"github.com/jackc/pgx/v5", "modernc.org/sqlite", "github.com/go-sql-driver/mysql", "github.com/goccy/go-yaml",
		"github.com/stretchr/testify", "github.com/nyaruka/phonenumbers"},
}

// thirdPartyTests says what a package's tests may import besides, exactly that package's.
var thirdPartyTests = map[string][]string{
	"messaging/email": {"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"}, // a server to send to
}

type file struct {
	pkg     string // path below the module, "" for the root
	name    string
	test    bool
	imports []string
}

// files parses every Go file of the tree in this process, so that the test
// cache knows what was read.
func files(t *testing.T, root string) []file {
	t.Helper()
	fsys := os.DirFS(root)
	var out []file
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := file{pkg: path.Dir(p), name: p, test: strings.HasSuffix(p, "_test.go")}
		if f.pkg == "." {
			f.pkg = ""
		}
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, name)
		}
		out = append(out, f)
		return nil
	})
	require.NoError(t, err)
	return out
}

func below(pkg, prefix string) bool { return pkg == prefix || strings.HasPrefix(pkg, prefix+"/") }

// longest returns the entry of the longest prefix of pkg.
func longest(m map[string][]string, pkg string) (string, []string, bool) {
	for p := pkg; ; p = path.Dir(p) {
		if v, ok := m[p]; ok {
			return p, v, true
		}
		if p == "." || p == "/" || p == "" {
			return "", nil, false
		}
	}
}

// isTestPackage reports whether a package exists for tests alone, as its name
// says: storetest, webtest, dbtest.
func isTestPackage(pkg string) bool {
	return slices.ContainsFunc(strings.Split(pkg, "/"), func(s string) bool { return strings.HasSuffix(s, "test") })
}

// faults returns what breaks the graph.
func faults(fs []file) []string {
	var out []string
	for _, f := range fs {
		for _, imp := range f.imports {
			ours, isOurs := strings.CutPrefix(imp, module+"/")
			if imp == module {
				ours, isOurs = root, true
			}
			switch {
			case isOurs:
				if f.pkg == "" && f.test {
					continue // the README's test compiles what it shows
				}
				_, may, ok := longest(allowed, f.pkg)
				if !ok {
					out = append(out, f.name+": package "+f.pkg+" has no place in the graph")
					continue
				}
				fine := ours == f.pkg || slices.ContainsFunc(may, func(p string) bool { return below(ours, p) })
				for _, e := range engines { // an engine never imports another
					if fine && slices.ContainsFunc(engines, func(x string) bool { return below(f.pkg, x) && x != e }) && below(ours, e) {
						fine = false
					}
				}
				// an engine or a store uses crm itself, not what stands above it; a package may use
				// the one that it is below, and those of composing the ones that they stand above
				if fine && !below(f.pkg, ours) && below(ours, "crm") && ours != "crm" && !f.test && f.pkg != "" && !below(f.pkg, "examples") && !isTestPackage(f.pkg) && ours != f.pkg && !slices.Contains(composing, f.pkg) {
					fine = false
				}
				if f.test && (ours == "crm/memstore" || ours == "crm/storetest" || ours == "crm/crmtest") {
					fine = true // the double that tests use
				}
				if f.test && isTestPackage(ours) {
					fine = true
				}
				if f.test && below(ours, f.pkg) {
					fine = true
				}
				if !fine {
					out = append(out, f.name+": may not import "+ours)
				}
			case imp == "testing" || strings.HasPrefix(imp, "testing/"):
				if !f.test && !isTestPackage(f.pkg) {
					out = append(out, f.name+": imports "+imp+" outside a test")
				}
			case strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
				_, may, _ := longest(thirdParty, f.pkg)
				if f.test || isTestPackage(f.pkg) {
					may = append(slices.Clone(may), "github.com/stretchr/testify", "pgregory.net/rapid", "github.com/expr-lang/expr", "github.com/adrg/strutil", "golang.org/x/text")
					may = append(may, thirdPartyTests[f.pkg]...)
				}
				if !slices.ContainsFunc(may, func(p string) bool { return below(imp, p) }) {
					out = append(out, f.name+": may not import "+imp)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestGraph(t *testing.T) {
	all := files(t, "../..")
	require.Greater(t, len(all), 50, "the walk found the tree")
	for _, f := range faults(all) {
		t.Error(f)
	}
}

// TestGraphBreaks shows that each rule refuses what it is there to refuse.
func TestGraphBreaks(t *testing.T) {
	for _, bad := range []file{
		{pkg: "rules", name: "rules/x.go", imports: []string{module + "/segment"}},
		{pkg: "messaging/link", name: "messaging/link/x.go", imports: []string{module + "/survey/invite"}},
		{pkg: "crm", name: "crm/x.go", imports: []string{module + "/rules"}},
		{pkg: "crm", name: "crm/x.go", imports: []string{module}},
		{pkg: "crm/worth", name: "crm/worth/x.go", imports: []string{module}},
		{pkg: "crm/worth", name: "crm/worth/x.go", imports: []string{module + "/rules"}},
		{pkg: "crm/memstore", name: "crm/memstore/x.go", imports: []string{module + "/dedup"}},
		{pkg: "survey", name: "survey/x.go", imports: []string{module}},
		{pkg: "segment/rfm", name: "segment/rfm/x.go", imports: []string{module + "/segment"}},
		{pkg: "segment", name: "segment/x.go", imports: []string{"testing"}},
		{pkg: "crm/sqlstore", name: "crm/sqlstore/x.go", imports: []string{"modernc.org/sqlite"}},
		{pkg: "crm/sqlstore", name: "crm/sqlstore/x.go", imports: []string{"github.com/go-sql-driver/mysql"}},
		{pkg: "crm", name: "crm/x.go", imports: []string{"github.com/stretchr/testify/require"}},
		{pkg: "newfolder", name: "newfolder/x.go", imports: []string{module + "/crm"}},
	} {
		require.NotEmpty(t, faults([]file{bad}), "%s importing %v", bad.pkg, bad.imports)
	}
	for _, good := range []file{
		{pkg: "", name: "x.go", imports: []string{module + "/rules", module + "/crm", "time"}},
		{pkg: "rules", name: "rules/x.go", imports: []string{module + "/crm", "github.com/expr-lang/expr/ast"}},
		{pkg: "messaging", name: "messaging/x_test.go", test: true, imports: []string{module + "/crm/memstore", "testing"}},
		{pkg: "crm/storetest", name: "crm/storetest/x.go", imports: []string{"testing", "pgregory.net/rapid"}},
	} {
		require.Empty(t, faults([]file{good}))
	}
}

// TestFolders holds the fixed top-level folders.
func TestFolders(t *testing.T) {
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	fixed := []string{"crm", "rules", "dedup", "segment", "survey", "messaging", "examples", "internal"}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			require.Contains(t, fixed, e.Name(), "top-level folders are fixed")
		}
	}
}

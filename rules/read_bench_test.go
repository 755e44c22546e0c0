package rules_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vefacrm/vefa/rules"
)

// largeYAML writes a rule book of n ordinary rules, about 100 bytes each.
func largeYAML(n int) []byte {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - name: r%d\n    when: Orders > %d and City == \"İzmir\"\n    then:\n      - tag: t%d\n", i, i%100, i)
	}
	return []byte(b.String())
}

// BenchmarkRead reads rule books of 20,000 rules (case A11):
//
//	go test -run xxx -bench Read$ -benchtime 1x ./rules
func BenchmarkRead(b *testing.B) {
	yaml := largeYAML(20_000)
	book, err := rules.ReadYAML("large.yaml", yaml)
	if err != nil {
		b.Fatal(err)
	}
	oneLine, err := json.Marshal(book)
	if err != nil {
		b.Fatal(err)
	}
	indented, err := json.MarshalIndent(book, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	read := map[string]func(string, []byte) (*rules.Book, error){"yaml": rules.ReadYAML, "json": rules.ReadJSON}
	for _, c := range []struct {
		name, format string
		text         []byte
	}{{"yaml", "yaml", yaml}, {"yaml-flow", "yaml", oneLine}, {"json-one-line", "json", oneLine}, {"json-indented", "json", indented}} {
		b.Run(c.name, func(b *testing.B) {
			start := processor(b)
			for b.Loop() {
				book, err := read[c.format]("large", c.text)
				if err != nil || len(book.Rules) != 20_000 {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processor(b)-start).Seconds()/float64(b.N), "cpu-s/read")
			b.ReportMetric(float64(len(c.text)), "bytes")
		})
	}
}

// processor returns the processor time that the test has used.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLintLarge lints a book of 20,000 rules (case A11):
//
//	go test -run xxx -bench LintLarge -benchtime 1x ./rules
func BenchmarkLintLarge(b *testing.B) {
	type customer struct {
		Orders int
		City   string
	}
	schema, err := rules.NewSchema[customer](rules.Options{})
	if err != nil {
		b.Fatal(err)
	}
	book, err := rules.ReadYAML("large.yaml", largeYAML(20_000))
	if err != nil {
		b.Fatal(err)
	}
	set, err := schema.Compile(book)
	if err != nil {
		b.Fatal(err)
	}
	start := processor(b)
	for b.Loop() {
		set.Lint(nil)
	}
	b.ReportMetric((processor(b)-start).Seconds()/float64(b.N), "cpu-s/lint")
}

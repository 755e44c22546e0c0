package survey

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkTable answers a table of 990 rows with three questions each, as a page sends it.
func BenchmarkTable(b *testing.B) {
	var rows []string
	for i := range 990 {
		rows = append(rows, fmt.Sprintf(`"r%d"`, i))
	}
	d, err := Parse([]byte(`{"elements":[{"type":"text","name":"who"},{"type":"matrixdropdown","name":"m","rows":[`+strings.Join(rows, ",")+`],
		"columns":[{"name":"a","cellType":"text"},{"name":"b","cellType":"text","visibleIf":"{row.a} notempty"},{"name":"c","cellType":"text","requiredIf":"{row.b} > 3"}]}]}`), Limits{})
	if err != nil || d.Err() != nil {
		b.Fatal(err, d.Err())
	}
	for b.Loop() {
		s := d.Begin(SessionOptions{})
		s.Together(func() {
			for i := range 990 {
				for _, c := range "abc" {
					s.Answer(fmt.Sprintf("m.r%d.%c", i, c), "5")
				}
			}
		})
		if len(s.Answers()["m"].(map[string]any)) != 990 {
			b.Fatal("not all rows are answered")
		}
	}
}

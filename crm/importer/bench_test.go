package importer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vefacrm/vefa/crm/importer"
)

// BenchmarkRows reads 50,000 profiles and 50,000 orders.
func BenchmarkRows(b *testing.B) {
	const mapping = `
currency: TRY
zone: Europe/Istanbul
sources:
  - name: s
    files:
      - {name: p.csv, kind: profiles, columns: {id: id, given: given, family: family, phone: phone, email: mail, since: since}}
      - {name: o.csv, kind: orders, columns: {number: no, profile: who, at: at, total: total, place: place}}
`
	const n = 50_000
	var p, o strings.Builder
	p.WriteString("id,given,family,phone,mail,since\n")
	o.WriteString("no,who,at,total,place\n")
	for i := range n {
		fmt.Fprintf(&p, "%d,Ayşe,Yılmaz,0532%07d,ayse%d@example.com,2024-01-02\n", i, i*7919%10_000_000, i)
		fmt.Fprintf(&o, "F-%d,%d,2025-01-%02d 14:30,\"1,249.90\",ist-1\n", i, i, 1+i%28)
	}
	files := folder(map[string]string{"mapping.yaml": mapping, "p.csv": p.String(), "o.csv": o.String()})
	b.ReportAllocs()
	for b.Loop() {
		d, err := importer.Open(context.Background(), files, importer.Options{})
		if err != nil || d.Rows() != 2*n || len(d.Rejected()) > 0 {
			b.Fatal(d.Rows(), err)
		}
	}
	b.ReportMetric(float64(2*n*b.N)/b.Elapsed().Seconds(), "rows/s")
}

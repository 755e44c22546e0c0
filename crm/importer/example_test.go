package importer_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
	"github.com/vefacrm/vefa/crm/memstore"
)

// A folder with a mapping.yaml, and what is wrong with it.
func Example() {
	data, err := importer.Open(context.Background(), os.DirFS("testdata/shop"), importer.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Rows(), "rows,", len(data.Rejected()), "rejected, such as")
	fmt.Println(data.Rejected()[1])
	for batch, err := range data.Source(time.Time{}, time.Time{})(context.Background()) {
		fmt.Println(len(batch.Profiles), "profiles,", len(batch.Facts), "facts", err)
	}
	// Output:
	// 67 rows, 17 rejected, such as
	// musteriler.csv:8: since: "yarın" is no time of the layouts 02.01.2006 15:04 | 02.01.2006
	// 9 profiles, 23 facts <nil>
}

// Files from anywhere, with a mapping in the program: here of a till that separates by tabs
// and writes amounts with a comma.
func ExampleOpen() {
	ctx := context.Background()
	files := folder(map[string]string{
		"customers.tsv": "NO\tNAME\tMOBILE\n1\tAda Yıldız\t0532 111 22 33\n2\t\"Can\t\n3\tEce Kaya\t\n",
		"receipts.tsv":  "NO\tCUSTOMER\tDATE\tTOTAL\nF-1\t1\t31.12.2024 18:00\t1.249,90\nF-2\t3\t32.12.2024\t10\n",
	})
	data, err := importer.Open(ctx, files, importer.Options{Mapping: `
currency: TRY
zone: Europe/Istanbul
delimiter: tab
decimal: ","
layouts: ["02.01.2006 15:04", "02.01.2006"]
sources:
  - name: till
    files:
      - {name: customers.tsv, kind: profiles, columns: {id: NO, full: NAME, phone: MOBILE}}
      - {name: receipts.tsv, kind: orders, columns: {number: NO, profile: CUSTOMER, at: DATE, total: TOTAL}}
`})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, bad := range data.Rejected() {
		fmt.Printf("%s, line %d, cell %d: %s\n", bad.File, bad.Line, bad.Column, bad.Reason)
	}
	svc := crm.New(memstore.New(), crm.Config{})
	for batch := range data.Source(time.Time{}, time.Time{})(ctx) {
		report, err := svc.Import(ctx, batch)
		fmt.Println(len(batch.Profiles), "profiles", batch.Facts[0].Data.(*crm.Order).Total, len(report.Rejected), err)
	}
	// Output:
	// customers.tsv, line 3, cell 0: unbalanced quotes: a quote is opened and never closed
	// receipts.tsv, line 3, cell 3: "32.12.2024" is no time of the layouts 02.01.2006 15:04 | 02.01.2006
	// 2 profiles 1249.90 TRY 0 <nil>
}

package people_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"log"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/people/columns"
)

const export = `Müşteri No;Adı;Soyadı;Doğum Tarihi;Cep Telefonu
1;Nermin;Tosun;03.05.1971;0535 777 88 99
2;NERMIN;TOSUN;3.5.1971;+905357778899
3;Orhan;Tosun;11.09.1968;0535 777 88 99
4;N.;Tosun;;0535 777 88 99
5;Ece;Karaaslan;03.05.2001;0532 111 22 33
6;Ege;Karaaslan;03.05.2001;0532 111 22 33
`

// A shop's export is read and linked, a person answers a question, and the till asks who somebody is.
func Example() {
	ctx := context.Background()
	r := csv.NewReader(strings.NewReader(export))
	r.Comma = ';'
	table, err := r.ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	header, rows := table[0], table[1:]
	layout, err := columns.Recognise(header, slices.Values(rows)).Bind(header, nil)
	if err != nil {
		log.Fatal(err)
	}
	records := make([]people.Record, len(rows))
	for i, row := range rows {
		layout.Record(row, &records[i])
		records[i].ID = row[0]
	}

	linker, err := people.New(people.Options{Review: 1})
	if err != nil {
		log.Fatal(err)
	}
	result, err := linker.Link(ctx, slices.Values(records), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range result.Clusters {
		fmt.Println(c.Members)
	}
	q := result.Review[0]
	fmt.Printf("are %s and %s one person? %v\n", q.A, q.B, q.Fields)

	// The answer holds in every later batch and index.
	answer := dedup.Decision{A: q.A, B: q.B, Same: false}
	if result, err = linker.Link(ctx, slices.Values(records), result.Model, answer); err != nil {
		log.Fatal(err)
	}
	index, err := linker.NewIndex(result.Model)
	if err != nil {
		log.Fatal(err)
	}
	if _, err = index.Apply(ctx, records, nil, answer); err != nil {
		log.Fatal(err)
	}
	found, err := index.Find(ctx, people.Record{FullName: "ece karaaslan", Phones: []string{"532 111 22 33"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at the till:", found[0].ID, found[0].Fields)
	// Output:
	// [1 2 4]
	// [3]
	// [5]
	// [6]
	// are 3 and 4 one person? [given unlike family equal phone equal]
	// at the till: 5 [given equal family equal phone equal]
}

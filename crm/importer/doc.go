// Package importer reads the exports of a till, a shop or any other system, files of
// comma, semicolon or tab separated values, into records of package crm.
//
// A mapping says which column is which of our fields; columns are found by the names in
// the header, so their order does not matter and others are passed over:
//
//	currency: TRY
//	zone: Europe/Istanbul
//	sources:
//	  - name: till
//	    delimiter: ";"
//	    decimal: ","
//	    files:
//	      - {name: customers.csv, kind: profiles, columns: {id: NO, full: NAME, phone: MOBILE}}
//	      - {name: receipts.csv, kind: orders, columns: {number: NO, profile: CUSTOMER, at: DATE, total: TOTAL}}
//
// It stands in the folder as mapping.yaml or in [Options]. [Open] reads the files,
// [Data.Source] hands their records out in batches, as an evening takes them:
//
//	data, err := importer.Open(ctx, os.DirFS("exports"), importer.Options{})
//	for _, bad := range data.Rejected() { … } // receipts.csv:17: total: "12.x" is no number
//	report, err := eng.Night(ctx, vefa.Night{Source: data.Source(time.Time{}, time.Time{})})
//
// The same export may come every night: the record takes each version of each row once.
// Places are not part of a batch; [Data.Places] returns those that the files name.
//
// README.md beside this file has all settings, kinds and fields, and what becomes of bad
// input; testdata/shop is a folder that is read as it is.
//
// # Bad rows
//
// One bad row never stops a file. [Data.Rejected] lists the rows that were left
// out, [Data.Warnings] what is odd about rows that were not, each with file,
// line, cell, field and reason. What concerns a whole file (encoding, delimiter,
// header, mapping) is an error of Open instead, as hardly a row would be right.
// Files are UTF-8, with a byte order mark or without, and may be gzipped. Texts are kept as
// they are: one that a spreadsheet would run is a warning, and [Neutral] makes it harmless
// where it is exported again.
//
// # Time
//
// Exports hold the last state of things. Where a row has dates of several
// states, each is a version of its own from when it came about: an order is placed on its
// day and delivered on the day of delivery, a ticket is opened and solved. A
// profile is known from the time that its source says or from the first thing
// that happened to it; one without any date comes before everything.
//
// All of a delivery is in memory, as the lines of an order may stand in another file than
// the order.
package importer

// Package importer reads a retailer's data into records of package crm: the
// -import flag of examples/night.
//
// [Open] reads a folder, [Data.Starting] plays it evening by evening in the
// shape of package world, the simulated source: a history and then days.
//
//	data, err := importer.Open(ctx, importer.CSV, "testdata/shop")
//	run := data.Starting(from, zone)
//	for batch := range run.History(ctx) { … }
//	batch := run.Day(0) // what became known up to run.Evening(0)
//
// # Any retailer: csv
//
// A folder of CSV files with a mapping.yaml that says which column is which of
// our fields. README.md beside this file documents it and has an example;
// testdata/shop is one that runs. A file may be read as several kinds, as where
// a list of customers holds profiles and consents.
//
// One bad row never stops a file. [Data.Rejected] lists the rows that were left
// out, [Data.Warnings] what is odd about rows that were not, each with file,
// line, field and reason. What concerns a whole file (encoding, delimiter,
// header, mapping) is an error of Open instead, as hardly a row would be right.
//
// Exports hold the last state of things. Where a row has dates of several
// states, the run tells each when it came about: an order is placed on its day
// and delivered on the day of delivery, a ticket is opened and solved. A
// profile is known from the time that its source says or from the first thing
// that happened to it; one without any date belongs to the history.
//
// # AdventureWorks
//
// The folder retail/adventureworks of the project's test data: Microsoft's
// sample of a bicycle maker that sells online and through sales people. What
// became of it, where one could have chosen otherwise:
//
//   - Everything has the source "aw"; persons and stores share one space of ids.
//   - The 701 stores are profiles of organisations. Online orders hang on the
//     person, all others on the store that buys, with the sales person as
//     Employee and channel "dealer". The store's contact person is no role of
//     the order (a recipient who is not the buyer would make it a gift): store
//     and person name each other in the attributes contact and contact_of.
//   - Each territory is a region of its country with an online shop and a field
//     sales place. All amounts are in US dollars, as in the data.
//   - The total is TotalDue, rounded half up: lines, tax and freight. Amounts of
//     lines have four decimals; see settleLines for how they become cents that
//     sum up to 29,358,677.22 exactly.
//   - Days have no times: they are read as noon in the territory's zone. Orders
//     of status 5 are placed on OrderDate and delivered on ShipDate.
//   - EmailPromotion 1 and 2 are a granted consent for e-mail; for phone too,
//     which is an assumption of the demonstration, as the data has one flag
//     only. Contact persons of stores grant as merchants. 0 says nothing.
//   - A consent is dated to the person's first order, persons are known from
//     then; who never bought, from the first day of the data.
//   - Telephone numbers abroad are a hundred placeholders shared by 9,187
//     people. They are kept as masked and reach nobody.
//   - internet_sales_lines dates the same orders 153 days earlier; the dates of
//     orders count. Quotas, offers and sales reasons are not read.
//
// # Files
//
// importer has Open and what it returns, run plays it by time, timeline keeps
// it. lines and table read rows, row and value their fields; yaml, schema and
// mapping read mapping.yaml; load puts files together, party and sale know what
// the rows mean; adventureworks is the other format.
package importer

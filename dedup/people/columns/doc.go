// Package columns recognises which columns of a table say what of a person, by the words of
// its header, in seven languages, and by what stands in its cells.
//
//	reading := columns.Recognise(header, slices.Values(rows))
//	layout, err := reading.Bind(header, nil)
//	for i, row := range rows {
//		layout.Record(row, &records[i])
//		records[i].ID = row[layout.Columns(columns.ID)[0]] // where there is one
//	}
//
// A [Reading] prints as its mapping; look at Weak and Refused beside it.
//
// A name is taken apart into words at case, digits and punctuation, and is read only where
// every word of it is known: "billing_first_name", "Müşteri Soyadı", "Geburtsdatum",
// "Address 1 - City", SAP's STRAS. What a name says is then compared with the cells: a phone
// column whose cells are no numbers is none. Where a table has several addresses, that of
// the person goes before that of the bill, and that before one to which something is sent.
//
// A [Mapping] can be written to a file, edited, and read again.
package columns

// Package export writes the responses of a survey as a table: CSV and JSON here, a workbook
// in survey/export/xlsx, Parquet in survey/export/parquet.
//
//	table := export.NewTable(def, export.Options{Language: "tr"})
//	n, err := export.CSV(w, table, rows)
//
// A table has the columns id, at, version and language, those of the host (Options.Columns),
// and those of the questions, in their order:
//
//	text, comment, one choice   name
//	several choices             name, the values joined by "; ", or a column name/value each
//	the text of "other"         name-Comment
//	matrix                      name/row
//	matrixdropdown              name/row/column
//	multipletext                name/item
//	matrixdynamic, paneldynamic name, as JSON; with Options.Repeats also name/1/column, …
//	file, signaturepad          name, the names of the files
//
// What a response answers beside the questions, as those of an earlier version, is kept in
// the last column, "others", as JSON: nothing is lost.
//
// Every format holds the same cells. In CSV and workbooks a text that a spreadsheet would
// run as a formula gets an apostrophe before it (OWASP, CSV injection), in CSV also behind a semicolon, a
// tab or a line break within the text, where spreadsheets of other countries begin a cell; JSON
// and Parquet have it as it was answered.
package export

package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// adventureOf reads tables of AdventureWorks.
func adventureOf(t *testing.T, files map[string]string) *folder {
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	d, err := openFolder(t.Context(), "adventureworks", dir)
	require.NoError(t, err)
	return d
}

// everything returns all records of a folder.
func everything(t *testing.T, d *folder) (profiles []*crm.Profile, facts []*crm.Fact) {
	for b, err := range d.Source(time.Time{}, time.Time{})(t.Context()) {
		require.NoError(t, err)
		profiles, facts = append(profiles, b.Profiles...), append(facts, b.Facts...)
	}
	for _, p := range profiles {
		require.NoError(t, p.Validate())
		require.False(t, p.Since.IsZero())
	}
	return profiles, facts
}

// tinyAdventure is AdventureWorks with two persons, a store and three orders.
var tinyAdventure = map[string]string{
	"territory.csv":    "TerritoryID,Name,CountryRegionCode,Group\n1,Northwest,US,North America\n8,Germany,DE,Europe\n",
	"person.csv":       "BusinessEntityID,PersonType,Title,FirstName,MiddleName,LastName,Suffix,EmailPromotion\n10,IN,,Ken,J,Sánchez,,1\n11,SC,Ms.,Ute,,Kaya,,2\n",
	"email.csv":        "BusinessEntityID,EmailAddressID,EmailAddress\n10,1,ken0@adventure-works.com\n11,1,ute0@adventure-works.com\n",
	"phone.csv":        "BusinessEntityID,PhoneNumber,PhoneNumberTypeID\n10,697-555-0142,1\n11,1 (11) 500 555-0190,1\n",
	"store.csv":        "BusinessEntityID,Name,SalesPersonID\n20,Fahrrad Kaya,279\n",
	"customer.csv":     "CustomerID,PersonID,StoreID,TerritoryID,AccountNumber\n1,10,,1,A\n2,11,20,8,B\n",
	"sales_person.csv": "BusinessEntityID,TerritoryID\n279,8\n",
	"orders.csv": "OrderDate,ShipDate,Status,OnlineOrderFlag,SalesOrderNumber,CustomerID,SalesPersonID,TerritoryID,TotalDue\n" +
		"2013-05-01 00:00:00,2013-05-08 00:00:00,5,true,SO1,1,,1,3953.9884\n" +
		"2013-05-02 00:00:00,2013-05-09 00:00:00,5,false,SO2,2,279,8,23153.2339\n",
	"internet_sales_lines.csv": "ProductKey,SalesOrderNumber,SalesOrderLineNumber,OrderQuantity,SalesAmount\n310,SO1,1,1,699.0982\n311,SO1,2,1,2049.0982\n312,SO1,3,1,5.0091\n",
}

func TestTinyAdventure(t *testing.T) {
	d := adventureOf(t, tinyAdventure)
	require.Empty(t, d.Rejected())
	require.Empty(t, d.Warnings())
	profiles, facts := everything(t, d)
	require.Len(t, profiles, 3)
	byKey := map[string]*crm.Fact{}
	for _, f := range facts {
		byKey[f.Key.ID+" "+f.Subject.String()] = f
	}
	require.Len(t, byKey, 5, "%v", byKey)

	online := byKey["SO1 aw/10"]
	o := online.Data.(*crm.Order)
	require.Equal(t, "2013-05-01T19:00:00Z", online.At.Format("2006-01-02T15:04:05Z07:00"), "noon in Seattle")
	require.Equal(t, crm.Money{Amount: 395399, Currency: "USD"}, o.Total)
	require.Equal(t, []int64{69910, 204910, 501}, []int64{o.Lines[0].Amount.Amount, o.Lines[1].Amount.Amount, o.Lines[2].Amount.Amount})

	sold := byKey["SO2 aw/20"]
	require.Equal(t, "aw-279", sold.Data.(*crm.Order).Employee)
	require.Equal(t, "aw-sales-8", sold.Place)
	require.NotNil(t, byKey["10-email email:ken0@adventure-works.com"])
	require.NotNil(t, byKey["10-phone phone:+16975550142"])
	require.Equal(t, "merchant", byKey["11-email email:ute0@adventure-works.com"].Data.(*crm.Consent).Recipient)
}

func TestAdventureWorksBadRows(t *testing.T) {
	for _, c := range []struct{ file, row, want string }{
		{"territory.csv", "1,Again,US,x", `territory.csv:4: TerritoryID: "1" stands twice`},
		{"person.csv", "12,IN,,A,,B,,3", `person.csv:4: EmailPromotion: "3" is not 0, 1 or 2`},
		{"person.csv", "10,IN,,A,,B,,0", `person.csv:4: BusinessEntityID: "10" stands twice`},
		{"email.csv", "99,1,x@example.com", `email.csv:4: BusinessEntityID: "99" is in no file of persons`},
		{"customer.csv", "3,,,1,C", `customer.csv:4: PersonID: neither a person nor a store is given`},
		{"customer.csv", "3,10,,77,C", `customer.csv:4: TerritoryID: "77" is not a territory`},
		{"orders.csv", "2013-05-01 00:00:00,2013-05-08 00:00:00,5,true,SO9,77,,1,1", `orders.csv:4: CustomerID: "77" is in no file of customers or was rejected there`},
		{"orders.csv", "2013-05-01 00:00:00,2013-05-08 00:00:00,9,true,SO9,1,,1,1", `orders.csv:4: Status: "9" is not 1 to 6`},
		{"orders.csv", "2013-05-01 00:00:00,,5,true,SO9,1,,1,1", `orders.csv:4: ShipDate: "" is no day`},
		{"orders.csv", "2013-05-09 00:00:00,2013-05-08 00:00:00,5,true,SO9,1,,1,1", `orders.csv:4: ShipDate: "2013-05-08 00:00:00" is before OrderDate, "2013-05-09 00:00:00"`},
		{"orders.csv", "2013-05-01 00:00:00,2013-05-08 00:00:00,5,true,SO1,1,,1,1", `orders.csv:4: SalesOrderNumber: "SO1" stands twice`},
		{"internet_sales_lines.csv", "1,SO7,1,1,1", `internet_sales_lines.csv:5: SalesOrderNumber: "SO7" is in no file of orders or was rejected there`},
		{"internet_sales_lines.csv", "1,SO1,4,0,1", `internet_sales_lines.csv:5: OrderQuantity: "0" is not a number of pieces`},
		{"internet_sales_lines.csv", "1,SO1,4,1,free", `internet_sales_lines.csv:5: SalesAmount: "free" is no number`},
	} {
		files := maps.Clone(tinyAdventure)
		files[c.file] += c.row + "\n"
		d := adventureOf(t, files)
		require.Len(t, d.Rejected(), 1)
		require.Equal(t, c.want, d.Rejected()[0].Error())
		profiles, facts := everything(t, d)
		require.Len(t, profiles, 3)
		require.Len(t, facts, 5)
	}
}

// TestAdventureWorksTotals reads the real data: nothing is lost, and amounts of four
// decimals sum up to the cent.
func TestAdventureWorksTotals(t *testing.T) {
	dir := filepath.Join(os.Getenv("VEFA_DATA"), "retail", "adventureworks")
	if _, err := os.Stat(dir); err != nil || os.Getenv("VEFA_DATA") == "" {
		t.Skipf("AdventureWorks is not there (set VEFA_DATA to the folder data): %v", err)
	}
	d, err := openFolder(t.Context(), "adventureworks", dir)
	require.NoError(t, err)
	require.Empty(t, d.Rejected())
	first, last := d.Span()
	require.Equal(t, "2011-05-31", first.Format(time.DateOnly))
	require.Equal(t, "2014-07-07", last.Format(time.DateOnly), "the last orders are shipped a week later")
	profiles, facts := everything(t, d)
	kinds := map[crm.PartyKind]int{}
	stores := map[crm.ProfileKey]bool{}
	for _, p := range profiles {
		kinds[p.Kind]++
		stores[p.ProfileKey] = p.Kind == crm.Organisation
	}
	require.Equal(t, map[crm.PartyKind]int{crm.Person: 19972, crm.Organisation: 701}, kinds)
	consents, orders, online, lines, sum := map[crm.Channel]int{}, 0, 0, 0, int64(0)
	for _, f := range facts {
		switch x := f.Data.(type) {
		case *crm.Consent:
			consents[f.Subject.Address.Channel]++
		case *crm.Order:
			orders++
			lines += len(x.Lines)
			for _, l := range x.Lines {
				sum += l.Amount.Amount
			}
			if x.Channel == "web" {
				online++
			}
			if x.Status != crm.OrderDelivered || !x.Delivered.After(f.At) || stores[f.Subject.Profile] != (x.Channel == "dealer") || (x.Employee == "") != (x.Channel == "web") {
				t.Fatal(f.Key, x)
			}
		}
	}
	require.Equal(t, []int{31465, 27659, 60398}, []int{orders, online, lines})
	require.EqualValues(t, 2_935_867_722, sum, "29,358,677.22")
	require.Equal(t, 5044+3770, consents[crm.Email])
	require.Less(t, consents[crm.Phone], 5044+3770, "placeholders grant nothing")
	require.Positive(t, consents[crm.Phone])
	_, err = crm.NewPlaces(nil, d.Places()...)
	require.NoError(t, err)
}

// Every missing table is named.
func TestAdventureWorksIsNotThere(t *testing.T) {
	_, err := openFolder(t.Context(), "adventureworks", t.TempDir())
	for _, name := range []string{"territory", "person", "email", "phone", "store", "customer", "orders", "internet_sales_lines"} {
		require.ErrorContains(t, err, name+".csv: ")
	}
	_, err = openFolder(t.Context(), "adventurework", t.TempDir())
	require.ErrorContains(t, err, "-import")
}

package columns_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/people/columns"
)

// cut takes the lines of an export apart.
func cut(t testing.TB, header string, rows ...string) (names []string, cells [][]string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(header + "\n" + strings.Join(rows, "\n")))
	if strings.Contains(header, ";") {
		r.Comma = ';'
	}
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	require.NoError(t, err)
	return all[0], all[1:]
}

// Case E14: all roles of an export must be right, and no column may have one that it has not.
func TestFormats(t *testing.T) {
	require.GreaterOrEqual(t, len(formats), 40)
	recognised := 0
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			require.NotEmpty(t, f.source)
			header, rows := cut(t, f.header, f.rows...)
			got := columns.Recognise(header, slices.Values(rows))
			if missed[f.name] != "" {
				require.NotEqual(t, f.want, got.String(), "it is recognised by now")
				return
			}
			require.Equal(t, f.want, got.String())
			recognised++
		})
	}
	require.GreaterOrEqual(t, recognised, 40)
	t.Logf("%d of %d formats recognised", recognised, len(formats))
}

// Case E14: one table a language, as its spreadsheets have them.
func TestLanguages(t *testing.T) {
	for header, want := range map[string]string{
		"Müşteri No;Müşteri Adı;Müşteri Soyadı;Doğum Tarihi;Cinsiyet;Cep Telefonu;E-Posta Adresi;İl;İlçe;Posta Kodu;Açık Adres;T.C. Kimlik No":                                       "birth=Doğum Tarihi,city=İl,district=İlçe,email=E-Posta Adresi,extra:nationalid=T.C. Kimlik No,family=Müşteri Soyadı,gender=Cinsiyet,given=Müşteri Adı,id=Müşteri No,phone=Cep Telefonu,postcode=Posta Kodu,street=Açık Adres",
		"ADI SOYADI;GSM NO;EV TELEFONU;MAİL;ŞEHİR;ADRES;VERGİ DAİRESİ":                                                                                                               "city=ŞEHİR,email=MAİL,full=ADI SOYADI,phone=GSM NO+EV TELEFONU,street=ADRES",
		"İsim;Soyisim;Telefon No;Fatura Adresi;Teslimat Adresi;Teslimat İli;Fatura İli":                                                                                              "city=Fatura İli,family=Soyisim,given=İsim,phone=Telefon No,street=Fatura Adresi",
		"Kundennummer;Anrede;Vorname;Nachname;Geburtsdatum;Straße;Hausnummer;PLZ;Ort;Ortsteil;Telefonnummer;Handynummer;E-Mail-Adresse;Notizen":                                      "birth=Geburtsdatum,city=Ort,district=Ortsteil,email=E-Mail-Adresse,family=Nachname,given=Vorname,id=Kundennummer,phone=Telefonnummer+Handynummer,postcode=PLZ,street=Straße+Hausnummer",
		"Rechnungsadresse Vorname;Rechnungsadresse Nachname;Rechnungsadresse Straße;Rechnungsadresse Ort;Lieferadresse Vorname;Lieferadresse Straße;Lieferadresse Ort;Kunden-E-Mail": "city=Rechnungsadresse Ort,email=Kunden-E-Mail,family=Rechnungsadresse Nachname,given=Rechnungsadresse Vorname,street=Rechnungsadresse Straße",
		"Code client;Civilité;Nom;Prénom;Date de naissance;Sexe;Adresse 1;Adresse 2;Code postal;Ville;Téléphone portable;Courriel":                                                   "birth=Date de naissance,city=Ville,email=Courriel,family=Nom,gender=Sexe,given=Prénom,id=Code client,phone=Téléphone portable,postcode=Code postal,street=Adresse 1+Adresse 2",
		"Código;Nombre;Primer apellido;Segundo apellido;Fecha de nacimiento;Sexo;Dirección;C.P.;Población;Teléfono fijo;Móvil;Correo electrónico;DNI":                                "birth=Fecha de nacimiento,city=Población,email=Correo electrónico,extra:nationalid=DNI,family=Primer apellido+Segundo apellido,gender=Sexo,given=Nombre,id=Código,phone=Teléfono fijo+Móvil,postcode=C.P.,street=Dirección",
		"Klantnummer;Voornaam;Tussenvoegsel;Achternaam;Geboortedatum;Geslacht;Straatnaam;Huisnummer;Toevoeging;Postcode;Woonplaats;Telefoonnummer;E-mailadres":                       "birth=Geboortedatum,city=Woonplaats,email=E-mailadres,family=Tussenvoegsel+Achternaam,gender=Geslacht,given=Voornaam,id=Klantnummer,phone=Telefoonnummer,postcode=Postcode,street=Straatnaam+Huisnummer+Toevoeging",
		"Код;ФИО клиента;Дата рождения;Пол;Мобильный телефон;Электронная почта;Город;Улица;Дом;Почтовый индекс":                                                                      "birth=Дата рождения,city=Город,email=Электронная почта,full=ФИО клиента,gender=Пол,id=Код,phone=Мобильный телефон,postcode=Почтовый индекс,street=Улица+Дом",
		"firstName,lastName,dateOfBirth,mobilePhone,emailAddress,zipCode":                                                                                                            "birth=dateOfBirth,email=emailAddress,family=lastName,given=firstName,phone=mobilePhone,postcode=zipCode",
		"customername,customeremail,customerphone":                                                                                      "email=customeremail,full=customername,phone=customerphone",
		"id,first_name,last_name,y,m,d,who":                                                                                             "birth=y+m+d,family=last_name,given=first_name,id=id", // E4
		"Name,Birth Year,Birth Month,Day of birth":                                                                                      "birth=Birth Year+Birth Month+Day of birth,full=Name",
		"customerid,musteriadi,musterisoyadi,Contact No":                                                                                "family=musterisoyadi,given=musteriadi,id=customerid,phone=Contact No",
		"full_name,first_and_surname,first_name,surname,dob":                                                                            "birth=dob,family=surname,full=full_name,given=first_name",
		"Kundennummer;Vorname;Nachname;Straße 1;PLZ 1;Ort 1;Telefon 1;Straße 2;PLZ 2;Ort 2":                                             "city=Ort 1,family=Nachname,given=Vorname,id=Kundennummer,phone=Telefon 1,postcode=PLZ 1,street=Straße 1",
		"Numéro client;Intitulé;Adresse;Complément d'adresse;Code postal;Ville;E-Mail":                                                  "city=Ville,email=E-Mail,full=Intitulé,id=Numéro client,postcode=Code postal,street=Adresse+Complément d'adresse",
		"ID,user_login,user_email,first_name,last_name,Address,Address Line 2":                                                          "email=user_email,family=last_name,given=first_name,id=ID,street=Address+Address Line 2",
		"Name,From Email Address,Address Line 1,Address Line 2/District/Neighborhood,Town/City":                                         "city=Town/City,email=From Email Address,full=Name,street=Address Line 1+Address Line 2/District/Neighborhood",
		"Last,First,MI,Home Ph,Cell,SMS,Klaviyo ID":                                                                                     "family=Last,given=First+MI,id=Klaviyo ID,phone=Home Ph+Cell+SMS",
		"Alıcı Adı Soyadı;Alıcı Telefon;Alıcı Mail Adresi;Adres;Semt;İlçe;Şehir":                                                        "city=Şehir,district=İlçe,email=Alıcı Mail Adresi,full=Alıcı Adı Soyadı,phone=Alıcı Telefon,street=Adres",
		"Factuur voornaam;Factuur achternaam;Factuur adres;Factuur postcode;Factuur plaats;Verzend voornaam;Verzend adres;Afleveradres": "city=Factuur plaats,family=Factuur achternaam,given=Factuur voornaam,postcode=Factuur postcode,street=Factuur adres",
		"Name;Rechnungsadresse;Lieferadresse":                                                                                           "full=Name,street=Rechnungsadresse",
		"Наименование;Юридический адрес;Фактический адрес":                                                                              "full=Наименование,street=Фактический адрес",
		"Nombre;Apellidos;Dirección de correo electrónico":                                                                              "email=Dirección de correo electrónico,family=Apellidos,given=Nombre",
		"nome,cognome,cellulare":                   "family=cognome,given=nome,phone=cellulare",
		"Name,Email,Shipping Email,Shipping Phone": "email=Email,full=Name,phone=Shipping Phone",
	} {
		names, _ := cut(t, header)
		require.Equal(t, want, columns.Recognise(names, nil).String(), header)
	}
}

// What is no column of a person has no role, whatever its words sound like.
func TestNoRole(t *testing.T) {
	for _, name := range []string{
		"", " ", "username", "User Name", "Product Name", "Company Name", "Company Phone", "Contact Owner", "Contact Owner Email", "Assistant's Phone", "Country Code", "Phone Type", "Phone Country Code",
		"Email Status", "Email Opt In", "IP Address", "MAC address", "Created Date", "Last Login", "First Order", "Order ID", "Store ID", "Bank Account Number", "Discount Code", "Currency", "Total Spent", "Notes", "Maiden Name", "Name Prefix",
		"Kayıt Tarihi", "Üyelik Tarihi", "Kullanıcı Adı", "Ürün Adı", "Vergi Dairesi", "Ülke", "Temsilci Adı", "Firmenname", "Land", "Anrede", "Pays", "Nom d'entreprise", "Provincia", "País", "Land (NL)", "Организация", "Страна",
		"Year", "Month", "Day", "Tag", "y", "Fax", "Work Fax", "Website", "Phone Verified", "user_login", "Account Name", "User", "Accepts SMS Marketing", "Valid from", "Adres No", "Last4", "state", "Region",
	} {
		require.Empty(t, columns.Recognise([]string{name}, nil).Columns, name)
	}
}

// Case E14: what a name says must stand in the cells.
func TestCells(t *testing.T) {
	header := []string{"Name", "Phone", "E-mail", "Birth date", "Gender", "Zip"}
	good := [][]string{{"Ada Kaya", "0532 123 45 67", "ada@example.com", "12/25/1980", "F", "35000"}, {"Ali Can", "5.32E+09", "", "1/2/1990", "M", "34000"}, {"Eve", "-", "yok@example.com", "", "", ""}}
	r := columns.Recognise(header, slices.Values(good))
	require.Equal(t, "birth=Birth date,email=E-mail,full=Name,gender=Gender,phone=Phone,postcode=Zip", r.String())
	require.Equal(t, columns.MonthFirst, r.Columns[slices.IndexFunc(r.Columns, func(c columns.Column) bool { return c.Role == columns.Birth })].Dates)
	require.Empty(t, r.Refused)
	require.Empty(t, r.Weak)
	bad := [][]string{{"#1001", "yes", "subscribed", "red", "a very long text about nothing", "unknown"}, {"#1002", "no", "none", "blue", "another very long text, also", "n/a"}}
	r = columns.Recognise(header, slices.Values(bad))
	require.Empty(t, r.Columns)
	require.Len(t, r.Refused, 6)
	require.Contains(t, r.Refused, columns.Refusal{Column: "Phone", Role: columns.Phone, Reason: "2 of 2 cells are no phone numbers"})
	// The address with cells is taken where the better one is empty.
	r = columns.Recognise([]string{"Name", "Home Street", "Home City", "Business Street", "Business City"}, slices.Values([][]string{{"Ada", "", "", "Gül Sok. 3", "İzmir"}}))
	require.Equal(t, "city=Business City,full=Name,street=Business Street", r.String())
	// Short rows are no fault.
	require.NotEmpty(t, columns.Recognise(header, slices.Values([][]string{{"Ada"}, {}})).Columns)
}

// A warning where hardly anything was recognised that tells people apart.
func TestWeak(t *testing.T) {
	for header, want := range map[string]string{
		"Name":                 "only names",
		"First name,City":      "part of names",
		"First name,Last name": "only names",
		"City":                 "no names",
		"Phone":                "no names",
		"Name,Phone":           "",
		"Name,Zip":             "",
		"Colour":               "",
	} {
		got := columns.Recognise(strings.Split(header, ","), nil).Weak
		if want == "" {
			require.Empty(t, got, header)
		} else {
			require.Contains(t, got, want, header)
		}
	}
}

// An export of orders may begin with a thousand of one customer, whose name is then no
// constant (case E2).
func TestManyRowsOfOne(t *testing.T) {
	var rows [][]string
	for i := range 1500 {
		rows = append(rows, []string{fmt.Sprint(i), "Zed", "Zimmer", "05321234599", "zed@example.net", "Shop"})
	}
	for i := range 100 {
		rows = append(rows, []string{fmt.Sprint(2000 + i), fmt.Sprint("Ada", string(rune('a'+i%26))), "Kaya", fmt.Sprintf("0532%07d", i), fmt.Sprintf("a%d@example.net", i), "Shop"})
	}
	got := columns.Recognise([]string{"id", "first_name", "last_name", "phone", "email", "name"}, slices.Values(rows))
	var refused []string
	for _, r := range got.Refused {
		refused = append(refused, r.Column)
	}
	require.NotContains(t, refused, "first_name")
	require.NotContains(t, refused, "phone")
	require.Contains(t, refused, "name", "that is one")
}

// Of two columns of one name the first is meant; of two addresses one that is filled in.
func TestTwiceAndEmpty(t *testing.T) {
	twice := columns.Recognise([]string{"first_name", "last_name", "phone", "phone"}, nil)
	require.Equal(t, columns.Recognise([]string{"first_name", "last_name", "phone", "other"}, nil).String(), twice.String())
	header, rows := cut(t, "billing_address_1,billing_city,shipping_address_1,shipping_city", ",,Gül Sok. 4,Bursa", ",,Lale Sok. 7,İzmir")
	require.Contains(t, columns.Recognise(header, slices.Values(rows)).String(), "shipping_city")
	require.Contains(t, columns.Recognise(header, nil).String(), "billing_city")
}

package dbtest

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

var day = time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)

var (
	given  = []string{"Ayşe", "Mehmet", "Zeynep", "İbrahim", "Işıl", "Çağrı", "Gül", "Ömer"}
	family = []string{"Yılmaz", "Şahin", "Öztürk", "Ünal", "Kılıç", "Doğan", "Arslan"}
	cities = []string{"İstanbul", "Ankara", "İzmir", "Bursa"}
)

// person returns the i-th profile of the fixture: two contacts, a postal address.
func person(i int) *crm.Profile {
	return &crm.Profile{
		ProfileKey: crm.ProfileKey{Source: "erp", ID: fmt.Sprintf("C%07d", i)},
		Kind:       crm.Person,
		Name:       crm.Name{Given: given[i%len(given)], Family: family[i%len(family)]},
		Birth:      fmt.Sprintf("19%02d-0%d-1%d", 50+i%50, 1+i%9, i%10),
		Gender:     "f",
		Locale:     "tr",
		Contacts: []crm.Contact{
			{Address: phone(i), Verified: i%3 == 0},
			{Address: crm.Address{Channel: crm.Email, Value: fmt.Sprintf("user%d@example.com", i)}},
		},
		Postal:     crm.Postal{City: cities[i%len(cities)], Country: "TR", Postcode: "34000"},
		Attributes: map[string]string{"segment": "retail"},
		Since:      day.Add(time.Duration(i) * time.Second),
		At:         day.Add(time.Duration(i) * time.Second),
	}
}

func phone(i int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)}
}

// order returns the j-th order of the i-th person.
func order(i, j int) *crm.Fact {
	id := fmt.Sprintf("O%07d-%d", i, j)
	at := day.Add(time.Duration(i*7+j*86400) * time.Second)
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: id}, Subject: crm.OfProfile(person(i).ProfileKey),
		At: at, Place: fmt.Sprintf("store-%d", i%165), Version: at.UnixMicro(),
		Data: &crm.Order{Number: "N" + id, Channel: "store", Total: crm.Money{Amount: int64(1000 + i%777), Currency: "TRY"}, Lines: []crm.OrderLine{
			{SKU: fmt.Sprintf("SKU%d", i%500), Category: "watch", Brand: "Vefa", Quantity: 1, Amount: crm.Money{Amount: int64(1000 + i%777), Currency: "TRY"}},
		}},
	}
}

// consent returns what the i-th person said about messages to the phone.
func consent(i int) *crm.Fact {
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindConsent, Source: "iys", ID: fmt.Sprintf("I%d", i)}, Subject: crm.OfAddress(phone(i)),
		At: day, Version: 1, Data: &crm.Consent{Status: crm.Granted, Via: "HS_WEB"},
	}
}

// batch returns people lo to hi-1 with their orders and consents.
func batch(lo, hi, orders int) crm.Batch {
	var b crm.Batch
	for i := lo; i < hi; i++ {
		b.Profiles = append(b.Profiles, person(i))
		for j := range orders {
			b.Facts = append(b.Facts, order(i, j))
		}
		b.Facts = append(b.Facts, consent(i))
	}
	return b
}

package crmtest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Options say what customers are like. The zero value works.
type Options struct {
	Seed   uint64
	Orders int       // of each customer; 0 means none
	Until  time.Time // the last order is before this; zero means 2025-01-01 UTC
	Days   int       // over how many days orders are spread; 0 means 720
	Brand  string    // of the consents
	Batch  int       // records per batch; 0 means 1,000
	// Twice is the share of customers who are known to a second source as well,
	// by the same phone number and a name that may be spelt otherwise.
	Twice float64
}

var (
	given    = strings.Fields("Ayşe Fatma Emine Hatice Zeynep Elif Meryem Işıl Gül Özlem Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim İsmail Osman Yusuf Murat Ömer Çağlar Şükrü Uğur")
	family   = strings.Fields("Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Acar Şen Aktaş Güneş Bulut Yalçın Güler Bozkurt Taş Ünal Turan Keskin Gül Avcı Işık Tekin")
	cities   = strings.Fields("İstanbul Ankara İzmir Bursa Antalya Konya Adana Gaziantep Mersin Kayseri Eskişehir Samsun")
	articles = []crm.OrderLine{
		{SKU: "W-100", Category: "watch", Brand: "Aras", Quantity: 1, Amount: crm.Money{Amount: 1299000, Currency: "TRY"}},
		{SKU: "W-200", Category: "smartwatch", Brand: "Fırat", Quantity: 1, Amount: crm.Money{Amount: 899900, Currency: "TRY"}},
		{SKU: "S-010", Category: "strap", Brand: "Aras", Quantity: 1, Amount: crm.Money{Amount: 59900, Currency: "TRY"}},
		{SKU: "J-300", Category: "jewelry", Brand: "Dicle", Quantity: 1, Amount: crm.Money{Amount: 349000, Currency: "TRY"}},
	}
	shops = 165
)

// Places returns the shops that Customers buy in, for crm.NewPlaces.
func Places() []*crm.Place {
	out := []*crm.Place{{ID: "tr", Kind: "country", Name: "Türkiye", Zone: "Europe/Istanbul", Currency: "TRY"}}
	for i := range shops {
		out = append(out, &crm.Place{ID: fmt.Sprintf("shop-%03d", i), Parent: "tr", Kind: "store", Name: fmt.Sprintf("Mağaza %d", i)})
	}
	return out
}

// Customers yields n customers, each with a profile, a phone number, a consent
// (three in four agreed) and orders, in batches. Each batch is the receiver's.
func Customers(n int, o Options) iter.Seq[crm.Batch] {
	if o.Until.IsZero() {
		o.Until = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Days <= 0 {
		o.Days = 720
	}
	if o.Batch <= 0 {
		o.Batch = 1000
	}
	names := make([]string, shops)
	for i := range names {
		names[i] = fmt.Sprintf("shop-%03d", i)
	}
	return func(yield func(crm.Batch) bool) {
		var b crm.Batch
		for i := range n {
			customer(&b, i, o, names)
			if b.Len() >= o.Batch {
				if !yield(b) {
					return
				}
				b = crm.Batch{}
			}
		}
		if b.Len() > 0 {
			yield(b)
		}
	}
}

func customer(b *crm.Batch, i int, o Options, names []string) {
	r := rand.New(rand.NewPCG(o.Seed, uint64(i)))
	since := o.Until.AddDate(0, 0, -o.Days-1-r.IntN(1000))
	phone := crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90%010d", 5_000_000_000+i)}
	first, last := given[r.IntN(len(given))], family[r.IntN(len(family))]
	key := crm.ProfileKey{Source: "pos", ID: fmt.Sprintf("%08d", i)}
	p := &crm.Profile{ProfileKey: key, Name: crm.Name{Given: first, Family: last}, Since: since, At: since,
		Birth:    time.Date(1950+r.IntN(55), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
		Postal:   crm.Postal{City: cities[r.IntN(len(cities))], Country: "TR"},
		Contacts: []crm.Contact{{Address: phone}}}
	b.Profiles = append(b.Profiles, p)
	if r.Float64() < o.Twice {
		q := p.Clone()
		q.Source = "web"
		q.Name = crm.Name{Given: strings.ToUpper(first), Family: strings.ToUpper(last)}
		q.Since = since.AddDate(0, 1, 0)
		b.Profiles = append(b.Profiles, q)
	}
	status := crm.Granted
	if r.IntN(4) == 0 {
		status = crm.Refused
	}
	b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "pos", ID: key.ID}, Subject: crm.OfAddress(phone), At: since, Version: 1,
		Data: &crm.Consent{ConsentKey: crm.ConsentKey{Brand: o.Brand}, Status: status}})
	for j := range o.Orders {
		at := o.Until.Add(-time.Duration(r.IntN(o.Days*24*60)+1) * time.Minute)
		line := articles[r.IntN(len(articles))]
		number := fmt.Sprintf("%08d%02d", i, j)
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: number}, Subject: crm.OfProfile(key), At: at,
			Place: names[r.IntN(len(names))], Version: 1,
			Data: &crm.Order{Number: number, Channel: "store", Total: line.Amount, Lines: []crm.OrderLine{line}}})
	}
}

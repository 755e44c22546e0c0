//go:build ignore

// Program generate writes the sample data: go run generate.go (in this folder).
package main

import (
	"encoding/csv"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	first   = strings.Fields("Ayşe Mehmet Fatma Mustafa Emine Ahmet Hatice Ali Zeynep Hüseyin Elif İbrahim Şule Ömer Gül Çağla Işıl Yiğit")
	last    = strings.Fields("Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Işık")
	cities  = strings.Fields("İstanbul İstanbul İstanbul Ankara Ankara İzmir Bursa Antalya Eskişehir Muğla")
	tiers   = strings.Fields("bronze bronze bronze silver silver gold platinum")
	goods   = strings.Fields("watch watch watch strap battery jewelry sunglasses smartwatch")
	service = strings.Fields("battery battery strap polish repair")
)

func main() {
	rng := rand.New(rand.NewPCG(2026, 3))
	pick := func(of []string) string { return of[rng.IntN(len(of))] }
	end := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	day := func(back int) string { return end.AddDate(0, 0, -back).Format(time.DateOnly) }
	customers := [][]string{strings.Split("customer,name,city,tier,born:date,sms_consent:bool,email_consent:bool,open_tickets:int,last_score:int?,tags:tags", ",")}
	purchases := [][]string{strings.Split("customer,id,at:date,channel,category,amount:money,gift:bool,returned:bool", ",")}
	visits := [][]string{strings.Split("customer,id,at:date,service", ",")}
	order, visit := 0, 0
	for i := range 300 {
		key := fmt.Sprintf("c%03d", i+1)
		var tags []string
		for _, t := range []struct {
			name string
			of   int
		}{{"red", 40}, {"vip", 25}, {"golden", 15}, {"staff", 60}, {"newsletter", 4}} {
			if rng.IntN(t.of) == 0 {
				tags = append(tags, t.name)
			}
		}
		score := ""
		if rng.IntN(4) == 0 {
			score = strconv.Itoa(rng.IntN(11))
		}
		born := ""
		if rng.IntN(10) > 0 {
			born = time.Date(1950+rng.IntN(55), time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		}
		tickets := 0
		if rng.IntN(30) == 0 {
			tickets = 1
		}
		customers = append(customers, []string{key, pick(first) + " " + pick(last), pick(cities), pick(tiers), born,
			strconv.FormatBool(rng.IntN(100) < 60), strconv.FormatBool(rng.IntN(100) < 55), strconv.Itoa(tickets), score, strings.Join(tags, "|")})
		n := int(rng.ExpFloat64() * 3)
		if i%9 == 0 {
			n = 0 // known from the technical service alone
		}
		for range min(n, 12) {
			order++
			channel := pick([]string{"store", "store", "store", "web", "app"})
			purchases = append(purchases, []string{key, fmt.Sprintf("o%04d", order), day(int(rng.ExpFloat64() * 220)), channel, pick(goods),
				strconv.Itoa(100*(5+int(rng.ExpFloat64()*60))) + ".00", strconv.FormatBool(rng.IntN(12) == 0), strconv.FormatBool(rng.IntN(25) == 0)})
		}
		if i%9 == 0 || rng.IntN(4) == 0 {
			for range 1 + rng.IntN(2) {
				visit++
				visits = append(visits, []string{key, fmt.Sprintf("v%04d", visit), day(int(rng.ExpFloat64() * 400)), pick(service)})
			}
		}
	}
	for name, rows := range map[string][][]string{"customers": customers, "purchases": purchases, "visits": visits} {
		f, err := os.Create("data/" + name + ".csv")
		if err != nil {
			log.Fatal(err)
		}
		if err := csv.NewWriter(f).WriteAll(rows); err != nil {
			log.Fatal(err)
		}
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}
}

package world

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// The retailer's points of sale.
const (
	storeCount  = 165
	dealerCount = 600
	kioskCount  = 40
	// Ids of the places that there is one of.
	placeWeb     = "web"
	placeMarket  = "pazaryeri"
	placeService = "servis-merkez"
	placeCare    = "cagri-merkezi"
)

var regionNames = [7]string{"Marmara", "İç Anadolu", "Ege", "Akdeniz", "Karadeniz", "Güneydoğu Anadolu", "Doğu Anadolu"}
var regionIDs = [7]string{"tr-marmara", "tr-ic-anadolu", "tr-ege", "tr-akdeniz", "tr-karadeniz", "tr-guneydogu", "tr-dogu"}

var abroad = []struct {
	country, name, city string
	zone                int
	currency            string
	stores              int
}{
	{"de", "Almanya", "Berlin", zoneGermany, "EUR", 4},
	{"nl", "Hollanda", "Rotterdam", zoneNetherlands, "EUR", 2},
	{"ae", "Birleşik Arap Emirlikleri", "Dubai", zoneEmirates, "AED", 3},
}

// spot is a point of sale as orders need it.
type spot struct {
	id       string
	zone     int
	currency string
	staff    [5]string
}

func newSpot(id string, zone int, currency string) spot {
	s := spot{id: id, zone: zone, currency: currency}
	for i := range s.staff {
		s.staff[i] = fmt.Sprintf("%s/%d", id, i+1)
	}
	return s
}

// shops are the points of sale: those of the whole country, and for each town
// the ones that its people go to.
type shops struct {
	all     []*crm.Place
	stores  []spot
	dealers []spot
	kiosks  []spot
	foreign []spot
	web     spot
	market  spot
	service spot
	care    spot
	// near[kind][town] lists indexes into stores, dealers and kiosks.
	near  [3][][]int32
	towns table
}

func newShops() *shops {
	s := &shops{}
	weights := make([]float64, len(towns))
	for i, t := range towns {
		weights[i] = t.weight
	}
	s.towns = newTable(weights...)
	opened := time.Date(1998, 3, 1, 0, 0, 0, 0, time.UTC)
	add := func(id, parent string, kind string, name string) {
		s.all = append(s.all, &crm.Place{ID: id, Parent: parent, Kind: kind, Name: name, Opened: opened})
	}
	s.all = append(s.all, &crm.Place{ID: "tr", Kind: "country", Name: "Türkiye", Zone: zoneNames[zoneTurkey], Currency: "TRY"})
	for i, id := range regionIDs {
		add(id, "tr", crm.Region, regionNames[i])
	}
	home := func(id string) spot { return newSpot(id, zoneTurkey, "TRY") }

	foreignStores := 0
	for _, a := range abroad {
		s.all = append(s.all, &crm.Place{ID: a.country, Kind: "country", Name: a.name, Zone: zoneNames[a.zone], Currency: a.currency})
		for k := range a.stores {
			id := fmt.Sprintf("magaza-%s-%d", a.country, k+1)
			add(id, a.country, "store", fmt.Sprintf("%s Mağaza %d", a.city, k+1))
			s.foreign = append(s.foreign, newSpot(id, a.zone, a.currency))
			foreignStores++
		}
	}
	spread := func(kind, count int, prefix string, what string, label string) []spot {
		out := make([]spot, 0, count)
		byTown := make([][]int32, len(towns))
		byRegion := make([][]int32, len(regionIDs))
		perTown := make([]int, len(towns))
		for n := range count {
			// Quantiles of the population: shops stand where people live.
			t := int(s.towns[(2*n+1)*len(s.towns)/(2*count)])
			perTown[t]++
			id := fmt.Sprintf("%s-%03d", prefix, n+1)
			add(id, regionIDs[towns[t].region], what, fmt.Sprintf("%s %s %d", towns[t].name, label, perTown[t]))
			out = append(out, home(id))
			byTown[t] = append(byTown[t], int32(n))
			byRegion[towns[t].region] = append(byRegion[towns[t].region], int32(n))
		}
		for t := range byTown {
			if len(byTown[t]) == 0 {
				byTown[t] = byRegion[towns[t].region]
			}
			if len(byTown[t]) == 0 {
				byTown[t] = byTown[0]
			}
		}
		s.near[kind] = byTown
		return out
	}
	s.stores = spread(0, storeCount-foreignStores, "magaza", "store", "Mağaza")
	s.dealers = spread(1, dealerCount, "bayi", "dealer", "Bayi")
	s.kiosks = spread(2, kioskCount, "kiosk", "kiosk", "Kiosk")
	add(placeWeb, "tr", "web", "İnternet Mağazası")
	add(placeMarket, "tr", "marketplace", "Pazaryeri")
	add(placeService, "tr-marmara", "service", "Teknik Servis Merkezi")
	add(placeCare, "tr-marmara", "callcentre", "Çağrı Merkezi")
	s.web, s.market, s.service, s.care = home(placeWeb), home(placeMarket), home(placeService), home(placeCare)
	return s
}

// pick returns a point of sale of a kind: mostly one that is near, for faithful
// people always the same one.
func (s *shops) pick(r *random, kind int, list []spot, p *dweller) *spot {
	near := s.near[kind][p.town]
	if kind == 0 && r.chance(0.02) {
		return &s.foreign[r.below(len(s.foreign))]
	}
	switch x := r.below(100); {
	case x < 70:
		return &list[near[int(p.habit)%len(near)]]
	case x < 92:
		return &list[near[r.below(len(near))]]
	}
	return &list[r.below(len(list))]
}

// Places returns the tree of locations: Turkey with 7 regions, 3 countries
// abroad, 165 stores, 600 dealers, 40 kiosks, the web shop, a marketplace, the
// technical service and the call centre. Each call returns new values.
func (w *World) Places() []*crm.Place {
	out := make([]*crm.Place, len(w.shops.all))
	for i, p := range w.shops.all {
		q := *p
		out[i] = &q
	}
	return out
}

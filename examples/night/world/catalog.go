package world

import (
	"fmt"
	"math"

	"github.com/vefacrm/vefa/crm"
)

// The categories of goods.
const (
	watch = iota
	smartwatch
	strap
	battery
	jewelry
	categoryCount
)

var categoryNames = [categoryCount]string{"watch", "smartwatch", "strap", "battery", "jewelry"}

// Brands are invented.
var brandNames = []string{"Bosfor", "Galata", "Meridyen", "Nordlys", "Aurelle", "Vento", "Kestane", "Poyraz"}

// modelsPerBrand is the number of models of a brand in a category.
const modelsPerBrand = 24

// What is bought first, by source, and what is bought with it.
var (
	firstGoods = [sourceCount]table{
		pos:         newTable(46, 16, 16, 8, 14),
		web:         newTable(42, 24, 18, 2, 14),
		marketplace: newTable(44, 30, 20, 0, 6),
		dealer:      newTable(80, 12, 6, 2, 0),
		kiosk:       newTable(22, 18, 26, 16, 18),
		service:     newTable(0, 0, 50, 50, 0),
		callcentre:  newTable(50, 20, 15, 0, 15),
	}
	withGoods = newTable(0, 0, 42, 20, 38)
	lineCount = newTable(80, 16, 4)
	brandZipf = newZipf(len(brandNames), 1.1)
)

// article is a model with its price in kuruş.
type article struct {
	sku, category, brand string
	price                int64
}

// Prices run from the first to the second, in lira, most of them low.
var priceRange = [categoryCount][2]float64{{1800, 42000}, {2900, 24000}, {190, 1900}, {150, 420}, {450, 7500}}

func newCatalogue(key random) []article {
	out := make([]article, 0, categoryCount*len(brandNames)*modelsPerBrand)
	for c := range categoryCount {
		lo, hi := math.Log(priceRange[c][0]), math.Log(priceRange[c][1])
		for _, brand := range brandNames {
			for m := range modelsPerBrand {
				u := (key.unit() + key.unit()) / 2 * key.unit()
				lira := math.Exp(lo + (hi-lo)*min(1, u*1.6))
				out = append(out, article{
					sku:      fmt.Sprintf("%s-%c%03d", brand[:3], "WSKPJ"[c], 100+7*m),
					category: categoryNames[c], brand: brand,
					price: max(1, int64(lira/10+0.5))*1000 - 10,
				})
			}
		}
	}
	return out
}

func (w *World) article(r *random, category int) *article {
	brand := brandZipf.draw(r)
	return &w.catalogue[(category*len(brandNames)+brand)*modelsPerBrand+r.below(modelsPerBrand)]
}

// What 100 of a currency are in kuruş; prices abroad follow the price at home.
func inCurrency(kurus int64, currency string) int64 {
	switch currency {
	case "EUR":
		return (kurus/37 + 50) / 100 * 100
	case "AED":
		return (kurus/10 + 50) / 100 * 100
	}
	return kurus
}

// firstArticle returns what is bought first in a story.
func (w *World) firstArticle(person, slot int, source uint8) (a *article, category int) {
	r := w.random(streamGoods, uint64(person), uint64(slot))
	category = firstGoods[source].draw(&r)
	return w.article(&r, category), category
}

// serial returns the serial number of the watch bought in a story.
func (w *World) serial(a *article, person, slot, line int) string {
	b := make([]byte, 0, 20)
	b = append(append(b, a.brand[:2]...), '-')
	b = appendDigits(b, w.storyIDs.do(storyID(person, slot)), 13)
	return string(append(b, '-', byte('1'+line)))
}

// lineCount returns how many lines the order of a story has.
func (w *World) lineCount(s *story) int {
	lines, _ := w.lines(s.person, s.slot, s.source, s.at.currency)
	return len(lines)
}

// lines returns what is bought in a story and the sum.
func (w *World) lines(person, slot int, source uint8, currency string) ([]crm.OrderLine, crm.Money) {
	r := w.random(streamGoods, uint64(person), uint64(slot))
	category := firstGoods[source].draw(&r)
	a := w.article(&r, category)
	n := 1 + lineCount.draw(&r)
	out := make([]crm.OrderLine, n)
	total := crm.Money{Currency: currency}
	for i := range out {
		if i > 0 {
			category = withGoods.draw(&r)
			a = w.article(&r, category)
		}
		qty := int64(1)
		if category == battery && r.chance(0.2) {
			qty = 2
		}
		amount := qty * inCurrency(a.price, currency)
		if r.chance(0.15) { // a discount of 10 %
			amount -= amount / 10
		}
		out[i] = crm.OrderLine{SKU: a.sku, Category: a.category, Brand: a.brand, Quantity: qty, Amount: crm.Money{Amount: amount, Currency: currency}}
		if category == watch || category == smartwatch {
			out[i].Serial = w.serial(a, person, slot, i)
		}
		total.Amount += amount
	}
	return out, total
}

package world

import (
	"fmt"
	"sort"
	"time"
)

const (
	// pastDays is how far the history reaches back before the first evening.
	pastDays = 730
	// tail is an upper bound of the days from the beginning of a story to the
	// last delivery of it. The test TestNothingIsLost holds it.
	tail = 70
	// lastDay is the last day that order numbers have room for.
	lastDay    = 15_000
	daySeconds = 86400
	// eveningHour is when the sources have delivered, in local time.
	eveningHour = 22
)

// The zones of the shops.
const (
	zoneTurkey = iota
	zoneGermany
	zoneNetherlands
	zoneEmirates
	zoneCount
)

var zoneNames = [zoneCount]string{"Europe/Istanbul", "Europe/Berlin", "Europe/Amsterdam", "Asia/Dubai"}

// calendar knows the days, counted from the first evening, in every zone. Days
// in its table cost a look-up, the others a time.Date; both give the same.
type calendar struct {
	year  int
	month time.Month
	day   int
	zones [zoneCount]*time.Location
	noons [zoneCount][]int64 // Unix seconds of local noon, from day -pastDays
	pull  []float64          // how much is bought on a day, from day -pastDays
	sums  []float64          // running sums of pull over the past
}

func newCalendar(from time.Time, evenings int) (*calendar, error) {
	c := &calendar{}
	for z, name := range zoneNames {
		loc, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("world: zone %s: %w", name, err)
		}
		c.zones[z] = loc
	}
	c.year, c.month, c.day = from.In(c.zones[zoneTurkey]).Date()
	n := pastDays + evenings + tail + 1
	for z := range c.zones {
		noons := make([]int64, n)
		for i := range noons {
			noons[i] = c.findNoon(z, i-pastDays)
		}
		c.noons[z] = noons
	}
	pull := make([]float64, n)
	for i := range pull {
		pull[i] = c.findPull(i - pastDays)
	}
	c.pull = pull
	c.sums = make([]float64, pastDays+1)
	for i := range pastDays {
		c.sums[i+1] = c.sums[i] + pull[i]
	}
	return c, nil
}

func (c *calendar) findNoon(zone, day int) int64 {
	return time.Date(c.year, c.month, c.day+day, 12, 0, 0, 0, c.zones[zone]).Unix()
}

// noon returns local noon of a day. Hours are counted from there, so that a
// change to summer time at night shifts nothing.
func (c *calendar) noon(zone, day int) int64 {
	if i := day + pastDays; i >= 0 && i < len(c.noons[zone]) {
		return c.noons[zone][i]
	}
	return c.findNoon(zone, day)
}

// evening returns when the sources have delivered what happened up to then.
func (c *calendar) evening(day int) int64 {
	return c.noon(zoneTurkey, day) + (eveningHour-12)*3600
}

// dayOf returns the first day whose evening is not before t.
func (c *calendar) dayOf(t int64) int {
	ago := t - c.evening(0) - 1
	day := int(ago / daySeconds)
	if ago < 0 {
		day = -int(-ago / daySeconds)
	}
	for c.evening(day) < t {
		day++
	}
	for c.evening(day-1) >= t {
		day--
	}
	return day
}

var monthPull = [13]float64{0, 0.85, 1.25, 0.85, 0.85, 1.15, 1.1, 0.85, 0.9, 0.9, 0.85, 1.25, 1.6}
var weekdayPull = [7]float64{1.3, 0.75, 0.75, 0.8, 0.9, 1.1, 1.5}

func (c *calendar) findPull(day int) float64 {
	t := time.Date(c.year, c.month, c.day+day, 12, 0, 0, 0, time.UTC)
	return monthPull[t.Month()] * weekdayPull[t.Weekday()]
}

func (c *calendar) pullOf(day int) float64 {
	if i := day + pastDays; i >= 0 && i < len(c.pull) {
		return c.pull[i]
	}
	return c.findPull(day)
}

// drawDay returns a day of the past in [lo, hi), busy days more often.
func (c *calendar) drawDay(r *random, lo, hi int) int {
	a, b := c.sums[lo+pastDays], c.sums[hi+pastDays]
	x := a + r.unit()*(b-a)
	i := sort.Search(hi-lo, func(i int) bool { return c.sums[lo+pastDays+i+1] > x })
	return min(lo+i, hi-1)
}

// The hours in which people buy, from 8 to 23 o'clock.
var (
	shopHours   = newTable(0, 0, 3, 4, 5, 6, 6, 7, 8, 10, 13, 14, 12, 8, 0, 0)
	webHours    = newTable(2, 3, 4, 4, 5, 5, 4, 4, 4, 5, 6, 7, 9, 13, 14, 9)
	officeHours = newTable(0, 8, 10, 10, 7, 8, 9, 9, 8, 6, 0, 0, 0, 0, 0, 0)
)

// at returns a moment of a day in local time, drawn from a table of hours.
func (c *calendar) at(r *random, zone, day int, hours table) int64 {
	h := hours.draw(r) + 8
	return c.noon(zone, day) + int64(h-12)*3600 + int64(r.below(3600))
}

// working returns t if the call centre works then, else a moment in its next
// first hour.
func (c *calendar) working(t int64) int64 {
	const opens, closes = 9 * 3600, 18 * 3600
	day := c.dayOf(t)
	clock := t - c.noon(zoneTurkey, day) + 12*3600 // negative after the evening before
	switch {
	case clock < opens:
		return t - clock + opens + (clock+2*3600)*3600/(opens+2*3600)
	case clock >= closes:
		return t - clock + daySeconds + opens + (clock-closes)*900/(closes-opens)
	}
	return t
}

func moment(sec int64) time.Time { return time.Unix(sec, 0).UTC() }

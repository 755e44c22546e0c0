package importer

import (
	"context"
	"iter"
	"time"

	"github.com/vefacrm/vefa/crm"
)

const (
	// historyBatch is the number of records in a batch of the history.
	historyBatch = 1000
	// eveningHour is when the sources have delivered, in local time.
	eveningHour = 22
)

// Run is the data delivered evening by evening. It holds no state: its methods
// may be called in any order, by any number of goroutines.
type Run struct {
	data  *Data
	year  int
	month time.Month
	day   int
	zone  *time.Location
}

// Starting returns the data as it would have come from a first evening on: on
// the date of from (as from's own location has it), in a zone (nil: the
// data's). What is dated up to the evening before is history.
//
// A record that has a course, such as an order that is delivered days later,
// comes once for each of its states, when it came about.
func (d *Data) Starting(from time.Time, zone *time.Location) *Run {
	if zone == nil {
		zone = d.zone
	}
	r := &Run{data: d, zone: zone}
	r.year, r.month, r.day = from.Date()
	return r
}

// Evening returns the moment of day n, 22:00 in the run's zone, in UTC. Day(n)
// holds nothing that happened later.
func (r *Run) Evening(n int) time.Time {
	return time.Date(r.year, r.month, r.day+n, eveningHour, 0, 0, 0, r.zone).UTC()
}

// History returns what was known on the evening before the first, in batches of
// 1,000 records, profiles mostly before what hangs on them: the newest version
// of each profile and fact. It ends early when ctx is done. Each batch belongs
// to the receiver.
func (r *Run) History(ctx context.Context) iter.Seq[crm.Batch] {
	return func(yield func(crm.Batch) bool) {
		t := r.data.timeline
		end := t.upTo(r.Evening(-1).UnixMicro())
		var b crm.Batch
		for i := range end {
			if next := int(t[i].next); next >= 0 && next < end {
				continue
			}
			t[i].addTo(&b)
			if b.Len() < historyBatch {
				continue
			}
			if ctx.Err() != nil || !yield(b) {
				return
			}
			b = crm.Batch{}
		}
		if b.Len() > 0 && ctx.Err() == nil {
			yield(b)
		}
	}
}

// Day returns what became known after the evening of day n-1 and not after that
// of day n. Nothing comes on days before the first. Each call returns new
// values.
func (r *Run) Day(n int) crm.Batch {
	var b crm.Batch
	if n < 0 {
		return b
	}
	t := r.data.timeline
	for i := t.upTo(r.Evening(n - 1).UnixMicro()); i < t.upTo(r.Evening(n).UnixMicro()); i++ {
		t[i].addTo(&b)
	}
	return b
}

// Days returns the number of evenings after which everything has come; 0 where
// everything is history.
func (r *Run) Days() int {
	t := r.data.timeline
	if len(t) == 0 || t[len(t)-1].at <= r.Evening(-1).UnixMicro() {
		return 0
	}
	last := time.UnixMicro(t[len(t)-1].at)
	n := int(last.Sub(r.Evening(-1)) / (24 * time.Hour))
	for n > 0 && !r.Evening(n-1).Before(last) {
		n--
	}
	for r.Evening(n).Before(last) {
		n++
	}
	return n + 1
}

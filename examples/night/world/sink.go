package world

import "github.com/vefacrm/vefa/crm"

// sink takes the records of one day, or with past set the state of every
// record as it stood on the evening before the first.
type sink struct {
	calendar *calendar
	past     bool
	day      int
	start    int64 // the evening before the first
	batch    crm.Batch
}

// Of 1,000 records some come days late and some come twice.
const (
	lateShare  = 25
	twiceShare = 40
	maxLate    = 3
	maxTwice   = 5
	// recordTail bounds the days from a record's own to its last delivery.
	recordTail = maxLate + maxTwice + dealerLate + 2
	// dealerLate is the number of days that dealers may take to report.
	dealerLate = 2
)

// times returns how often a record that was made at a moment comes on the
// sink's day. Key tells the records apart. A prompt record is never late.
func (s *sink) times(key uint64, at int64, prompt bool, slack int) int {
	if s.past {
		if at <= s.start {
			return 1
		}
		return 0
	}
	if away := at - s.calendar.evening(s.day); away > 0 || away < -(recordTail+1)*daySeconds {
		return 0
	}
	own := s.calendar.dayOf(at)
	h := mix(key)
	n, delay := 0, 0
	if !prompt {
		if slack > 0 {
			delay = int(h>>50) % (slack + 1)
		}
		if h%1000 < lateShare {
			delay += 1 + int(h>>12)%maxLate
		}
	}
	if own >= 0 && own+delay == s.day {
		n++
	}
	if h>>20%1000 < twiceShare && own+delay+1+int(h>>32)%maxTwice == s.day {
		n++
	}
	return n
}

// stage is one version of a record.
type stage struct {
	at     int64
	status string
}

// versions calls add for each version of a record that comes on the sink's day.
func (s *sink) versions(key uint64, stages []stage, slack int, add func(i int)) {
	if s.past {
		for i := len(stages) - 1; i >= 0; i-- {
			if stages[i].at <= s.start {
				add(i)
				return
			}
		}
		return
	}
	for i := range stages {
		for range s.times(key+uint64(i)*golden, stages[i].at, false, slack) {
			add(i)
		}
	}
}

func (s *sink) fact(f *crm.Fact) { s.batch.Facts = append(s.batch.Facts, f) }

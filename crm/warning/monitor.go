package warning

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// Options configure a monitor. The zero value watches weekly values for a fall of 15 %, learns for a
// year, knows no season and has one false alarm a year.
type Options struct {
	// Year is how many periods a year has; 0 means 52.
	Year int
	// Season is after how many periods the season begins again, at most Learn/2: 52 for weeks of a
	// year, 7 for days of a week. 0 is none.
	Season int
	// Learn is from how many periods at the beginning level, season and noise are learnt; 0 means Year, or two
	// seasons if that is more. There is no alarm in them.
	Learn int
	// Fall is the change to be found, as a share: 0.15 for a fall by 15 %; 0 means 0.15. At most 0.9.
	Fall float64
	// Rise looks for what grows instead.
	Rise bool
	// FalseAlarms is how many there may be a year where nothing has changed; 0 means 1.
	FalseAlarms float64
}

func (o Options) withDefaults() (Options, error) {
	if o.Year == 0 {
		o.Year = 52
	}
	if o.Learn == 0 {
		o.Learn = max(o.Year, 2*o.Season)
	}
	if o.Fall == 0 {
		o.Fall = 0.15
	}
	if o.FalseAlarms == 0 {
		o.FalseAlarms = 1
	}
	switch {
	case o.Year < 1:
		return o, fmt.Errorf("%w: Options.Year is %d, not 1 period or more", ErrData, o.Year)
	case o.Season < 0:
		return o, fmt.Errorf("%w: Options.Season is %d, not 0 or more", ErrData, o.Season)
	case o.Learn < 8 || o.Learn < 2*o.Season:
		return o, fmt.Errorf("%w: Options.Learn is %d, not 8 or more and two seasons, which are %d", ErrData, o.Learn, 2*o.Season)
	case !(o.Fall > 0 && o.Fall <= 0.9):
		return o, fmt.Errorf("%w: Options.Fall is %v, not above 0 and at most 0.9; 0.15 is 15 %%", ErrData, o.Fall)
	case !(o.FalseAlarms > 0) || float64(o.Year)/o.FalseAlarms < 2:
		return o, fmt.Errorf("%w: Options.FalseAlarms is %v, not above 0 and at most half of the %d periods of a year", ErrData, o.FalseAlarms, o.Year)
	}
	return o, nil
}

// Alarm is a period at which a series was seen to have changed.
type Alarm struct {
	At    int `json:"at"`    // from 0
	Since int `json:"since"` // from which period on, as it looks
	// Change is by which share the periods from Since to At differ from what was expected: -0.15
	// for a fall by 15 %, with the interval at 95 %.
	Change float64 `json:"change"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Monitor watches series. It is safe for concurrent use.
type Monitor struct {
	o Options

	mu     sync.Mutex
	charts map[float64]CUSUM // by the shift in standard deviations
}

// NewMonitor returns a monitor. The error is an ErrData about the options.
func NewMonitor(o Options) (*Monitor, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Monitor{o: o, charts: map[float64]CUSUM{}}, nil
}

// Watch returns the alarms of a series of values that are not negative, one for each period; NaN where
// nothing is known. peers, which may be nil, is what others like it had in the same periods
// together: what all have in common, a holiday or a flood, is then no alarm. After an alarm what
// was found is the new level. The error is an ErrData and names the period.
func (m *Monitor) Watch(values, peers []float64) ([]Alarm, error) {
	return m.watch(values, peers, nil)
}

// Trace is the chart of a series: what a control chart is drawn from.
type Trace struct {
	// Sums are the cumulated sums, in standard deviations, one for each period: NaN while the monitor learns and
	// where nothing is known. After an alarm they begin at 0 again.
	Sums []float64
	// Limit is what a sum may reach; 0 where too little is known for a chart.
	Limit  float64
	Alarms []Alarm
}

// Trace returns what Watch does, with the chart that it comes from.
func (m *Monitor) Trace(values, peers []float64) (Trace, error) {
	t := Trace{Sums: make([]float64, len(values))}
	for i := range t.Sums {
		t.Sums[i] = math.NaN()
	}
	var err error
	t.Alarms, err = m.watch(values, peers, &t)
	return t, err
}

// watch is Watch; it also writes the sums into trace, if it is not nil.
func (m *Monitor) watch(values, peers []float64, trace *Trace) ([]Alarm, error) {
	if peers != nil && len(peers) != len(values) {
		return nil, fmt.Errorf("%w: %d values and %d of peers, which must be as many or nil", ErrData, len(values), len(peers))
	}
	for i, v := range values {
		if v < 0 || math.IsInf(v, 0) || peers != nil && (peers[i] < 0 || math.IsInf(peers[i], 0)) {
			return nil, fmt.Errorf("%w: period %d is negative or infinite", ErrData, i)
		}
	}
	o := m.o
	if len(values) <= o.Learn {
		return nil, nil
	}
	// What is looked at: the values, or what part of the others' they are, without the season.
	at := slices.Clone(values)
	if peers != nil {
		for i := range at {
			if peers[i] > 0 {
				at[i] /= peers[i]
			} else {
				at[i] = math.NaN()
			}
		}
	}
	if season := indices(at[:o.Learn], o.Season); season != nil {
		for i := range at {
			at[i] /= season[i%o.Season]
		}
	}
	level, noise, ok := levelOf(at[:o.Learn])
	if !ok {
		return nil, nil // hardly anything is known, or sold
	}
	if o.Season > 0 { // indices of few seasons have noise of their own, which is missing in these and there in the next
		seasons := float64(o.Learn / o.Season)
		noise *= math.Sqrt((seasons + 1) / (seasons - 1))
	}
	chart, err := m.chart(noise / level)
	if err != nil {
		return nil, err
	}
	if trace != nil {
		trace.Limit = chart.H
	}
	var out []Alarm
	past := base{window: max(8, o.Year/2), lag: max(4, o.Year/6)}
	for _, v := range at[:o.Learn] {
		if !math.IsNaN(v) {
			past.add(v)
		}
	}
	sum, since := 0.0, o.Learn
	var run []float64 // the values since
	for i := o.Learn; i < len(at); i++ {
		x := at[i]
		if math.IsNaN(x) {
			continue
		}
		level = max(past.level(), level/1000)
		off := (level - x) / noise
		if o.Rise {
			off = -off
		}
		if sum == 0 {
			since, run = i, run[:0]
		}
		run = append(run, x)
		past.add(x)
		// One period far out is not yet a change of the level.
		sum = max(0, sum+min(off, 4)-chart.K)
		if trace != nil {
			trace.Sums[i] = sum
		}
		if sum <= chart.H {
			continue
		}
		var mean float64
		for _, v := range run {
			mean += v
		}
		mean /= float64(len(run))
		half := 1.959963984540054 * noise / level / math.Sqrt(float64(len(run)))
		change := mean/level - 1
		out = append(out, Alarm{At: i, Since: since, Change: change, Low: max(-1, change-half), High: change + half})
		past.restart(run)
		sum = 0
	}
	return out, nil
}

// base is what a period is compared with: the mean of a window of periods that ended some time ago,
// so that a change is not at once part of what is expected, and a slow trend is.
type base struct {
	values      []float64
	window, lag int
}

func (b *base) add(v float64) { b.values = append(b.values, v) }

// restart forgets what was before a change.
func (b *base) restart(values []float64) { b.values = append(b.values[:0:0], values...) }

func (b *base) level() float64 {
	end := len(b.values)
	if end >= 2*b.lag { // after a change there are few at first
		end -= b.lag
	}
	var sum float64
	from := max(0, end-b.window)
	for _, v := range b.values[from:end] {
		sum += v
	}
	return sum / float64(end-from)
}

// chart returns the chart for a relative noise.
func (m *Monitor) chart(relative float64) (CUSUM, error) {
	// A shift of more than three standard deviations is seen at once anyway, one of less than a
	// tenth never.
	shift := math.Round(min(max(m.o.Fall/relative, 0.1), 3)*20) / 20
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.charts[shift]; ok {
		return c, nil
	}
	c, err := NewCUSUM(shift, float64(m.o.Year)/m.o.FalseAlarms)
	if err == nil {
		m.charts[shift] = c
	}
	return c, err
}

// levelOf returns the median and the standard deviation by the median distance of neighbours, which a slow trend does
// not widen.
func levelOf(values []float64) (level, noise float64, ok bool) {
	var known, steps []float64
	before := math.NaN()
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		known = append(known, v)
		if !math.IsNaN(before) {
			steps = append(steps, math.Abs(v-before))
		}
		before = v
	}
	if len(known) < 8 {
		return 0, 0, false
	}
	level = median(known)
	noise = median(steps) / (0.6744897501960817 * math.Sqrt2) // of the difference of two normal values
	if level <= 0 {
		return 0, 0, false
	}
	return level, max(noise, level*0.005), true
}

// indices returns how each place in the season compares with the whole, 1 on average: by the median of its ratios to
// the mean of a whole season around it. nil without a season.
func indices(values []float64, season int) []float64 {
	if season == 0 {
		return nil
	}
	ratios := make([][]float64, season)
	for i, v := range values {
		from := min(max(0, i-season/2), len(values)-season)
		var sum, n float64
		for _, w := range values[from : from+season] {
			if !math.IsNaN(w) {
				sum, n = sum+w, n+1
			}
		}
		if sum > 0 && !math.IsNaN(v) {
			ratios[i%season] = append(ratios[i%season], v*n/sum)
		}
	}
	out := make([]float64, season)
	var sum float64
	for i, r := range ratios {
		out[i] = 1
		if len(r) > 0 {
			out[i] = max(median(r), 0.01)
		}
		sum += out[i]
	}
	for i := range out {
		out[i] *= float64(season) / sum
	}
	return out
}

// median returns the middle value, of an even number the mean of both. It sorts.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

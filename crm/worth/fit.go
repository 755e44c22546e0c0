package worth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/segment/rfm"
)

// Fit is what was fitted to all customers on one evening. Money is in minor units of the home currency, the models' time in weeks.
type Fit struct {
	// Version is that of the definitions: this package's and Config.Version.
	Version string    `json:"version"`
	Day     string    `json:"day"` // the evening's
	At      time.Time `json:"at"`
	// Customers is how many had bought; Later how many more are known to buy only after the evening, as one that is
	// caught up meets them, and were left out.
	Customers int `json:"customers"`
	Later     int `json:"later,omitempty"`
	// Buying says how often customers buy and when they leave, with the standard errors of its parameters.
	Buying    value.MBGNBD `json:"buying"`
	BuyingFit value.Fit    `json:"buying_fit"`
	// Spending says what a purchase is worth; SpendingFit has the customers with a repeated purchase of known amount, and none where
	// there were too few.
	Spending    value.GammaGamma `json:"spending"`
	SpendingFit value.Fit        `json:"spending_fit"`
	// Untold are parameters that the data do not tell, by the papers' names: they are where the search ended.
	Untold []string `json:"untold,omitempty"`
	// Gap is the mean number of days between purchases, of Gaps gaps; 0 without any.
	Gap  float64 `json:"gap"`
	Gaps int     `json:"gaps"`
	// Cells are the cut points of RFM.
	Cells rfm.Cuts `json:"cells"`
	// Tiers are where the tiers of Config.Tiers begin, and of how many customers; nil without.
	Tiers *Tiers `json:"tiers,omitempty"`
}

const (
	fitKind = "worth"
	fitID   = "fits"
	// keptFits is how many fits are kept: segments compare an evening with the one before, which may have been some days ago.
	keptFits = 8
	// byWeek is from how many customers on the models count by the week and by hundredths of an amount: how little that changes a
	// parameter is beside its standard error tells TestByWeek.
	byWeek = 50_000
	// longest is the longest span of days that is told from a longer one: 20 bits.
	longest = 1<<20 - week
	// bucketZero is added to hundredths of logarithms of amounts, which may be below 0.
	bucketZero = 1 << 20
	// mostSpent is beyond what package rfm takes.
	mostSpent = 100_000_000_000_000_000
)

// Fits returns what was fitted on the last evenings, sorted by day. Where the version of the definitions was changed,
// some are of the one before for some evenings.
func Fits(ctx context.Context, r crm.Reader) ([]Fit, error) {
	docs, err := r.Documents(ctx, fitKind, fitID)
	if err != nil || docs[0] == nil {
		return nil, err
	}
	var out []Fit
	if err := docs[0].Decode(&out); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Fit) int { return cmp.Compare(a.Day, b.Day) })
	return out, nil
}

// estimate fits the models to customers as of a day: how often they buy, and beside it what they spend. It is nil
// for fewer than Config.Least.
func (m *module) estimate(ctx context.Context, all []summary, today int) (*Fit, error) {
	f := &Fit{Version: m.version}
	for i := range all {
		if int(all[i].last) > today {
			f.Later++
		}
	}
	if f.Customers = len(all) - f.Later; f.Customers < m.cfg.Least {
		return nil, nil
	}
	coarse := 1
	if f.Customers >= byWeek {
		coarse = week
	}
	t, err := count(all, today, coarse)
	if err != nil {
		return nil, err
	}
	money, failed := &Fit{}, error(nil)
	var beside sync.WaitGroup
	beside.Go(func() {
		defer crm.Recover("worth", &failed)
		failed = m.spending(ctx, money, t)
	})
	err = f.buying(ctx, t, coarse)
	beside.Wait()
	f.Spending, f.SpendingFit, f.Cells, f.Untold = money.Spending, money.SpendingFit, money.Cells, append(f.Untold, money.Untold...)
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	if f.Tiers, err = m.tiers(f, all, today); err != nil {
		return nil, fmt.Errorf("worth: tiers: %w", err)
	}
	return f, nil
}

// buying fits how often customers buy and when they leave.
func (f *Fit) buying(ctx context.Context, t *tally, coarse int) error {
	if f.Gaps = t.gaps; f.Gaps > 0 {
		f.Gap = float64(t.span) / float64(f.Gaps)
	}
	sample, err := value.CondenseCounted(t.histories(coarse))
	if err != nil {
		return err
	}
	f.Buying, f.BuyingFit, err = value.FitMBGNBD(ctx, sample)
	if err = f.told(err); err != nil {
		return fmt.Errorf("worth: MBG/NBD: %w", err)
	}
	return nil
}

// spending fits what a purchase is worth and the cells of RFM.
func (m *module) spending(ctx context.Context, f *Fit, t *tally) (err error) {
	customers := 0
	for k, n := range t.paid {
		t.spent[value.Spending{Purchases: int(k >> 32), Mean: math.Exp(float64(int(k&(1<<32-1))-bucketZero) / 100)}] += n
	}
	for _, n := range t.spent {
		customers += n
	}
	if customers >= min(m.cfg.Least, 20) {
		f.Spending, f.SpendingFit, err = value.FitGammaGammaCounted(ctx, maps.All(t.spent))
		if err = f.told(err); err != nil {
			return fmt.Errorf("worth: Gamma-Gamma: %w", err)
		}
	}
	if len(t.cells[0]) > 0 {
		f.Cells, err = m.cfg.RFM.CutPoints(t.cells[0], t.cells[1], t.cells[2])
	}
	return err
}

// told notes parameters that the data do not tell, with which a model is usable.
func (f *Fit) told(err error) error {
	var b *value.BoundaryError
	if errors.As(err, &b) {
		for _, p := range b.Params {
			f.Untold = append(f.Untold, b.Model+" "+p)
		}
		return nil
	}
	return err
}

// keep stores a fit, unless one of that evening is there: what rules have read once in an evening stays, however
// often it is done again. One of a later evening, as a clock that was ahead leaves it, is no reason to keep none.
func (m *module) keep(ctx context.Context, svc *crm.Service, f *Fit) error {
	return svc.Update(ctx, func(tx crm.Tx) error {
		docs, err := tx.Documents(ctx, fitKind, fitID)
		if err != nil {
			return err
		}
		var fits []Fit
		var rev int64
		if docs[0] != nil {
			if err := docs[0].Decode(&fits); err != nil {
				return err
			}
			rev = docs[0].Rev
		}
		var mine, others []Fit
		for _, o := range fits {
			if o.Version != m.version {
				others = append(others, o)
			} else if mine = append(mine, o); o.Day == f.Day {
				return nil
			}
		}
		// Those go that were kept first, not those of the earliest days: the days of a clock that was ahead would stay.
		// Processes of another version read theirs until all have been replaced.
		mine = append(mine, *f)
		mine = mine[max(0, len(mine)-keptFits):]
		if len(mine) < keptFits {
			mine = append(others[max(0, len(others)-keptFits):], mine...)
		}
		d, err := crm.NewDocument(fitKind, fitID, mine)
		if err != nil {
			return err
		}
		d.Rev = rev
		return tx.PutDocuments(ctx, d)
	})
}

// fitted reports whether there is a fit of an evening.
func (m *module) fitted(ctx context.Context, r crm.Reader, day string) (bool, error) {
	fits, err := Fits(ctx, r)
	return slices.ContainsFunc(fits, func(o Fit) bool { return o.Version == m.version && o.Day == day }), err
}

// decoded are the fits that were read last, decoded.
type decoded struct{ at atomic.Pointer[decodedFits] }

type decodedFits struct {
	data []byte
	fits []*model
}

// model is a fit that is asked about customers.
type model struct {
	Fit
	lifecycle lifecycle.Definition
	forecasts sync.Pool
}

// forecasts are used by one goroutine at a time.
type forecasts struct{ orders, worth *value.Forecast }

// model returns what was fitted last at an instant, or nil.
func (m *module) model(ctx context.Context, r crm.Reader, at time.Time) (*model, error) {
	docs, err := r.Documents(ctx, fitKind, fitID)
	if err != nil || docs[0] == nil {
		return nil, err
	}
	d := m.known.at.Load()
	if d == nil || !bytes.Equal(d.data, docs[0].Data) {
		var fits []Fit
		if err := docs[0].Decode(&fits); err != nil {
			return nil, err
		}
		d = &decodedFits{data: docs[0].Data}
		for _, f := range fits {
			if f.Version == m.version {
				d.fits = append(d.fits, m.use(f))
			}
		}
		slices.SortStableFunc(d.fits, func(a, b *model) int { return cmp.Compare(a.Day, b.Day) })
		m.known.at.Store(d)
	}
	for _, f := range slices.Backward(d.fits) {
		if !f.At.After(at) {
			return f, nil
		}
	}
	return nil, nil
}

func (m *module) use(f Fit) *model {
	out := &model{Fit: f, lifecycle: m.cfg.Lifecycle}
	if out.lifecycle.Prior == (lifecycle.Prior{}) && f.Gap > 0 {
		out.lifecycle.Prior = lifecycle.Prior{Gap: f.Gap, Weight: 1}
	}
	out.forecasts.New = func() any {
		orders, err := value.NewForecast(f.Buying, m.plain)
		worth, err2 := value.NewForecast(f.Buying, m.terms)
		if err != nil || err2 != nil {
			return nil // New has checked the terms
		}
		return &forecasts{orders, worth}
	}
	return out
}

package worth

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/segment/rfm"
)

// Config says what the fields mean. The zero value works.
type Config struct {
	// Version names these definitions: it is kept with what is fitted, and nothing that was
	// fitted by another one is used. Change it with the rest. Defaults to "1".
	Version string
	// Least is how many customers must have bought for models to be fitted. Defaults to 100.
	Least int
	// Level is the probability with which what comes is between the bounds of OrdersLow12 and
	// OrdersHigh12, WorthLow12 and WorthHigh12; between 0 and 1. Defaults to 0.8.
	Level float64
	// Discount is the yearly rate by which what comes later counts less, such as 0.1; more than -1. Costs,
	// PerPurchase and PerMonth are what is not earned, as value.Terms has it: a share of each amount, and
	// amounts in minor units of the home currency. PerMonth is for each customer who is alive.
	Discount, Costs, PerPurchase, PerMonth float64
	// Lifecycle defines Loyalty. Its Version defaults to Version, its Prior to the mean gap of all
	// customers.
	Lifecycle lifecycle.Definition
	// LockedIn reports whether something other than his will holds a customer, such as a guarantee that runs or a contract: of
	// those who are overdue and may be written to, Loyalty calls him captive and not passive. It is asked by several goroutines
	// at once and answers the same of the same subject. Nil: no customer is.
	LockedIn func(*crm.FieldSubject) bool
	// Stages are stages of a life by what is bought, for LifeStage and what belongs to it. A rule hears of one that begins, and of one
	// that is over, by a segment such as leaf("LifeStage == 'baby'"). Nil: there are no such fields.
	Stages []Stage
	// Tiers defines Tier and TierCertain; its Version defaults to Version. Nil: there are no such fields.
	Tiers *value.TierDefinition
	// Uplift is which share of the way to what nine of ten customers are worth less than others can be brought, from 0 to
	// 1, as a test with a control group has shown: with 0 none is most growable. It goes with Tiers.
	Uplift float64
	// GivesUp is the share of those still buying whom a complaint makes leave, such as value.Recovery says, for AtRisk and what belongs
	// to it. Nil, where it is not known: there are no such fields.
	GivesUp *value.Interval
	// RFM defines the RFM cell; "ntile" and Nested, which depend on the other customers, are refused.
	RFM rfm.Config
	// HalfLife is after how long an amount counts half for FavouriteBrand and FavouriteCategory. Defaults to a year.
	HalfLife time.Duration
	// Alpha is the largest probability by chance of a LifeChange, all categories looked at; between 0 and 1. Defaults to 0.01.
	Alpha float64
}

// edition is the version of what this package does itself; it changes where the same Config comes to other values.
const edition = "worth-1"

// months is how many periods are looked ahead, of month weeks.
const (
	months = 12
	week   = 7
	month  = 365.25 / 12 / week
)

type module struct {
	cfg     Config
	version string
	terms   value.Terms // of what a customer is worth
	plain   value.Terms // of how many orders he makes
	known   decoded
	fields  []field
	stages  map[string]string // of categories
}

// New returns the module, for vefa.Config.Modules of one engine or of several on one record. It fails with all faults
// of the configuration.
func New(cfg Config) (crm.Module, error) {
	m, err := newModule(cfg)
	if err != nil {
		return crm.Module{}, err
	}
	out := crm.Module{Name: "worth", Fill: m.fill, Steps: []crm.Step{{Name: "worth", Run: m.refresh}}}
	for _, f := range m.fields {
		out.Fields = append(out.Fields, f.Field)
	}
	return out, nil
}

func newModule(cfg Config) (*module, error) {
	cfg.Version = cmp.Or(cfg.Version, "1")
	cfg.Least, cfg.Level = cmp.Or(cfg.Least, 100), cmp.Or(cfg.Level, 0.8)
	cfg.HalfLife, cfg.Alpha = cmp.Or(cfg.HalfLife, 365*24*time.Hour), cmp.Or(cfg.Alpha, 0.01)
	cfg.Lifecycle.Version = cmp.Or(cfg.Lifecycle.Version, cfg.Version)
	m := &module{cfg: cfg, version: edition + "/" + cfg.Version}
	m.plain = value.Terms{Periods: months, Length: month}
	m.terms = m.plain
	m.terms.Discount = math.Pow(1+cfg.Discount, 1./months) - 1
	m.terms.Costs, m.terms.PerPurchase, m.terms.PerPeriod = cfg.Costs, cfg.PerPurchase, cfg.PerMonth
	var faults []error
	fault := func(field string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("worth: Config.%s: %w", field, err))
		}
	}
	if cfg.Least < 1 {
		fault("Least", fmt.Errorf("is %d, not 1 or more", cfg.Least))
	}
	if !(cfg.Level > 0 && cfg.Level < 1) {
		fault("Level", fmt.Errorf("is %v, not between 0 and 1", cfg.Level))
	}
	if !(cfg.Alpha > 0 && cfg.Alpha < 1) {
		fault("Alpha", fmt.Errorf("is %v, not between 0 and 1", cfg.Alpha))
	}
	if cfg.HalfLife < 0 {
		fault("HalfLife", fmt.Errorf("is %v, not above 0", cfg.HalfLife))
	}
	if !(cfg.Discount > -1) || math.IsInf(cfg.Discount, 0) {
		fault("Discount", fmt.Errorf("is %v, not above -1", cfg.Discount))
	} else {
		fault("Costs, PerPurchase, PerMonth", m.terms.Validate())
	}
	m.fields = slices.Clip(fields)
	if cfg.Stages != nil {
		fault("Stages", checkStages(cfg.Stages))
		m.fields = append(m.fields, stageFields...)
		m.stages = map[string]string{}
		for _, s := range cfg.Stages {
			for _, c := range s.Categories {
				m.stages[c] = s.Name
			}
		}
	}
	if cfg.Tiers != nil {
		d := *cfg.Tiers
		d.Version = cmp.Or(d.Version, cfg.Version)
		m.cfg.Tiers = &d
		fault("Tiers", checkTiers(&d))
		m.fields = append(m.fields, tierFields...)
	} else if cfg.Uplift != 0 {
		fault("Uplift", errors.New("is of no use without Tiers"))
	}
	if !(cfg.Uplift >= 0 && cfg.Uplift <= 1) {
		fault("Uplift", fmt.Errorf("is %v, not from 0 to 1", cfg.Uplift))
	}
	if cfg.GivesUp != nil {
		share := *cfg.GivesUp
		m.cfg.GivesUp = &share
		fault("GivesUp", checkGivesUp(&share))
		m.fields = append(m.fields, riskFields...)
	}
	_, err := cfg.Lifecycle.State(lifecycle.Customer{Purchases: []int{0}}, 0)
	fault("Lifecycle", err)
	_, err = cfg.RFM.CutPoints([]int64{1}, []int64{1}, []int64{1})
	fault("RFM", err)
	return m, errors.Join(faults...)
}

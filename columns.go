package vefa

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	columns "github.com/vefacrm/vefa/rules/population"
	"github.com/vefacrm/vefa/segment"
)

// Columns are the facts of everybody, fields of the host's included, as of an instant and in
// columns of package population, for what is asked again and again while a rule is
// written. They may be asked by several goroutines.
type Columns struct {
	// At is the instant.
	At time.Time
	// Skipped is how many customers are left out because they have more rows than rules
	// may look at; each is logged.
	Skipped int

	e     *Engine
	zones []*zoneColumns
}

// zoneColumns are those of the customers in one zone, whose days are the same.
type zoneColumns struct {
	zone   *time.Location
	moment *rules.Moment
	load   *columns.Builder[Facts]
	pop    *columns.Population[Facts]
	who    []crm.CustomerID
}

// RulePreview says whom a rule would be about.
type RulePreview struct {
	Customers int // that were looked at
	Matched   int // for whom the condition holds
	Firings   int // more than Matched if the rule fires for each row
	// Sample are some of those matched, spread over all of them.
	Sample []crm.CustomerID
	// Cost is the worst-case number of steps for one customer.
	Cost int64
}

// Columns reads everybody, page by page, as of now. All fields are filled, also those that
// no rule in force reads, so that a rule that is tried may. It waits for no night and shares
// nothing with one; what it costs is a look at the whole record and memory for the columns,
// some hundred bytes for a customer. An error of a Field ends it.
func (e *Engine) Columns(ctx context.Context) (c *Columns, err error) {
	defer e.took("columns", time.Now(), &err)
	defer crm.Recover("columns", &err)
	c = &Columns{At: e.svc.Now(), e: e}
	var places *crm.Places
	var tags []TagDef
	err = e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		if places, err = crm.LoadPlaces(ctx, r, e.cfg.Home); err == nil {
			tags, err = loadTags(ctx, r)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	set := e.rules.Active()
	into := func() *population {
		p := newPopulation(&e.cfg, places)
		p.withLines = true
		return p
	}
	type filled struct {
		pg    sheet
		facts []*Facts
	}
	err = eachPage(ctx, e, wholly(everyPart()[0]), kinds, into, func(ctx context.Context, pg sheet) (filled, error) {
		for _, x := range pg.persons {
			pg.p.keep(x)
		}
		segments := e.segmentsAt(c.At, func() (*segment.Index, error) { return e.index(ctx, nil, pg.p, tags, c.At) })
		f, err := e.newFiller(pg.p, set, c.At, nil)
		if err == nil {
			err = f.fillEverything(segments)
		}
		if err != nil {
			return filled{}, err
		}
		facts, err := f.fillAll(ctx, pg.persons)
		return filled{pg, facts}, err
	}, func(got filled) error {
		for i, x := range got.pg.persons {
			if err := c.add(got.pg.p.zone(x), x.id, got.facts[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, z := range c.zones {
		z.pop, z.load = z.load.Population(), nil
	}
	return c, nil
}

// add puts a customer into the columns of a zone.
func (c *Columns) add(zone *time.Location, id crm.CustomerID, facts *Facts) error {
	i := slices.IndexFunc(c.zones, func(z *zoneColumns) bool { return z.zone == zone || z.zone.String() == zone.String() })
	if i < 0 {
		m := rules.NewMoment(c.At, zone)
		i, c.zones = len(c.zones), append(c.zones, &zoneColumns{zone: zone, moment: m, load: columns.NewBuilder(c.e.schema, m)})
	}
	z := c.zones[i]
	err := z.load.Add(facts)
	var bounds *rules.BoundsError
	switch {
	case errors.As(err, &bounds):
		c.e.cfg.Logger.Warn("vefa: a customer has more rows than rules may look at", "customer", id, "rows", bounds.Field, "len", bounds.Len)
		c.Skipped++
	case err != nil:
		return err
	default:
		z.who = append(z.who, id)
	}
	return nil
}

// Preview says whom a rule, new or edited, would be about, with the conditions and groups of
// the rules in force and a sample of at most so many customers. Only the condition
// counts, as population.Preview has it. A faulty rule is a *rules.CompileError.
func (c *Columns) Preview(ctx context.Context, rule rules.Rule, sample int) (out RulePreview, err error) {
	set := c.e.rules.Active()
	each := make([]*columns.Preview, len(c.zones))
	for i, z := range c.zones {
		p, err := z.pop.Preview(ctx, set, rule, z.moment, sample)
		if err != nil {
			return RulePreview{}, err
		}
		each[i] = p
		out.Customers += p.Population
		out.Matched += p.Subjects
		out.Firings += p.Firings
		out.Cost = p.Cost
	}
	if len(c.zones) == 0 { // a rule may be faulty where there is nobody, too
		_, err = c.e.schema.Compile(append(slices.Clone(set.Books()), &rules.Book{Rules: []rules.Rule{rule}})...)
		return out, err
	}
	before, n := 0, min(max(sample, 0), out.Matched)
	for i, p := range each { // each zone gives as many as it has of all
		if p.Subjects == 0 {
			continue
		}
		share := n*(before+p.Subjects)/out.Matched - n*before/out.Matched
		before += p.Subjects
		for k := range share {
			out.Sample = append(out.Sample, c.zones[i].who[p.Sample[k*len(p.Sample)/share]])
		}
	}
	return out, nil
}

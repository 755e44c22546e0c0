package vefa

import (
	"cmp"
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// checkHours makes the table of jurisdictions, and reports its faults. Without zones on this
// machine it is missing, which is a fault only where a message asks it.
func (e *Engine) checkHours() (err error) {
	all := append(messaging.Jurisdictions(), e.cfg.Jurisdictions...)
	if e.hours, err = messaging.NewHours(all...); err == nil {
		return nil
	}
	asked := len(e.cfg.Jurisdictions) > 0
	for _, c := range e.messages {
		asked = asked || c.Quiet.Local || c.Quiet.Holidays
	}
	if !asked {
		return nil
	}
	return fmt.Errorf("vefa: Config.Jurisdictions: %w", err)
}

// local tells a candidate whose hours count: of a foreign number those of its country, in all
// zones of its area; of anybody else those of the country of the postal address, or where that has
// none, or is not understood, of Config.People.Region, in the zone of the customer's place, which
// is Config.Home's where that is not known, or is a web shop, and the country has one zone. Where
// the number is of an area, its zones count, too.
func (e *Engine) local(p *population, x *person, in *messaging.Candidate) {
	in.Hours, in.Zone = e.hours, p.zone(x)
	if in.Address == nil {
		return
	}
	region := cmp.Or(e.cfg.People.Region, "TR")
	in.Country = e.hours.CountryOf(in.Address.Address)
	if in.Country == "" {
		for _, r := range p.recordsOf(x) {
			if r != nil { // they are read when the message leaves
				in.Country = cmp.Or(in.Country, e.hours.Country(r.Postal.Country))
			}
		}
	}
	in.Country = cmp.Or(in.Country, region)
	place := p.places.Get(p.texts.text(x.place))
	somewhere := place == nil || place.Kind == webShop
	switch {
	case in.Country != region && e.hours.Knows(in.Country):
		in.Zone = nil
	case somewhere && len(e.hours.Zones(in.Country, crm.Address{})) > 1:
		in.Zone = nil // nobody knows where the customer is
	case somewhere:
		in.Zone = p.places.Zone("")
	}
}

// webShop is the Place.Kind of shops to which people from anywhere come.
const webShop = "web"

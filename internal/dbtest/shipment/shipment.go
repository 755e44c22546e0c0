// Package shipment is a kind of fact from outside the library: what a host or an
// engine writes to bring one. It and its migration are all that there is.
package shipment

import (
	"embed"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// Name is the kind of fact.
const Name crm.FactKind = "shipment"

// RefTracking is the index of tracking numbers: of several shipments that had one,
// the earliest comes first.
const RefTracking crm.RefKind = "tracking"

// Shipment is a parcel on its way. It hangs on the order that it was sent for.
type Shipment struct {
	Tracking  string    `json:"tracking"`
	Carrier   string    `json:"carrier"`
	Express   bool      `json:"express,omitempty"`
	Grams     int64     `json:"grams,omitempty"`
	Delivered time.Time `json:"delivered,omitzero"`
}

// Validate reports a shipment that cannot be tracked.
func (s *Shipment) Validate() error {
	if s.Tracking == "" {
		return &crm.FieldError{Field: "tracking", Msg: "must not be empty"}
	}
	return nil
}

// Kind describes Shipment. A timeline has it when it was delivered, or else when it
// was sent.
func Kind() crm.Kind {
	return crm.Kind{
		Name: Name, New: func() crm.FactData { return new(Shipment) }, Subject: crm.OnRecord, Unique: true,
		Table: "shipments",
		Columns: []crm.Column{
			crm.ColumnOf("tracking", func(s *Shipment) string { return s.Tracking }),
			crm.ColumnOf("carrier", func(s *Shipment) string { return s.Carrier }),
			crm.ColumnOf("express", func(s *Shipment) bool { return s.Express }),
			crm.ColumnOf("grams", func(s *Shipment) int64 { return s.Grams }),
			crm.ColumnOf("delivered", func(s *Shipment) time.Time { return s.Delivered }),
		},
		Index: func(f *crm.Fact, add func(crm.RefKind, string, int64)) {
			add(RefTracking, f.Data.(*Shipment).Tracking, f.At.UnixMicro())
		},
		Moment: func(f *crm.Fact) (time.Time, bool) {
			if at := f.Data.(*Shipment).Delivered; !at.IsZero() {
				return at, true
			}
			return f.At, true
		},
		Example: func() crm.FactData {
			return &Shipment{Tracking: "TR 42/ş", Carrier: "Kargo", Express: true, Grams: 180, Delivered: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)}
		},
	}
}

//go:embed 001_shipments.sql
var files embed.FS

// Migrations returns the steps that make the table.
func Migrations() sqlstore.Steps { return sqlstore.Steps{Owner: "shipment", Files: files} }

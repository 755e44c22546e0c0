package crm

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// OrderStatus is the state of an order.
type OrderStatus string

// The states of an order. Delivered is when a survey may be asked for.
const (
	OrderPlaced    OrderStatus = "placed"
	OrderShipped   OrderStatus = "shipped"
	OrderDelivered OrderStatus = "delivered" // handed over, in a shop at once
	OrderCancelled OrderStatus = "cancelled"
	OrderReturned  OrderStatus = "returned" // wholly
)

// Order is a sale, or a return: see IsReturn. The fact's subject is the
// buyer's profile, the fact's Place is where the sale was made.
type Order struct {
	// Number is what people know the order by; it must be set. Orders of several sources may share
	// one.
	Number  string      `json:"number"`
	Status  OrderStatus `json:"status,omitempty"`  // empty: delivered at the time of the sale
	Channel string      `json:"channel,omitempty"` // "store", "web", "marketplace", "dealer", "chat", …
	// Total is the amount of the whole order, in the currency of the sale.
	Total Money `json:"total"`
	// Lines may be left out; rules over articles then see none.
	Lines []OrderLine `json:"lines,omitempty"`
	// Payer, Recipient and Owner are set where they are not the buyer.
	Payer     ProfileKey `json:"payer,omitzero"`
	Recipient ProfileKey `json:"recipient,omitzero"`
	Owner     ProfileKey `json:"owner,omitzero"`
	// Gift says that the goods are for somebody else than the buyer.
	Gift bool `json:"gift,omitempty"`
	// Places that are not the place of the sale; Place ids, may be empty.
	FulfilledAt string    `json:"fulfilled_at,omitempty"`
	DeliverTo   string    `json:"deliver_to,omitempty"`
	ReturnedAt  string    `json:"returned_at,omitempty"`
	Delivered   time.Time `json:"delivered,omitzero"` // when; zero with Status delivered: at the fact's time
	// Returns is the order whose articles come back. The total of a return, and the
	// quantities and amounts of its lines, are negative or 0; it is never delivered.
	Returns FactKey `json:"returns,omitzero"`
	// Employee is who sold it, by the source's own id.
	Employee string `json:"employee,omitempty"`
}

// OrderLine is one article of an order.
type OrderLine struct {
	// SKU is the article's number; it must be set.
	SKU      string `json:"sku"`
	Category string `json:"category,omitempty"`
	Brand    string `json:"brand,omitempty"`
	Quantity int64  `json:"qty"` // negative in a return
	// Amount is of the whole line and not of one piece.
	Amount Money `json:"amount"`
	// Serial is of the piece itself; a Visit with the same one is about it.
	Serial string `json:"serial,omitempty"`
	// Recipient is set where one line is a gift to somebody else.
	Recipient ProfileKey `json:"recipient,omitzero"`
}

// orderKind describes Order: found by its number and by the serial numbers of its
// articles, and by the surnames of its buyer and its recipient.
func orderKind() Kind {
	return Kind{
		Name: KindOrder, New: func() FactData { return new(Order) }, Subject: OnProfile, Unique: true,
		Table: "orders",
		Columns: []Column{
			ColumnOf("number", func(o *Order) string { return o.Number }),
			ColumnOf("status", func(o *Order) string { return string(cmp.Or(o.Status, OrderDelivered)) }),
			ColumnOf("channel", func(o *Order) string { return o.Channel }),
			ColumnOf("amount", func(o *Order) int64 { return o.Total.Amount }),
			ColumnOf("currency", func(o *Order) string { return o.Total.Currency }),
		},
		Index: func(f *Fact, add func(RefKind, string, int64)) {
			o := f.Data.(*Order)
			add(RefOrder, o.Number, 0)
			for i := range o.Lines {
				if s := o.Lines[i].Serial; s != "" {
					add(RefSerial, s, 0)
				}
			}
		},
		Names: func(f *Fact, add func(string, ProfileKey)) {
			o := f.Data.(*Order)
			add(o.Number, f.Subject.Profile)
			if !o.Recipient.IsZero() {
				add(o.Number, o.Recipient)
			}
		},
		Example: func() FactData {
			try := func(amount int64) Money { return Money{amount, "TRY"} }
			return &Order{
				Number: "TR-1001", Status: OrderReturned, Channel: "marketplace", Total: try(-12_345_67),
				Lines: []OrderLine{
					{SKU: "W-1", Category: "saat", Brand: "Çelik", Quantity: -1, Amount: Money{-5, "EUR"}, Serial: "S/N 1", Recipient: ProfileKey{"web", "5"}},
					{SKU: "W-2", Quantity: 3, Amount: try(7)},
				},
				Payer: ProfileKey{"web", "2"}, Recipient: ProfileKey{"web", "3"}, Owner: ProfileKey{"web", "4"}, Gift: true,
				FulfilledAt: "depo", DeliverTo: "izmir", ReturnedAt: "ankara", Delivered: exampleTime,
				Returns: FactKey{KindOrder, "till", "TR/1"}, Employee: "e-7",
			}
		},
	}
}

// IsReturn reports whether goods came back: it names the order that they are of, or its
// total is negative.
func (o *Order) IsReturn() bool { return !o.Returns.IsZero() || o.Total.Amount < 0 }

// DeliveredAt returns when the goods were handed over and whether they were. Those
// of a return come back.
func (o *Order) DeliveredAt(sold time.Time) (time.Time, bool) {
	if o.IsReturn() {
		return time.Time{}, false
	}
	switch o.Status {
	case "", OrderDelivered, OrderReturned:
		if o.Delivered.IsZero() {
			return sold, true
		}
		return o.Delivered, true
	}
	return time.Time{}, false
}

// Validate reports every fault of the order.
func (o *Order) Validate() error {
	faults := []error{
		checkKeyText("number", o.Number, false), o.Total.validate("total"),
		checkOptionalKey("payer", o.Payer), checkOptionalKey("recipient", o.Recipient), checkOptionalKey("owner", o.Owner),
		checkTime("delivered", o.Delivered),
	}
	switch o.Status {
	case "", OrderPlaced, OrderShipped, OrderDelivered, OrderCancelled, OrderReturned:
	default:
		faults = append(faults, fieldError("status", fmt.Sprintf("%q is not known", o.Status)))
	}
	if !o.Returns.IsZero() && o.Total.Amount > 0 {
		faults = append(faults, fieldError("total", "is of a return and must be negative or 0"))
	}
	for i, l := range o.Lines {
		err := errors.Join(checkKeyText("sku", l.SKU, false), l.Amount.validate("amount"),
			checkKeyText("serial", l.Serial, true), checkOptionalKey("recipient", l.Recipient))
		if l.Quantity == 0 {
			err = errors.Join(err, fieldError("qty", "must not be 0"))
		}
		if err != nil {
			faults = append(faults, within("lines", i, err))
		}
	}
	return errors.Join(faults...)
}

func checkOptionalKey(field string, k ProfileKey) error {
	if k.IsZero() {
		return nil
	}
	if err := k.Validate(); err != nil {
		return fieldError(field, "is not a profile key")
	}
	return nil
}

// Visit is a visit to the technical service with a product instance.
type Visit struct {
	// Number is the service's own; it must be set.
	Number  string `json:"number"`
	Service string `json:"service"` // "battery", "strap", "repair", …
	// Serial is of the piece that was brought, as in OrderLine.
	Serial string `json:"serial,omitempty"`
	SKU    string `json:"sku,omitempty"`
	Brand  string `json:"brand,omitempty"`
	Status string `json:"status,omitempty"` // "open", "done"; empty means done
	// Done is when it was ready; zero: not known.
	Done time.Time `json:"done,omitzero"`
	// Price is what was charged; zero: nothing, or not known.
	Price Money `json:"price,omitzero"`
}

// Validate reports every fault of the visit.
func (v *Visit) Validate() error {
	return errors.Join(checkKeyText("number", v.Number, false), checkKeyText("service", v.Service, false),
		checkKeyText("serial", v.Serial, true), v.Price.validate("price"), checkTime("done", v.Done))
}

// visitKind describes Visit: found by the serial number of the product instance.
func visitKind() Kind {
	return Kind{
		Name: KindVisit, New: func() FactData { return new(Visit) }, Subject: OnProfile, Unique: true,
		Table: "visits",
		Columns: []Column{
			ColumnOf("number", func(v *Visit) string { return v.Number }),
			ColumnOf("service", func(v *Visit) string { return v.Service }),
			ColumnOf("serial", func(v *Visit) string { return v.Serial }),
			ColumnOf("status", func(v *Visit) string { return v.Status }),
		},
		Index: func(f *Fact, add func(RefKind, string, int64)) {
			if s := f.Data.(*Visit).Serial; s != "" {
				add(RefSerial, s, 0)
			}
		},
		Example: func() FactData {
			return &Visit{Number: "V-1", Service: "battery", Serial: "S1", SKU: "W-1", Brand: "Çelik", Status: "open", Done: exampleTime, Price: Money{250_00, "TRY"}}
		},
	}
}

package crm

import (
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

// Order is a sale, or with Returns set a return. The fact's subject is the
// buyer's profile, the fact's Place is where the sale was made.
type Order struct {
	Number  string      `json:"number"`
	Status  OrderStatus `json:"status,omitempty"`  // empty: delivered at the time of the sale
	Channel string      `json:"channel,omitempty"` // "store", "web", "marketplace", "dealer", "chat", …
	Total   Money       `json:"total"`
	Lines   []OrderLine `json:"lines,omitempty"`
	// Payer, Recipient and Owner are set where they are not the buyer.
	Payer     ProfileKey `json:"payer,omitzero"`
	Recipient ProfileKey `json:"recipient,omitzero"`
	Owner     ProfileKey `json:"owner,omitzero"`
	Gift      bool       `json:"gift,omitempty"`
	// Places that are not the place of the sale; Place ids, may be empty.
	FulfilledAt string    `json:"fulfilled_at,omitempty"`
	DeliverTo   string    `json:"deliver_to,omitempty"`
	ReturnedAt  string    `json:"returned_at,omitempty"`
	Delivered   time.Time `json:"delivered,omitzero"` // when; zero with Status delivered: at the fact's time
	Returns     FactKey   `json:"returns,omitzero"`   // the order whose lines come back; Total is negative
	Employee    string    `json:"employee,omitempty"`
}

// OrderLine is one article of an order.
type OrderLine struct {
	SKU      string `json:"sku"`
	Category string `json:"category,omitempty"`
	Brand    string `json:"brand,omitempty"`
	Quantity int64  `json:"qty"` // negative in a return
	Amount   Money  `json:"amount"`
	Serial   string `json:"serial,omitempty"`
	// Recipient is set where one line is a gift to somebody else.
	Recipient ProfileKey `json:"recipient,omitzero"`
}

// FactKind returns KindOrder.
func (*Order) FactKind() FactKind { return KindOrder }

// DeliveredAt returns when the goods were handed over and whether they were.
func (o *Order) DeliveredAt(sold time.Time) (time.Time, bool) {
	switch o.Status {
	case "", OrderDelivered, OrderReturned:
		if o.Delivered.IsZero() {
			return sold, true
		}
		return o.Delivered, true
	}
	return time.Time{}, false
}

func (o *Order) validate() error {
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
	Number  string    `json:"number"`
	Service string    `json:"service"` // "battery", "strap", "repair", …
	Serial  string    `json:"serial,omitempty"`
	SKU     string    `json:"sku,omitempty"`
	Brand   string    `json:"brand,omitempty"`
	Status  string    `json:"status,omitempty"` // "open", "done"; empty means done
	Done    time.Time `json:"done,omitzero"`
	Price   Money     `json:"price,omitzero"`
}

// FactKind returns KindVisit.
func (*Visit) FactKind() FactKind { return KindVisit }

func (v *Visit) validate() error {
	return errors.Join(checkKeyText("number", v.Number, false), checkKeyText("service", v.Service, false),
		checkKeyText("serial", v.Serial, true), v.Price.validate("price"), checkTime("done", v.Done))
}

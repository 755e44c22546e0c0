package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Module is what a package adds to a night: its kinds of facts, what rules and segments read of it,
// its steps, what rules may have done with it, and the events that it tells rules of. vefa.Config.Modules takes modules
// of this library and of a host alike; everything but Name may be absent.
type Module struct {
	// Name says in errors and reports whose something is; of each module another.
	Name string
	// Kinds are its kinds of facts. The store must have been given them, too.
	Kinds []Kind
	// Fields are what rules, segments and messages read, and Fill computes.
	Fields []Field
	// Fill returns a row for each of the subjects in their order, as of an instant, with the values of the
	// named fields in the order of their names, and nil for what is not known. It is asked for many customers at once, by several goroutines, and only
	// for fields that something reads. It may read the record through r, in whose transaction
	// messages are claimed: it must not be slow, and must not open a transaction of its own there. Of an instant that
	// has passed it is to answer what held then, as far as it knows: segments compare two evenings. An error ends the
	// evening or the call that asked.
	Fill func(ctx context.Context, r Reader, at time.Time, of []FieldSubject, fields []string) ([][]any, error)
	// Steps are its steps of a night.
	Steps []Step
	// Effects carry out what rules write as an action of their kind.
	Effects []EffectHandler
	// Events are names of events that its host tells rules of.
	Events []string
}

// FieldType is what the values of a Field are.
type FieldType string

// The types of fields, with the Go types that Module.Fill returns for them.
const (
	FieldBool   FieldType = "bool"   // bool
	FieldInt    FieldType = "int"    // int or int64; with Field.Scale a decimal, counted in its last digit
	FieldFloat  FieldType = "float"  // float64
	FieldString FieldType = "string" // string
	FieldTime   FieldType = "time"   // time.Time
)

// Field is something that rules read of a customer. It may always be null.
type Field struct {
	// Name is what rules call it; it begins with a capital letter.
	Name string
	Type FieldType
	// Scale is the number of digits behind the point of a FieldInt that is a decimal; Max the largest
	// length of a FieldString in bytes, 0 for 256.
	Scale, Max int
	Unit, Doc  string
	// Lines says that Fill looks at FieldSubject.Lines for it, which are not read otherwise.
	Lines bool
}

// FieldSubject is a customer whom a Module is asked about, as of an instant. It is good until the call
// returns, and nothing of it is to be changed.
type FieldSubject struct {
	Customer CustomerID
	// Home is the earliest of the customer's profiles, by which he is known: it is decided by what
	// sources say, not by the order in which ids were made.
	Home     ProfileKey
	Profiles []ProfileKey
	// Zone is that of the customer's shop, Today the calendar day there, counted from 1970-01-01.
	Zone  *time.Location
	Today int
	// Purchases are all sales and returns until the instant, oldest first.
	Purchases []Purchase
	// Lines are the articles of Purchases, in their order, each as a purchase of its own: empty unless Field.Lines
	// asks for them.
	Lines []Purchase
	// Contacts are the days of visits to the service and of answers, counted as Today is, in any order.
	Contacts []int
	// OpenTickets is how many of the customer's tickets are not solved.
	OpenTickets int
	// Reachable says that the customer agreed to be written to, at an address that can be tried.
	Reachable bool
}

// Purchase is a sale, or a return, as rules know it.
type Purchase struct {
	At time.Time
	// Day is the calendar day where it was made, counted from 1970-01-01.
	Day int
	// Amount is in minor units of the home currency, negative in a return. It is not known, and
	// Priced false, in a currency without a rate.
	Amount int64
	Priced bool
	// Category and Brand are those of the article, of a purchase of its dearest; "" where not known.
	Category, Brand string
	// Return says that goods came back, Cancelled that the sale was cancelled, Returned that a
	// later return took it back.
	Return, Cancelled, Returned bool
}

// Sale reports whether the purchase is a sale that was neither cancelled nor taken back.
func (p *Purchase) Sale() bool { return !p.Return && !p.Cancelled && !p.Returned }

// Step is a step of a night that a Module brings. It may be stopped anywhere and is then done again,
// for the same evening: what it writes must be the same each time, or be committed together with how far it has come.
// Of several processes that share an evening one does it, and another if that one is stopped.
type Step struct {
	// Name names the step in reports and errors; no other step of the night has it.
	Name string
	// Before names the step that it comes before; "" is the step that plans what rules want.
	Before string
	Run    func(ctx context.Context, ev *Evening) error
}

// Evening is the evening that a Step is of.
type Evening struct {
	// Day is the date in the host's zone, such as "2025-03-01".
	Day string
	// At is the instant whose evening it is, however late it is done.
	At time.Time
	// Closed says that the evening was closed before and is done again.
	Closed bool
	// Service and Store are the record.
	Service *Service
	Store   Store
	// Count adds to a number of the step's row in the report.
	Count func(name string, n int)
	// Customers returns the customers that profiles belong to in a transaction, each once, in the order of
	// Home, with what they bought until an instant; with Lines if lines. Profiles that are not there
	// are left out.
	Customers func(ctx context.Context, r Reader, at time.Time, lines bool, keys ...ProfileKey) ([]FieldSubject, error)
}

// Validate reports every fault of the module that shows by itself.
func (m *Module) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if m.Name == "" {
		fault("has no name")
	}
	seen := map[string]bool{}
	once := func(what, name string) {
		switch key := what + "\x00" + name; {
		case name == "":
			fault("a %s has no name", what)
		case seen[key]:
			fault("two %ss are named %q", what, name)
		default:
			seen[key] = true
		}
	}
	for _, f := range m.Fields {
		once("field", f.Name)
		if !slices.Contains([]FieldType{FieldBool, FieldInt, FieldFloat, FieldString, FieldTime}, f.Type) {
			fault("field %q: there is no type %q", f.Name, f.Type)
		}
		if f.Scale != 0 && f.Type != FieldInt {
			fault("field %q: Scale is of whole numbers", f.Name)
		}
		if f.Max != 0 && f.Type != FieldString {
			fault("field %q: Max is of texts", f.Name)
		}
	}
	if len(m.Fields) > 0 && m.Fill == nil {
		fault("Fill must be set: there are fields")
	}
	if len(m.Fields) == 0 && m.Fill != nil {
		fault("Fill is never asked: there are no fields")
	}
	for _, s := range m.Steps {
		once("step", s.Name)
		if s.Run == nil {
			fault("step %q does nothing: Run must be set", s.Name)
		}
	}
	for _, e := range m.Events {
		once("event", e)
	}
	if _, err := NewKinds(m.Kinds...); err != nil {
		faults = append(faults, err)
	}
	for _, h := range m.Effects {
		once("effect", string(h.Kind))
		if err := h.Validate(); err != nil {
			fault("effect %q: %w", h.Kind, err)
		}
	}
	return errors.Join(faults...)
}

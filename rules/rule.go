package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Book is a collection of rules as data: what a file holds, or what a host
// writes in Go. It says nothing about whether the rules are right; Compile
// does. Books are combined by giving several to Compile: a rule in one may use
// the conditions of another.
type Book struct {
	Rules      []Rule      `json:"rules,omitempty"`      // names are unique over all books
	Conditions []Condition `json:"conditions,omitempty"` // that rules use by name
	Parameters []Parameter `json:"parameters,omitempty"` // constants with names
	Tables     []Table     `json:"tables,omitempty"`     // each row is a rule
	Groups     []Group     `json:"groups,omitempty"`     // that rules name; one that is not here is a fault
	Chain      bool        `json:"chain,omitempty"`      // rules must be fit for Set.Chain: see there

	name   string           // of the file
	text   *fileText        // of the file
	strict bool             // from JSON: numbers and texts are told apart
	places map[string]place // by path, such as rules[2].when
	faults []*Fault         // found when it was read
}

// Rule says what is to be done for whom, and when. In a file the keys are the
// field names in lower case with underscores: cancel_on.
type Rule struct {
	Name   string   `json:"name"`             // unique; part of the ids of what it does: renaming starts anew
	Doc    string   `json:"doc,omitempty"`    // for people
	Owner  string   `json:"owner,omitempty"`  // who answers for it
	Tags   []string `json:"tags,omitempty"`   // the tags it hangs on, for overviews and Lint
	On     Trigger  `json:"on,omitzero"`      // zero: every evening
	Each   string   `json:"each,omitempty"`   // a Rows field: fires for each row that matches, known as row
	When   string   `json:"when"`             // the condition
	Unless string   `json:"unless,omitempty"` // and not this
	// Guard must still hold when an action is due, one without delay too: what it refuses is
	// withheld for good. Put into When what may become true tomorrow.
	Guard    string   `json:"guard,omitempty"`
	CancelOn []string `json:"cancel_on,omitempty"` // conditions, by name or written out, none of which may hold by then
	// CancelAt are occurrences that cancel at once what is waiting, even if the
	// facts are as before by the time it would be due: see Set.Cancel.
	CancelAt []Trigger `json:"cancel_at,omitempty"`
	// Rearm makes a later row take the place of earlier ones: when the rule
	// fires for it, delayed actions that still wait for others of the customer's
	// rows are cancelled. It needs Each and once per row.
	Rearm    bool     `json:"rearm,omitempty"`
	Salience int      `json:"salience,omitempty"` // higher comes first; ties by name
	Group    string   `json:"group,omitempty"`    // see Group
	Then     []Action `json:"then"`               // at least one, in this order
	// Once says how often the rule may do its actions for one customer: "customer", ever;
	// "row", for each order, visit or answer that it fires for; "day", "week" (ISO), "month"
	// or "year", of the moment's zone; "version", again when the rule is changed. Empty
	// means row if there is Each, year on a yearly date, else customer. It is part of the
	// ids of effects, so that nothing is done twice however often it is planned.
	Once     string `json:"once,omitempty"`
	From     string `json:"from,omitempty"`     // first day, such as 2025-01-01, in the moment's zone
	To       string `json:"to,omitempty"`       // last day
	Disabled bool   `json:"disabled,omitempty"` // checked and explained, but never fires
	Version  int64  `json:"version,omitempty"`  // 0: a hash of the content, of its conditions too

	row *tableRule // of a rule that a table's row is
}

// Condition is a named expression of kind bool. Other expressions use its name
// as if it stood there in parentheses.
type Condition struct {
	// Name is what other expressions write; it must be none of the facts' or the language's.
	Name string `json:"name"`
	Each string `json:"each,omitempty"` // the Rows field whose row it is about, if it says row
	// Expr may use other conditions, and parameters, but not in a circle.
	Expr string `json:"expr"`
}

// Group ties rules together that compete.
type Group struct {
	// Name is what Rule.Group refers to. A set has at most 64 groups.
	Name string `json:"name"`
	// Mode says which of its rules fire of those that match, in the order of the set
	// (salience, then name): "all", the default; "first", the first for all its rows;
	// "exclusive", the first for its first row only.
	Mode string `json:"mode,omitempty"`
}

const (
	groupAll       = "all"
	groupFirst     = "first"
	groupExclusive = "exclusive"
)

// The values of Rule.Once.
const (
	oncePerCustomer = "customer"
	oncePerRow      = "row"
	oncePerDay      = "day"
	oncePerWeek     = "week"
	oncePerMonth    = "month"
	oncePerYear     = "year"
	oncePerVersion  = "version"
)

var onceNames = []string{oncePerCustomer, oncePerRow, oncePerDay, oncePerWeek, oncePerMonth, oncePerYear, oncePerVersion}

// contentVersion is a positive number made from the rule and the conditions
// that it uses.
func contentVersion(r *Rule, conditions []string) int64 {
	c := *r
	c.Version, c.Doc, c.Owner, c.row = 0, "", "", nil
	data, err := json.Marshal(struct {
		Rule       *Rule
		Conditions []string
	}{&c, conditions})
	if err != nil { // a Rule has no value that JSON lacks
		data = []byte(err.Error())
	}
	sum := sha256.Sum256(data)
	return int64(binary.BigEndian.Uint64(sum[:8])>>1) | 1
}

// checkText reports why s cannot be a name that becomes part of a key, or "".
func checkText(s string, most int) string {
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > most:
		return fmt.Sprintf("has %d bytes, at most %d are allowed", len(s), most)
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "contains a control character"
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	}
	return ""
}

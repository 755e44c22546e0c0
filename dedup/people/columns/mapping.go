package columns

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Role is what the cells of a column are to a [people.Record].
type Role string

// The roles. A column of a part of something, such as a middle name or a second line of a
// street, has the role of the whole.
const (
	ID       Role = "id"
	Given    Role = "given"
	Family   Role = "family"
	Full     Role = "full"
	Gender   Role = "gender"
	Birth    Role = "birth" // one column, or those of its year, month and day
	Phone    Role = "phone"
	Email    Role = "email"
	City     Role = "city"
	District Role = "district"
	Postcode Role = "postcode"
	Street   Role = "street"
	Source   Role = "source"
)

// Roles returns all roles but those of extra attributes.
func Roles() []Role {
	return []Role{ID, Given, Family, Full, Gender, Birth, Phone, Email, City, District, Postcode, Street, Source}
}

// Extra returns the role of an attribute beyond those of a record; see people.Options.Extra.
func Extra(name string) Role { return extra + Role(name) }

const extra = "extra:"

// Extra returns the name of the attribute that the role is, if it is one.
func (r Role) Extra() (name string, ok bool) {
	rest, ok := strings.CutPrefix(string(r), extra)
	return rest, ok && rest != ""
}

// Valid reports whether there is such a role.
func (r Role) Valid() bool {
	_, ok := r.Extra()
	return ok || slices.Contains(Roles(), r)
}

// Mapping says which columns of a table have which roles. Columns of one role are read in
// the order in which they stand here.
type Mapping struct {
	Columns []Column `json:"columns"`
}

// Column is one column of a table that has a role.
type Column struct {
	Name  string `json:"name"` // in the header of the table
	Role  Role   `json:"role"`
	Dates Order  `json:"dates,omitempty"` // how a birth writes dates of numbers; "" is not known, and read as DayFirst
}

// mappingVersion is the version of the format of a written mapping.
const mappingVersion = 1

// The bounds of a mapping.
const (
	mostMapping = 1 << 20 // bytes
	mostColumns = 4096
	mostExtras  = 6 // those of people.Options
)

// ErrMapping is wrapped by every error about a mapping.
var ErrMapping = errors.New("mapping of columns")

// MappingError says what is wrong with which column of a mapping.
type MappingError struct {
	Column string // its name; "" where the mapping as a whole is meant
	Reason string
}

// Error implements error.
func (e *MappingError) Error() string {
	if e.Column == "" {
		return "mapping of columns: " + e.Reason
	}
	return fmt.Sprintf("mapping of columns: %q: %s", e.Column, e.Reason)
}

// Unwrap returns ErrMapping.
func (e *MappingError) Unwrap() error { return ErrMapping }

// Validate returns every fault of the mapping as a joined [MappingError].
func (m Mapping) Validate() error {
	var faults []error
	fault := func(column, format string, args ...any) {
		faults = append(faults, &MappingError{column, fmt.Sprintf(format, args...)})
	}
	if len(m.Columns) > mostColumns {
		return &MappingError{"", fmt.Sprintf("%d columns are more than %d", len(m.Columns), mostColumns)}
	}
	seen := map[Column]bool{}
	for i, c := range m.Columns {
		switch {
		case c.Name == "":
			fault("", "column %d has no name", i+1)
		case seen[Column{Name: c.Name, Role: c.Role}]:
			fault(c.Name, "has the role %s twice", c.Role)
		}
		seen[Column{Name: c.Name, Role: c.Role}] = true
		if !c.Role.Valid() {
			fault(c.Name, "there is no role %q; there are %s and extra:NAME", c.Role, rolesInWords())
		}
		if c.Dates != "" && c.Role != Birth {
			fault(c.Name, "dates goes with the role birth only")
		}
		if c.Dates != "" && c.Dates != DayFirst && c.Dates != MonthFirst {
			fault(c.Name, "dates is %q, not dmy or mdy", c.Dates)
		}
	}
	if n := len(m.Extras()); n > mostExtras {
		fault("", "%d extra attributes are more than %d", n, mostExtras)
	}
	return errors.Join(faults...)
}

func rolesInWords() string {
	var words []string
	for _, r := range Roles() {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

// Extras returns the names of the extra attributes in the order in which they stand first.
func (m Mapping) Extras() []string {
	var out []string
	for _, c := range m.Columns {
		if name, ok := c.Role.Extra(); ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// LearnDates learns from rows of the table how the column of births writes dates of numbers,
// where the mapping does not say.
func (m Mapping) LearnDates(header []string, rows iter.Seq[[]string]) {
	var births []int
	for i, c := range m.Columns {
		if c.Role == Birth {
			births = append(births, i)
		}
	}
	if len(births) != 1 || m.Columns[births[0]].Dates != "" {
		return // of parts it is known which is which
	}
	c := &m.Columns[births[0]]
	at := slices.Index(header, c.Name)
	var votes dateVotes
	for row := range rows {
		if at >= 0 && at < len(row) {
			votes.look(row[at])
		}
	}
	c.Dates = votes.order()
}

// String returns the mapping in the order of roles: birth=dob,given=first+middle.
func (m Mapping) String() string {
	names := map[Role][]string{}
	var roles []Role
	for _, c := range m.Columns {
		if names[c.Role] == nil {
			roles = append(roles, c.Role)
		}
		names[c.Role] = append(names[c.Role], c.Name)
	}
	slices.Sort(roles)
	parts := make([]string, len(roles))
	for i, r := range roles {
		parts[i] = string(r) + "=" + strings.Join(names[r], "+")
	}
	return strings.Join(parts, ",")
}

// written is the form of a mapping in a file.
type written struct {
	Version int `json:"version"`
	Mapping
}

// WriteTo writes the mapping as JSON, as [ReadMapping] reads it.
func (m Mapping) WriteTo(w io.Writer) (int64, error) {
	text, err := json.MarshalIndent(written{mappingVersion, m}, "", "  ")
	if err != nil {
		return 0, err
	}
	n, err := w.Write(append(text, '\n'))
	return int64(n), err
}

// ReadMapping reads what WriteTo wrote, or a person did. It fails with a [MappingError] for
// every fault.
func ReadMapping(r io.Reader) (Mapping, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostMapping+1))
	if err != nil {
		return Mapping{}, err
	}
	if len(text) > mostMapping {
		return Mapping{}, &MappingError{"", fmt.Sprintf("is larger than %d bytes", mostMapping)}
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	var in written
	if err := d.Decode(&in); err != nil {
		return Mapping{}, &MappingError{"", "no JSON of a mapping: " + err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return Mapping{}, &MappingError{"", "more follows the mapping"}
	}
	if in.Version != mappingVersion {
		return Mapping{}, &MappingError{"", fmt.Sprintf("version %d is not %d", in.Version, mappingVersion)}
	}
	if len(in.Columns) == 0 {
		return Mapping{}, &MappingError{"", "names no columns"}
	}
	return in.Mapping, in.Validate()
}

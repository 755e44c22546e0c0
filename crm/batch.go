package crm

// Batch is what a source delivers: profiles and facts in any order, repeated
// or not. Facts about an address, such as consents, stand among the facts.
type Batch struct {
	Profiles []*Profile
	Facts    []*Fact
}

// Len returns the number of records.
func (b Batch) Len() int { return len(b.Profiles) + len(b.Facts) }

// Rejected is a record of a batch that was not accepted, and why. The rest of
// its batch is.
type Rejected struct {
	Entity string // "profile" or the kind of the fact
	ID     string
	Err    error
}

// ImportReport says what became of a batch.
type ImportReport struct {
	Profiles int // new or newer
	Facts    int
	Repeated int // old or equal versions, which change nothing
	Rejected []Rejected
}

// Add sums reports.
func (r *ImportReport) Add(o ImportReport) {
	r.Profiles += o.Profiles
	r.Facts += o.Facts
	r.Repeated += o.Repeated
	r.Rejected = append(r.Rejected, o.Rejected...)
}

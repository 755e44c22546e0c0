package rules

// The values that tests compare with.
const (
	LintUnknownTag  = lintUnknownTag
	LintAlwaysTrue  = lintAlwaysTrue
	LintAlwaysFalse = lintAlwaysFalse
	LintDuplicate   = lintDuplicate
	LintNoEffect    = lintNoEffect
	LintSubsumed    = lintSubsumed
	LintDead        = lintDead
	LintConflict    = lintConflict
	LintCancelled   = lintCancelled
	LintCycle       = lintCycle
	LintUnused      = lintUnused
	LintGap         = lintGap
	LintOneDay      = lintOneDay
	ChangeAdded     = changeAdded
	ChangeRemoved   = changeRemoved
	ChangeEdited    = changeEdited
	HitUnique       = hitUnique
	HitAny          = hitAny
	HitFirst        = hitFirst
	HitPriority     = hitPriority
	HitCollect      = hitCollect
	BlockedDisabled = blockedDisabled
	BlockedDates    = blockedDates
	BlockedGroup    = blockedGroup
	All             = groupAll
	First           = groupFirst
	Exclusive       = groupExclusive
	StepAnd         = stepAnd
	StepOr          = stepOr
	StepNot         = stepNot
	StepLeaf        = stepLeaf
)

func (x *Explanation) Missing() []*Step { return x.missing() }

// Limits returns the limits in force, with the defaults filled in.
func (s *Schema[F]) Limits() Limits { return s.s.limits }

// Remove takes a tag out of a set.
func (v *Vocabulary) Remove(s *TagSet, tag string) { s.bits.Take(v.names.Id(tag)) }

// Has reports whether a tag is in a set.
func (v *Vocabulary) Has(s TagSet, tag string) bool {
	id, ok := v.names.Lookup(tag)
	return ok && s.bits.Has(id)
}

// Names returns the tags of a set, sorted by name.
func (v *Vocabulary) Names(s TagSet) []string { return v.names.Of(&s.bits) }

// Len returns the number of tags.
func (s TagSet) Len() int { return s.bits.Size() }

// Clone returns a copy that shares nothing.
func (s TagSet) Clone() TagSet { return TagSet{s.bits.Clone()} }

// Equal reports whether both sets hold the same tags of the same vocabulary.
func (s TagSet) Equal(o TagSet) bool { return s.bits.Equal(&o.bits) }

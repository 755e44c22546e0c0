package dedup

// What tests compare with.
var (
	ErrLongID   = errLongID
	ErrValues   = errValues
	ErrEntities = errEntities
)

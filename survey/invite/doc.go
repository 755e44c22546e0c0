// Package invite makes and reads the tokens of one-time survey links.
//
// A token is 22 letters and digits: a 64-bit invitation id behind a mask, a
// 64-bit authentication tag (HMAC-SHA256, truncated) and the number of the key
// that made it. Reading one needs no database, so a forged or mistyped token is
// refused before anything is looked up. Whether the invitation is open,
// answered or expired is the business of the record that its id names.
//
// ParseRating reads what people reply to a message that asked one question.
//
// Guessing: each try against any number of live tokens succeeds with
// probability 2^-64 times the number of keys in use, because a tag belongs to
// one id. Limit the rate of tries all the same.
//
// The token hides the id: a holder of tokens without the key cannot tell which
// invitation came first or how many there are.
//
// Keys rotate without breaking links in flight: Add a new key, Sign with it,
// and Retire the old one when its last link has expired.
package invite

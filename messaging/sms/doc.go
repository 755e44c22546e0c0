// Package sms encodes short messages and counts what they cost.
//
// A message of the GSM 7-bit default alphabet has 160 characters in one segment
// and 153 in each of several; a single character outside it forces UCS-2 with
// 70 and 67. The Turkish national language tables (3GPP TS 23.038 A.2.1 and
// A.3.1) keep Ş ş Ğ ğ ç ı İ in 7 bits for a header of a few octets: as escape
// sequences (single shift, 2 septets each) or in place of letters nobody misses
// (locking shift, 1 septet).
//
// A Profile says what one route to a provider can do and bills; its Plan chooses
// the fewest billed segments and names the characters that cost them. Encode
// makes the segments themselves, Decode reads them back: an escape pair or a
// surrogate pair is never split, and Decode(Encode(x)) is x.
//
// The package imports the standard library only.
package sms

// Package webtest answers survey pages as a respondent's browser would: it
// reads the form of a page, fills it in with the answers a person has in mind
// and sends it. Tests and simulations use it; it does not import testing.
//
// It reads the pages of survey/web, whose attributes are quoted, and is no
// general HTML parser.
package webtest

package main

import "github.com/vefacrm/vefa/crm"

// part is what a part of a page gets: the page's words, and what it shows.
type part struct {
	W     *view
	Rows  any
	Title string
	X     any
	F     fault
	M     member
	ID    crm.CustomerID
	A, B  string
}

// List is for a part that shows several.
func (v *view) List(rows any, title string) part { return part{W: v, Rows: rows, Title: title} }

// One is for a part that shows one.
func (v *view) One(x any) part { return part{W: v, X: x} }

// Wrong is for a fault, and WrongAt for one of several.
func (v *view) Wrong(f *fault) part  { return part{W: v, F: *f} }
func (v *view) WrongAt(f fault) part { return part{W: v, F: f} }

// Side is for one of two records that are compared.
func (v *view) Side(m member, id crm.CustomerID) part { return part{W: v, M: m, ID: id} }

// Pair is for the form about two records.
func (v *view) Pair(a, b crm.ProfileKey) part { return part{W: v, A: a.String(), B: b.String()} }

// People are those who may act where there is no login.
func (v *view) People() []string { return people }

// Stamp is the instant of the figures.
func (v *view) Stamp() string { return v.words.At(v.At) }

// Package experiment measures what a message changed: who is held out, how
// large the held-out group has to be, and what the difference is worth.
//
// Assigner holds out a share of the units (persons, phone numbers) by
// a keyed hash of experiment and unit, so that nothing is stored, the answer is
// the same on every machine and for ever, and growing the audience moves nobody.
// HoldoutSize says before sending whether a lift can be seen at all. Evaluate
// turns counts into the three figures that belong together: conversion of
// everybody, of those who clicked (descriptive only: they chose themselves) and
// the increment over the held-out group, with an interval. It refuses to name a
// winner when the split itself is broken (sample ratio mismatch).
//
// Anytime is for a campaign that is looked at while it runs, Holm for one of several
// variants, Pool for many small ones together, Compare for two. CompareSpend, and
// CompareAdjusted with what customers spent before, are about amounts; Earned turns them
// into profit and return. Attribute says who may claim a purchase, which is not what caused
// it. Tally counts all of it from a log.
//
// Rates are shares from 0 to 1, confidence levels likewise (0.95). The package
// imports the standard library only.
package experiment

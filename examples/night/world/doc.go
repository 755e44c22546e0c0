// Package world is the simulated world of examples/night: a Turkish watch
// retailer with 165 stores, 600 dealers, kiosks, a web shop, a marketplace, a
// technical service and a call centre, and the people who buy there.
//
// It has two sides. Towards the record it plays the sources: [World.History] is
// what they hold before the first evening, [World.Day] what they deliver on
// each day after. They disagree about who people are, in the way of real
// sources: names misspelt, changed at marriage, in capitals without Turkish
// letters; numbers mistyped, shared by a household, the dealer's own or invented at
// the till; profiles of those whom a present was sent to, with the giver's phone; relay
// addresses from the marketplace; gaps everywhere. People live in families (package
// households): couples, parents and children, twins, a grandson of his grandfather's name.
// Deliveries come late, twice and out of order. [World.Truth] knows who is who and
// [World.Kin] who belongs together, for those who judge.
//
// Towards messages it plays the people and the machines: [World.Gateway] takes
// an SMS or does not, [World.Reactions] says who looks at the link, who answers
// the survey and what, who says that it was not for them, who buys because of
// the campaign, and which scanners were there first.
//
// # No state
//
// A world holds no population and no log. Everything is computed when it is
// asked for, from the seed and the number of a person: the days on which
// something happens to them are drawn one by one from a hash of (seed, person,
// day), and what happens then is a story that follows from (seed, person,
// slot). Day(n) therefore looks back a bounded number of days for stories that
// began earlier and still have something to deliver, and needs to know nothing
// of the days before. Reactions follow from the effect's id. So a program that
// was killed and goes on meets the same world, and a world of a million people
// takes no memory.
//
// Ids hide the person and the slot behind a bijection that depends on the seed;
// that is how Truth and Reactions find the person behind a profile and the
// story behind an order without having kept either.
//
// # Files
//
// random and calendar draw numbers and days; words, phone, place and catalog
// are the materials; block, person and profile say who lives there and what sources
// make of them; story begins what happens, purchase, care and consent tell it,
// sink decides what of it comes when; gateway, reaction, agent and comment are
// the answers to messages; world puts them together.
//
// Nobody in it is real: common names combined at random, random numbers in
// Turkish mobile ranges, example mail domains, invented brands. Never dial the
// numbers.
package world

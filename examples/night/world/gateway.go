package world

import (
	"time"

	"github.com/vefacrm/vefa/crm"
)

// What the gateway answers to a message.
const (
	Accepted = "accepted"
	Rejected = "rejected" // no such number: for good
	// Throttled is the answer to the first attempt only: whoever tries again
	// is accepted. The world has no memory, so it is for the caller to know
	// which attempt it is.
	Throttled = "throttled"
	// Unknown is a connection that broke after the message had been handed
	// over. It was delivered if deliveredAt is set.
	Unknown = "unknown"
)

// The gateway's answers, of 1,000 messages.
const (
	rejectedShare  = 8
	throttledShare = 20
	unknownShare   = 6
)

// Gateway returns how the SMS gateway answers to a message and when it reaches
// the handset; zero if never. An address that does not exist is rejected
// always, whatever the message. The answer does not depend on at, only
// deliveredAt does, so that a repeated attempt meets the same fate.
func (w *World) Gateway(effect crm.EffectID, to crm.Address, at time.Time) (status string, deliveredAt time.Time) {
	dead := w.random(streamGateway, hashText(string(to.Channel)+to.Value), 1)
	if to.Value == "+90"+placeholder || dead.below(1000) < rejectedShare {
		return Rejected, time.Time{}
	}
	r := w.random(streamGateway, hashText(string(effect)), 2)
	x, seconds := r.below(1000), 1+r.below(6)
	if r.chance(0.12) { // switched off, out of reach
		seconds += r.below(3600)
	}
	deliveredAt = at.UTC().Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
	switch {
	case x < throttledShare:
		return Throttled, deliveredAt
	case x < throttledShare+unknownShare:
		if r.chance(0.3) {
			deliveredAt = time.Time{}
		}
		return Unknown, deliveredAt
	}
	return Accepted, deliveredAt
}

// hashText is FNV-1a, finished by mix.
func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

package link

import (
	"net/http"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Classifier is the version of Classify's rules. Store it beside a verdict; a
// verdict of another version is to be computed again.
const Classifier = "vefa-2026.12"

// The reasons of a verdict, in the order in which Classify gives them. They are
// stored with the click, so that their texts never change.
const (
	reasonMethod    = "method"           // HEAD or OPTIONS
	reasonPrefetch  = "prefetch"         // a header said so
	reasonAgent     = "agent"            // a known preview, scanner or program
	reasonNetwork   = "scanner-network"  // the address is in a range of scanners
	reasonNoAgent   = "no-agent"         // none at all
	reasonEarly     = "before-delivery"  // the message had not arrived
	reasonFast      = "after-delivery"   // within MinDelay of its arrival
	reasonSpread    = "many-recipients"  // the same network asked for many people's links, and:
	reasonEven      = "even-gaps"        // at gaps that are too even for people
	reasonOrder     = "sending-order"    // in the order of sending, or against it
	reasonPrompt    = "prompt"           // nearly all of them right after their arrival
	reasonOneAgent  = "one-agent"        // all with the same agent
	reasonCompanion = "probed-at-once"   // somebody probed the same link
	reasonNoFetch   = "no-fetch-headers" // a browser that names one sends Sec-Fetch-Mode
	reasonLanguage  = "no-language"      // browsers send Accept-Language
	reasonAgents    = "agent-changed"    // the same network came with another agent within seconds
)

// Classify gives the verdict about a click and why. Machine means certain
// evidence (a method or header that no person's click has, an agent that names
// itself, an address of a scanner, a click before the message arrived), or two
// suspicions; Suspected one suspicion; Human none. It is a pure function: run it
// again over history when Classifier changes.
//
// That one address asks for many people's links is no suspicion by itself:
// carriers put thousands of people behind one. It counts with what tells a
// farm from a crowd, see Crowd: two such signs are a machine's, but one suspicion
// where the agents vary. Of an address in NetworkCarrier one sign says nothing and
// several are one suspicion.
func Classify(c Click, x Context) (crm.Verdict, []string) {
	var reasons []string
	var certain, doubts int
	add := func(hit bool, reason string, weight *int) {
		if hit {
			reasons = append(reasons, reason)
			*weight++
		}
	}
	minDelay, maxRecipients := x.MinDelay, x.MaxRecipients
	if minDelay <= 0 {
		minDelay = 2 * time.Second
	}
	if maxRecipients <= 0 {
		maxRecipients = 8
	}
	add(!ordinary(c.Method), reasonMethod, &certain)
	add(c.Prefetch, reasonPrefetch, &certain)
	add(machineAgent(c.Agent), reasonAgent, &certain)
	add(c.Network == NetworkScanner, reasonNetwork, &certain)
	add(c.Agent == "", reasonNoAgent, &doubts)
	since := c.At.Sub(x.Delivered)
	add(!x.Delivered.IsZero() && since < 0, reasonEarly, &certain)
	add(!x.Delivered.IsZero() && since >= 0 && since < minDelay, reasonFast, &doubts)
	if x.Recipients > maxRecipients {
		signs := x.Crowd.signs()
		if c.Network == NetworkCarrier {
			signs /= 2
		}
		if signs > 0 {
			reasons = append(reasons, reasonSpread)
			var ignored int // they are weighed together
			add(x.Crowd.Even, reasonEven, &ignored)
			add(x.Crowd.Ordered, reasonOrder, &ignored)
			add(x.Crowd.Prompt, reasonPrompt, &ignored)
			add(x.Crowd.OneAgent, reasonOneAgent, &ignored)
		}
		if c.Network == NetworkCarrier || x.Crowd.Varied {
			signs = min(signs, 1)
		}
		doubts += signs
	}
	add(x.Companion, reasonCompanion, &doubts)
	add(!c.Fetch && sendsFetch(c.Agent), reasonNoFetch, &doubts)
	add(!c.Language, reasonLanguage, &doubts)
	add(x.Agents > 0, reasonAgents, &doubts)
	switch {
	case certain > 0 || doubts > 1:
		return crm.Machine, reasons
	case doubts == 1:
		return crm.Suspected, reasons
	}
	return crm.Human, nil
}

// ordinary reports methods that a person's browser uses; "" is not known.
func ordinary(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodPost
}

// Package rulesbench compares package rules with hand-written Go, the virtual
// machine of expr and cel-go, over one population in one run:
//
//	go -C internal/rulesbench test -run xxx -bench .
//
// It is a module of its own, so that no user of the library sees cel-go.
package rulesbench

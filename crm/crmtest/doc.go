// Package crmtest makes customers for examples, benchmarks and hosts' tests: a
// deterministic stream of profiles with consents and orders, as large as one
// likes, that holds nothing in memory.
//
//	for b := range crmtest.Customers(1000, crmtest.Options{Orders: 4}) {
//		_, err := svc.Import(ctx, b)
//	}
//
// The people are made up: common names combined at random, numbers in ranges
// that the library never dials.
package crmtest

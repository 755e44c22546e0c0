// Package storetest is the conformance suite of crm.Store. Every store of this
// library passes it; somebody else's store should too:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) crm.Store {
//			return mystore.Open(t.TempDir()) // fresh and empty each time
//		})
//	}
//
// Each subtest states the rule that it checks; a failure prints it. The suite
// ends with 10,000 random operations whose results are compared with a plain
// model (TestStore/Machine; -rapid.seed and -rapid.checks apply).
//
// The tests run with a deadline and without sleeping. Functions that they give
// to Update can be run again.
package storetest

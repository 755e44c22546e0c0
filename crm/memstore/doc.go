// Package memstore keeps the record in memory. It is the store for tests, for
// trying things out and for batch jobs over a copy of the record: everything
// is gone when the process ends.
//
//	store := memstore.New()
//	svc := crm.New(store, crm.Config{})
//
// It keeps the whole contract of crm.Store, as crm/storetest states it, so a
// host may use it as the double of a database in its own tests. Views run on
// snapshots and never wait; updates run one after the other.
//
// # How it is built
//
// Each kind of record is a B-tree from bytes to bytes (tree.go) whose nodes are
// not changed once they can be seen: to copy the struct with the roots is to
// take a snapshot, to forget it is to roll back. The leaves are compact pages
// without pointers (page.go), in which neighbouring keys are kept without what
// they have in common. Records are kept in forms of their own (code.go) in
// which frequent texts are numbers of words. A million customers with four
// orders each, their indexes and their change feed take about a gibibyte;
// BenchmarkMillion prints the figures.
package memstore

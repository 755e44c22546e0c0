// Package archtest holds the import graph of the module as a test. The rules
// stand in graph_test.go; do not change them to fix a build.
package archtest

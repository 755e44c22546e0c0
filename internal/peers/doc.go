// Package peers compares crm/value, crm/cohort, crm/basket and crm/cube with the packages that
// analysts know: lifetimes, lifelines, mlxtend, statsmodels, SciPy and DuckDB, value by value, on the same sales.
//
// testdata/sales.csv is a simulated year of a shop: 300 customers, a third of whom stay longer.
// testdata/peers.py says what those packages make of it, testdata/requirements.txt which versions;
// testdata/peers.json is what they said, for who has no Python. With VEFA_PYTHON, an interpreter that
// has them, the test asks them anew. testdata/machine.json has the figures of amd64, which are those of every
// machine. All code of this package is in its tests.
package peers

// Package dbtest runs the stores of this library on real databases. It is a
// module of its own, so that no host of the library ever sees a driver.
//
// SQLite needs nothing. PostgreSQL tests want a server's DSN in VEFA_TEST_POSTGRES,
// those on MariaDB or MySQL one in VEFA_TEST_MYSQL, and skip without it; with
// VEFA_REQUIRE_ALL=1 they fail instead. Each test makes a schema of its own and drops
// it.
package dbtest

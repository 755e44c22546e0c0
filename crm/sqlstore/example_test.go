package sqlstore_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/vefacrm/vefa/crm/sqlstore"
)

// A host that runs migrations with a tool of its own prints them.
func ExampleWriteSQL() {
	var b strings.Builder
	if err := sqlstore.WriteSQL(&b, sqlstore.Postgres, sqlstore.Config{Schema: "crm"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "CREATE TABLE \"crm\".\"orders\"") || strings.HasPrefix(line, "CREATE SCHEMA") {
			fmt.Print(line)
		}
	}
	// Output:
	// CREATE SCHEMA IF NOT EXISTS "crm";
	// CREATE TABLE "crm"."orders" (
}

// Statements lists everything that a store can send, for a review.
func ExampleStatements() {
	all, err := sqlstore.Statements(sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for _, s := range all {
		if s.Name == "customers/get" {
			fmt.Println(s.SQL)
		}
	}
	// Output:
	// WITH v(c1,c2) AS (VALUES (?,?),(?,?)) SELECT t.id, t.home_source, t.home_id FROM v CROSS JOIN "vefa_customers" AS t ON t.tenant = ? AND t.part = v.c1 AND t.id = v.c2
}

// Package sqlstore keeps the record of package crm in the host's own database,
// SQLite, PostgreSQL, MariaDB or MySQL, through database/sql. It imports no driver: the host
// brings the one that it has.
//
//	db, err := sql.Open("pgx", dsn)                                     // the host's
//	err = sqlstore.Migrate(ctx, db, sqlstore.Postgres, sqlstore.Config{}) // or WriteSQL
//	svc := crm.New(sqlstore.New(db, sqlstore.Postgres, sqlstore.Config{}), crm.Config{})
//
// # The host's transaction
//
// Join gives a store that writes inside a transaction of the host, so that its
// sale and our order commit together or not at all:
//
//	tx, err := db.BeginTx(ctx, nil)
//	// … the host inserts its own row, then:
//	err = service.On(store.Join(tx)).Record(ctx, fact) // eng.Service(), so that its configuration is the engine's
//	err = tx.Commit()
//
// tx may also be a *sql.Conn on which the host began a transaction by itself. A host
// that works with pgx alone joins its pgx.Tx by JoinPgx; the store's own transactions
// can use the same pool:
//
//	store := sqlstore.New(stdlib.OpenDBFromPool(pool), sqlstore.Postgres, sqlstore.Config{})
//	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
//		// … the host inserts its own row, then:
//		return service.On(sqlstore.JoinPgx(store, tx)).Record(ctx, fact)
//	})
//
// Where the database asks that a joined transaction be run again, the error is
// crm.ErrBusy and wraps the driver's: the host rolls back and begins again.
//
// # SQLite
//
// One process may write at a time. Open the file in WAL mode, with a busy
// time-out and with transactions that are writers from the start; for
// modernc.org/sqlite:
//
//	file:vefa.db?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)
//
// Without _txlock=immediate an Update of the store still becomes the writer
// before it reads, but a transaction of the host that has read before it is
// joined may be refused by SQLite when somebody else wrote meanwhile; without a
// busy time-out the store waits and tries again by itself for some seconds.
// Of the connections that are not in use database/sql keeps two unless SetMaxIdleConns says
// otherwise, and opens the others anew for each burst of requests, which for SQLite means
// reading the schema again: give it as many as requests read at a time, such as 8.
// With one connection (SetMaxOpenConns(1)) do not call View or Update from
// inside another; a Service that is given the Tx does not.
//
// # PostgreSQL
//
// The tables live in a schema of the host's choice. Nothing needs a superuser,
// an extension, a trigger or a procedure, and no state stays in a session, so a
// transaction pooler may stand between. Updates run at READ COMMITTED and lock
// what they are about to change; views run at REPEATABLE READ. Every statement
// names its part, so that sharding by part is possible.
//
// # MariaDB and MySQL
//
// The dialect MySQL is what MariaDB 10.6 and MySQL 8.0.21 have in common; the tests run
// on MariaDB 10.11, none on MySQL. The DSN names a database; for
// github.com/go-sql-driver/mysql:
//
//	user:password@tcp(db.example:3306)/shop?interpolateParams=true&maxAllowedPacket=0&transaction_isolation='READ-COMMITTED'
//
// interpolateParams saves a round trip for each statement. maxAllowedPacket=0 makes the
// driver refuse, as the server would by hanging up, a record that is too large for it.
// Before MariaDB 11.1 the variable is tx_isolation. The store's own transactions set
// their level; a transaction of the host's that is joined must be at READ COMMITTED, by
// that variable or by BeginTx with sql.LevelReadCommitted: at the server's default,
// REPEATABLE READ, it would not see what others committed since it began. Check tells
// of that, of a sql_mode that is not strict, and of a max_allowed_packet under 16 MiB.
//
// The tables live in the connection's database, or in Config.Schema. They are InnoDB's,
// with pages of 16 KiB. Keys are varbinary, so that texts are compared byte for byte,
// trailing spaces included; other texts are utf8mb4. Binary logs need the format ROW or
// MIXED, which is the default. Nothing needs a trigger, a procedure, an event or a right
// beside SELECT, INSERT, UPDATE and DELETE; Migrate makes tables and indexes.
//
// A statement that changes tables ends a transaction there. Migrate, which holds a lock
// of the server's (GET_LOCK), therefore takes a table or an index that exists already
// for what an earlier attempt made before it was killed, and goes on; steps of the
// host's (Config.Migrations) must bear that too.
//
// # Roles
//
// On PostgreSQL two roles suffice, and the one that the application logs in as
// need not be able to change a table. The owner runs Migrate:
//
//	CREATE ROLE vefa_owner LOGIN;
//	CREATE SCHEMA vefa AUTHORIZATION vefa_owner;
//
// The application runs stores. It may call Migrate too, which then only checks
// the version. These are its rights, for Config{} and a role vefa_app; the owner
// grants them after each Migrate that changed something. [Grants] returns them
// for other names:
//
//	CREATE ROLE vefa_app LOGIN;
//	GRANT USAGE ON SCHEMA "vefa" TO "vefa_app";
//	GRANT SELECT ON "vefa"."schema_versions", "vefa"."owner_versions" TO "vefa_app";
//	GRANT SELECT, INSERT ON "vefa"."links" TO "vefa_app";
//	GRANT SELECT, INSERT, UPDATE ON "vefa"."profiles", "vefa"."anchors", "vefa"."addresses", "vefa"."effects", "vefa"."part_seq" TO "vefa_app";
//	GRANT SELECT, INSERT, DELETE ON "vefa"."contacts", "vefa"."members", "vefa"."refs", "vefa"."changes" TO "vefa_app";
//	GRANT SELECT, INSERT, UPDATE, DELETE ON "vefa"."customers", "vefa"."facts", "vefa"."documents", "vefa"."cursors", "vefa"."states", "vefa"."counters", "vefa"."reservations", "vefa"."consents", "vefa"."orders", "vefa"."tags", "vefa"."tickets", "vefa"."visits" TO "vefa_app";
//
// Tables are named with their schema; operators, types and functions are
// PostgreSQL's own, which come first on every search_path that does not name
// pg_catalog. Where a session's search_path names pg_catalog, no schema in which
// others may create things must stand before it. To be sure whatever a session
// sets at its start:
//
//	ALTER ROLE vefa_app SET search_path = pg_catalog;
//
// # Bulk imports
//
// An import is faster when the host lends its driver's bulk path; for pgx:
//
//	cfg.Copy = func(ctx context.Context, conn *sql.Conn, statement string, rows io.Reader) error {
//		return conn.Raw(func(driver any) error {
//			_, err := driver.(*stdlib.Conn).Conn().PgConn().CopyFrom(ctx, rows, statement)
//			return err
//		})
//	}
//
// # Tables
//
// The tables are the host's to read (not to write); the files in
// migrations document every column. Profiles, contacts, members and customers say who is
// who; orders, visits, tickets, tags and consents have the columns that one
// wants to join and sum, and facts has the other kinds; addresses says what may
// be sent where; effects what was and is to be done; counters and reservations
// what can run out. The data columns hold the whole record as JSON.
//
// A kind of fact of the host's own that has a crm.Kind.Table gets it by
// Config.Kinds and Config.Migrations, given to Migrate and to New alike; other
// kinds are kept in facts.
//
// # Order and locks
//
// The change feed numbers entries per part with a counter row that is taken at
// the very end of a transaction and held to its commit: within a part, order is
// commit order and nothing is lost. Two large imports therefore wait for each
// other for the time of that last step only.
package sqlstore

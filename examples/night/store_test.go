package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
	"github.com/vefacrm/vefa/examples/internal/record"
)

// TestDatabaseURL opens PostgreSQL by the form that its own programs take, too.
// Case B22.
func TestDatabaseURL(t *testing.T) {
	dsn := strings.TrimPrefix(programtest.EmptyPostgres(t), "postgres:")
	if !strings.HasPrefix(dsn, "postgres") { // KEY=VALUE ...
		q, u := url.Values{}, url.URL{Scheme: "postgres"}
		for _, pair := range strings.Fields(dsn) {
			key, value, _ := strings.Cut(pair, "=")
			switch key {
			case "user":
				u.User = url.User(value)
			case "dbname":
				u.Path = "/" + value // the last one counts
			default:
				q.Set(key, value)
			}
		}
		u.RawQuery = q.Encode()
		dsn = u.String()
	}
	_, rest, _ := strings.Cut(dsn, "://")
	for _, name := range []string{"postgres://" + rest, "postgresql://" + rest, "postgres:postgres://" + rest} {
		store, kind, done, err := record.Open(t.Context(), name)
		require.NoError(t, err, name)
		require.Equal(t, "PostgreSQL", kind)
		require.NotNil(t, store)
		done()
	}
}

package sqlstore_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// TestGrantsAreDocumented compares the package comment with what a store needs.
func TestGrantsAreDocumented(t *testing.T) { // Case H9
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	grants, err := sqlstore.Grants(sqlstore.Config{}, "vefa_app")
	require.NoError(t, err)
	for _, q := range grants {
		require.Contains(t, string(doc), "//\t"+q+";\n")
	}
	require.Equal(t, len(grants), strings.Count(string(doc), "//\tGRANT "))
	for _, role := range []string{"", `a"; DROP ROLE b; --`, strings.Repeat("a", 64), "a b"} {
		_, err = sqlstore.Grants(sqlstore.Config{}, role)
		require.ErrorIs(t, err, crm.ErrInvalid)
	}
}

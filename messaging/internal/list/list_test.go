package list_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/internal/list"
)

func TestCell(t *testing.T) {
	for in, want := range map[string]string{"": "", "Ayşe": "Ayşe", "=1+1": "'=1+1", "+90": "'+90", "-1": "'-1", "@x": "'@x", "\t=1": "'=1", " =1": "' =1", "a=1": "a=1", "\r=1": "'=1", "\n=1": "'\n=1", "＝1": "'＝1", "a\nb": "a\nb"} {
		require.Equal(t, want, list.Cell(in), "%q", in)
	}
}

// FuzzCSV: what is written is read as it was, and no cell begins as a formula does.
func FuzzCSV(f *testing.F) {
	f.Add("a,\"b", "=cmd|' /C calc'!A0")
	f.Fuzz(func(t *testing.T, a, b string) {
		data, err := list.CSV([]string{"a", "b"}, [][]string{{a, b}})
		require.NoError(t, err)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2)
		require.Equal(t, []string{list.Cell(a), list.Cell(b)}, rows[1])
		for _, c := range rows[1] {
			require.False(t, strings.HasPrefix(c, "=") || strings.HasPrefix(c, "+") || strings.HasPrefix(c, "-") || strings.HasPrefix(c, "@"))
		}
	})
}

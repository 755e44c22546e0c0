package rfm

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// conventions are those of testdata/conventions.json.
var conventions = map[string]Config{
	"rpackage-5":     {},
	"ntile-5":        {Convention: ntile},
	"nested-ntile-5": {Convention: ntile, Nested: true},
	"qcut-4":         {Convention: qcut, Bins: 4},
	"qcut-5":         {Convention: qcut},
	"fixed": {Convention: fixed, Cuts: Cuts{
		Recency: []int64{31, 91, 181, 366}, Frequency: []int64{2, 4, 7}, Monetary: []int64{50_00, 200_00, 500_00, 1000_00}}},
}

// Every convention scores as the engine that it is named after, customer by
// customer.
func TestConventionsAgainstOtherEngines(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "conventions.json"))
	require.NoError(t, err)
	var want map[string]map[string]struct {
		Customers int
		SHA256    string `json:"sha256"`
		Cells     map[string]int
	}
	require.NoError(t, json.Unmarshal(raw, &want))
	for data, rows := range map[string]func(*testing.T) []Row{"rfm_data_orders": goldenRows, "cdnow": cdnowRows} {
		t.Run(data, func(t *testing.T) {
			rows := rows(t)
			for name, config := range conventions {
				expected, ok := want[data][name]
				require.True(t, ok, name)
				got, err := config.Score(rows)
				require.NoError(t, err)
				require.Len(t, got.Scores, expected.Customers)
				cells := map[string]int{}
				sum := sha256.New()
				for _, s := range got.Scores {
					cells[strconv.Itoa(s.cell())]++
					fmt.Fprintf(sum, "%s,%d\n", s.Customer, s.cell())
				}
				require.Equal(t, expected.Cells, cells, name)
				require.Equal(t, expected.SHA256, hex.EncodeToString(sum.Sum(nil)), name)
			}
		})
	}
}

// Migration between two dates is what pandas counts.
func TestMigrationAgainstPandas(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "migration.json"))
	require.NoError(t, err)
	var lines [][3]any
	require.NoError(t, json.Unmarshal(raw, &lines))
	var want []Move
	for _, l := range lines {
		want = append(want, Move{From: l[0].(string), To: l[1].(string), Customers: int(l[2].(float64))})
	}
	orders := goldenOrders(t)
	score := func(at time.Time) []Score {
		rows, err := Summarise(slices.Values(orders), at, nil)
		require.NoError(t, err)
		got, err := Config{}.Score(rows)
		require.NoError(t, err)
		return got.Scores
	}
	before, after := score(time.Date(2006, 6, 30, 0, 0, 0, 0, time.UTC)), score(time.Date(2006, 12, 31, 0, 0, 0, 0, time.UTC))
	require.Equal(t, want, Migrate(before, after, RPackageGroups()))
}

func cdnowOrders(t *testing.T) []Order {
	root := os.Getenv("VEFA_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "retail", "cdnow", "CDNOW_master.txt"))
	if err != nil {
		t.Skipf("golden data not present (set VEFA_DATA): %v", err)
	}
	defer f.Close()
	var orders []Order
	lines := bufio.NewScanner(f)
	lines.Scan() // header
	for lines.Scan() {
		field := strings.Fields(lines.Text())
		if len(field) < 4 {
			continue
		}
		at, err := time.Parse("20060102", field[1])
		require.NoError(t, err)
		whole, cents, _ := strings.Cut(field[3], ".")
		amount, err := strconv.ParseInt(whole+(cents + "00")[:2], 10, 64)
		require.NoError(t, err)
		orders = append(orders, Order{Customer: field[0], At: at, Amount: amount})
	}
	require.NoError(t, lines.Err())
	return orders
}

func cdnowRows(t *testing.T) []Row {
	rows, err := Summarise(func(yield func(Order) bool) {
		for _, o := range cdnowOrders(t) {
			if !yield(o) {
				return
			}
		}
	}, time.Date(1998, 6, 30, 0, 0, 0, 0, time.UTC), nil)
	require.NoError(t, err)
	return rows
}

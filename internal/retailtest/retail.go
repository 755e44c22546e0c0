// Package retailtest opens the retail data that tests compare with.
package retailtest

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Open opens a file below retail of the shared data, unpacked where its name ends in .gz. It skips the test
// where there are none, and fails it where VEFA_REQUIRE_ALL is 1.
func Open(t testing.TB, name string) io.Reader {
	t.Helper()
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../../shared/data" // of a package two folders down
	}
	f, err := os.Open(filepath.Join(dir, "retail", name))
	if err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatalf("no retail data: %v (set VEFA_DATA)", err)
		}
		t.Skipf("no retail data: %v (set VEFA_DATA)", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		require.NoError(t, err)
		return z
	}
	return f
}

// Line is a line of an order of UCI's Online Retail.
type Line struct {
	Customer, Order, Item uint32 // numbered in the order of the file, from 0 on
	At                    time.Time
	Amount                int64 // thousandths, because prices have three digits
}

var uci struct {
	once  sync.Once
	lines []Line
	items []string
	err   error
}

// UCI returns the lines of UCI's Online Retail as the golden values have them, and the codes of the
// items: with a customer, no cancellation, quantity and price above 0. They must not be changed.
func UCI(t testing.TB) (lines []Line, items []string) {
	t.Helper()
	in := Open(t, "uci_online_retail/online_retail.csv.gz")
	uci.once.Do(func() { uci.lines, uci.items, uci.err = readUCI(in) })
	require.NoError(t, uci.err)
	return uci.lines, uci.items
}

// numbers gives texts numbers from 0 on.
type numbers struct {
	of    map[string]uint32
	names []string
}

func (n *numbers) number(s string) uint32 {
	if n.of == nil {
		n.of = map[string]uint32{}
	}
	if i, ok := n.of[s]; ok {
		return i
	}
	s = strings.Clone(s)
	n.of[s] = uint32(len(n.names))
	n.names = append(n.names, s)
	return n.of[s]
}

func readUCI(in io.Reader) (lines []Line, items []string, err error) {
	var orders, customers, products numbers
	r := csv.NewReader(in)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return nil, nil, err
	}
	for {
		f, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, products.names, nil
		}
		if err != nil {
			return nil, nil, err
		}
		quantity, err := strconv.Atoi(f[3])
		if err != nil {
			return nil, nil, err
		}
		price, err := strconv.ParseFloat(f[5], 64)
		if err != nil {
			return nil, nil, err
		}
		if f[6] == "" || strings.HasPrefix(f[0], "C") || quantity <= 0 || price <= 0 {
			continue
		}
		at, err := time.Parse(time.DateTime, f[4])
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, Line{customers.number(f[6]), orders.number(f[0]), products.number(f[1]), at, int64(math.Round(price*1000)) * int64(quantity)})
	}
}

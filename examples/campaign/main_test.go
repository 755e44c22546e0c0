package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

func runWith(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = run(context.Background(), args, &o, &e)
	return o.String(), e.String(), err
}

func TestOutputsAreCheckedFirst(t *testing.T) { programtest.OutputsFirst(t, run, "-report") }

func TestCommandLine(t *testing.T) {
	programtest.CommandLine(t, "campaign", run, "-provider post", "-lang fr", "-people 0", "-holdout 0.9", "-faults 1", "-lift -1", "-in absent.csv", "-text {surname}")
	programtest.Interrupted(t, "campaign", run)
}

// figure returns a number of the output.
func figure(t *testing.T, out, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(name) + ` +([0-9,.%]+)`).FindStringSubmatch(out)
	require.NotNil(t, m, "%q in\n%s", name, out)
	return m[1]
}

// Each provider's simulator throttles, loses answers, reports early and twice: each recipient is
// addressed once, none who must not be, and all that was addressed came to an end.
func TestProviders(t *testing.T) {
	for _, name := range []string{"verimor", "netgsm", "twilio"} {
		page := filepath.Join(t.TempDir(), "page.html")
		args := []string{"-provider", name, "-people", "300", "-faults", "0.05", "-lift", "0.1", "-report", page}
		out, _, err := runWith(t, args...)
		require.NoError(t, err, name)
		require.Equal(t, "0", figure(t, out, "messages that should not have gone out"))
		require.NotEqual(t, "0", figure(t, out, "people who clicked"))
		require.NotEqual(t, "0", figure(t, out, "clicks by machines"))
		require.NotEqual(t, "0", figure(t, out, "people who want no more messages"), name)
		require.Contains(t, out, "withheld, because of: consent")
		require.NotEqual(t, "0.0%", figure(t, out, "came, of all who were to get it"))
		require.Contains(t, out, "visits brought by the message")
		require.Contains(t, out, "approve")
		if name == "verimor" {
			again, _, err := runWith(t, args...)
			require.NoError(t, err)
			require.Equal(t, out, again, "the same seed is the same world")
		}
		html, err := os.ReadFile(page)
		require.NoError(t, err)
		require.Contains(t, string(html), "<h1>A campaign and what it did</h1>")
		require.NotContains(t, string(html), "<script")
		require.Less(t, len(html), 300<<10)
	}
}

// Without a difference in the world, or without people held out, none is told.
func TestNothingToMeasure(t *testing.T) {
	out, _, err := runWith(t, "-people", "200", "-holdout", "0", "-faults", "0")
	require.NoError(t, err)
	require.NotContains(t, out, "brought by the message")
	require.Equal(t, "0", figure(t, out, "held out, to measure by"))
}

// Half of the people get other words, and the page says what became of either half.
func TestOtherWords(t *testing.T) {
	out, _, err := runWith(t, "-people", "400", "-faults", "0", "-other", "{name}, yeni saatler: {link} RET 4609")
	require.NoError(t, err)
	require.Contains(t, out, "Which words")
	require.Contains(t, out, "the other text beside the message")
	require.NotEqual(t, figure(t, out, "the message: bought"), "0.0%")
	require.Contains(t, out, "inconclusive")
	_, _, err = runWith(t, "-other", "{surname}")
	require.ErrorContains(t, err, `variant "other"`)
	require.NotContains(t, err.Error(), "\n")
}

// A list is read as it is exported: its headers are recognised, numbers are read, who has not
// agreed gets nothing.
func TestList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.csv")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("Müşteri No,Adı,Soyadı,Cep Telefonu,SMS İzni\n1,Ayşe,Yılmaz,0532 000 00 01,evet\n2,Ali,Kaya,+90 532 000 00 02,hayır\n3,Can,Kaya,yok,evet\n4,Ece,Kaya,5320000001,evet\n5,Efe,Demir,0532 000 00 05,E\n")
	out, errs, err := runWith(t, "-in", path, "-holdout", "0", "-faults", "0")
	require.NoError(t, err)
	require.Contains(t, errs, "2 rows without a telephone number of their own")
	require.Equal(t, "3", figure(t, out, "people on the list"))
	require.Equal(t, "2", figure(t, out, "people who were to get it"))
	write("name,phone\nAda,+905320000001\n")
	_, errs, err = runWith(t, "-in", path, "-holdout", "0")
	require.NoError(t, err)
	require.Contains(t, errs, "no column says who has agreed")
	for text, want := range map[string]string{"": "no rows", "name,phone\n": "no rows", "a;b\n1;2\n": "divided", "name,city\nAda,Bursa\n": "telephone numbers", "name,phone\nAda,none\n": ""} {
		write(text)
		_, _, err := runWith(t, "-in", path)
		require.Error(t, err, text)
		require.ErrorContains(t, err, want)
		require.False(t, strings.Contains(err.Error(), "\n"))
	}
}

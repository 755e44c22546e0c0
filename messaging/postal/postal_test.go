package postal_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/postal"
)

// files keeps what was written.
type files struct {
	mu   sync.Mutex
	rows map[string]int
	all  []string
}

func (f *files) write(_ context.Context, _ string, data []byte) error {
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rows[1:] {
		f.rows[r[0]]++
	}
	f.all = append(f.all, string(data))
	return nil
}

func message(i int) messaging.Message {
	m := messagingtest.Message(i)
	m.To, m.Via = crm.Address{Channel: crm.Post, Value: fmt.Sprintf("Ayşe Yılmaz, Bağdat Cad. %d, 34710 İstanbul", i)}, crm.Post
	return m
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		f := &files{rows: map[string]int{}}
		s, err := postal.New(postal.Config{Write: f.write})
		require.NoError(t, err)
		return messagingtest.Fixture{Sender: s, Message: message, Arrived: func(id crm.EffectID) int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.rows[string(id)]
		}}
	})
}

func TestWrite(t *testing.T) {
	_, err := postal.New(postal.Config{})
	require.ErrorIs(t, err, postal.ErrConfig)
	f := &files{rows: map[string]int{}}
	s, err := postal.New(postal.Config{Write: f.write})
	require.NoError(t, err)
	m := message(1)
	m.Text = "=HYPERLINK(\"https://evil.example\")\nikinci satır"
	out, err := s.Send(t.Context(), []messaging.Message{m, message(2)})
	require.NoError(t, err)
	require.Equal(t, out[0].Provider, out[1].Provider)
	require.Contains(t, f.all[0], `"'=HYPERLINK(""https://evil.example"")`)
	for name, c := range map[string]struct {
		write func(context.Context, string, []byte) error
		want  crm.Status
	}{
		"an error": {func(context.Context, string, []byte) error { return errors.New("disk full") }, crm.Throttled},
		"a panic":  {func(context.Context, string, []byte) error { panic("no") }, crm.Uncertain},
	} {
		s, err := postal.New(postal.Config{Write: c.write})
		require.NoError(t, err)
		out, err := s.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err, name)
		require.Equal(t, c.want, out[0].Status, name)
	}
	require.NoError(t, postal.Channel(postal.Layout{}).Validate())
	require.True(t, postal.Channel(postal.Layout{}).OptOut)
	l := postal.Layout{Width: 10, Lines: 2}
	for text, want := range map[string]int{"a": 1, "1234567890": 1, "12345 7890": 1, "12345 78901": 1, "12345 78901 12345 12345 x": 1, strings.Repeat("x", 40): 1, strings.Repeat("x", 41): 2, "a\nb\nc\nd": 1, "a\nb\nc\nd\ne": 2} {
		require.Equal(t, want, l.Sheets(text), text)
	}
	l.Simple = true
	require.Equal(t, 3, l.Sheets("a\nb\nc\nd\ne"))
}

// A batch becomes a file.
func Example() {
	s, err := postal.New(postal.Config{Write: func(_ context.Context, _ string, csv []byte) error {
		fmt.Print(strings.ReplaceAll(strings.TrimPrefix(string(csv), "\ufeff"), "\r", ""))
		return nil
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := s.Send(context.Background(), []messaging.Message{{ID: "e1", To: crm.Address{Channel: crm.Post, Value: "Ayşe Yılmaz, Bağdat Cad. 1, 34710 İstanbul"}, Text: "Merhaba"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out[0].Status)
	// Output:
	// id,address,from,subject,text
	// e1,"Ayşe Yılmaz, Bağdat Cad. 1, 34710 İstanbul",,,Merhaba
	// accepted
}

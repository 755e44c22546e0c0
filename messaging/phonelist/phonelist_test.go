package phonelist_test

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
	"github.com/vefacrm/vefa/messaging/phonelist"
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
	m.Via = phonelist.Name
	return m
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		f := &files{rows: map[string]int{}}
		s, err := phonelist.New(phonelist.Config{Write: f.write})
		require.NoError(t, err)
		return messagingtest.Fixture{Sender: s, Message: message, Arrived: func(id crm.EffectID) int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.rows[string(id)]
		}}
	})
}

func TestWrite(t *testing.T) {
	_, err := phonelist.New(phonelist.Config{})
	require.ErrorIs(t, err, phonelist.ErrConfig)
	f := &files{rows: map[string]int{}}
	s, err := phonelist.New(phonelist.Config{Write: f.write})
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
		s, err := phonelist.New(phonelist.Config{Write: c.write})
		require.NoError(t, err)
		out, err := s.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err, name)
		require.Equal(t, c.want, out[0].Status, name)
	}
	require.NoError(t, phonelist.Channel().Validate())
	require.Contains(t, f.all[0], ",905320000001,")
}

// A batch becomes a file.
func Example() {
	s, err := phonelist.New(phonelist.Config{Write: func(_ context.Context, _ string, csv []byte) error {
		fmt.Print(strings.ReplaceAll(strings.TrimPrefix(string(csv), "\ufeff"), "\r", ""))
		return nil
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := s.Send(context.Background(), []messaging.Message{{ID: "e1", To: crm.Address{Channel: crm.Phone, Value: "+905321234567"}, Text: "Merhaba"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out[0].Status)
	// Output:
	// id,number,from,topic,text
	// e1,905321234567,,,Merhaba
	// accepted
}

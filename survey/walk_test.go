package survey

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// walk is a survey with answers and what survey-core 3.1.1 made of them.
type walk struct {
	Def      json.RawMessage `json:"def"`
	Data     map[string]any  `json:"data"`
	Vars     map[string]any  `json:"vars"`
	Visible  []string        `json:"visible"`
	Required []string        `json:"required"` // shown, asked for, and not answered
	OK       bool            `json:"ok"`       // could be completed from its first page
	After    map[string]any  `json:"after"`    // the data then
	Err      string          `json:"err"`      // SurveyJS threw
}

// TestWalksLikeSurveyJS compares visibility, missing answers and the data
// after completion with what SurveyJS recorded for random surveys. VEFA_WALKS
// names another file of the same form.
func TestWalksLikeSurveyJS(t *testing.T) {
	name := os.Getenv("VEFA_WALKS")
	if name == "" {
		name = filepath.Join("testdata", "walks.jsonl")
	}
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	compared, refused := 0, 0
	for sc.Scan() {
		var w walk
		require.NoError(t, json.Unmarshal(sc.Bytes(), &w))
		d, err := Parse(w.Def, Limits{})
		require.NoError(t, err)
		if w.Err != "" || d.Err() != nil {
			refused++
			continue
		}
		compared++
		visible := []string{}
		for _, q := range d.Visible(Env{Answers: w.Data, Variables: w.Vars}) {
			visible = append(visible, q.Name)
		}
		require.Equal(t, w.Visible, visible, "%s\n%v %v", w.Def, w.Data, w.Vars)

		got, err := d.Check(Response{Answers: w.Data, Variables: w.Vars})
		missing := []string{}
		var faults Faults
		errors.As(err, &faults)
		for _, f := range faults {
			assert.Equal(t, required, f.Code)
			missing = append(missing, f.Question)
		}
		require.Equal(t, w.Required, missing, "%s\n%v %v", w.Def, w.Data, w.Vars)
		if err == nil && w.OK {
			require.Equal(t, w.After, got.Answers, "%s\n%v %v", w.Def, w.Data, w.Vars)
		}
	}
	require.NoError(t, sc.Err())
	t.Logf("%d surveys agree; %d hold expressions that one of us does not evaluate", compared, refused)
	assert.Greater(t, compared, 40)
}

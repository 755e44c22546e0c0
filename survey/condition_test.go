package survey

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCondition(t *testing.T) {
	d := parse(t, `{"elements":[{"type":"radiogroup","name":"sex","choices":["f","m"]},{"type":"text","inputType":"number","name":"age"},{"type":"text","name":"born","valueName":"birth"},
		{"type":"paneldynamic","name":"kids","templateElements":[{"type":"text","name":"name"}]}],"calculatedValues":[{"name":"old","expression":"{age} > 60","includeIntoResult":true}]}`)
	may := time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	man := Response{Answers: map[string]any{"sex": "m", "age": 20.0, "birth": "2004-05-02", "kids": []any{map[string]any{"name": "Can"}}}, Variables: map[string]any{"place": "İzmir"}}
	for src, want := range map[string]bool{
		"{sex} = 'm' and {age} <= 25": true, "{sex} = 'f'": false, "{age} empty": false, "{kids[0].name} = 'Can'": true,
		"{place} = 'İzmir'": true, "age({birth}) = 20": true, "{old} = true": false, "{age}": false,
	} {
		c, err := d.Condition(src)
		require.NoError(t, err, src)
		require.Equal(t, want, c.Holds(man, may), src)
		require.False(t, c.Holds(Response{}, may) && src != "{age} empty", src)
	}
	for _, src := range []string{"", "{sex", "{sexx} = 'm'", "f({sex})", "{born} = 1"} {
		_, err := d.Condition(src)
		require.Error(t, err, src)
	}
}

package things

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/metric"
)

// Model is what was learnt from records: how rare words are, and what agreement is worth
// ([Model.Scores]). It is saved and loaded as JSON; words and values appear in it as hashes
// only, which keeps them out of sight but is no anonymisation.
type Model struct {
	kind   Kind
	words  words
	scores *dedup.Model
}

// Scores returns the model of the comparisons; read only.
func (m *Model) Scores() *dedup.Model { return m.scores }

// words counts the words of each field that is compared word by word.
type words struct {
	Name     *metric.Corpus `json:"name"`
	Maker    *metric.Corpus `json:"maker"`
	Text     *metric.Corpus `json:"text"`
	Category *metric.Corpus `json:"category"`
	Authors  *metric.Corpus `json:"authors"`
	Street   *metric.Corpus `json:"street"`
	City     *metric.Corpus `json:"city"`
}

func newWords() *words {
	c := &words{}
	for _, p := range c.all() {
		*p = &metric.Corpus{}
	}
	return c
}

// all returns the corpora in a fixed order.
func (c *words) all() []**metric.Corpus {
	return []**metric.Corpus{&c.Name, &c.Maker, &c.Text, &c.Category, &c.Authors, &c.Street, &c.City}
}

// modelFile is a Model as it is written.
type modelFile struct {
	Format int          `json:"format"`
	Kind   Kind         `json:"kind,omitempty"`
	Words  words        `json:"words"`
	Scores *dedup.Model `json:"scores"`
}

// modelFormat is the version of the models that this package writes and reads. It rises when
// a model would mean something else.
const modelFormat = 1

// ReadModel reads a model written by [Model.WriteTo]; whether it fits is seen when it is used.
// What it wraps if it does not is [dedup.ErrModel].
func ReadModel(r io.Reader) (*Model, error) {
	var in modelFile
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return nil, fmt.Errorf("things: read model: %w", err)
	}
	if in.Format != modelFormat {
		return nil, fmt.Errorf("things: %w: it has format %d, this is %d", dedup.ErrModel, in.Format, modelFormat)
	}
	return &Model{kind: in.Kind, words: in.Words, scores: in.Scores}, nil
}

// WriteTo writes the model as JSON; the same model gives the same bytes.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	b, err := json.MarshalIndent(modelFile{modelFormat, m.kind, m.words, m.scores}, "", " ")
	if err != nil {
		return 0, fmt.Errorf("things: write model: %w", err)
	}
	n, err := w.Write(append(b, '\n'))
	return int64(n), err
}

// check says whether the model can be used for a kind of things; dedup checks the scores.
func (m *Model) check(kind Kind) error {
	if m == nil || m.scores == nil {
		return fmt.Errorf("things: %w: it is empty", dedup.ErrModel)
	}
	if m.kind != kind {
		return fmt.Errorf("things: %w: it was learnt of kind %q, this is %q", dedup.ErrModel, m.kind, kind)
	}
	for _, p := range m.words.all() {
		if *p == nil {
			return fmt.Errorf("things: %w: words of a field are missing", dedup.ErrModel)
		}
	}
	return nil
}

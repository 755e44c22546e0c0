package survey

import (
	"encoding/json"
	"iter"
	"slices"
)

// Definition is a survey in the SurveyJS JSON format. It is immutable and safe
// for concurrent use; Parse makes one.
type Definition struct {
	raw      json.RawMessage // compact, as read
	head     Head
	tree     // pages, panels and questions, without those inside other questions
	pages    []*element
	findings []Finding
	limits   Limits
	logic    surveyLogic
}

// Head is what a definition says about itself besides its questions.
type Head struct {
	// Name and Version are those of its x-retail object, or empty. Name is how hosts tell
	// surveys apart; SurveyJS itself has no such members.
	Name, Version string
	Title         Text
	Description   Text
	Thanks        Text     // shown after completion: completedHtml without markup; may be empty
	CompletedHTML Text     // the same with its markup, unsafe: use SafeHTML or Session.Thanks
	StartText     Text     // of the button that leaves a start page; may be empty
	CompleteText  Text     // of the button that sends the answers; may be empty
	NextText      Text     // of the button that leads to further questions; may be empty
	BackText      Text     // of the button that leads to the page before; may be empty
	Language      string   // its own locale, or empty
	Languages     []string // into which any text is translated, sorted
	Pages         []Page   // in order; at least one where there is a question

	StartPage   bool // the first page only introduces: it is left by starting
	NoBack      bool // showPrevButton is false: pages are not gone back to
	ReadOnly    bool // nothing can be answered
	OnePage     bool // questionsOnPageMode "singlePage": the pages of the file are panels of one page
	OneQuestion bool // questionsOnPageMode "questionPerPage" or "inputPerPage": each question is a page

	TimeLimit     int // seconds for the whole survey; 0: none
	PageTimeLimit int // seconds for a page that has none of its own; 0: none
}

// Page is a page of a survey.
type Page struct {
	Name        string // as in the file; may be empty
	Title       Text   // empty: none is shown
	Description Text   // empty: none is shown
	TimeLimit   int    // seconds; 0: Head.PageTimeLimit
}

// Question is one question of a Definition. It is a copy; its slices and what
// it points to are shared and not to be changed.
type Question struct {
	Name         string // unique; the key of its answer, unless ValueName is set
	ValueName    string // the key of its answer where it is not Name; questions that share it share an answer
	Type         string // as SurveyJS names it, such as "rating" or "matrixdynamic"; see Types
	Title        Text   // never empty: the name when the file has no title
	HideTitle    bool   // titleLocation "hidden": only assistive technology needs the title
	Description  Text   // below the title; empty: none
	Page         int    // index of its page, from 0
	Panel        string // name of the innermost panel; empty: it stands on the page
	PanelTitle   Text   // title of the innermost panel, if any
	Required     bool   // isRequired; from Visible and Session: as these answers make it
	ReadOnly     bool   // shown and not answered; from Session: as these answers make it
	RequiredText Text   // the author's message for a missing answer

	// Choices of a radiogroup, checkbox, dropdown, tagbox, ranking, imagepicker and
	// buttongroup, steps of a rating, and the two values of a boolean (yes first). Values
	// are float64, string or bool. From Session: those that show, in their order.
	Choices []Choice
	// Multiple: the answer is a list (checkbox, tagbox, ranking, an imagepicker or file
	// that takes several, a matrix of check boxes, a slider for a range).
	Multiple    bool
	MinSelected int // of a list: at least so many, if any; 0: no bound
	MaxSelected int // of a list: at most so many; 0: no bound
	// Comment: a field for a remark stands below the question. Its value is the answer
	// named Name + "-Comment".
	Comment            bool
	CommentText        Text   // above that field; empty: the page's own words
	CommentPlaceholder Text   // in that field, and in that of the other choice
	OtherError         Text   // the author's message for "other" without its text
	RateType           string // of rating: "labels" (numbers or texts), "stars" or "smileys"
	MinLabel           Text   // what the lowest step of a rating means
	MaxLabel           Text   // and the highest one; empty: not said

	InputType    string // of text: text, email, tel, number, url, date, …; "text" when not said
	Min, Max     string // of text and slider: bounds as written, for numbers and dates; empty when none
	Step         string // of text and slider: as written, for numbers; empty: any
	MinErrorText Text   // the author's message for an answer below Min
	MaxErrorText Text   // and above Max
	MaxLength    int    // of text and comment, in UTF-16 units as HTML counts; 0 when none
	Rows         int    // of comment; 0 when not said
	Placeholder  Text   // in the empty field, or of the empty choice of a dropdown; empty: none
	Autocomplete string // of text: what a browser may fill in, as HTML names it; empty: not said
	Suggestions  []Text // of text: dataList
	Mask         *Mask  // of text: how it is written; nil: as it comes

	HTML   Text       // of html: its markup, unsafe: use SafeHTML, or View.HTML of a Session
	Image  *Image     // of image
	Items  []Question // of multipletext: its fields, each of type text
	Matrix *Matrix    // of matrix, matrixdropdown and matrixdynamic
	Repeat *Repeat    // of paneldynamic
	Upload *Upload    // of file and signaturepad

	CorrectAnswer any       // of a quiz: what is right; nil: not asked for points
	Extension     Extension // "x-retail"; zero: an ordinary question

	index           int // among the questions of the definition; -1 inside another question
	self            *element
	rules           *questionRules
	someConditional bool // a choice has a condition of its own
}

// Key is the name of the answer: ValueName, or else Name.
func (q *Question) Key() string {
	if q.ValueName != "" {
		return q.ValueName
	}
	return q.Name
}

// The special choices.
const (
	OtherItem     = "other"
	NoneItem      = "none"
	RefuseItem    = "refused"
	DontKnowItem  = "dontknow"
	SelectAllItem = "selectall"
)

// Choice is a value that can be chosen.
type Choice struct {
	Value any  // float64, string or bool
	Text  Text // what the respondent reads; the value when the file has none
	// Special is OtherItem, NoneItem, RefuseItem, DontKnowItem or SelectAllItem for the
	// choices that SurveyJS adds; empty for an author's. A SelectAllItem stands for all
	// ordinary choices and is itself never an answer.
	Special   string
	Exclusive bool // of a checkbox: chosen, it is the only one; of NoneItem and its kin, too
	Comment   bool // chosen, a text is asked for beside it: of OtherItem, and by showCommentArea
	Disabled  bool // shown and not to be chosen: its enableIf does not hold
	Image     Text // of imagepicker: the address of the picture

	visibleIf *expression
	enableIf  *expression
	mustSay   bool           // isCommentRequired
	extra     map[string]any // members of the choice, for {$item.name}
}

// Mask is how a line of text is written, as SurveyJS's maskType and maskSettings.
type Mask struct {
	Type       string // "pattern", "numeric", "currency" or "datetime"
	Pattern    string // 9 a digit, a a letter, * either, \ takes the next as it is; of datetime such as dd/mm/yyyy
	Decimal    string // of numeric: the decimal sign, "." when not said
	Thousands  string // of numeric: between groups, "," when not said
	Precision  int    // of numeric: digits after the decimal sign at most, 2 when not said
	Min, Max   string // bounds as written; empty when none
	NoNegative bool
	Prefix     string // of currency
	Suffix     string // of currency
	SaveMasked bool   // the answer is what is shown
}

// Image is a picture of a definition.
type Image struct {
	Link          Text   // an address, or a data: URL
	Alt           Text   // what it shows, for those who do not see it; may be empty
	Width, Height string // as written, such as "200" or "100%"; may be empty
	Fit           string // contain, cover, fill or none
	Mode          string // image, video, youtube or auto
}

// Upload is what a file or signature question accepts.
type Upload struct {
	Multiple  bool
	Accept    string // as HTML's accept: ".pdf,image/*"; empty: anything
	MaxSize   int64  // bytes of one file; 0: Limits.UploadBytes
	MaxFiles  int    // 0: Limits.Uploads
	Signature bool
	Format    string // of a signature: png, jpeg or svg
	Camera    bool   // sourceType asks for the camera
}

// Matrix is a table of answers.
type Matrix struct {
	Rows    []Choice   // of matrix and matrixdropdown
	Columns []Choice   // of matrix: the values of each row
	Cells   []Question // of matrixdropdown and matrixdynamic: the question of each column

	EachRequired bool // of matrix: every row is to be answered
	EachUnique   bool // of matrix: no column twice
	CellText     map[string]Text

	RowCount, MinRows, MaxRows int // of matrixdynamic; MaxRows 1000 when not said
	CanAdd, CanRemove          bool
	AddText, RemoveText        Text // empty: the page's own words
	NoRowsText                 Text
	TotalText                  Text
	HideHeader                 bool
	Key                        string // keyName: the column whose values must differ
	KeyText                    Text   // the author's message for a repeated key
	tree                       *tree
}

// Repeat is a panel that is there as often as the respondent wants.
type Repeat struct {
	Questions         []Question // of the panel, in order
	Title             Text       // of each panel; {panelIndex} and {panel.name} are piped
	Description       Text
	Count, Min, Max   int // panels at first, at least and at most; Max 100 when not said
	CanAdd, CanRemove bool
	AddText           Text // empty: the page's own words
	RemoveText        Text
	NoEntriesText     Text
	Key               string // keyName: the question whose answers must differ
	KeyText           Text   // the author's message for a repeated key
	tree              *tree
}

// Head returns what the definition says about itself. Its slices are shared and not to be
// changed.
func (d *Definition) Head() Head { return d.head }

// Questions goes through the questions in the order they are asked, hidden
// ones included; html, images and expressions are among them. Those inside a
// matrix, dynamic panel or multiple text are in Question.Matrix, Repeat and Items.
func (d *Definition) Questions() iter.Seq[Question] {
	return func(yield func(Question) bool) {
		for _, q := range d.questions {
			if !yield(*q) {
				return
			}
		}
	}
}

// Question finds a question by its name.
func (d *Definition) Question(name string) (Question, bool) {
	q, ok := d.names[name]
	if !ok {
		return Question{}, false
	}
	return *q, true
}

// MarshalJSON writes the definition as it was read, unknown members and the
// spelling of numbers included, without insignificant space.
func (d *Definition) MarshalJSON() ([]byte, error) { return slices.Clone(d.raw), nil }

// UnmarshalJSON is Parse with default Limits.
func (d *Definition) UnmarshalJSON(data []byte) error {
	p, err := Parse(data, Limits{})
	if err != nil {
		return err
	}
	*d = *p
	return nil
}

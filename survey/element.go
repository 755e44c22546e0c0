package survey

// elementKind tells pages, panels and questions apart.
type elementKind byte

const (
	pageElement elementKind = iota
	panelElement
	questionElement
)

// element is a page, panel or question of a definition with the rules that
// decide whether and how it shows. Pages and panels have children.
type element struct {
	kind        elementKind
	name        string
	index       int // in the list that its owner keeps; parents come first
	parent      *element
	children    []*element
	below       []*element // the questions below it, at any depth
	question    *Question  // of a question
	title       Text       // of a page or panel
	description Text
	order       string // of children: "random" or "initial"; empty: as the survey says
	timeLimit   int    // of a page, seconds
	errorText   Text   // of a required panel
	path        string // in the file
	conditions
}

// conditions are what pages, panels and questions have in common.
type conditions struct {
	static     bool // "visible"
	required   bool // isRequired
	readOnly   bool
	visibleIf  *expression
	enableIf   *expression
	requiredIf *expression
}

// questionRules is how the value of a question comes about and what it must be.
type questionRules struct {
	path string // in the file
	conditions
	defaultValue any
	defaultExpr  *expression
	setIf        *expression
	setExpr      *expression
	resetIf      *expression
	clearIf      string // clearIfInvisible; empty: as the survey says
	validators   []validator
	displayText  bool // piped as it is displayed and not as stored
	defaultText  Text // defaultDisplayValue

	choicesVisibleIf *expression
	choicesEnableIf  *expression
	rowsVisibleIf    *expression
	columnsVisibleIf *expression
	from             string // choicesFromQuestion
	fromMode         string
	fromValues       string // choiceValuesFromQuestion
	fromTexts        string // choiceTextsFromQuestion
	order            string // choicesOrder or rowOrder
	hideIfEmpty      bool
	hideColumns      bool   // hideColumnsIfEmpty
	otherAsComment   string // storeOthersAsComment: "", "true" or "false"
	valueProperty    string // of checkbox: valuePropertyName
	custom           bool   // allowCustomChoices
	separateSpecial  bool
	selectToRank     bool // of ranking: what is not ranked is left out

	minExpr, maxExpr   *expression
	minRange, maxRange float64 // of a slider for a range; 0: none

	countExpr  *expression // of panels and rows
	bound      string      // the answer that is the number of panels or rows, and follows it
	defaultRow any
	copyLast   bool
	templateIf *expression

	expr        *expression // of an expression question; of a column its total
	format      Text
	style       string // displayStyle
	currency    string
	maxFraction int // -1: not said
	minFraction int // -1: not said
	grouping    bool
	precision   int    // -1: not said
	unique      bool   // isUnique of a column
	total       string // totalType of a column
	totalExpr   *expression
	fields      *tree          // of multipletext
	rowAt       map[string]int // of matrixdropdown: the place of a row
}

// surveyLogic is what a definition does besides asking.
type surveyLogic struct {
	clear        string // clearInvisibleValues: none, onComplete, onHidden or onHiddenContainer
	triggers     []trigger
	calculated   []calculated
	completedIf  []conditional // completedHtmlOnCondition
	navigateTo   Text
	navigateIf   []conditional // navigateToUrlOnCondition
	order        string        // questionOrder
	othersApart  bool          // storeOthersAsComment, true when not said
	maxText      int           // maxTextLength
	maxComment   int           // maxCommentLength
	validateLate bool          // checkErrorsMode onComplete: nothing is checked before the end
	caseFold     string
	setters      bool                   // a question has setValueIf and its kin
	quiet        bool                   // conditions decide only what shows and is required
	byKey        map[string][]*Question // questions by the name of their answer
	lists        map[string]bool        // the same names in small letters, of those with several values
	followers    map[string][]*Question // whose choices follow an answer, by its name
	bound        map[string][]*Question // whose number of panels or rows is an answer, by its name
}

// trigger acts when its expression comes to hold.
type trigger struct {
	path      string
	kind      string // complete, setvalue, copyvalue, skip, runexpression or visible
	when      *expression
	setTo     string
	value     any
	variable  bool
	from      string
	display   bool
	goTo      string
	run       *expression
	pages     []string
	questions []string
}

// calculated is a value that follows from others.
type calculated struct {
	path    string
	name    string
	expr    *expression
	include bool
}

// conditional is a text that is used when its expression holds.
type conditional struct {
	when *expression
	text Text
}

// validator is a check of an answer beside those of its type.
type validator struct {
	kind     string // numeric, text, answercount, regex, email or expression
	message  Text
	notice   bool // notificationType is not "error": it does not hold anything up
	min, max *float64
	noDigits bool
	pattern  *pattern
	expr     *expression
}

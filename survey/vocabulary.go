package survey

import (
	"html"
	"slices"
	"strings"
)

// vocabulary is what else SurveyJS knows of an object than what Parse reads:
// ignored members change only looks and on-screen behaviour that a page
// without scripts does not have; later members change what is asked, checked
// or stored, and become findings.
type vocabulary struct{ ignored, later []string }

// names splits a list of names.
func names(s string) []string { return strings.Fields(s) }

// laterTypes are the types of SurveyJS that are not asked yet; each is a failure, because a
// question would be missing.
var laterTypes = names(`checkbox dropdown tagbox ranking matrix matrixdropdown matrixdynamic multipletext
	html image imagepicker imagemap expression buttongroup slider file signaturepad paneldynamic empty flowpanel`)

// surveyVocabulary is what a survey itself may have besides what is read.
var surveyVocabulary = vocabulary{
	ignored: names(`name regionalFormat logo logoWidth logoHeight logoFit logoPosition autoFocusFirstQuestion
		focusFirstQuestionAutomatic focusOnFirstError autoFocusFirstError loadingHtml sjsVersion $schema surveyId
		surveyPostId surveyShowDataSaving cookieName sendResultOnPageNext partialSendEnabled showNavigationButtons
		navigationButtonsLocation showPrevButton showTitle showPageTitles showCompletePage showCompletedPage
		matrixDragHandleArea showPageNumbers showQuestionNumbers questionTitleLocation questionDescriptionLocation
		questionErrorLocation showProgressBar progressBarLocation progressBarType progressBarShowNavigationText
		progressBarShowPageNumbers progressBarShowPageTitles progressBarNavigationTextLocation
		progressBarInheritWidthFrom showTOC tocLocation tocItemComponent autoAdvanceEnabled autoAdvanceAllowComplete
		goNextPageAutomatic allowCompleteSurveyAutomatic checkErrorsMode validateVisitedEmptyFields textUpdateMode
		autoGrowComment allowResizeComment commentAreaRows pagePrevText previewText editText requiredMark requiredText
		questionStartIndex questionTitlePattern questionTitleTemplate isSinglePage questionsOnPageMode
		showPreviewBeforeComplete previewMode timerLocation timerInfoMode showTimerPanel widthMode gridLayoutEnabled
		width fitToContainer headerView backgroundImage backgroundImageFit backgroundImageAttachment
		backgroundOpacity showBrandInfo`),
	later: names(`completedBeforeHtml completedHtmlOnCondition triggers calculatedValues navigateToUrl
		navigateToUrlOnCondition questionOrder questionsOrder readOnly mode storeOthersAsComment maxTextLength
		maxCommentLength maxOthersLength startSurveyText firstPageIsStartPage firstPageIsStarted showTimer timeLimit
		timeLimitPerPage maxTimeToFinish maxTimeToFinishPage questions`),
}

// containerIgnored and containerLater are shared by pages and panels, questionIgnored and
// questionLater by all types of questions.
const containerIgnored = `questionTitleWidth questionTitleLocation gridLayoutColumns questionErrorLocation state
	startWithNewLine width minWidth maxWidth colSpan effectiveColSpan innerIndent indent page showNumber
	showQuestionNumbers questionStartIndex allowAdaptiveActions showNavigationButtons navigationButtonsVisibility
	navigationTitle navigationDescription`

const containerLater = `readOnly enableIf requiredIf questionOrder questionsOrder isRequired requiredErrorText
	timeLimit maxTimeToFinish`

var (
	pageVocabulary  = vocabulary{ignored: names(containerIgnored), later: names(containerLater)}
	panelVocabulary = vocabulary{ignored: names(containerIgnored), later: names(containerLater + " description")}

	choiceVocabulary = vocabulary{
		ignored: names("randomize randomizeCategory"),
		later:   names("enableIf showCommentArea isCommentRequired commentPlaceholder elements imageLink"),
	}
)

const questionIgnored = `state useDisplayValuesInDynamicTexts width minWidth maxWidth colSpan effectiveColSpan
	startWithNewLine indent page titleLocation showTitle descriptionLocation showNumber hideNumber bindings renderAs
	commentText commentPlaceholder defaultDisplayValue randomize randomizeCategory errorLocation correctAnswer`

const questionLater = `valueName enableIf resetValueIf setValueIf setValueExpression defaultValue
	defaultValueExpression clearIfInvisible readOnly validators showCommentArea hasComment`

// questionVocabulary adds what each type has of its own.
var questionVocabulary = map[string]vocabulary{
	rating: question(`rateType scaleColorMode rateColorMode autoGenerate displayRateDescriptionsAsExtremeItems
		rateDescriptionLocation displayMode itemComponent`, ""),
	radiogroup: question(`separateSpecialChoices otherPlaceholder noneText refuseText dontKnowText otherText
		otherErrorText colCount allowClear showClearButton itemComponent`,
		`choicesFromQuestion choicesFromQuestionMode choiceValuesFromQuestion choiceTextsFromQuestion
		choicesOrder choicesByUrl hideIfChoicesEmpty choicesVisibleIf choicesEnableIf showOtherItem hasOther
		showNoneItem hasNone showRefuseItem showDontKnowItem storeOthersAsComment`),
	boolean: question("label swapOrder displayMode useTitleAsLabel", ""),
	comment: question("cols textUpdateMode autoGrow allowResize acceptCarriageReturn", ""),
	input: question("inputSize size textUpdateMode inputTextAlignment minErrorText maxErrorText stepErrorText",
		"minValueExpression maxValueExpression maskType maskSettings dataList"),
}

// question is what SurveyJS knows of every question, and of one type.
func question(ignored, later string) vocabulary {
	return vocabulary{ignored: names(questionIgnored + " " + ignored), later: names(questionLater + " " + later)}
}

// keys returns the keys of a map, sorted, for suggestions.
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// nearest returns the known name within two typing errors of name, or "".
func nearest(name string, known []string) string {
	if len(name) > 40 {
		return ""
	}
	best, at := "", 3
	slices.Sort(known)
	for _, k := range known {
		if len(k) < 5 && !strings.EqualFold(k, name) {
			continue // short names are close to everything
		}
		if d := typos(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// typos counts inserted, deleted, changed and swapped bytes (optimal string
// alignment), giving up above 2.
func typos(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev2, prev, cur := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}

// withoutMarkup drops tags and resolves character references.
func (t Text) withoutMarkup() Text {
	out := Text{plain: stripTags(t.plain), langs: slices.Clone(t.langs)}
	for i := range out.langs {
		out.langs[i].text = stripTags(out.langs[i].text)
	}
	return out
}

// stripTags takes the markup out of a text.
func stripTags(s string) string {
	var b strings.Builder
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			break
		}
		b.WriteString(s[:open])
		b.WriteByte(' ')
		s = s[open+end+1:]
	}
	b.WriteString(s)
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

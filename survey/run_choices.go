package survey

import (
	"slices"
	"strings"
)

// runChoices decides which choices show and which can be chosen, and drops an answer that is no
// longer offered.
func (s *Session) runChoices(n *live) {
	if n.choices == nil {
		return
	}
	ru := n.q.rules
	changed := false
	for i, c := range n.q.Choices {
		st := &n.choices[i]
		if c.Special != "" {
			continue
		}
		x := c.enableIf
		if x == nil {
			x = ru.choicesEnableIf
		}
		st.disabled = x != nil && !loosely(s.evalItem(x, n.sc, c))
		if x = c.visibleIf; x == nil {
			x = ru.choicesVisibleIf
		}
		hidden := x != nil && !loosely(s.evalItem(x, n.sc, c))
		changed = changed || hidden != st.hidden
		st.hidden = hidden
	}
	if changed {
		s.dropUnoffered(n)
	}
}

// dropUnoffered removes an answer that is not among the choices any more. Of a list, what was
// removed comes back once it is offered again, unless another answer was given meanwhile.
func (s *Session) dropUnoffered(n *live) {
	if isEmpty(n.value()) && len(n.dropped) == 0 || n.q.rules.custom || !n.q.takesChoices() && n.q.Type != "rating" {
		return
	}
	if n.sc.owner == nil && len(s.d.logic.byKey[n.q.Key()]) > 1 {
		return
	}
	offered := s.offered(n)
	if n.q.Type == "ranking" && !n.q.rules.selectToRank {
		s.rank(n, offered)
		return
	}
	if list, ok := n.value().([]any); n.q.Multiple && (ok || n.value() == nil) {
		s.dropSome(n, list, offered)
		return
	}
	if !offers(offered, n.value()) && !s.ownWords(n) {
		s.clear(n, true)
	}
}

// dropSome is dropUnoffered of a list.
func (s *Session) dropSome(n *live, list []any, offered []Choice) {
	drops := func(v any) bool { return !offers(offered, choiceValue(v, n.q)) && !s.ownWords(n) }
	var back []any
	if len(n.dropped) > 0 {
		for _, c := range s.shownChoices(n) { // in the order that the respondent sees, as in SurveyJS
			at := slices.IndexFunc(n.dropped, func(v any) bool { return equalValues(c.Value, v, false) })
			if at < 0 {
				continue
			}
			n.dropped = slices.Delete(n.dropped, at, at+1)
			if !slices.ContainsFunc(list, func(v any) bool { return equalValues(choiceValue(v, n.q), c.Value, false) }) {
				back = append(back, c.Value)
			}
		}
	}
	if len(back) == 0 && !slices.ContainsFunc(list, drops) {
		return
	}
	dropped := n.dropped
	var kept []any
	for _, v := range list {
		switch {
		case !drops(v):
			kept = append(kept, v)
		case n.q.Type != "imagepicker":
			dropped = append(dropped, choiceValue(v, n.q))
		}
	}
	var v any
	if kept = append(kept, back...); len(kept) > 0 {
		v = kept
	}
	n.dropped, n.dropping = dropped, true // before conditions run, by which it may be offered again
	s.assign(n, v, true)
	n.dropping = false
	if v == nil {
		n.direct = false
	}
}

// rank makes the value of a ranking all choices that show: first those that were ranked.
func (s *Session) rank(n *live, offered []Choice) {
	list, _ := n.value().([]any)
	var out []any
	for _, v := range list {
		if offers(offered, v) && !slices.Contains(out, plain(v)) {
			out = append(out, plain(v))
		}
	}
	for _, c := range offered {
		if c.Special == "" && !slices.ContainsFunc(out, func(v any) bool { return equalValues(v, c.Value, false) }) {
			out = append(out, c.Value)
		}
	}
	if len(out) == 0 {
		s.assign(n, nil, true)
		return
	}
	s.assign(n, out, true)
}

// choiceValue is the value of an element of a list: of an object, its value property.
func choiceValue(v any, q *Question) any {
	if m, ok := v.(map[string]any); ok {
		if p := q.rules.valueProperty; p != "" {
			return plain(m[p])
		}
		return plain(m["value"])
	}
	return plain(v)
}

// ownWords tells whether other answers than the choices are stored as they were typed.
func (s *Session) ownWords(n *live) bool {
	return !s.othersApart(n) && n.q.has(OtherItem)
}

// othersApart tells whether the text of "other" is stored beside the answer.
func (s *Session) othersApart(n *live) bool {
	switch {
	case n.q.Comment:
		return false
	case n.q.rules.otherAsComment == "true":
		return true
	case n.q.rules.otherAsComment == "false":
		return false
	}
	return s.d.logic.othersApart
}

// has tells whether a question has a special choice.
func (q *Question) has(special string) bool {
	return slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Special == special })
}

// offers tells whether a value is one of the choices.
func offers(choices []Choice, v any) bool {
	return slices.ContainsFunc(choices, func(c Choice) bool {
		return c.Special != SelectAllItem && (c.Value == v || equalValues(c.Value, v, false))
	})
}

// anyChoice tells whether a choice of its own shows.
func (s *Session) anyChoice(n *live) bool {
	if n.q.rules.from == "" && n.choices == nil {
		return len(n.q.Choices) > 0
	}
	return len(s.offered(n)) > 0
}

// offered are the choices that show, in the order of the file.
func (s *Session) offered(n *live) []Choice {
	base := n.q.Choices
	if n.q.rules.from != "" {
		return s.carried(n, 0)
	}
	if n.choices == nil {
		return base
	}
	out := make([]Choice, 0, len(base))
	for i, c := range base {
		if n.choices[i].hidden {
			continue
		}
		c.Disabled = n.choices[i].disabled
		out = append(out, c)
	}
	return out
}

// carried are the choices that come from another question: its choices, those chosen or not, or
// the values of its panels or rows. A circle of questions has none.
func (s *Session) carried(n *live, depth int) []Choice {
	var out []Choice
	ru := n.q.rules
	source := n.sc.named(ru.from)
	if source == nil {
		source = s.root.named(ru.from)
	}
	if source != nil && source != n && depth < maxNesting {
		switch {
		case source.q.takesChoices():
			out = s.fromChoices(n, source, depth)
		case source.q.repeats():
			out = fromRows(n, source)
		}
	}
	for _, c := range n.q.Choices {
		if c.Special != "" {
			out = append(out, c)
		}
	}
	if x := ru.choicesVisibleIf; x != nil {
		out = slices.DeleteFunc(out, func(c Choice) bool { return c.Special == "" && !loosely(s.evalItem(x, n.sc, c)) })
	}
	return out
}

// fromChoices are the choices of another question with choices.
func (s *Session) fromChoices(n, source *live, depth int) []Choice {
	var offered []Choice
	if source.q.rules.from != "" {
		offered = s.carried(source, depth+1)
	} else {
		offered = s.offered(source)
	}
	chosen := func(c Choice) bool {
		if list, ok := source.value().([]any); ok {
			return slices.ContainsFunc(list, func(v any) bool { return equalValues(choiceValue(v, source.q), c.Value, false) })
		}
		return !isEmpty(source.value()) && equalValues(choiceValue(source.value(), source.q), c.Value, false)
	}
	var out []Choice
	for _, c := range offered {
		if c.Special != "" {
			continue
		}
		switch n.q.rules.fromMode {
		case "selected":
			if !chosen(c) {
				continue
			}
		case "unselected":
			if chosen(c) {
				continue
			}
		}
		c.visibleIf, c.enableIf = nil, nil
		out = append(out, c)
	}
	if text := source.comment(); n.q.rules.fromMode == "selected" && text != "" && !n.q.has(OtherItem) && chosen(Choice{Value: OtherItem}) {
		out = append(out, Choice{Value: OtherItem, Text: plainText(text)})
	}
	return out
}

// fromRows are the values of the panels or rows of another question.
func fromRows(n, source *live) []Choice {
	var out []Choice
	ru := n.q.rules
	list, _ := source.value().([]any)
	for _, it := range list {
		m, ok := it.(map[string]any)
		if !ok {
			continue
		}
		key := ru.fromValues
		if key == "" && len(source.q.inner().questions) > 0 {
			key = source.q.inner().questions[0].Key()
		}
		v := plain(m[key])
		switch v.(type) {
		case string, float64, bool:
		default:
			continue
		}
		if isEmpty(v) || offers(out, v) {
			continue
		}
		text := toText(v)
		if t := plain(m[ru.fromTexts]); ru.fromTexts != "" && !isEmpty(t) {
			text = toText(t)
		}
		out = append(out, Choice{Value: v, Text: plainText(text)})
	}
	return out
}

// shownChoices are the choices that show, in the order in which they are shown.
func (s *Session) shownChoices(n *live) []Choice {
	out := slices.Clone(s.offered(n))
	own := out // without the special ones, which keep their places
	for len(own) > 0 && own[0].Special != "" {
		own = own[1:]
	}
	for len(own) > 0 && own[len(own)-1].Special != "" {
		own = own[:len(own)-1]
	}
	s.arrange(own, n.q.rules.order, n.q)
	if n.q.MaxSelected > 0 && n.q.Multiple {
		chosen, _ := n.value().([]any)
		if len(chosen) >= n.q.MaxSelected {
			for i := range out {
				if !slices.ContainsFunc(chosen, func(v any) bool { return equalValues(choiceValue(v, n.q), out[i].Value, false) }) {
					out[i].Disabled = true
				}
			}
		}
	}
	return out
}

// arrange orders choices or rows: by text, or at random by the seed of the session.
func (s *Session) arrange(list []Choice, order string, q *Question) {
	switch strings.ToLower(order) {
	case "asc":
		slices.SortStableFunc(list, func(a, b Choice) int { return compareChoiceTexts(s.say(a.Text), s.say(b.Text)) })
	case "desc":
		slices.SortStableFunc(list, func(a, b Choice) int { return compareChoiceTexts(s.say(b.Text), s.say(a.Text)) })
	case "random":
		shuffle(list, s.seedOf(q.Type+q.Name))
	}
}

// seedOf mixes the seed of the session with a name, as survey-core does.
func (s *Session) seedOf(name string) uint32 {
	seed := int32(s.opts.Seed)
	for _, u := range utf16Units(name) {
		seed = seed<<5 - seed + int32(u)
	}
	return uint32(seed)
}

// shuffle is the shuffle of survey-core: Fisher and Yates over the generator mulberry32.
func shuffle[T any](list []T, seed uint32) {
	next := func() float64 {
		seed += 0x6D2B79F5
		t := seed
		t = (t ^ t>>15) * (t | 1)
		t ^= t + (t^t>>7)*(t|61)
		return float64(t^t>>14) / 4294967296
	}
	for i := len(list) - 1; i > 0; i-- {
		j := int(next() * float64(i+1))
		list[i], list[j] = list[j], list[i]
	}
}

// compareChoiceTexts orders texts by their first number where they agree up to it, else by
// their characters.
func compareChoiceTexts(a, b string) int {
	a, b = trimJS(a), trimJS(b)
	for i := 0; i < len(a) && i < len(b); i++ {
		if isDigit(a[i]) && isDigit(b[i]) {
			x, y := textToNumber(a[i:i+digits(a[i:])]), textToNumber(b[i:i+digits(b[i:])])
			if x != y {
				if x > y {
					return 1
				}
				return -1
			}
			break
		}
		if a[i] != b[i] {
			break
		}
	}
	return compareText(a, b)
}

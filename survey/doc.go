// Package survey reads survey definitions in the SurveyJS JSON format, checks
// answers against them, and measures satisfaction honestly.
//
// A Definition comes from Parse, or from the built-in Satisfaction and
// Recommendation:
//
//	def, err := survey.Parse(file, survey.Limits{})
//	if err != nil { … }            // no definition at all
//	if err := def.Err(); err != nil { … } // it would not ask what its author meant
//
// Nothing in a file is dropped silently. What this version does not act on is
// a typed Finding, with the path in the file and, for a misspelt property, the
// name that was probably meant; and the definition is written back as it was
// read. Types lists the questions that are asked. Older forms of the format
// ("questions", "value|text", triggers without an expression) are read.
//
// A Session is a survey while one respondent fills it in. It does what
// survey-core 3.1.1 does: conditions, expressions, default and calculated
// values, triggers, validators, pages, dynamic panels and matrices. Its Page
// says what shows, with texts piped and markup made safe:
//
//	s := def.Begin(survey.SessionOptions{Language: "tr", Now: now})
//	faults := s.Answer("orders[0].quantity", "2")
//	faults = s.Next()
//
// It differs from survey-core on purpose in this: the answer that "bindings" name as the number of
// rows of a question stays as the respondent gave it, where survey-core writes the number of rows
// back into it, and 0 where it was emptied; and a ranking of the choices of another question that
// was emptied goes at once, where survey-core shows it until the page is drawn anew. What is made of
// the quotient of a list, which is no number, may differ, too.
//
// Check validates the answers of one respondent and reports every fault at
// once. Score reads the metric off them: a question says in its "x-retail"
// object what it measures (nps, csat or ces), as in
// {"type": "rating", "name": "q1", "rateMin": 0, "rateMax": 10, "x-retail": {"metric": "nps"}}.
// One without it is measured by nothing, whatever its name.
//
//	resp, err := def.Check(survey.Response{Answers: answers})
//	score, ok := def.Score(resp, survey.ScoreOptions{})
//	if ok && score.Bad { … } // somebody should call this customer
//
// Tally and Groups add scores up by store, region and country. They count in
// whole numbers, so every grouping and order of adding gives the same result,
// and every Result carries its n and a confidence interval that is right for
// small samples. Groups hides groups that are too small to show.
//
// survey/web serves the pages and survey/invite makes the links.
package survey

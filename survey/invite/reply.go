package invite

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/internal/fold"
)

// ErrNoRating says that a text has no number, ErrUnclear that it has one and that it is not clear which
// point of the scale is meant. Neither holds the text.
var (
	ErrNoRating = errors.New("survey/invite: the reply has no number")
	ErrUnclear  = errors.New("survey/invite: it is not clear which number the reply means")
)

// maxReply bounds a text that can be a rating, in bytes.
const maxReply = 100

// numberWords are the numbers 0 to 10, folded as fold.Key does, in Turkish and in English.
var numberWords = map[string]int{
	"sifir": 0, "bir": 1, "iki": 2, "uc": 3, "dort": 4, "bes": 5, "alti": 6, "yedi": 7, "sekiz": 8, "dokuz": 9, "on": 10,
	"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}

// unitWords may follow a number.
var unitWords = []string{"puan", "yildiz", "point", "points", "star", "stars"}

// ParseRating reads a reply to a message that asked one question, on a scale such as 0 to 10: a number
// or its word in Turkish or English, alone or with what it is of: "9", "dokuz", "9/10", "10 puan",
// "10 üzerinden 9", "nine out of ten". It answers nothing that a person might read otherwise: other
// words, two numbers, halves, numbers beside the scale, and a scale of another length ("4/5" of 10)
// are ErrUnclear; a text without a number is ErrNoRating, also where the scale is empty or not within
// 0 to 100.
func ParseRating(text string, lowest, highest int) (int, error) {
	if lowest < 0 || highest > 100 || lowest >= highest {
		return 0, fmt.Errorf("%w: there is no scale of %d to %d", ErrNoRating, lowest, highest)
	}
	if len(text) > maxReply {
		return 0, fmt.Errorf("%w: it is longer than %d bytes", ErrNoRating, maxReply)
	}
	words, numbers := replyWords(text)
	if !slices.ContainsFunc(numbers, func(n int) bool { return n >= 0 }) {
		for _, w := range words {
			if strings.ContainsAny(w, "0123456789") {
				return 0, ErrUnclear
			}
		}
		return 0, ErrNoRating
	}
	if k := len(words) - 1; k > 0 && numbers[k-1] >= 0 && slices.Contains(unitWords, words[k]) {
		words, numbers = words[:k], numbers[:k]
	}
	n, of := -1, highest
	switch form := replyForm(words, numbers); form {
	case "#":
		n = numbers[0]
	case "#/#":
		n, of = numbers[0], numbers[2]
	case "# of #":
		n, of = numbers[0], numbers[2]
	case "# out of #":
		n, of = numbers[0], numbers[3]
	case "# uzerinden #":
		n, of = numbers[2], numbers[0]
	}
	if n < lowest || n > highest || of != highest {
		return 0, ErrUnclear
	}
	return n, nil
}

// replyForm writes # for each number.
func replyForm(words []string, numbers []int) string {
	out := slices.Clone(words)
	for i, n := range numbers {
		if n >= 0 {
			out[i] = "#"
		}
	}
	return strings.ReplaceAll(strings.Join(out, " "), "# / #", "#/#")
}

// replyWords cuts a text into words, folded, and the slash; numbers are their values, -1 of one that is none.
func replyWords(text string) (words []string, numbers []int) {
	// A full stop, a mark or brackets around all of it are no part of it; within it they are.
	text = strings.Trim(strings.TrimSpace(text), " .!()\"'“”\u00a0")
	text = strings.NewReplacer("/", " / ", "\ufe0f", "", "\u20e3", "").Replace(text) // keycaps are digits
	for _, w := range strings.Fields(text) {
		n, ok := numberWords[fold.Key(w)]
		switch {
		case ok && strings.IndexFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) < 0:
		case isNumeral(w):
			n, _ = strconv.Atoi(w)
		default:
			n = -1
		}
		if w != "/" && n < 0 {
			w = fold.Key(w)
		}
		words, numbers = append(words, w), append(numbers, n)
	}
	return words, numbers
}

// isNumeral reports whether a word is 0 to 999 in digits without a leading zero.
func isNumeral(w string) bool {
	return len(w) > 0 && len(w) <= 3 && strings.Trim(w, "0123456789") == "" && (w[0] != '0' || len(w) == 1)
}

package main

import (
	"embed"

	"github.com/vefacrm/vefa/examples/internal/speak"
)

//go:embed languages/*.json
var languages embed.FS

// wordsIn returns the words and forms of numbers of a language of the report.
func wordsIn(tag string) (*speak.Locale, error) { return speak.In("lang", tag, languages) }

package main

import (
	"embed"

	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/internal/page"
)

//go:embed languages/*.json
var languages embed.FS

// speak returns the words and forms of numbers of a language of the report.
func speak(tag string) (*page.Locale, error) { return terminal.Speak("lang", tag, languages) }

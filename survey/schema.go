package survey

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed schema.txt
var schemaText string

// class is what SurveyJS knows of one kind of object.
type class struct {
	name       string
	parent     *class
	properties map[string]string // every name under which a property is read: the name it has now
	translated map[string]bool
}

// schema is the classes of the format by name, read once when first asked for.
var schema = sync.OnceValue(func() map[string]*class { return readSchema(schemaText) })

// readSchema reads the lines of schema.txt. A parent stands before its children.
func readSchema(text string) map[string]*class {
	out := map[string]*class{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		head, rest, _ := strings.Cut(line, ":")
		name, parent, _ := strings.Cut(head, " < ")
		c := &class{name: name, properties: map[string]string{}, translated: map[string]bool{}}
		if p := out[parent]; p != nil {
			c.parent = p
			for k, v := range p.properties {
				c.properties[k] = v
			}
			for k := range p.translated {
				c.translated[k] = true
			}
		}
		for _, f := range strings.Fields(rest) {
			f, _, _ = strings.Cut(f, "@")
			loc := strings.HasSuffix(f, "!")
			f = strings.TrimSuffix(f, "!")
			f, _, _ = strings.Cut(f, ":")
			now, older, _ := strings.Cut(f, "=")
			c.properties[now] = now
			if older != "" {
				c.properties[older] = now
			}
			if loc {
				c.translated[now] = true
			}
		}
		out[name] = c
	}
	return out
}

// Types lists the types of questions that are asked, as SurveyJS names them.
func Types() []string {
	return []string{"text", "comment", "radiogroup", "checkbox", "dropdown", "tagbox", "boolean", "rating",
		"ranking", "matrix", "matrixdropdown", "matrixdynamic", "multipletext", "paneldynamic", "html", "image",
		"expression", "imagepicker", "buttongroup", "file", "signaturepad", "slider"}
}

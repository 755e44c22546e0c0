package email_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
)

var blanks = regexp.MustCompile(`[ \t\r\n]+`)

// relaxed is a field in the relaxed form of RFC 6376, 3.4.2.
func relaxed(name, value string) string {
	return strings.ToLower(name) + ":" + strings.TrimSpace(blanks.ReplaceAllString(value, " "))
}

// verify checks a signature of RFC 6376 in its relaxed forms by Ed25519 (RFC 8463).
func verify(data string, key ed25519.PublicKey) error {
	data = strings.ReplaceAll(strings.ReplaceAll(data, "\r\n", "\n"), "\n", "\r\n")
	head, body, _ := strings.Cut(data, "\r\n\r\n")
	type field struct{ name, value string }
	var fields []field
	for _, line := range strings.Split(head, "\r\n") {
		if line[0] == ' ' || line[0] == '\t' {
			fields[len(fields)-1].value += "\r\n" + line
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, field{name, value})
	}
	var signature string
	for _, f := range fields {
		if strings.EqualFold(f.name, "DKIM-Signature") {
			signature = f.value
		}
	}
	tags := map[string]string{}
	for _, tag := range strings.Split(signature, ";") {
		k, v, _ := strings.Cut(tag, "=")
		tags[strings.TrimSpace(k)] = blanks.ReplaceAllString(v, "")
	}
	lines := strings.Split(strings.TrimRight(body, "\r\n"), "\r\n")
	for i := range lines {
		lines[i] = strings.TrimRight(regexp.MustCompile(`[ \t]+`).ReplaceAllString(lines[i], " "), " ")
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\r\n") + "\r\n"))
	if tags["bh"] != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("the body is another")
	}
	used := map[string]int{}
	var text string
	for _, name := range strings.Split(tags["h"], ":") {
		name = strings.ToLower(name)
		seen := 0
		for i := len(fields) - 1; i >= 0; i-- { // from the last on
			if strings.ToLower(fields[i].name) != name {
				continue
			}
			if seen++; seen > used[name] {
				text += relaxed(name, fields[i].value) + "\r\n"
				break
			}
		}
		used[name]++
	}
	for _, must := range []string{"from", "list-unsubscribe", "list-unsubscribe-post"} {
		if used[must] == 0 {
			return errors.New(must + " is not signed")
		}
	}
	if used["from"] != 2 {
		return errors.New("another From can be added")
	}
	text += regexp.MustCompile(`([;:] ?b=)[^;]*`).ReplaceAllString(relaxed("dkim-signature", signature), "$1")
	given, err := base64.StdEncoding.DecodeString(tags["b"])
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(text))
	if !ed25519.Verify(key, hash[:], given) {
		return errors.New("the header is another")
	}
	return nil
}

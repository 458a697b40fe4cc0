package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// combinedParts are what a line of the format combined consists of, in this order.
var combinedParts = []struct {
	what string
	re   *regexp.Regexp
}{
	{"a client's address", regexp.MustCompile(`^\S+ `)},
	{"an identity, or -", regexp.MustCompile(`^\S+ `)},
	{"a user, or -, and a time in brackets", regexp.MustCompile(`^[^\[]*`)},
	{"a time such as [10/Oct/2026:13:55:36 +0000]", regexp.MustCompile(`^\[[^\]]+\] `)},
	{"a request in double quotes", regexp.MustCompile(`^"(\\.|[^"\\])*" `)},
	{"a status", regexp.MustCompile(`^(\d+|-) `)},
	{"a number of bytes, or -", regexp.MustCompile(`^(\d+|-)( |$)`)},
	{"a referer in double quotes", regexp.MustCompile(`^"(\\.|[^"\\])*" `)},
	{"a user agent in double quotes", regexp.MustCompile(`^"(\\.|[^"\\])*"`)},
}

// syntaxOf names the byte, counted from 1, at which a line stops being of a format, and what is expected there; "" if
// it cannot.
func syntaxOf(format string, line []byte) string {
	if format == "combined" {
		at := 0
		for _, part := range combinedParts {
			n := len(part.re.Find(line[at:]))
			if !part.re.Match(line[at:]) {
				return fmt.Sprintf("at byte %d: expected %s", at+1, part.what)
			}
			at += n
		}
		return ""
	}
	if _, err := decode.NewJSON(decode.Options{Format: format}); err != nil {
		return ""
	}
	if line[0] != '{' {
		return "at byte 1: expected {, the beginning of a JSON object"
	}
	var ignored map[string]json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(line, &ignored); errors.As(err, &syntax) {
		return fmt.Sprintf("at byte %d: %s", syntax.Offset, syntax.Error())
	}
	return ""
}

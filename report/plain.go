package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain returns text that a page or a table can hold: valid UTF-8 without control characters, apart from the end of a
// line and the tab, and without those that reverse the order in which letters are shown. Names come from registries,
// and reasons from programs.
func plain(text string) string {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= utf8.RuneSelf-1 {
			return strings.Map(visible, strings.ToValidUTF8(text, "\uFFFD"))
		}
	}
	return text
}

func visible(r rune) rune {
	switch {
	case r == '\n', r == '\t':
	case r == '\r':
		return ' '
	case unicode.IsControl(r), r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
		return utf8.RuneError
	}
	return r
}

// inert returns text in which no spreadsheet finds a formula. Many read a semicolon or a tab as the end of a cell,
// quoted or not, so what follows one is treated like the beginning.
func inert(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		end := strings.IndexAny(text, ";\t\n") + 1
		if end == 0 {
			end = len(text)
		}
		if formula(text) {
			b.WriteByte('\'')
		}
		b.WriteString(text[:end])
		text = text[end:]
	}
	return b.String()
}

// formula reports whether a spreadsheet may take text for a formula: it begins with one, or with what is not seen
// before one.
func formula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	first, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune("=+-@\uFF1D\uFF0B\uFF0D\uFF20", first)
}

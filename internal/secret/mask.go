package secret

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Masked is what stands where a secret stood.
const Masked = "<secret>"

// A secret of fewer than minLength bytes is not masked: it would be found everywhere, and each place would show it. Up
// to wordLength it is masked where it stands as a word of its own.
const (
	minLength  = 4
	wordLength = 8
)

// maxKnown bounds the values that are remembered; the oldest are forgotten first.
const maxKnown = 10_000

var known vault

// vault holds every value that was read, so that one that was rotated out is masked, too.
type vault struct {
	mu     sync.RWMutex
	values []string // oldest first
	seen   map[string]bool
	stale  bool
	parts  *strings.Replacer // of what is masked everywhere
	words  []string          // of what is masked as a word
}

// Know has values masked from now on: each as it is, and in the forms that programs and libraries write it in.
func Know(values ...string) { known.know(values...) }

// Mask replaces every known secret in a text by <secret>.
func Mask(text string) string { return known.mask(text) }

// MaskBytes is Mask for bytes. They are returned as they are if nothing is masked.
func MaskBytes(text []byte) []byte {
	before := string(text)
	if after := Mask(before); after != before {
		return []byte(after)
	}
	return text
}

// Error returns an error whose text is masked. Its kind stays known to errors.Is and errors.As.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return &maskedError{err}
}

type maskedError struct{ err error }

// Error masks when it is asked, for a secret may become known later.
func (e *maskedError) Error() string { return Mask(e.err.Error()) }

// Unwrap returns the error itself.
func (e *maskedError) Unwrap() error { return e.err }

func (v *vault) know(values ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, value := range values {
		if len(strings.TrimSpace(value)) < minLength || v.seen[value] {
			continue
		}
		if v.seen == nil {
			v.seen = map[string]bool{}
		}
		if len(v.values) >= maxKnown {
			delete(v.seen, v.values[0])
			v.values = v.values[1:]
		}
		v.values = append(v.values, value)
		v.seen[value] = true
		v.stale = true
	}
}

func (v *vault) mask(text string) string {
	if text == "" {
		return text
	}
	parts, words := v.replacers()
	if parts != nil {
		text = parts.Replace(text)
	}
	for _, word := range words {
		text = maskWord(text, word)
	}
	return text
}

// replacers returns what masks, made anew if more is known.
func (v *vault) replacers() (*strings.Replacer, []string) {
	v.mu.RLock()
	stale, parts, words := v.stale, v.parts, v.words
	v.mu.RUnlock()
	if !stale {
		return parts, words
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.stale {
		return v.parts, v.words
	}
	all := map[string]bool{}
	for _, value := range v.values {
		for _, form := range forms(value) {
			all[form] = true
		}
	}
	// The longest first: of two that begin at one place, the longer hides the other.
	sorted := make([]string, 0, len(all))
	for form := range all {
		sorted = append(sorted, form)
	}
	slices.SortFunc(sorted, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	v.parts, v.words, v.stale = nil, nil, false
	var pairs []string
	for _, form := range sorted {
		if len(form) < wordLength {
			v.words = append(v.words, form)
		} else {
			pairs = append(pairs, form, Masked)
		}
	}
	if pairs != nil {
		v.parts = strings.NewReplacer(pairs...)
	}
	return v.parts, v.words
}

// maskWord masks a short secret where no letter or digit stands beside it.
func maskWord(text, word string) string {
	if !strings.Contains(text, word) {
		return text
	}
	var b strings.Builder
	for {
		at := strings.Index(text, word)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		b.WriteString(text[:at])
		if alphanumeric(before) || alphanumeric(after) || before == '<' && after == '>' && "<"+word+">" == Masked {
			b.WriteString(word)
		} else {
			b.WriteString(Masked)
		}
		text = text[at+len(word):]
	}
}

func alphanumeric(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

package collectors

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// A part that always fails is not hidden by another that always succeeds.
func TestParts(t *testing.T) {
	var told []string
	p := NewParts(func(err error, _ time.Duration) {
		if err == nil {
			told = append(told, "ok")
		} else {
			told = append(told, err.Error())
		}
	})
	a, b := p.Report("a"), p.Report("b")
	a(nil, 0)
	b(errors.New("b is away"), 0)
	a(nil, 0) // not told: b still fails
	a(errors.New("a is away"), 0)
	b(nil, 0) // not told: a still fails
	b(nil, 0)
	a(nil, 0)
	if want := []string{"ok", "b is away", "a is away", "ok"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

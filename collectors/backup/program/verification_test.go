package program

import (
	"context"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

// finding is the result of one check.
type finding struct {
	name string
	err  error
}

// findings records what a program reports to a verification.
type findings struct {
	checks  []finding
	missing int
}

func (f *findings) Say(string, ...any)           {}
func (f *findings) Check(name string, err error) { f.checks = append(f.checks, finding{name, err}) }
func (f *findings) Read(int64)                   {}
func (f *findings) Missing(segments int)         { f.missing += segments }

func (f *findings) Files(context.Context, string, []string) error { return nil }

func (f *findings) success() bool {
	return len(f.checks) > 0 && !slices.ContainsFunc(f.checks, func(c finding) bool { return c.err != nil })
}

// verified has a program verify; an error is the check run, as in package verify.
func verified(t *testing.T, b *config.Backup) *findings {
	t.Helper()
	q, err := NewQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	f := &findings{}
	if err := q.Verify(t.Context(), f); err != nil {
		f.Check("run", err)
	}
	return f
}

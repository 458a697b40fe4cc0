package procedure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Bounds of the runbooks of a directory.
const (
	maxRunbooks = 1000
	maxRunbook  = 1 << 20
)

// reviewed returns when a runbook was last reviewed, as its front matter says: the lines between two of three dashes at
// its beginning, in YAML, with a date under reviewed. It is zero if the runbook does not say.
func reviewed(text []byte) (time.Time, error) {
	text = bytes.TrimPrefix(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\ufeff"))
	front, found := bytes.CutPrefix(text, []byte("---\n"))
	if !found {
		return time.Time{}, nil
	}
	front, _, found = bytes.Cut(append([]byte("\n"), front...), []byte("\n---"))
	if !found {
		return time.Time{}, errors.New("the front matter has no end: write --- below it")
	}
	var matter struct {
		Reviewed config.Date `yaml:"reviewed"`
	}
	if err := yaml.Unmarshal(front, &matter); err != nil {
		return time.Time{}, fmt.Errorf("the front matter cannot be read: %w", err)
	}
	return matter.Reviewed.Time, nil
}

// runbooksProof returns when all runbooks of a directory had been reviewed: the end of the oldest day of review, zero
// if one of them was never reviewed. It returns also when each was, by its name without .md.
func runbooksProof(ctx context.Context, dir string, now time.Time) (
	all time.Time, each map[string]time.Time, err error,
) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return time.Time{}, nil, err
	}
	each = map[string]time.Time{}
	never := false
	var errs []error
	for _, entry := range entries {
		name, isRunbook := strings.CutSuffix(entry.Name(), ".md")
		if !isRunbook || entry.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		if len(each) == maxRunbooks {
			errs = append(errs, fmt.Errorf("%s has more than %d runbooks", dir, maxRunbooks))
			break
		}
		text, err := regularfile.Read(ctx, filepath.Join(dir, entry.Name()), maxRunbook)
		var at time.Time
		if err == nil {
			at, err = reviewed(text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", entry.Name(), err))
		}
		if at.IsZero() || at.After(now) {
			never, each[name] = true, time.Time{}
			continue
		}
		each[name] = at
		if end := endOf(at, now); all.IsZero() || end.Before(all) {
			all = end
		}
	}
	if never || len(each) == 0 {
		all = time.Time{}
	}
	return all, each, errors.Join(errs...)
}

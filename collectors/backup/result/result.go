// Package result reads and writes the result files of verifications and restore tests. docs/backups.md describes their
// form.
package result

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// resultVersion is the version of the result file's form, and maxResult its largest size.
const (
	resultVersion = 1
	maxResult     = 1 << 20
)

// Result is what a verification or a restore test found: the content of its result file. Whoever tests
// elsewhere writes the same form; docs/backups.md describes it.
type Result struct {
	Version  int       `json:"version"`
	Backup   string    `json:"backup"`
	Test     string    `json:"test"` // verify or restore
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Success  bool      `json:"success"`
	// Checks that were made, with what they found.
	Checks []Check `json:"checks,omitempty"`
	// RestoreSeconds is how long the restore itself took until the data could be used; the whole run if 0.
	RestoreSeconds float64 `json:"restore_seconds,omitempty"`
	ReadBytes      *int64  `json:"read_bytes,omitempty"`
	Rows           *int64  `json:"rows,omitempty"`
	WALMissing     *int64  `json:"wal_missing_segments,omitempty"`
}

// Check is one check of a test.
type Check struct {
	Name    string `json:"name"`
	Success bool   `json:"success"`
	Detail  string `json:"detail,omitempty"`
}

// File is the result file of a test of a backup.
func File(dir, backup, test string) string {
	return filepath.Join(dir, backup+"."+test+".json")
}

// Failed counts the checks that failed.
func (r *Result) Failed() int {
	n := 0
	for _, c := range r.Checks {
		if !c.Success {
			n++
		}
	}
	return n
}

// Duration is what the test proves: how long a restore takes, or how long the verification did.
func (r *Result) Duration() float64 {
	if r.RestoreSeconds > 0 {
		return r.RestoreSeconds
	}
	return r.Finished.Sub(r.Started).Seconds()
}

// Read reads a result file; nil without an error if there is none.
func Read(ctx context.Context, file, backup, test string) (*Result, error) {
	text, _, err := document.Read(ctx, file, maxResult)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := parse(text, backup, test)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func parse(text []byte, backup, test string) (*Result, error) {
	var r Result
	if err := document.Decode(text, &r); err != nil {
		return nil, err
	}
	switch {
	case r.Version != resultVersion:
		return nil, fmt.Errorf("%w: version %d, this program reads %d", document.ErrMalformed, r.Version, resultVersion)
	case r.Backup != backup || r.Test != test:
		return nil, fmt.Errorf("%w: it is of %s of %q, not %s of %s", document.ErrMalformed, document.Short(r.Test),
			document.Short(r.Backup), test, backup)
	case r.Started.IsZero() || r.Finished.Before(r.Started):
		return nil, fmt.Errorf("%w: started is missing or after finished", document.ErrMalformed)
	case r.RestoreSeconds < 0 || math.IsNaN(r.RestoreSeconds):
		return nil, fmt.Errorf("%w: restore_seconds is negative", document.ErrMalformed)
	case r.Success && r.Failed() > 0:
		return nil, fmt.Errorf("%w: it says success although a check failed", document.ErrMalformed)
	}
	return &r, nil
}

// maxChecks bounds the number of checks in a result file.
const maxChecks = 2000

// bounded keeps the checks that failed, then successful ones up to maxChecks.
func bounded(all []Check) []Check {
	if len(all) <= maxChecks {
		return all
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Check) int {
		switch {
		case a.Success == b.Success:
			return 0
		case b.Success:
			return -1
		}
		return 1
	})
	return all[:maxChecks]
}

// resultMode keeps a result from users of the machine who have nothing to do with backups. What a program printed is
// masked, but only of secrets that the policy names.
const resultMode = 0o640

// Write replaces the result file as a whole. It belongs to the group of the directory, which is the exporter's.
func (r *Result) Write(dir string) error {
	r.Version = resultVersion
	r.Checks = bounded(r.Checks)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	text = secret.MaskBytes(text)
	f, err := os.CreateTemp(dir, ".result-*")
	if err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone after the rename
	if info, err := os.Stat(dir); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			// It fails in a directory of a group that is not ours: then only our own group can read it.
			_ = f.Chown(-1, int(s.Gid))
		}
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Chmod(resultMode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	if err := os.Rename(f.Name(), File(dir, r.Backup, r.Test)); err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	return nil
}

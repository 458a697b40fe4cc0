package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/procedure"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Bounds of the results that are kept.
const (
	maxKept      = 1000
	deliverFor   = 30 * time.Second // after each run
	keptDirMode  = 0o750
	keptFileMode = 0o640
)

// keep writes a result as a file of its own, of which a reader sees all or nothing.
func keep(dir string, r *procedure.Result) error {
	if err := os.MkdirAll(dir, keptDirMode); err != nil {
		return err
	}
	if names, err := kept(dir); err != nil {
		return err
	} else if len(names) >= maxKept {
		return fmt.Errorf("%s holds %d results already: deliver or delete them", dir, len(names))
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, r.Procedure+"."+r.RID)
	if err := writeSynced(name+".tmp", text); err != nil {
		return errors.Join(err, os.Remove(name+".tmp"))
	}
	return os.Rename(name+".tmp", name+".json")
}

func writeSynced(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keptFileMode)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// kept lists the results in a directory, the oldest first.
func kept(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type file struct {
		name string
		at   time.Time
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(e.Name(), ".json") {
			files = append(files, file{filepath.Join(dir, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name)) })
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.name
	}
	return names, nil
}

// Deliver delivers the results that are kept, the oldest first, until one is not taken.
func (r *Run) Deliver(ctx context.Context) error {
	if err := r.Check(); err != nil {
		return err
	}
	names, err := kept(r.Spool)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		result, err := procedure.ReadResult(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run has delivered it
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if r.ID != "" && result.Procedure != r.Name {
			continue // the UUID is of another procedure
		}
		err = r.deliver(ctx, result)
		if err == nil {
			if err = os.Remove(name); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
		if _, refused := errors.AsType[*refusedError](err); !refused { // otherwise the next may be taken
			break
		}
	}
	return secret.Error(errors.Join(errs...))
}

// deliverKept delivers what earlier runs could not.
func (r *Run) deliverKept(ctx context.Context) {
	if r.Spool == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deliverFor)
	defer cancel()
	if err := r.Deliver(ctx); err != nil {
		r.Say("results of earlier runs are not delivered: %v", err)
	}
}

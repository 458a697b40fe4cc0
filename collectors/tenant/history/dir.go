package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	// Days is how long a day is kept.
	Days = 400
	// maxBytes bounds the files: the oldest days go first.
	maxBytes = 1 << 30
	// maxParts bounds the files whatever the clock does.
	maxParts = 4 * Days
)

// Dir is the directory of the days that are over.
type Dir struct {
	path string

	mu     sync.Mutex
	errors Errors
	days   int
	bytes  int64
}

// Errors are how often days could not be written or read since the start.
type Errors struct{ Write, Read uint64 }

// nameRE is what a file is named: date, part and extension.
var nameRE = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)\.([0-9a-z]{1,32}\.[0-9]{1,20})\.day$`)

// Open opens a directory, which is created when the first day is written.
func Open(path string) *Dir {
	d := &Dir{path: path}
	_, _ = d.prune("") // counts what there is; a directory that cannot be read is reported when it is needed
	return d
}

// Write saves a day. Writing the same part again replaces it.
func (d *Dir) Write(day *Day) error {
	err := d.write(day)
	if err == nil {
		_, err = d.prune(day.Date)
	}
	if err != nil {
		d.mu.Lock()
		d.errors.Write++
		d.mu.Unlock()
		return fmt.Errorf("history of %s: %w", day.Date, err)
	}
	return nil
}

func (d *Dir) write(day *Day) (err error) {
	name := string(day.Date) + "." + day.Part + ".day"
	if !nameRE.MatchString(name) {
		return fmt.Errorf("invalid name %q", name)
	}
	if len(day.Entries) == 0 {
		return nil
	}
	text, err := encode(day)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.path, 0o750); err != nil {
		return err
	}
	tmp := filepath.Join(d.path, name+".tmp")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(d.path, name)); err != nil {
		return err
	}
	parent, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// part is a file of the directory.
type part struct {
	date Date
	part string
	name string
	size int64
}

// parts lists the files, the oldest first.
func (d *Dir) parts() ([]part, error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []part
	for _, e := range entries {
		m := nameRE.FindStringSubmatch(e.Name())
		if m == nil || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, part{Date(m[1]), m[2], e.Name(), info.Size()})
	}
	slices.SortFunc(all, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// prune removes what is older than Days on a date, and the oldest of what is too much. It returns what stays.
func (d *Dir) prune(today Date) ([]part, error) {
	all, err := d.parts()
	if err != nil {
		return nil, err
	}
	bytes := int64(0)
	for _, p := range all {
		bytes += p.size
	}
	for len(all) > 0 && today != "" && (all[0].date < today.Add(-Days) || bytes > maxBytes || len(all) > maxParts) {
		err = errors.Join(err, os.Remove(filepath.Join(d.path, all[0].name)))
		bytes -= all[0].size
		all = all[1:]
	}
	dates := map[Date]bool{}
	for _, p := range all {
		dates[p.date] = true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.days, d.bytes = len(dates), bytes
	return all, err
}

// Status returns how many days are kept in how many bytes, and the errors so far.
func (d *Dir) Status() (days int, bytes int64, errors Errors) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.days, d.bytes, d.errors
}

// Record is what was counted of a tenant in a part of a day.
type Record struct {
	Date       Date
	Part       string
	Zone       string
	Thresholds []uint64
	Entry
}

// Read returns what was counted of a tenant from one date to another, both included, in the order of the dates. A file
// that cannot be read costs its own day only: its date is among the unreadable ones, and the error names it.
func (d *Dir) Read(ctx context.Context, tenant string, from, to Date) (all []Record, unreadable []Date, err error) {
	unreadable, err = d.each(ctx, from, to, func(f *file, p part) error {
		entries, err := f.find(tenant)
		for _, e := range entries {
			all = append(all, Record{p.date, p.part, f.zone, f.thresholds, e})
		}
		return err
	})
	return all, unreadable, err
}

// Each calls f with what was counted of every tenant, a day after the other. Errors are those of Read; of a file that
// is damaged f may have been called with a part.
func (d *Dir) Each(ctx context.Context, from, to Date, f func(Record)) (unreadable []Date, err error) {
	return d.each(ctx, from, to, func(day *file, p part) error {
		var entries []Entry
		for _, block := range day.blocks {
			var err error
			entries, err = day.read(block, entries[:0], func([]byte) bool { return true })
			if err != nil {
				return err
			}
			for _, e := range entries {
				f(Record{p.date, p.part, day.zone, day.thresholds, e})
			}
		}
		return nil
	})
}

func (d *Dir) each(ctx context.Context, from, to Date, f func(*file, part) error) (unreadable []Date, err error) {
	parts, err := d.parts()
	if err != nil {
		d.failed()
		return nil, fmt.Errorf("history: %w", err)
	}
	for _, p := range parts {
		if p.date < from || p.date > to {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		failed := d.open(p, f)
		if failed == nil || errors.Is(failed, fs.ErrNotExist) { // removed as too old meanwhile
			continue
		}
		d.failed()
		err = errors.Join(err, fmt.Errorf("history file %s: %w", p.name, failed))
		if !slices.Contains(unreadable, p.date) {
			unreadable = append(unreadable, p.date)
		}
	}
	return unreadable, err
}

func (d *Dir) failed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errors.Read++
}

func (d *Dir) open(p part, f func(*file, part) error) error {
	r, err := os.Open(filepath.Join(d.path, p.name))
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	day, err := openFile(r, info.Size())
	if err != nil {
		return err
	}
	if Date(day.date) != p.date {
		return fmt.Errorf("%w: it is of %q", ErrCorrupt, day.date)
	}
	return f(day, p)
}

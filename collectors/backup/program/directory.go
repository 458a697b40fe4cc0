package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// directory lists files and directories below a path.
var directory = Program{
	Name: "directory", Kind: metric.KindFull,
	Check: func(s *config.BackupSource) error {
		if !filepath.IsAbs(s.Path) || s.Pattern == "" {
			return errors.New("missing path or pattern: write them like path: /backups, pattern: \"db-*.dump\"")
		}
		_, err := newPattern(s.Pattern)
		return err
	},
	List: listDirectory, Verify: verifyDirectory,
}

// listDirectory counts every file or directory below the path whose name matches as one full backup, made when it was
// last written to. With a marker, a backup without it is not complete.
func listDirectory(ctx context.Context, q *Query, to *Listing) error {
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	return q.walkBackups(ctx, to.Add)
}

func (q *Query) walkBackups(ctx context.Context, add func(Item) error) error {
	p, err := newPattern(q.source.Pattern)
	if err != nil {
		return err
	}
	root := q.source.Path
	seen := 0
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != root:
			return nil // it was deleted while we looked
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case path == root:
			return nil
		}
		if seen++; seen > maxItems {
			return fmt.Errorf("%w: more than %d files in %s", document.ErrTooLarge, maxItems, root)
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		tenant, _, ok := p.match(name)
		if !ok || d.Type()&fs.ModeSymlink != 0 {
			if d.IsDir() && p.depth >= 0 && strings.Count(name, "/") >= p.depth {
				return fs.SkipDir
			}
			return nil
		}
		i, err := q.directoryItem(ctx, path, name, d)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		i.Tenant = tenant
		if err := add(i); err != nil {
			return err
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

func (q *Query) directoryItem(ctx context.Context, path, name string, d fs.DirEntry) (Item, error) {
	info, err := d.Info()
	if err != nil {
		return Item{}, err
	}
	i := NewItem()
	i.ID, i.Kind, i.Stop, i.Size = name, metric.KindFull, info.ModTime(), info.Size()
	if d.IsDir() {
		i.Size = 0
		err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err = i.addFile(d, err); err != nil && (p == path || !errors.Is(err, fs.ErrNotExist)) {
				return err
			}
			return context.Cause(ctx) // a file that went meanwhile: a backup that is being made renames and deletes
		})
		if err != nil {
			return Item{}, err
		}
	}
	i.Stored = i.Size
	if q.source.Marker != "" {
		marker := marked(q.source.Marker, path)
		if !filepath.IsAbs(marker) {
			marker = filepath.Join(q.source.Path, marker)
		}
		if _, err := os.Stat(marker); err != nil {
			i.status = failed
		}
	}
	return i, nil
}

// addFile adds what a walk through a backup finds.
func (i *Item) addFile(d fs.DirEntry, err error) error {
	if err != nil || !d.Type().IsRegular() {
		return err
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	i.Size += info.Size()
	if info.ModTime().After(i.Stop) {
		i.Stop = info.ModTime()
	}
	return nil
}

// verifyDirectory reads the backups from the newest to the oldest.
func verifyDirectory(ctx context.Context, q *Query, v Verification) error {
	var items []Item
	if err := q.walkBackups(ctx, func(i Item) error {
		items = append(items, i)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(items, func(a, b Item) int { return b.Stop.Compare(a.Stop) })
	items = slices.DeleteFunc(items, func(i Item) bool { return i.status == failed })
	if n := q.backup.Verify.Newest; n > 0 {
		items = items[:min(n, len(items))]
	}
	if len(items) == 0 {
		v.Check("backups", errors.New("there is none"))
	}
	var names []string
	for _, i := range items {
		names = append(names, i.ID)
	}
	return v.Files(ctx, q.source.Path, names)
}

package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var _ = register(adapter{
	name: "directory", kind: metric.KindFull,
	check: func(s *config.BackupSource) error {
		if !filepath.IsAbs(s.Path) || s.Pattern == "" {
			return errors.New("missing path or pattern: write them like path: /backups, pattern: \"db-*.dump\"")
		}
		_, err := newPattern(s.Pattern)
		return err
	},
	list: listDirectory, verify: verifyDirectory,
})

// listDirectory takes every file or directory below the path whose name matches for one full backup, made
// when it was last written to. With a marker, one that lacks it is not complete.
func listDirectory(ctx context.Context, q *query, to *listing) error {
	if err := to.repository(Repository{Name: defaultRepository}); err != nil {
		return err
	}
	return q.walkBackups(ctx, to.add)
}

func (q *query) walkBackups(ctx context.Context, add func(Item) error) error {
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
			return fmt.Errorf("%w: more than %d files in %s", errTooLarge, maxItems, root)
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

func (q *query) directoryItem(ctx context.Context, path, name string, d fs.DirEntry) (Item, error) {
	info, err := d.Info()
	if err != nil {
		return Item{}, err
	}
	i := item()
	i.ID, i.Kind, i.Stop, i.Size = name, metric.KindFull, info.ModTime(), info.Size()
	if d.IsDir() {
		i.Size = 0
		err := filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
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
			return context.Cause(ctx)
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

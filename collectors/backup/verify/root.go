package verify

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// root is the directory that holds a backup. What lies below it is named by files of the backup, and is opened only
// where it is a regular file that no link leads to.
type root struct {
	path string
	dir  *regularfile.Dir
}

func openRoot(ctx context.Context, path string) (*root, error) {
	dir, err := regularfile.OpenDir(ctx, path)
	if err != nil {
		return nil, err
	}
	return &root{path, dir}, nil
}

func (r *root) close() { _ = r.dir.Close() }

// plain returns an error if a directory holds anything but files, directories and, if they are expected, links: a
// program that reads anything else could hang.
func plain(ctx context.Context, dir string, links bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir(), d.Type().IsRegular(), links && d.Type() == fs.ModeSymlink:
			return context.Cause(ctx)
		case d.Type() == fs.ModeSymlink:
			return fmt.Errorf("%s: %w", path, regularfile.ErrLink)
		}
		return fmt.Errorf("%s: %w", path, regularfile.ErrNotRegular)
	})
}

// open opens a file by its path, which must lie below the directory.
func (r *root) open(ctx context.Context, path string) (*os.File, error) {
	name, err := filepath.Rel(r.path, path)
	if err != nil {
		return nil, err
	}
	return r.dir.Open(ctx, filepath.ToSlash(name))
}

// read returns the content of a file by its path.
func (r *root) read(ctx context.Context, path string, limit int64) ([]byte, error) {
	name, err := filepath.Rel(r.path, path)
	if err != nil {
		return nil, err
	}
	return r.dir.Read(ctx, filepath.ToSlash(name), limit)
}

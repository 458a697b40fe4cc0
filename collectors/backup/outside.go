package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// readOutside reads a file that another program wrote, a listing or a result, and returns its modification time. The
// policy names the file, but another writer of the directory could replace it. Links are therefore not followed: an
// error would quote the content of their target.
func readOutside(ctx context.Context, name string, limit int64) ([]byte, time.Time, error) {
	dir, err := regularfile.OpenDir(ctx, filepath.Dir(name))
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = dir.Close() }()
	f, err := dir.Open(ctx, filepath.Base(name))
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, time.Time{}, err
	}
	text, err := dir.Read(ctx, filepath.Base(name), limit)
	if errors.Is(err, regularfile.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", errTooLarge, err)
	}
	return text, info.ModTime(), err
}

// root is the directory that holds a backup. What lies below it is named by files of the backup, and is opened only where
// it is a regular file that no link leads to.
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

// plain returns an error if a directory holds anything but files and directories, on which a program that reads it would hang,
// and but links where those are expected.
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

package regularfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a directory of the operator's below which names from outside are opened: of a manifest, a listing, an
// archive. No such name leads out of it, nor through a symbolic link.
type Dir struct{ root *os.Root }

// OpenDir opens a directory. Links in its own name are followed.
func OpenDir(ctx context.Context, name string) (*Dir, error) {
	return await(ctx, name, func() (*Dir, error) {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, &fs.PathError{
				Op: "open", Path: name,
				Err: errors.New("must be a directory, not a " + kindOrFile(info.Mode())),
			}
		}
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, err
		}
		return &Dir{root}, nil
	}, (*Dir).Close)
}

func kindOrFile(mode fs.FileMode) string {
	if mode.IsRegular() {
		return "file"
	}
	return kind(mode)
}

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Open opens a regular file below the directory for reading. The name is relative and divided by slashes.
func (d *Dir) Open(ctx context.Context, name string) (*os.File, error) {
	path := filepath.Join(d.root.Name(), filepath.FromSlash(name)) // in errors
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("must be a name below the directory")}
	}
	return await(ctx, path, func() (*os.File, error) {
		seen, err := d.lstat(local, path)
		if err != nil {
			return nil, err
		}
		if err := regular(path, seen); err != nil {
			return nil, err
		}
		f, err := d.root.OpenFile(local, os.O_RDONLY|safe, 0)
		if err != nil {
			return nil, err
		}
		if f, err = checked(f, path); err != nil {
			return nil, err
		}
		// os.Root keeps within the directory, whatever happens meanwhile; that nothing was put in the place of what was
		// looked at is ours.
		if opened, err := f.Stat(); err != nil || !os.SameFile(seen, opened) {
			_ = f.Close()
			return nil, &fs.PathError{Op: "open", Path: path, Err: ErrChanged}
		}
		return f, nil
	}, (*os.File).Close)
}

// lstat looks at each part of a name; none may be a link.
func (d *Dir) lstat(name, path string) (info fs.FileInfo, err error) {
	parts := strings.Split(filepath.Clean(name), string(filepath.Separator))
	for i := range parts {
		if info, err = d.root.Lstat(filepath.Join(parts[:i+1]...)); err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, &fs.PathError{Op: "open", Path: path, Err: ErrLink}
		}
	}
	return info, nil
}

// Read returns the content of a regular file below the directory, of at most limit bytes.
func (d *Dir) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	f, err := d.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	text, _, err := readAndClose(ctx, f, f.Name(), limit)
	return text, err
}

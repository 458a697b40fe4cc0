package document

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Read reads a file that another program wrote, a listing or a result, and returns its modification time. The policy
// names the file, but another writer of the directory could replace it. Links are therefore not followed: an error
// would quote the content of their target.
func Read(ctx context.Context, name string, limit int64) ([]byte, time.Time, error) {
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
		err = fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return text, info.ModTime(), err
}

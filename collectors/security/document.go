package security

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/metric"
)

// document is a file that is read again when it has changed, and what it last held that could be read.
type document[T any] struct {
	file  string
	parse func(text []byte) (T, error)

	state   string // of metric.ScanStates, empty before it was first read
	err     error  // why it is not ok
	value   T      // as it was last read well
	written time.Time
	known   bool // there is a value
	seen    identity
}

// identity distinguishes the contents of a file without reading them.
type identity struct {
	size     int64
	modified time.Time
}

// read reads the file if it has changed, and reports whether there is a new value or state.
func (d *document[T]) read(ctx context.Context) (news bool) {
	before := d.state
	info, err := regularfile.Stat(ctx, d.file)
	if err == nil && d.seen == (identity{info.Size(), info.ModTime()}) {
		return false
	}
	var text []byte
	if err == nil {
		text, info, err = regularfile.ReadStat(ctx, d.file, maxReport)
	}
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		d.seen, d.state, d.err = identity{}, metric.ScanUnreadable, err
		if errors.Is(err, fs.ErrNotExist) {
			d.state = metric.ScanAbsent
		}
		return d.state != before
	}
	d.seen = identity{info.Size(), info.ModTime()}
	value, err := d.parse(text)
	if err != nil {
		d.state, d.err = metric.ScanMalformed, err
		if why, ok := errors.AsType[*failedScan](err); ok {
			d.state = why.state
		}
		return d.state != before
	}
	d.state, d.err = metric.ScanOK, nil
	d.value, d.written, d.known = value, info.ModTime(), true
	return true
}

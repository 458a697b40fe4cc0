package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// errTaken ends a tail whose file turned out to be a copy of one that is, or was, read under another position.
var errTaken = errors.New("the file is a copy of another")

// tail reads one file from a position, and follows it while it grows.
type tail struct {
	*Config
	files     *Files
	at        store.File
	file      *os.File
	id        identity
	not       map[uint64]bool // positions whose file begins alike and is another
	lines     lines
	end       ending
	number    uint64 // of its position; guarded by files.mu
	begins    []byte // of the file, as far as it is known; guarded by files.mu
	resumed   bool   // end is what lies before the offset
	size      int64  // at the last look, when all of it was read
	idleLimit time.Duration
	grown     time.Time     // when it last grew
	known     []byte        // a record of where it begins, unless that is the beginning
	saved     atomic.Uint64 // offset
	leaving   atomic.Bool   // it is no longer where it was: end when it has stood still
	ended     atomic.Bool
}

func newTail(s *Files, f *os.File, at store.File, begins []byte, not map[uint64]bool) (*tail, error) {
	decoder, err := decode.New(s.Format)
	if err != nil {
		return nil, err
	}
	t := &tail{
		Config: s.Config, files: s, at: at, number: at.ID, begins: begins, file: f, not: not, idleLimit: drainTime,
		grown: time.Now(), size: -1,
	}
	t.lines.decoder, t.lines.unread, t.lines.panicked = decoder, s.unread, s.panicked(&s.samples)
	t.saved.Store(at.Offset)
	return t, nil
}

// lag is how much of the file is not yet saved, however long saving takes.
func (t *tail) lag() int64 {
	info, err := t.file.Stat()
	if err != nil {
		return 0 // it has ended
	}
	return max(0, info.Size()-int64(t.saved.Load()))
}

// run reads until the file has ended for good, or ctx has.
func (t *tail) run(ctx context.Context) error {
	defer t.ended.Store(true)
	defer t.file.Close()
	if t.known != nil {
		if err := t.Commit(ctx, t.known); err != nil {
			return err
		}
	}
	for {
		more, err := t.step(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if t.leaving.Load() && time.Since(t.grown) >= t.idleLimit {
			return t.finish(ctx)
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// step counts what there is, for a session at most.
func (t *tail) step(ctx context.Context) (more bool, err error) {
	info, err := t.file.Stat()
	if err != nil {
		return false, err
	}
	size, modified := info.Size(), info.ModTime().UnixNano()
	if size == t.size && modified == t.at.Modified || size == 0 && t.at.HeadSize == 0 {
		return false, nil // nothing has happened since all of it was read
	}
	t.pause(PointLooked, t.at.Path)
	before := t.at.Offset
	t.at.Modified = modified
	more, err = t.session(ctx, false)
	if err != nil {
		return false, err
	}
	if t.at.Offset != before {
		t.grown = time.Now()
	}
	if t.size = size; more {
		t.size = -1
	}
	return more, nil
}

// session counts for up to a second and commits. It reports whether there is more to read at once. What was read is
// compared with what the file holds after it was read: a file that was truncated meanwhile yields nothing.
func (t *tail) session(ctx context.Context, last bool) (more bool, err error) {
	if !t.resumed {
		ok, err := t.end.read(t.file, &t.at)
		if err != nil {
			return false, err
		}
		if t.resumed = true; !ok {
			t.cutOff()
		}
		if err := t.lines.readHeader(t.file, t.at.Offset); err != nil {
			return false, err
		}
	}
	var b batch
	var at store.File
	var record []byte // nil if nothing is to be saved
	own := false
	err = t.Aggregators.With(ctx, t.Count, func(agg *aggregate.Aggregator) (err error) {
		b = t.read(agg, last)
		t.pause(PointRead, t.at.Path)
		at = b.at
		at.Done = last && !b.more && b.err == nil
		if own, err = t.confirm(&b); err != nil || !own || at.Offset == t.at.Offset && !at.Done {
			return err
		}
		at.HeadSize, at.Head = t.at.HeadSize, t.at.Head
		b.end.note(&at)
		record = agg.Flush([]store.File{at}, nil)
		return nil
	})
	if record == nil {
		t.lines.part = b.part
		if err == nil && !own {
			t.cutOff()
			return true, nil
		}
		return false, errors.Join(err, b.err) // nothing but the beginning of a line
	}
	t.pause(PointConfirmed, t.at.Path)
	if err := t.Commit(ctx, record); err != nil {
		return false, err
	}
	t.pause(PointSaved, t.at.Path)
	t.at, t.end = at, b.end
	t.saved.Store(at.Offset)
	t.files.moved(at)
	return b.more, b.err
}

// confirm reports whether what was read is of the file that the position knows. It makes the position know more of the
// beginning of a young file, and who looks for copies know it, before anything of the file is saved: a copy that is
// complete by then is found by claim, one that is made later is known as such.
func (t *tail) confirm(b *batch) (bool, error) {
	for {
		l, ok, err := same(t.file, &t.at)
		if err != nil || !ok || !b.begins(l.begins, t.at.Offset) {
			return false, err
		}
		if uint64(len(l.begins)) == t.at.HeadSize {
			return true, nil
		}
		known := t.at
		addHead(&known, l.begins)
		if !t.files.claim(known, l, t) {
			return false, errTaken
		}
		t.at = known
		t.pause(PointClaimed, t.at.Path)
	}
}

// cutOff begins the file anew: it was truncated, and may have grown beyond the old position since.
func (t *tail) cutOff() {
	if t.at.Offset > 0 {
		t.Logger.Info("A log was cut off; reading it from its beginning", "file", t.at.Path)
	}
	t.files.truncated(t)
	t.saved.Store(0)
	t.end, t.lines.part, t.size = nil, false, -1
}

// finish counts a last line without an end and notes that nothing will follow.
func (t *tail) finish(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = t.session(ctx, true); err != nil {
			return fmt.Errorf("%s: %w", t.at.Path, err)
		}
	}
	return nil
}

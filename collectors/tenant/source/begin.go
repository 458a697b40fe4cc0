package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// load reads the saved positions and reports whether there are any.
func (s *Files) load() bool {
	all := slices.DeleteFunc(s.Store.Files(s.Count.Number), func(f store.File) bool { return f.Stream })
	for _, f := range all {
		s.next = max(s.next, f.ID)
		switch {
		case f.ID == judgedID:
			s.newest = f.Modified
		case f.Judged:
			s.floors[f.Path] = f
		default:
			s.known[f.ID] = &f
		}
	}
	return len(all) > 0
}

// begin goes on where the source was, and where others were that do not read its logs any more. One that was never read
// begins nowhere yet, or at the ends of what is there. It is one record, for after the next start the source is no
// longer new.
func (s *Files) begin(ctx context.Context) error {
	fresh := !s.load()
	s.findOrphans()
	h := s.predecessorsOf(ctx, s.logs(s.paths()))
	var own []store.File
	if fresh {
		logs := slices.DeleteFunc(s.paths(), func(log string) bool { _, ok := h.judged[log]; return ok })
		var ahead []candidate
		s.newest, ahead = s.baseline(logs)
		for _, newest := range h.judged {
			s.newest = max(s.newest, newest)
		}
		if s.FromEnd || s.Store.Lost(s.Count.Number) {
			for _, log := range logs {
				if at, ok := s.end(ctx, log); ok {
					own = append(own, at)
				}
			}
		}
		for _, c := range ahead {
			if at, ok := s.before(ctx, c); ok {
				own = append(own, at)
			}
		}
		own = append(own, s.judgedFile())
	}
	if own = append(own, s.leftBehind()...); len(own) == 0 && len(h.taken) == 0 {
		return nil
	}
	return s.takeOver(ctx, h, own)
}

// endTries bounds how often the end of a log is looked for that is truncated meanwhile.
const endTries = 10

// end is the position behind all whole lines that a file holds; there is none in an empty one.
func (s *Files) end(ctx context.Context, path string) (store.File, bool) {
	f, err := regularfile.Open(ctx, path)
	if err != nil {
		return store.File{}, false // it will be reported when it is followed
	}
	defer f.Close()
	for range endTries {
		at := store.File{Path: path}
		l, _, err := same(f, &at)
		if err != nil || l.size == 0 {
			return store.File{}, false
		}
		s.pause(PointMeasured, path)
		block := make([]byte, min(l.size, maxLine))
		if n, err := f.ReadAt(block, l.size-int64(len(block))); n < len(block) {
			if errors.Is(err, io.EOF) {
				continue // it was truncated
			}
			return store.File{}, false
		}
		// A line that is just being written is not behind it.
		if whole := bytes.LastIndexByte(block, '\n') + 1; whole > 0 || l.size < maxLine {
			l.size -= int64(len(block) - whole)
			block = block[:whole]
		}
		var e ending
		e.add(block)
		at.Offset = uint64(l.size)
		addHead(&at, l.begins)
		e.note(&at)
		if _, ok, err := same(f, &at); err != nil || !ok {
			continue
		}
		info, err := f.Stat()
		if err != nil || at.Offset == 0 {
			return store.File{}, false
		}
		id := identify(info)
		s.next++
		at.ID, at.Device, at.Inode = s.next, id.device, id.inode
		s.known[at.ID] = &at
		return at, true
	}
	return store.File{}, false
}

// baseline is the modification time of the newest rotated file: files rotated before the first start are ignored.
// Files with a time in the future do not raise it, or later files would count as older.
func (s *Files) baseline(logs []string) (newest int64, ahead []candidate) {
	now := time.Now().UnixNano()
	for range 2 { // one that is renamed or compressed meanwhile may be missing once
		ahead = ahead[:0]
		for _, c := range s.candidates(logs) {
			info, err := os.Stat(c.path)
			switch {
			case err != nil:
			case info.ModTime().UnixNano() <= now:
				newest = max(newest, info.ModTime().UnixNano())
			case len(ahead) < maxRemembered:
				ahead = append(ahead, c)
			}
		}
	}
	return newest, ahead
}

// before is the position behind all of a rotated file that was there before the first start, for one whose time does
// not show it.
func (s *Files) before(ctx context.Context, c candidate) (store.File, bool) {
	f, err := regularfile.Open(ctx, c.path)
	if err != nil {
		return store.File{}, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return store.File{}, false
	}
	packing, err := compressionOf(f, c.path)
	if err != nil {
		return store.File{}, false
	}
	begins, err := headOf(f, packing)
	if err != nil {
		return store.File{}, false
	}
	s.next++
	at := store.File{ID: s.next, Path: c.log, Offset: uint64(info.Size()), Modified: info.ModTime().UnixNano(), Done: true}
	addHead(&at, begins)
	s.known[at.ID] = &at
	return at, true
}

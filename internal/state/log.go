package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Log is an append-only log beside the snapshot of the same name, for a collector whose state is too large
// to be written anew at every change. It is a row of segments; a snapshot names the segment from which the log
// continues it. After Append returns nil its records survive a crash of the machine.
//
// Data after the last whole record of the newest segment is a write that never succeeded, and is dropped. A checkpoint
// beside the log distinguishes that from a log that was restored or truncated: it holds the position up to which the
// log was durable, and the epoch, which counts how often the log was opened and closed. The lock's record holds the
// same epoch. A checkpoint that was restored with its log is behind the lock's record, and a missing checkpoint was
// removed.
//
// The methods of a Log must not be called at the same time.
type Log struct {
	dir            *Dir
	name           string
	file           *os.File
	info           os.FileInfo // of file
	checkpoint     *os.File
	checkpointInfo os.FileInfo
	first          uint64 // segment that the snapshot names
	segment        uint64
	end            int64  // of the last durable record
	next           uint64 // sequence number of the next record
	older          int64  // bytes in older segments
	epoch          uint64
	dropped        int64
	dirty          bool  // bytes of a failed Append may lie behind end
	gone           error // until Restart
	buf            []byte
}

// ErrUnsettled means that an append failed and could not be undone: its records may be in the log after a restart.
var ErrUnsettled = errors.New("a failed write could not be undone")

// OpenLog replays the log of a name from a segment on and opens it for appending. An error that is
// ErrCorrupt or ErrRolledBack means that it cannot be continued; ResetLog begins it anew.
func (d *Dir) OpenLog(name string, from uint64, replay func(record []byte) error) (*Log, error) {
	release, err := d.hold(name, epochKey(name))
	if err != nil {
		return nil, err
	}
	defer release()
	l := &Log{dir: d, name: name, first: max(from, 1)}
	if err := l.replay(replay); err != nil {
		return nil, fmt.Errorf("log %s: %w", name, err)
	}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("log %s: %w", name, err)
	}
	if err := l.beginEpoch(); err != nil {
		return nil, errors.Join(fmt.Errorf("log %s: %w", name, err), l.file.Close(), l.checkpoint.Close())
	}
	return l, nil
}

// replay reads all segments back and sets where the log goes on.
func (l *Log) replay(replay func(record []byte) error) error {
	d := l.dir
	segments, err := d.segments(l.name)
	if err != nil {
		return err
	}
	saved, whole, err := d.readCheckpoint(l.name)
	if err != nil {
		return err
	}
	recorded := d.recorded(epochKey(l.name))
	switch {
	case recorded.Reset && len(segments) > 0:
		return fmt.Errorf("%w: it was removed, and is there again", ErrRolledBack)
	case !whole && recorded.Generation > 0 && !recorded.Reset:
		return fmt.Errorf("%w: its checkpoint is missing or damaged", ErrCorrupt)
	case whole && saved.epoch > 0 && saved.epoch < recorded.Generation:
		return fmt.Errorf("%w: it was opened and closed %d times, and here %d", ErrRolledBack, recorded.Generation,
			saved.epoch)
	}
	l.epoch = max(saved.epoch, recorded.Generation)
	for _, s := range segments {
		if s < l.first {
			// Left behind by a crash between saving a snapshot and dropping what it replaced.
			_ = os.Remove(d.segmentFile(l.name, s))
		}
	}
	segments = slices.DeleteFunc(segments, func(s uint64) bool { return s < l.first })
	l.segment = l.first
	var end segmentEnd
	for i, s := range segments {
		if s != l.first+uint64(i) {
			return fmt.Errorf("%w: segment %d is missing", ErrCorrupt, l.first+uint64(i))
		}
		l.older += end.at
		at := place{number: s, next: end.next, last: i == len(segments)-1}
		if saved.segment == s {
			at.durable = saved.end
		}
		if end, err = replaySegment(d.segmentFile(l.name, s), at, replay); err != nil {
			return fmt.Errorf("segment %d: %w", s, err)
		}
		if end.err != nil && i < len(segments)-1 {
			return fmt.Errorf("segment %d: %w at %d: %w", s, ErrCorrupt, end.at, end.err)
		}
		l.segment = s
	}
	l.end, l.next, l.dropped = end.at, max(end.next, 1), end.rest
	if saved.segment > l.segment || saved.segment == l.segment && saved.end > l.end {
		return fmt.Errorf("%w: it ends at %d/%d, but %d/%d was saved", ErrRolledBack, l.segment, l.end, saved.segment,
			saved.end)
	}
	if !whole && !end.legacy && l.end > int64(segmentHeader) {
		return fmt.Errorf("%w: it has records, but no intact checkpoint", ErrCorrupt)
	}
	if end.legacy {
		return l.leaveLegacy()
	}
	return nil
}

// leaveLegacy ends a last segment of the first format: what is appended now goes into one of this format.
func (l *Log) leaveLegacy() error {
	f, err := os.OpenFile(l.dir.segmentFile(l.name, l.segment), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(l.end), f.Sync(), f.Close()); err != nil {
		return err
	}
	l.older += l.end
	l.segment, l.end = l.segment+1, 0
	return nil
}

// epochKey is the name under which the lock's record counts a log's epochs; no snapshot has such a name.
func epochKey(name string) string { return name + ".log" }

// beginEpoch increments the epoch and saves it. The record follows the checkpoint, so that a crash between the two
// leaves a checkpoint that is ahead, which is no rollback.
func (l *Log) beginEpoch() error {
	l.epoch++
	if err := errors.Join(l.writeCheckpoint(), l.checkpoint.Sync()); err != nil {
		return err
	}
	return l.dir.record(epochKey(l.name), l.epoch, false)
}

// ResetLog removes the log of a name and its snapshot.
func (d *Dir) ResetLog(name string) error {
	if err := d.Remove(name); err != nil {
		return err
	}
	release, err := d.hold(name, epochKey(name))
	if err != nil {
		return err
	}
	defer release()
	segments, err := d.segments(name)
	if err != nil {
		return fmt.Errorf("reset %s: %w", name, err)
	}
	for _, s := range segments {
		if err := os.Remove(d.segmentFile(name, s)); err != nil {
			return fmt.Errorf("reset %s: %w", name, err)
		}
	}
	if err := os.Remove(d.checkpointFile(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reset %s: %w", name, err)
	}
	if err := syncDir(d.path); err != nil {
		return err
	}
	// Last: after a crash before it the checkpoint is missing, and the log is reset once more.
	return d.record(epochKey(name), d.recorded(epochKey(name)).Generation, true)
}

func (d *Dir) segmentFile(name string, segment uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%s.%08d.log", name, segment))
}

// segments lists the log's segments in order.
func (d *Dir) segments(name string) ([]uint64, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var all []uint64
	for _, e := range entries {
		middle, ok := strings.CutPrefix(e.Name(), name+".")
		middle, isLog := strings.CutSuffix(middle, ".log")
		if n, err := strconv.ParseUint(middle, 10, 64); ok && isLog && err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}

// open opens the newest segment behind its last whole record.
func (l *Log) open() (err error) {
	f, err := os.OpenFile(l.dir.segmentFile(l.name, l.segment), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	if l.checkpoint == nil {
		if err := l.openCheckpoint(); err != nil {
			return err
		}
	}
	if err := f.Truncate(l.end); err != nil {
		return err
	}
	end := l.end
	if end == 0 {
		header := appendSegmentHeader(nil, l.segment, l.next)
		if _, err := f.WriteAt(header, 0); err != nil {
			return err
		}
		end = int64(len(header))
	}
	if err := errors.Join(f.Sync(), syncDir(l.dir.path)); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	l.file, l.info, l.end = f, info, end
	return nil
}

func (l *Log) openCheckpoint() error {
	f, err := os.OpenFile(l.dir.checkpointFile(l.name), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.checkpoint, l.checkpointInfo = f, info
	return nil
}

// Append writes records and makes them durable, all of them or none. After an error that is ErrUnsettled this is not
// known; the next Append undoes it first. After ErrGone every Append fails until Restart.
func (l *Log) Append(records ...[]byte) error {
	l.buf = l.buf[:0]
	for i, r := range records {
		if len(r) > MaxRecord {
			return fmt.Errorf("log %s: a record of %d bytes; at most %d", l.name, len(r), MaxRecord)
		}
		l.buf = appendFrame(l.buf, l.next+uint64(i), r)
	}
	if l.file == nil {
		return fmt.Errorf("log %s: closed", l.name)
	}
	if err := l.undo(); err != nil {
		return fmt.Errorf("log %s: %w", l.name, err)
	}
	if err := l.present(l.end); err != nil { // a write behind the end of a file that was cut off would leave a gap
		return fmt.Errorf("log %s: %w", l.name, err)
	}
	_, err := l.file.WriteAt(l.buf, l.end)
	if err == nil {
		err = syncData(l.file)
	}
	if err == nil {
		err = l.present(l.end + int64(len(l.buf))) // or nothing was saved at all
	}
	if err != nil {
		l.dirty = true // WriteAt does not return how much was written before an error
		err = fmt.Errorf("log %s: %w", l.name, err)
		if undone := l.undo(); undone != nil && l.gone == nil {
			return errors.Join(ErrUnsettled, err, undone)
		}
		return err
	}
	l.end += int64(len(l.buf))
	l.next += uint64(len(records))
	if cap(l.buf) > 8<<20 {
		l.buf = nil
	}
	_ = l.writeCheckpoint() // without it the check at the next start is weaker by this record
	return nil
}

// undo removes what a failed Append has written: it must not come back as a record, neither of its own nor behind the
// next one.
func (l *Log) undo() error {
	if !l.dirty {
		return nil
	}
	if err := errors.Join(l.file.Truncate(l.end), l.file.Sync()); err != nil {
		return err
	}
	l.dirty = false
	return nil
}

// Rotate begins a new segment and returns its number: what a snapshot of everything appended so far must name.
func (l *Log) Rotate() (uint64, error) {
	if l.gone != nil {
		return 0, fmt.Errorf("log %s: %w", l.name, l.gone)
	}
	if err := l.undo(); err != nil {
		return 0, fmt.Errorf("log %s: %w", l.name, err)
	}
	old, oldInfo, oldSegment, oldEnd := l.file, l.info, l.segment, l.end
	l.segment, l.end = l.segment+1, 0
	if err := l.open(); err != nil {
		l.file, l.info, l.segment, l.end = old, oldInfo, oldSegment, oldEnd
		_ = os.Remove(l.dir.segmentFile(l.name, oldSegment+1))
		return 0, fmt.Errorf("log %s: %w", l.name, err)
	}
	l.older += oldEnd
	_ = old.Close()
	_ = l.writeCheckpoint()
	return l.segment, nil
}

// Drop removes the segments before one, after a snapshot that names it was saved.
func (l *Log) Drop(before uint64) error {
	segments, err := l.dir.segments(l.name)
	if err != nil {
		return err
	}
	l.first, l.older = max(l.first, before), 0
	for _, s := range segments {
		if s < before {
			err = errors.Join(err, os.Remove(l.dir.segmentFile(l.name, s)))
		} else if info, statErr := os.Stat(l.dir.segmentFile(l.name, s)); statErr == nil && s < l.segment {
			l.older += info.Size()
		}
	}
	return err
}

// Size is how many bytes would be replayed.
func (l *Log) Size() int64 { return l.older + l.end }

// Dropped is how many bytes OpenLog found behind the last whole record and dropped.
func (l *Log) Dropped() int64 { return l.dropped }

// Close gives the files back. Appending after it fails.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	var err error
	if release, closed := l.dir.hold(l.name, epochKey(l.name)); closed == nil {
		if l.gone == nil { // from now on a copy that was made before is an old one
			err = l.beginEpoch()
		}
		release()
	}
	err = errors.Join(err, l.file.Close(), l.checkpoint.Close())
	l.file = nil
	return err
}

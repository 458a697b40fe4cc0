package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Log is an append-only log beside the snapshot of the same name, for a collector whose state is too large
// to be written anew at every change. It is a row of segments; a snapshot says from which segment on the log
// continues it. After Append returns nil its records survive a crash of the machine.
//
// A record cut short at the very end is a write that never succeeded, and is dropped. To tell that from a log
// that somebody put back or cut off, a mark beside the log holds how far it was known to be durable, and counts
// how often the log was opened and closed. The lock's record counts too: a mark that was put back with its log is
// behind it.
type Log struct {
	dir     *Dir
	name    string
	file    *os.File
	mark    *os.File
	segment uint64
	end     int64 // of the last durable record
	dirty   bool  // bytes of a failed Append may lie behind end
	older   int64 // bytes in older segments
	turn    uint64
	buf     []byte
}

// A record is its length, a CRC-32C over length and payload, and the payload.
const frameHeader = 8

// MaxRecord bounds the payload of a record.
const MaxRecord = 256 << 20

// OpenLog replays the log of a name from a segment on and opens it for appending. An error that is
// ErrCorrupt or ErrRolledBack means that it cannot be continued; ResetLog begins it anew.
func (d *Dir) OpenLog(name string, from uint64, replay func(record []byte) error) (*Log, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.usable(name); err != nil {
		return nil, err
	}
	l := &Log{dir: d, name: name, segment: max(from, 1)}
	segments, err := d.segments(name)
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", name, err)
	}
	marked, markedEnd, turn := l.readMark()
	recorded := d.lock.record.Generations[turnOf(name)]
	if turn > 0 && turn < recorded {
		return nil, fmt.Errorf("log %s: %w: it was opened and closed %d times, and here %d", name, ErrRolledBack, recorded, turn)
	}
	l.turn = max(turn, recorded)
	for _, s := range segments {
		if s < l.segment {
			// Left behind by a crash between saving a snapshot and dropping what it replaced.
			_ = os.Remove(d.segmentFile(name, s))
		}
	}
	segments = slices.DeleteFunc(segments, func(s uint64) bool { return s < l.segment })
	for i, s := range segments {
		if s != l.segment+uint64(i) {
			return nil, fmt.Errorf("log %s: %w: segment %d is missing", name, ErrCorrupt, l.segment+uint64(i))
		}
	}
	for i, s := range segments {
		last := i == len(segments)-1
		end, err := replaySegment(d.segmentFile(name, s), last, replay)
		if err != nil {
			return nil, fmt.Errorf("log %s, segment %d: %w", name, s, err)
		}
		if !last {
			l.older += end
		}
		l.segment, l.end = s, end
	}
	if marked > l.segment || marked == l.segment && markedEnd > l.end {
		return nil, fmt.Errorf("log %s: %w: it ends at %d/%d, but %d/%d was saved", name, ErrRolledBack, l.segment, l.end, marked, markedEnd)
	}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("log %s: %w", name, err)
	}
	if err := l.count(); err != nil {
		return nil, errors.Join(fmt.Errorf("log %s: %w", name, err), l.file.Close(), l.mark.Close())
	}
	return l, nil
}

// turnOf is the name under which the lock's record counts a log's turns; no snapshot has such a name.
func turnOf(name string) string { return name + ".log" }

// count begins a turn. The record follows the mark, so that a crash between the two leaves a mark that is ahead,
// which is no rollback. The caller holds the directory's mutex.
func (l *Log) count() error {
	l.turn++
	l.writeMark()
	if err := l.mark.Sync(); err != nil {
		return err
	}
	return l.dir.lock.write(turnOf(l.name), l.turn)
}

// ResetLog removes the log of a name and its snapshot.
func (d *Dir) ResetLog(name string) error {
	if err := d.Remove(name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	segments, err := d.segments(name)
	if err != nil {
		return fmt.Errorf("reset %s: %w", name, err)
	}
	for _, s := range segments {
		if err := os.Remove(d.segmentFile(name, s)); err != nil {
			return fmt.Errorf("reset %s: %w", name, err)
		}
	}
	if err := os.Remove(d.markFile(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reset %s: %w", name, err)
	}
	return syncDir(d.path)
}

func (d *Dir) segmentFile(name string, segment uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%s.%08d.log", name, segment))
}

func (d *Dir) markFile(name string) string { return filepath.Join(d.path, name+".mark") }

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

// replaySegment returns where the last whole record ends.
func replaySegment(path string, last bool, replay func([]byte) error) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var end int64
	var header [frameHeader]byte
	var payload []byte
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return torn(end, info.Size() == end || last, err)
		}
		n := int64(binary.LittleEndian.Uint32(header[:]))
		if n > MaxRecord || end+frameHeader+n > info.Size() {
			return torn(end, last, io.ErrUnexpectedEOF)
		}
		payload = slices.Grow(payload[:0], int(n))[:n]
		if _, err := io.ReadFull(r, payload); err != nil {
			return torn(end, last, err)
		}
		if frameSum(header[:4], payload) != binary.LittleEndian.Uint32(header[4:]) {
			return torn(end, last, errors.New("wrong checksum"))
		}
		if err := replay(payload); err != nil {
			return end, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		end += frameHeader + n
	}
}

// torn accepts an incomplete end where one may be.
func torn(end int64, allowed bool, err error) (int64, error) {
	if allowed {
		return end, nil
	}
	return end, fmt.Errorf("%w at %d: %w", ErrCorrupt, end, err)
}

func frameSum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, payload)
}

// open opens the newest segment behind its last whole record.
func (l *Log) open() error {
	f, err := os.OpenFile(l.dir.segmentFile(l.name, l.segment), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	if l.mark == nil {
		if l.mark, err = os.OpenFile(l.dir.markFile(l.name), os.O_RDWR|os.O_CREATE, 0o640); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(f.Truncate(l.end), f.Sync(), syncDir(l.dir.path)); err != nil {
		return errors.Join(err, f.Close())
	}
	l.file = f
	return nil
}

// ErrUnsettled means that an append failed and could not be undone: its records may be in the log after a restart.
var ErrUnsettled = errors.New("a failed write could not be undone")

// Append writes records and makes them durable, all of them or none. After an error that is ErrUnsettled this is not known; the
// next Append undoes it first.
func (l *Log) Append(records ...[]byte) error {
	l.buf = l.buf[:0]
	for _, r := range records {
		if len(r) > MaxRecord {
			return fmt.Errorf("log %s: a record of %d bytes", l.name, len(r))
		}
		l.buf = binary.LittleEndian.AppendUint32(l.buf, uint32(len(r)))
		l.buf = binary.LittleEndian.AppendUint32(l.buf, frameSum(l.buf[len(l.buf)-4:], r))
		l.buf = append(l.buf, r...)
	}
	if l.file == nil {
		return fmt.Errorf("log %s: closed", l.name)
	}
	if err := l.undo(); err != nil {
		return fmt.Errorf("log %s: %w", l.name, err)
	}
	_, err := l.file.WriteAt(l.buf, l.end)
	if err == nil {
		err = syncData(l.file)
	}
	if err != nil {
		l.dirty = true // WriteAt does not return how much was written before an error
		err = fmt.Errorf("log %s: %w", l.name, err)
		if undone := l.undo(); undone != nil {
			return errors.Join(ErrUnsettled, err, undone)
		}
		return err
	}
	l.end += int64(len(l.buf))
	if cap(l.buf) > 8<<20 {
		l.buf = nil
	}
	l.writeMark()
	return nil
}

// undo removes what a failed Append has written: it must not come back as a record, neither of its own nor behind the next one.
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

// The mark is written without waiting for the disk: it outlives the process, and after a crash of the
// machine an older mark is only a more lenient one.
func (l *Log) writeMark() {
	var b [28]byte
	binary.LittleEndian.PutUint64(b[:], l.segment)
	binary.LittleEndian.PutUint64(b[8:], uint64(l.end))
	binary.LittleEndian.PutUint64(b[16:], l.turn)
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
	_, _ = l.mark.WriteAt(b[:], 0) // without it only the check at the next start is weaker
}

// readMark returns zeros if there is no mark that is whole.
func (l *Log) readMark() (segment uint64, end int64, turn uint64) {
	b, err := os.ReadFile(l.dir.markFile(l.name))
	if err != nil || len(b) != 28 || crc32.Checksum(b[:24], castagnoli) != binary.LittleEndian.Uint32(b[24:]) {
		return 0, 0, 0
	}
	return binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b[16:])
}

// Rotate begins a new segment and returns its number: what a snapshot of everything appended so far must name.
func (l *Log) Rotate() (uint64, error) {
	old, oldSegment, oldEnd := l.file, l.segment, l.end
	l.segment, l.end = l.segment+1, 0
	if err := l.open(); err != nil {
		l.file, l.segment, l.end = old, oldSegment, oldEnd
		_ = os.Remove(l.dir.segmentFile(l.name, oldSegment+1))
		return 0, fmt.Errorf("log %s: %w", l.name, err)
	}
	l.older += oldEnd
	_ = old.Close()
	l.writeMark()
	return l.segment, nil
}

// Drop removes the segments before one, after a snapshot that names it was saved.
func (l *Log) Drop(before uint64) error {
	segments, err := l.dir.segments(l.name)
	if err != nil {
		return err
	}
	l.older = 0
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

// Close gives the files back. Appending after it fails.
func (l *Log) Close() error {
	l.dir.mu.Lock()
	defer l.dir.mu.Unlock()
	var err error
	if l.file != nil && l.dir.lock != nil { // from now on a copy that was made before is an old one
		err = l.count()
	}
	err = errors.Join(err, l.file.Close(), l.mark.Close())
	l.file = nil
	return err
}

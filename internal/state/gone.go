package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrGone means that another program removed, replaced or changed files of the state while they were in use. What was
// saved in them is lost, unless its owner saves all of it anew.
var ErrGone = errors.New("the saved state is gone")

// is reports whether a path still leads to a file that is open.
func is(path string, open os.FileInfo) (os.FileInfo, bool, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil:
		return info, os.SameFile(info, open), nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, false, nil
	}
	return nil, false, err
}

// present makes sure that the directory is there and that its lock is still ours. If the lock was removed, alone or
// with the directory, both are made anew, which is logged.
func (d *Dir) present() error {
	l := d.holder()
	if l == nil {
		return errClosed
	}
	if _, same, err := is(l.file.Name(), l.info); same || err != nil {
		return err
	}
	return d.relock(l)
}

// relock takes the lock again. It fails if another process has used the directory since: nothing that this one
// remembers can be reconciled with what the other has saved.
func (d *Dir) relock(lost *lock) error {
	d.relocking.Lock()
	defer d.relocking.Unlock()
	if d.holder() != lost {
		return nil // another goroutine has done it
	}
	if err := os.MkdirAll(d.path, 0o750); err != nil {
		return fmt.Errorf("the storage path was removed: %w", err)
	}
	l, err := openLock(lost.file.Name())
	if err != nil {
		return fmt.Errorf("%s was removed or replaced: %w", lost.file.Name(), err)
	}
	if other := l.record; other.Sequence > 0 {
		return errors.Join(fmt.Errorf(
			"%s was replaced by process %d on %s, which has used the storage path since; restart this exporter",
			lost.file.Name(), other.PID, other.Host), l.release())
	}
	if err := l.copyOf(lost); err != nil {
		return errors.Join(err, l.release())
	}
	d.lock.Store(l)
	d.logger.Load().Error(
		"The state directory or its lock was removed while in use; it is created again, and everything is saved once more",
		"path", d.path)
	return lost.release()
}

// present returns ErrGone unless the log is on the disk as it was written: its newest segment of size bytes, and its
// checkpoint.
func (l *Log) present(size int64) error {
	if l.gone != nil {
		return l.gone
	}
	if err := l.dir.present(); err != nil {
		return err
	}
	path := l.dir.segmentFile(l.name, l.segment)
	info, same, err := is(path, l.info)
	if err != nil {
		return err
	}
	_, kept, err := is(l.dir.checkpointFile(l.name), l.checkpointInfo)
	switch {
	case err != nil:
		return err
	case !same:
		l.gone = fmt.Errorf("%w: %s was removed or replaced", ErrGone, filepath.Base(path))
	case info.Size() != size:
		l.gone = fmt.Errorf("%w: %s has %d bytes, and not the %d that were written", ErrGone, filepath.Base(path),
			info.Size(), size)
	case !kept:
		l.gone = fmt.Errorf("%w: the checkpoint of the log was removed or replaced", ErrGone)
	}
	return l.gone
}

// Check returns ErrGone if a segment, the checkpoint or the snapshot before them is no longer on the disk. It is for a
// log that is not appended to for a while.
func (l *Log) Check() error {
	if l.file == nil || l.dirty {
		return nil
	}
	if err := l.present(l.end); err != nil {
		return fmt.Errorf("log %s: %w", l.name, err)
	}
	if l.first > 1 && l.dir.lost(l.name) {
		l.gone = fmt.Errorf("%w: the snapshot was removed or replaced", ErrGone)
	}
	for s := l.first; s < l.segment && l.gone == nil; s++ {
		if _, err := os.Stat(l.dir.segmentFile(l.name, s)); errors.Is(err, fs.ErrNotExist) {
			l.gone = fmt.Errorf("%w: segment %d was removed", ErrGone, s)
		}
	}
	if l.gone != nil {
		return fmt.Errorf("log %s: %w", l.name, l.gone)
	}
	return nil
}

// Restart begins the log anew in a new segment and returns its number, after ErrGone. The caller must save a snapshot
// of everything that names this segment before it appends: until then nothing is certain to be on the disk.
func (l *Log) Restart() (uint64, error) {
	release, err := l.dir.hold(l.name, epochKey(l.name))
	if err != nil {
		return 0, err
	}
	defer release()
	if err := l.restart(); err != nil {
		return 0, fmt.Errorf("log %s: %w", l.name, err)
	}
	return l.segment, nil
}

func (l *Log) restart() error {
	if err := l.dir.present(); err != nil {
		return err
	}
	segments, err := l.dir.segments(l.name)
	if err != nil {
		return err
	}
	old, oldCheckpoint, end := l.file, l.checkpoint, l.end
	segment := l.segment
	if n := len(segments); n > 0 {
		segment = max(segment, segments[n-1])
	}
	l.checkpoint, l.end, l.segment = nil, 0, segment+1
	if err := l.open(); err != nil {
		if l.checkpoint != nil {
			_ = l.checkpoint.Close()
		}
		l.file, l.checkpoint, l.end = old, oldCheckpoint, end
		return err
	}
	_, _ = old.Close(), oldCheckpoint.Close()
	l.gone, l.dirty, l.older = nil, false, 0
	return l.beginEpoch()
}

// remember notes the file of a snapshot, nil if there is none.
func (d *Dir) remember(name string, info os.FileInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name] = info
}

// unchanged reports whether a file of the snapshot is known, and whether it is still on the disk as it was.
func (d *Dir) unchanged(name string) (known, same bool) {
	d.mu.Lock()
	info := d.files[name]
	d.mu.Unlock()
	if info == nil {
		return false, false
	}
	now, same, err := is(d.file(name), info)
	return true, err == nil && same && now.Size() == info.Size()
}

// Intact reports whether a restart would find the snapshot that was last saved or loaded: its file is unchanged and the
// lock is still ours. A collector that saves only what changed saves again if it is not.
func (d *Dir) Intact(name string) bool {
	l := d.holder()
	if l == nil {
		return false
	}
	if _, same, err := is(l.file.Name(), l.info); err != nil || !same {
		return false
	}
	_, same := d.unchanged(name)
	return same
}

// lost reports whether the snapshot that was last saved or loaded is gone from the disk. While one is being saved it is
// not.
func (d *Dir) lost(name string) bool {
	d.mu.Lock()
	m := d.names[name]
	d.mu.Unlock()
	if m != nil {
		if !m.TryLock() {
			return false
		}
		defer m.Unlock()
	}
	_, same := d.unchanged(name)
	return !same
}

// Package state keeps what a collector must remember across restarts: one directory, held by one process,
// with one checksummed snapshot per name. A snapshot is replaced as a whole or not at all.
//
// # Lock order
//
// A goroutine takes the locks of a Dir in this order, and may leave out any of them:
//
//  1. Dir.use, shared: from the beginning to the end of every read, save and removal. Close takes it exclusively, and
//     tries for closeTimeout only, so that a save that hangs delays neither Close nor, through it, another name.
//  2. One mutex of Dir.names: the files of one name, or of the log of that name. It is held while the disk works. No
//     goroutine holds two of them.
//  3. Dir.relocking: a LOCK file that was removed is created again once. It is held while the disk works.
//  4. Dir.mu or lock.mu: the maps in memory. They are held for a few instructions, never while the disk works, and
//     nothing is locked under them.
//
// Dir.lost, which Log.Check calls, takes a mutex of Dir.names without Dir.use, and only if it is free. A Log has no
// lock of its own: one goroutine at a time calls it.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

// Reasons for which Load returns no payload. In every case the caller starts afresh.
var (
	// ErrNotFound: nothing was ever saved under the name, or it was removed.
	ErrNotFound = errors.New("no snapshot")
	// ErrVersion: the snapshot was written in another version of the payload's format.
	ErrVersion = errors.New("snapshot of another version")
	// ErrCorrupt: the snapshot is damaged, cut short or larger than the caller allows.
	ErrCorrupt = errors.New("corrupt snapshot")
	// ErrRolledBack: an older snapshot was put back. Counters continued from it would run through
	// values that were already exposed, which Prometheus reads as no growth at all.
	ErrRolledBack = errors.New("snapshot was rolled back")
)

var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// errClosed is why nothing can be read or saved any more.
var errClosed = errors.New("the state directory is closed")

// Dir is a locked state directory. Its methods may be called from several goroutines: one name never waits for another.
// The package comment has the order of its locks.
type Dir struct {
	path    string
	session uint64
	logger  atomic.Pointer[slog.Logger]
	lock    atomic.Pointer[lock] // nil once the directory is closed
	closed  atomic.Bool

	use       sync.RWMutex // exclusive for Close, shared by reads, saves and removals
	relocking sync.Mutex

	mu    sync.Mutex // guards the maps below
	names map[string]*sync.Mutex
	files map[string]os.FileInfo // of each snapshot as it was last saved or loaded
}

// Open creates the directory if need be and locks it until Close or the end of the process. If another
// process holds the lock, the error names it.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf(
			"storage path: %w; choose a directory that this user may write, or --storage.path= to keep nothing", err)
	}
	l, err := takeLock(filepath.Join(path, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("storage path %s: %w", path, err)
	}
	d := &Dir{path: path, session: l.record.Session, names: map[string]*sync.Mutex{}, files: map[string]os.FileInfo{}}
	d.lock.Store(l)
	d.SetLogger(slog.New(slog.DiscardHandler))
	return d, nil
}

// SetLogger sets where it is logged that the directory or its lock was removed.
func (d *Dir) SetLogger(logger *slog.Logger) { d.logger.Store(logger) }

// Session numbers the holders of the directory, this one included. The number is on the disk before Open
// returns: a payload that contains it shows which holder saved it, and whether another followed.
func (d *Dir) Session() uint64 { return d.session }

// Path is where the directory is, for files that their owner keeps intact without it.
func (d *Dir) Path() string { return d.path }

// holder is the lock, nil once the directory is closed.
func (d *Dir) holder() *lock { return d.lock.Load() }

// hold excludes other goroutines from the files of a name until release is called. key is the name itself, or that of
// its log: a snapshot that is being written does not keep its log waiting.
func (d *Dir) hold(name, key string) (release func(), err error) {
	if !nameRE.MatchString(name) {
		return nil, fmt.Errorf("invalid name of a snapshot %q", name)
	}
	if d.closed.Load() {
		return nil, errClosed
	}
	d.use.RLock()
	if d.closed.Load() {
		d.use.RUnlock()
		return nil, errClosed
	}
	d.mu.Lock()
	m := d.names[key]
	if m == nil {
		m = &sync.Mutex{}
		d.names[key] = m
	}
	d.mu.Unlock()
	m.Lock()
	return func() { m.Unlock(); d.use.RUnlock() }, nil
}

// closeTimeout is how long Close waits for the disk: a save that hangs must not keep the process from ending.
const closeTimeout = 2 * time.Second

// Close releases the lock, within closeTimeout. What was saved stays saved; saving after it fails. While a save hangs
// Close returns an error and the lock stays until the process ends.
func (d *Dir) Close() error {
	d.closed.Store(true)
	for deadline := time.Now().Add(closeTimeout); !d.use.TryLock(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("storage path %s: a save has not returned within %s; the disk hangs", d.path, closeTimeout)
		}
	}
	defer d.use.Unlock()
	if l := d.lock.Swap(nil); l != nil {
		return l.release()
	}
	return nil
}

// Save replaces the snapshot of a name. When it returns nil, the payload survives a crash of the machine.
func (d *Dir) Save(name string, version int, payload []byte) error {
	release, err := d.hold(name, name)
	if err != nil {
		return err
	}
	defer release()
	if err := d.present(); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	if known, same := d.unchanged(name); known && !same {
		d.logger.Load().Error("A saved state was removed or changed by another program; it is saved again", "file",
			d.file(name))
	}
	generation := d.recorded(name).Generation + 1
	h := header{version: uint32(version), generation: generation, length: uint64(len(payload))}
	if err := d.replace(name, h.encode(payload), payload); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	// The record follows the snapshot, never the other way round: a crash between the two leaves a
	// snapshot newer than its record, which is no rollback.
	if err := d.record(name, generation, false); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// recorded returns what the lock's file records of a name.
func (d *Dir) recorded(name string) generation { return d.holder().get(name) }

// record writes a generation into the lock's file, and into the new one if it was replaced meanwhile.
func (d *Dir) record(name string, n uint64, reset bool) error {
	for {
		l := d.holder()
		err := l.write(name, n, reset)
		if d.holder() == l {
			return err
		}
	}
}

// Load returns the payload last saved under a name, or an error that is one of the four above or of the
// file system.
func (d *Dir) Load(name string, version, maxBytes int) ([]byte, error) {
	release, err := d.hold(name, name)
	if err != nil {
		return nil, err
	}
	defer release()
	payload, h, info, err := read(d.file(name), maxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("load %s: %w", name, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	recorded := d.recorded(name).Generation
	if h.generation < recorded {
		return nil, fmt.Errorf("load %s: %w: generation %d, but %d was saved", name, ErrRolledBack, h.generation, recorded)
	}
	// After a crash before the record was written the snapshot is ahead; the next save must not reuse its
	// generation.
	d.holder().ahead(name, h.generation)
	d.remember(name, info)
	if h.version != uint32(version) {
		return nil, fmt.Errorf("load %s: %w: %d, want %d", name, ErrVersion, h.version, version)
	}
	return payload, nil
}

// LoadJSON loads the payload of a name as Load does, and decodes it from JSON. After an error, into may be changed in
// part.
func (d *Dir) LoadJSON(name string, version, maxBytes int, into any) error {
	payload, err := d.Load(name, version, maxBytes)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("load %s: invalid JSON: %w", name, err)
	}
	return nil
}

// Remove deletes the snapshot of a name. One that is put back later counts as rolled back.
func (d *Dir) Remove(name string) error {
	release, err := d.hold(name, name)
	if err != nil {
		return err
	}
	defer release()
	d.remember(name, nil)
	if err := os.Remove(d.file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	if err := syncDir(d.path); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return d.record(name, d.recorded(name).Generation+1, false)
}

func (d *Dir) file(name string) string { return filepath.Join(d.path, name+".state") }

// replace writes a file beside the old one and renames it, so that a reader finds the old or the new.
func (d *Dir) replace(name string, parts ...[]byte) (err error) {
	tmp := d.file(name) + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, d.file(name)); err != nil {
		return err
	}
	d.remember(name, info)
	return syncDir(d.path)
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// read returns a snapshot whose header and checksum hold.
func read(file string, maxBytes int) ([]byte, header, os.FileInfo, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, header{}, nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, header{}, nil, err
	}
	// One byte more than allowed shows that a file is too long without reading all of it.
	data, err := io.ReadAll(io.LimitReader(f, int64(headerBytes)+int64(maxBytes)+1))
	if err != nil {
		return nil, header{}, nil, err
	}
	if len(data) > headerBytes+maxBytes {
		return nil, header{}, nil, fmt.Errorf("%w: larger than %d bytes", ErrCorrupt, maxBytes)
	}
	payload, h, err := parse(data)
	return payload, h, info, err
}

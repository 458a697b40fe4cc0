package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"syscall"
	"time"
)

// lock is the LOCK file: an advisory lock on the directory, and in it the record of who holds it and of the newest
// generation saved under each name. The file cannot be replaced by a rename, because the lock hangs on its inode; so
// the record is written alternately into two slots, of which a crash can tear only one. Each name has two slots of its
// own, so that no name waits until another's is on the disk.
type lock struct {
	file   *os.File
	info   os.FileInfo
	record record

	mu    sync.Mutex
	names map[string]*generation
}

// record is who holds the lock.
type record struct {
	Sequence uint64    `json:"sequence"`
	PID      int       `json:"pid"`
	Host     string    `json:"host"`
	Since    time.Time `json:"since"`
	Session  uint64    `json:"session"` // grows by one with every holder
	// Generations are those at the start of this session. Before the names had slots of their own, they were all there
	// was.
	Generations map[string]uint64 `json:"generations"`
}

// generation is what is recorded of a name.
type generation struct {
	Name       string `json:"name"`
	Sequence   uint64 `json:"sequence"` // of the slot
	Generation uint64 `json:"generation"`
	Reset      bool   `json:"reset,omitempty"` // nothing was saved since all of it was removed

	at int64 // which pair of slots is its own; 0 is none, they count from 1
}

// A slot is a length, a CRC-32C and what it holds in JSON.
const (
	slots      = 2
	slotBytes  = 64 << 10
	slotHeader = 8
	// Behind the slots of the holder.
	nameSlotBytes = 512
	maxNames      = 128
)

// openLock opens and locks the file and reads it.
func openLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	old := readRecord(f)
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("cannot be locked: %w", err)
		}
		if old.PID == 0 {
			return nil, errors.New("in use by another process")
		}
		return nil, fmt.Errorf("in use by process %d on %s since %s; stop it or choose another --storage.path",
			old.PID, old.Host, old.Since.Format(time.RFC3339))
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// Read again: until the lock was ours its last holder may have written.
	l := &lock{file: f, info: info, record: readRecord(f), names: readGenerations(f)}
	for name, n := range l.record.Generations {
		if g := l.names[name]; g == nil {
			l.names[name] = &generation{Name: name, Generation: n}
		} else {
			g.Generation = max(g.Generation, n)
		}
	}
	return l, nil
}

// takeLock makes this process the holder.
func takeLock(path string) (*lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	l.record.PID, l.record.Since = os.Getpid(), time.Now().UTC().Truncate(time.Second)
	l.record.Session++
	if l.record.Host, err = os.Hostname(); err != nil {
		l.record.Host = "unknown host"
	}
	l.record.Generations = make(map[string]uint64, len(l.names))
	for name, g := range l.names {
		l.record.Generations[name] = g.Generation
	}
	if err := l.store(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// copyOf copies the record of a lost lock of the same process.
func (l *lock) copyOf(lost *lock) error {
	l.record = lost.record
	if err := l.store(); err != nil {
		return err
	}
	lost.mu.Lock()
	var all []generation
	for _, g := range lost.names {
		all = append(all, *g)
	}
	lost.mu.Unlock()
	for _, g := range all {
		if err := l.write(g.Name, g.Generation, g.Reset); err != nil {
			return err
		}
	}
	return nil
}

// release gives the lock up by name: to close the file is not enough while a child that was just forked, and has not
// begun its program yet, has the file too.
func (l *lock) release() error {
	err := syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	return errors.Join(err, l.file.Close())
}

// get returns what is recorded of a name.
func (l *lock) get(name string) generation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.names[name]; g != nil {
		return *g
	}
	return generation{Name: name}
}

// ahead takes note of a snapshot that is newer than its record: its generation must not be used again.
func (l *lock) ahead(name string, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.names[name]
	if g == nil {
		g = &generation{Name: name}
		l.names[name] = g
	}
	g.Generation = max(g.Generation, n)
}

// write records the generation of a name, for which there may be one caller at a time. A failure leaves the older
// record on the disk, which is the lenient one.
func (l *lock) write(name string, n uint64, reset bool) error {
	// Kept in memory even if writing fails: the snapshot of this generation is already on the disk.
	l.ahead(name, n)
	l.mu.Lock()
	g := l.names[name]
	g.Reset = reset
	if g.at == 0 {
		for _, other := range l.names {
			g.at = max(g.at, other.at)
		}
		g.at++
	}
	next := *g
	l.mu.Unlock()
	if next.at > maxNames {
		return errors.New("lock record: too many names")
	}
	next.Sequence++
	base := slots*slotBytes + (next.at-1)*slots*nameSlotBytes
	if err := l.put(next, base+int64(next.Sequence%slots)*nameSlotBytes, nameSlotBytes); err != nil {
		return err
	}
	l.mu.Lock()
	g.Sequence = next.Sequence
	l.mu.Unlock()
	return nil
}

// store writes the record of the holder.
func (l *lock) store() error {
	next := l.record
	next.Sequence++
	if err := l.put(next, int64(next.Sequence%slots)*slotBytes, slotBytes); err != nil {
		return err
	}
	l.record = next
	return nil
}

func (l *lock) put(v any, at, size int64) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if int64(len(text)) > size-slotHeader {
		return errors.New("lock record: too large")
	}
	b := make([]byte, slotHeader, slotHeader+len(text))
	binary.LittleEndian.PutUint32(b, uint32(len(text)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(text, castagnoli))
	if _, err := l.file.WriteAt(append(b, text...), at); err != nil {
		return fmt.Errorf("lock record: %w", err)
	}
	if err := syncData(l.file); err != nil {
		return fmt.Errorf("lock record: %w", err)
	}
	return nil
}

// readGenerations returns what is recorded of each name, by the newer of its slots that are whole.
func readGenerations(f *os.File) map[string]*generation {
	all := map[string]*generation{}
	for i := range int64(maxNames * slots) {
		b := make([]byte, nameSlotBytes)
		n, err := f.ReadAt(b, slots*slotBytes+i*nameSlotBytes)
		var g generation
		if text, ok := slotText(b[:n]); ok && json.Unmarshal(text, &g) == nil && g.Name != "" {
			g.at = i/slots + 1
			if old := all[g.Name]; old == nil || g.Sequence > old.Sequence {
				all[g.Name] = &g
			}
		}
		if err != nil {
			break
		}
	}
	return all
}

// readRecord returns the newest record that is whole, the zero record if none is.
func readRecord(f *os.File) record {
	var newest record
	for i := range int64(slots) {
		b := make([]byte, slotBytes)
		n, _ := f.ReadAt(b, i*slotBytes) // a short slot is an ordinary one
		if r, ok := parseRecord(b[:n]); ok && r.Sequence > newest.Sequence {
			newest = r
		}
	}
	return newest
}

func parseRecord(b []byte) (record, bool) {
	var r record
	text, ok := slotText(b)
	return r, ok && json.Unmarshal(text, &r) == nil
}

// slotText returns what a slot holds, false if it is torn or was never written.
func slotText(b []byte) ([]byte, bool) {
	if len(b) < slotHeader {
		return nil, false
	}
	length := binary.LittleEndian.Uint32(b)
	text := b[slotHeader:]
	if uint64(length) > uint64(len(text)) {
		return nil, false
	}
	text = text[:length]
	return text, crc32.Checksum(text, castagnoli) == binary.LittleEndian.Uint32(b[4:])
}

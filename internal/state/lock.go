package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"syscall"
	"time"
)

// lock is the LOCK file: an advisory lock on the directory, and in it the record of who holds it and of the
// newest generation saved under each name. The file cannot be replaced by a rename, because the lock hangs
// on its inode; so the record is written alternately into two slots, of which a crash can tear only one.
type lock struct {
	file   *os.File
	record record
}

type record struct {
	Sequence    uint64            `json:"sequence"`
	PID         int               `json:"pid"`
	Host        string            `json:"host"`
	Since       time.Time         `json:"since"`
	Session     uint64            `json:"session"` // grows by one with every holder
	Generations map[string]uint64 `json:"generations"`
}

// A slot is a length, a CRC-32C and the record in JSON.
const (
	slots      = 2
	slotBytes  = 64 << 10
	slotHeader = 8
)

func takeLock(path string) (*lock, error) {
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
	// Read again: until the lock was ours its last holder may have written.
	l := &lock{file: f, record: readRecord(f)}
	if l.record.Generations == nil {
		l.record.Generations = map[string]uint64{}
	}
	l.record.PID, l.record.Since = os.Getpid(), time.Now().UTC().Truncate(time.Second)
	l.record.Session++
	if l.record.Host, err = os.Hostname(); err != nil {
		l.record.Host = "unknown host"
	}
	if err := l.store(l.record); err != nil {
		_ = f.Close()
		return nil, err
	}
	return l, nil
}

func (l *lock) release() error { return l.file.Close() }

// write records the generation of a name. A failure leaves the older record, which is the lenient one.
func (l *lock) write(name string, generation uint64) error {
	next := l.record
	next.Generations = maps.Clone(next.Generations)
	next.Generations[name] = generation
	// Kept in memory even if writing fails: the snapshot of this generation is already on the disk.
	l.record.Generations[name] = generation
	return l.store(next)
}

func (l *lock) store(next record) error {
	next.Sequence++
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if len(text) > slotBytes-slotHeader {
		return errors.New("lock record: too many names")
	}
	b := make([]byte, slotHeader, slotHeader+len(text))
	binary.LittleEndian.PutUint32(b, uint32(len(text)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(text, castagnoli))
	b = append(b, text...)
	if _, err := l.file.WriteAt(b, int64(next.Sequence%slots)*slotBytes); err != nil {
		return fmt.Errorf("lock record: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("lock record: %w", err)
	}
	l.record = next
	return nil
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
	if len(b) < slotHeader {
		return record{}, false
	}
	length := binary.LittleEndian.Uint32(b)
	text := b[slotHeader:]
	if uint64(length) > uint64(len(text)) {
		return record{}, false
	}
	text = text[:length]
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return record{}, false
	}
	var r record
	return r, json.Unmarshal(text, &r) == nil
}

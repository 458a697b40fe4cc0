package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// mark is how far a log was known to be durable, in a file beside it. Once it was written it can neither be missing nor damaged:
// it lies within one sector, which a crash leaves as it was or as it became.
type mark struct {
	segment uint64
	end     int64
	turn    uint64 // how often the log was opened and closed
}

const markBytes = 8 + 8 + 8 + 4

func (m mark) encode() []byte {
	b := make([]byte, 0, markBytes)
	b = binary.LittleEndian.AppendUint64(b, m.segment)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.end))
	b = binary.LittleEndian.AppendUint64(b, m.turn)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func parseMark(b []byte) (mark, bool) {
	if len(b) != markBytes || crc32.Checksum(b[:markBytes-4], castagnoli) != binary.LittleEndian.Uint32(b[markBytes-4:]) {
		return mark{}, false
	}
	return mark{binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b[16:])}, true
}

func (d *Dir) markFile(name string) string { return filepath.Join(d.path, name+".mark") }

// readMark returns the mark of a log, false if there is none that is whole.
func (d *Dir) readMark(name string) (mark, bool, error) {
	info, err := os.Stat(d.markFile(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mark{}, false, nil
	case err != nil:
		return mark{}, false, err
	case !info.Mode().IsRegular() || info.Size() != markBytes:
		return mark{}, false, nil
	}
	b, err := os.ReadFile(d.markFile(name))
	if err != nil {
		return mark{}, false, fmt.Errorf("its mark: %w", err)
	}
	m, ok := parseMark(b)
	return m, ok, nil
}

// The mark is written without waiting for the disk: it outlives the process, and after a crash of the machine an older mark is
// only a more lenient one.
func (l *Log) writeMark() error {
	_, err := l.mark.WriteAt(mark{l.segment, l.end, l.turn}.encode(), 0)
	return err
}

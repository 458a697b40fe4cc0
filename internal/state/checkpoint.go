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

// checkpoint is the position up to which a log was known to be durable, in a file beside the log. Once written it can
// be neither missing nor damaged: it lies within one sector, which a crash leaves either old or new. The file is named
// after the log and .mark, as in the first release.
type checkpoint struct {
	segment uint64
	end     int64
	epoch   uint64 // how often the log was opened and closed
}

const checkpointBytes = 8 + 8 + 8 + 4

func (c checkpoint) encode() []byte {
	b := make([]byte, 0, checkpointBytes)
	b = binary.LittleEndian.AppendUint64(b, c.segment)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.end))
	b = binary.LittleEndian.AppendUint64(b, c.epoch)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func parseCheckpoint(b []byte) (checkpoint, bool) {
	if len(b) != checkpointBytes || crc32.Checksum(b[:checkpointBytes-4],
		castagnoli) != binary.LittleEndian.Uint32(b[checkpointBytes-4:]) {
		return checkpoint{}, false
	}
	return checkpoint{
		binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:])),
		binary.LittleEndian.Uint64(b[16:]),
	}, true
}

func (d *Dir) checkpointFile(name string) string { return filepath.Join(d.path, name+".mark") }

// readCheckpoint returns the checkpoint of a log, false if none is intact.
func (d *Dir) readCheckpoint(name string) (checkpoint, bool, error) {
	info, err := os.Stat(d.checkpointFile(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkpoint{}, false, nil
	case err != nil:
		return checkpoint{}, false, err
	case !info.Mode().IsRegular() || info.Size() != checkpointBytes:
		return checkpoint{}, false, nil
	}
	b, err := os.ReadFile(d.checkpointFile(name))
	if err != nil {
		return checkpoint{}, false, fmt.Errorf("its checkpoint: %w", err)
	}
	c, ok := parseCheckpoint(b)
	return c, ok, nil
}

// writeCheckpoint writes the checkpoint without waiting for the disk: it outlives the process, and after a crash of the
// machine an older checkpoint is only a more lenient one.
func (l *Log) writeCheckpoint() error {
	_, err := l.checkpoint.WriteAt(checkpoint{l.segment, l.end, l.epoch}.encode(), 0)
	return err
}

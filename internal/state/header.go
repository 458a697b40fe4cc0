package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// magic begins every snapshot. Its last byte is the version of the header itself.
const magic = "THSTATE\x01"

// Layout of the header, little endian: magic, version, generation, length, then a CRC-32C over all of
// these and the payload, so that a flipped bit is noticed wherever it is.
const (
	versionAt    = len(magic)
	generationAt = versionAt + 4
	lengthAt     = generationAt + 8
	checksumAt   = lengthAt + 8
	headerBytes  = checksumAt + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type header struct {
	version    uint32 // of the payload's format, the caller's business
	generation uint64 // grows by one with every save of a name
	length     uint64
}

func (h header) encode(payload []byte) []byte {
	b := make([]byte, 0, headerBytes)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, h.version)
	b = binary.LittleEndian.AppendUint64(b, h.generation)
	b = binary.LittleEndian.AppendUint64(b, h.length)
	sum := crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, payload)
	return binary.LittleEndian.AppendUint32(b, sum)
}

// parse splits a file into header and payload. Every error is ErrCorrupt.
func parse(data []byte) ([]byte, header, error) {
	if len(data) < headerBytes || string(data[:versionAt]) != magic {
		return nil, header{}, fmt.Errorf("%w: no header", ErrCorrupt)
	}
	h := header{
		version:    binary.LittleEndian.Uint32(data[versionAt:]),
		generation: binary.LittleEndian.Uint64(data[generationAt:]),
		length:     binary.LittleEndian.Uint64(data[lengthAt:]),
	}
	payload := data[headerBytes:]
	if h.length != uint64(len(payload)) {
		return nil, header{}, fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(payload), h.length)
	}
	sum := crc32.Update(crc32.Checksum(data[:checksumAt], castagnoli), castagnoli, payload)
	if sum != binary.LittleEndian.Uint32(data[checksumAt:]) {
		return nil, header{}, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	return payload, h, nil
}

package storage

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Fields of a line of /proc/diskstats after the device's name. Kernels before 4.18 write 11, those before
// 5.5 write 15, later ones 17; what comes after is not known yet and left alone.
const (
	fieldReads = iota
	fieldReadsMerged
	fieldSectorsRead
	fieldReadTime
	fieldWrites
	fieldWritesMerged
	fieldSectorsWritten
	fieldWriteTime
	fieldInFlight
	fieldBusyTime
	fieldWeightedTime
	fieldDiscards
	fieldDiscardsMerged
	fieldSectorsDiscarded
	fieldDiscardTime
	fieldFlushes
	fieldFlushTime
	knownFields

	leastFields   = fieldDiscards
	flushFields   = fieldFlushes
	sectorBytes   = 512 // whatever the device's own sector size
	maxNameLength = 128
)

// device is one line of /proc/diskstats.
type device struct {
	major, minor uint32
	name         string
	fields       int // how many of values the kernel wrote
	values       [knownFields]uint64
}

// has reports whether the kernel counts the field.
func (d *device) has(field int) bool { return field < d.fields }

// ioFields are the positions of an operation's counters, -1 for a missing one. Merged requests are left to the
// node_exporter: no limit of a device is measured in them.
type ioFields struct {
	operation             string
	count, sectors, timed int
}

var operations = []ioFields{
	{metric.OperationRead, fieldReads, fieldSectorsRead, fieldReadTime},
	{metric.OperationWrite, fieldWrites, fieldSectorsWritten, fieldWriteTime},
	{metric.OperationDiscard, fieldDiscards, fieldSectorsDiscarded, fieldDiscardTime},
	{metric.OperationFlush, fieldFlushes, -1, fieldFlushTime},
}

// parseDiskstats appends the devices of a text to list. An unreadable line is an error that names it: a
// kernel that writes something else must not look like a machine without disks.
func parseDiskstats(text []byte, list []device) ([]device, error) {
	for number := 1; len(text) > 0; number++ {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		d, ok, err := parseDevice(line)
		if err != nil {
			return nil, fmt.Errorf("diskstats line %d: %w", number, err)
		}
		if ok {
			list = append(list, d)
		}
	}
	return list, nil
}

func parseDevice(line []byte) (d device, ok bool, err error) {
	word, rest := nextWord(line)
	if len(word) == 0 {
		return d, false, nil
	}
	major, errMajor := parseUint(word, 32)
	word, rest = nextWord(rest)
	minor, errMinor := parseUint(word, 32)
	if errMajor != nil || errMinor != nil {
		return d, false, fmt.Errorf("no device number in %.80q", line)
	}
	d.major, d.minor = uint32(major), uint32(minor)
	word, rest = nextWord(rest)
	if len(word) == 0 || len(word) > maxNameLength {
		return d, false, fmt.Errorf("no device name in %.80q", line)
	}
	d.name = string(word)
	for d.fields < knownFields {
		word, rest = nextWord(rest)
		if len(word) == 0 {
			break
		}
		if d.values[d.fields], err = parseUint(word, 64); err != nil {
			return d, false, fmt.Errorf("field %d of %s: invalid number %q", d.fields+1, d.name, word)
		}
		d.fields++
	}
	switch {
	case d.fields < leastFields:
		return d, false, fmt.Errorf("%s has %d fields, at least %d are expected", d.name, d.fields, leastFields)
	case d.fields < flushFields:
		d.fields = leastFields // discards come as four or not at all
	case d.fields < knownFields:
		d.fields = flushFields
	}
	return d, true, nil
}

func nextWord(line []byte) (word, rest []byte) {
	line = bytes.TrimLeft(line, " \t")
	if end := bytes.IndexAny(line, " \t"); end >= 0 {
		return line[:end], line[end:]
	}
	return line, nil
}

// parseUint is strconv.ParseUint for bytes, without a string on the way.
func parseUint(word []byte, bits int) (uint64, error) {
	limit := uint64(1)<<bits - 1
	if bits == 64 {
		limit = ^uint64(0)
	}
	if len(word) == 0 {
		return 0, strconv.ErrSyntax
	}
	var n uint64
	for _, c := range word {
		digit := uint64(c - '0')
		if c < '0' || c > '9' {
			return 0, strconv.ErrSyntax
		}
		if n > (limit-digit)/10 {
			return 0, strconv.ErrRange
		}
		n = n*10 + digit
	}
	return n, nil
}

package stream

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// Positions of partitions move from one saved state to another; what was counted stays where it was counted. Counters
// add up over exporters, and so do the windows of tenants: nothing could be lost or counted twice on its way.

// exportVersion is that of the format of Export.
const exportVersion = 1

// Bounds of an export that is read.
const (
	// MaxExportBytes holds a million ids of messages and the positions of 65,536 partitions.
	MaxExportBytes = 32 << 20
	maxPartitions  = 1 << 16
)

// Export is the positions in some partitions of a stream, on their way to another exporter.
type Export struct {
	Version    int    `json:"version"`
	Stream     string `json:"stream"` // as its positions are saved, such as kafka:requests
	Source     string `json:"source"` // of the policy
	AppService string `json:"app_service"`
	Identity   string `json:"identity"` // of the stream, hexadecimal
	// Partitions is how many the stream had.
	Partitions int                `json:"partitions"`
	Positions  []ExportedPosition `json:"positions"`
	// MessageIDs are hashes of the ids by which copies of messages are known, eight bytes each, in base64.
	MessageIDs string `json:"message_ids,omitempty"`
}

// ExportedPosition is where to go on in a partition.
type ExportedPosition struct {
	Partition int   `json:"partition"`
	Next      int64 `json:"next"` // of the message that comes next
	// Written is when the last message that was counted was written; zero if none was.
	Written time.Time `json:"written,omitzero"`
}

// Held is what a saved state has of a stream.
type Held struct {
	Source, AppService, Stream string
	// Partitions is how many the stream had when it was last looked at.
	Partitions int
	Positions  []ExportedPosition
	Exported   []int // partitions with which other exporters have gone on

	number   int
	progress progress
}

// HeldIn returns the streams that a saved state has positions in.
func HeldIn(st *store.Store) []*Held {
	var all []*Held
	for _, source := range st.Sources() {
		for _, f := range source.Files {
			if !f.Stream || isPartition(source.Files, f.Path) {
				continue
			}
			h := &Held{
				Source: source.Name, AppService: source.Service, Stream: f.Path, number: source.Number,
				progress: restore(f.Path, source.Files),
			}
			h.Partitions = h.progress.partitions
			for _, n := range slices.Sorted(maps.Keys(h.progress.next)) {
				h.Positions = append(h.Positions, h.progress.position(n))
			}
			h.Exported = slices.Sorted(maps.Keys(h.progress.exported))
			all = append(all, h)
		}
	}
	return all
}

// isPartition reports whether a path is that of a partition of a stream of the same source.
func isPartition(files []store.File, path string) bool {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return false
	}
	_, ok := partitionOf(path[:i], path)
	return ok && slices.ContainsFunc(files, func(f store.File) bool { return f.Stream && f.Path == path[:i] })
}

func (p *progress) position(n int) ExportedPosition {
	e := ExportedPosition{Partition: n, Next: p.next[n]}
	if at := p.at[n]; at != 0 {
		e.Written = time.Unix(0, at).UTC()
	}
	return e
}

// Export takes the positions of some partitions out of a saved state, in which no exporter runs. written is called with
// the export before the state changes: when it returns an error, nothing does. The state then keeps the positions, so
// that partitions that were exported before are exported again if again is set.
func (h *Held) Export(st *store.Store, owns func(partition int) bool, again bool, written func(*Export) error) error {
	e := &Export{
		Version: exportVersion, Stream: h.Stream, Source: h.Source, AppService: h.AppService, Partitions: h.Partitions,
		Identity:   fmt.Sprintf("%016x%016x", h.progress.identity[0], h.progress.identity[1]),
		MessageIDs: encodeIDs(st.IDs(h.number)),
	}
	var files []store.File
	for _, f := range st.Files(h.number) {
		n, ok := partitionOf(h.Stream, f.Path)
		if !f.Stream || !ok || !owns(n) {
			continue
		}
		if f.Exported && !again {
			return fmt.Errorf("partition %d was exported before: import that file, or add --again if it is lost and was "+
				"never imported", n)
		}
		f.Exported = true
		files = append(files, f)
		one := progress{next: map[int]int64{n: int64(f.Offset)}, at: map[int]int64{n: f.Modified}}
		e.Positions = append(e.Positions, one.position(n))
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no position in these partitions of %s", h.Source, h.Stream)
	}
	slices.SortFunc(e.Positions, func(a, b ExportedPosition) int { return a.Partition - b.Partition })
	if err := written(e); err != nil {
		return err
	}
	return st.Save(store.Encode(&store.Batch{Source: h.number, Files: files}))
}

// Import adds the positions to a saved state, in which no exporter runs: all of them or none.
func (e *Export) Import(st *store.Store) error {
	to := progress{
		known: true, identity: e.identity(), partitions: e.Partitions, next: map[int]int64{}, at: map[int]int64{},
	}
	for _, h := range HeldIn(st) {
		if h.Stream != e.Stream {
			continue
		}
		if h.Source != e.Source || h.AppService != e.AppService {
			return fmt.Errorf("the source %s of %s reads %s here, and %s of %s did where it was exported: give both the "+
				"same name and app_service, and start the exporter here once before",
				h.Source, h.AppService, e.Stream, e.Source, e.AppService)
		}
		if zero := (Identity{}); h.progress.identity != to.identity && h.progress.identity != zero && to.identity != zero {
			return fmt.Errorf("%s was deleted and created anew between the export and what is here: positions of the one "+
				"mean nothing in the other", e.Stream)
		}
		for _, p := range e.Positions {
			if next, ok := h.progress.next[p.Partition]; ok {
				return fmt.Errorf("partition %d is counted here already, up to position %d: the file was imported before, "+
					"or is not for this state", p.Partition, next)
			}
		}
		for _, f := range st.Files(h.number) {
			n, ok := partitionOf(e.Stream, f.Path)
			i := slices.IndexFunc(e.Positions, func(p ExportedPosition) bool { return p.Partition == n })
			if ok && i >= 0 && f.Exported && e.Positions[i].Next < int64(f.Offset) {
				return fmt.Errorf("partition %d was counted here up to position %d and is at %d in the file: "+
					"it is older than what left", n, f.Offset, e.Positions[i].Next)
			}
		}
		to.partitions = max(to.partitions, h.progress.partitions)
		to.missed, to.missedAt = h.progress.missed, h.progress.missedAt
	}
	moved := map[int]bool{}
	for _, p := range e.Positions {
		to.next[p.Partition], moved[p.Partition] = p.Next, true
		if !p.Written.IsZero() {
			to.at[p.Partition] = p.Written.UnixNano()
		}
	}
	ids, err := decodeIDs(e.MessageIDs)
	if err != nil {
		return err
	}
	return st.Save(store.Encode(&store.Batch{
		Source: st.Add(e.Source, e.AppService), IDs: ids,
		Files: append(to.files(e.Stream, moved), to.whole(e.Stream)),
	}))
}

func (e *Export) identity() (id Identity) {
	b, _ := hex.DecodeString(e.Identity) // check has read it
	for i := range id {
		id[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return id
}

// Write returns the export as a file: a line of JSON, and one with its SHA-256.
func (e *Export) Write() ([]byte, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(append(line, '\n'), "%x\n", sha256.Sum256(line)), nil
}

// ReadExport reads what Write returned.
func ReadExport(file []byte) (*Export, error) {
	if len(file) > MaxExportBytes {
		return nil, fmt.Errorf("invalid export: %d bytes, at most %d", len(file), MaxExportBytes)
	}
	line, sum, ok := bytes.Cut(file, []byte("\n"))
	if want := sha256.Sum256(line); !ok || string(bytes.TrimSpace(sum)) != hex.EncodeToString(want[:]) {
		return nil, errors.New("invalid export: its checksum is missing or of something else: copy the whole file anew")
	}
	e := &Export{}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, fmt.Errorf("invalid export: %w", err)
	}
	return e, e.check()
}

func (e *Export) check() error {
	if e.Version != exportVersion {
		return fmt.Errorf("invalid export: version %d: this program reads version %d; use that of the exporter",
			e.Version, exportVersion)
	}
	if b, err := hex.DecodeString(e.Identity); err != nil || len(b) != len(Identity{})*8 {
		return fmt.Errorf("invalid export: identity %q", e.Identity)
	}
	if e.Stream == "" || e.Source == "" || e.AppService == "" || len(e.Positions) == 0 || e.Partitions > maxPartitions {
		return errors.New("invalid export: stream, source, app_service or positions are missing, or partitions too many")
	}
	seen := map[int]bool{}
	for _, p := range e.Positions {
		if p.Partition < 0 || p.Partition >= e.Partitions || p.Next < 0 || seen[p.Partition] {
			return fmt.Errorf("invalid export: partition %d of %d, position %d", p.Partition, e.Partitions, p.Next)
		}
		seen[p.Partition] = true
	}
	_, err := decodeIDs(e.MessageIDs)
	return err
}

func encodeIDs(ids []uint64) string {
	b := make([]byte, 0, 8*len(ids))
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func decodeIDs(text string) ([]uint64, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%8 != 0 {
		return nil, errors.New("invalid export: message_ids are not base64 of eight bytes each")
	}
	ids := make([]uint64, 0, len(b)/8)
	for part := range slices.Chunk(b, 8) {
		ids = append(ids, binary.LittleEndian.Uint64(part))
	}
	return ids, nil
}

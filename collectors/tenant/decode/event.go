// Package decode turns records of request logs into events, in place and without allocating. Every decoder
// accepts exactly what its format's grammar accepts: keys in any order, escapes, nested objects, a key given
// twice (the last one counts, as in encoding/json).
package decode

import (
	"bytes"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Event is one request. Its byte slices are valid until the decoder's next call.
type Event struct {
	Host   []byte
	Path   []byte
	Tenant []byte // where the format has a field for it
	ID     []byte // of the request, where the vendor gives one
	// Status is 0 if there was no answer.
	Status   int
	Duration int64 // nanoseconds; negative if the record has none
	// Unreadable is why there is no Duration although the record has one, and Unread what it has.
	Unreadable Unreadable
	Unread     []byte
	Bytes      uint64
	Time       int64 // Unix nanoseconds; 0 if the record has none
	Probe      bool  // made by a health check of ours
}

// Class is the index of the event's status in metric.CodeClasses.
func (e *Event) Class() int {
	if e.Status < 100 || e.Status > 599 {
		return 4
	}
	return e.Status/100 - 1
}

// Outcome is what becomes of a record.
type Outcome uint8

// Counted, or why not. The order is that of metric.RejectReasons, then metric.IgnoreReasons.
const (
	Counted Outcome = iota
	Syntax
	TooLong
	NoStatus
	NoRequest
	Revalidation
	Subrequest
	Duplicate
	Test
	Outcomes // how many there are
)

// Rejected reports whether the record could not be read, as opposed to understood and left out.
func (v Outcome) Rejected() bool { return v >= Syntax && v <= NoStatus }

// Reason is the label value of an outcome other than Counted.
func (v Outcome) Reason() string {
	if v.Rejected() {
		return metric.RejectReasons[v-Syntax]
	}
	return metric.IgnoreReasons[v-NoRequest]
}

// Decoder reads one record. It keeps scratch memory and is for one goroutine.
type Decoder interface {
	// Decode fills the event from a record without its line break.
	Decode(record []byte, e *Event) Outcome
}

// Options are what a source specifies about its format.
type Options struct {
	Format       string
	Fields       map[string]string // by the names of config.EventFields
	DurationUnit string
	Path         bool // the event's path is wanted
	Probes       *Probes
}

// pathOf cuts the query off.
func pathOf(uri []byte) []byte {
	if i := bytes.IndexByte(uri, '?'); i >= 0 { //nolint:modernize // bytes.Cut is slower
		return uri[:i]
	}
	return uri
}

package health

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// maxRecords bounds what is kept of one probe's log.
const maxRecords = 200

// record is one log record of a prober.
type record struct {
	message string
	level   slog.Level
	err     error
	attrs   []slog.Attr
}

// reason names what the prober complained of, empty if the record is no complaint. The messages are those
// of blackbox_exporter v0.28.0; a test holds each against the real prober.
func (r record) reason() string {
	if r.level < slog.LevelError {
		return ""
	}
	switch {
	case strings.HasPrefix(r.message, "Invalid HTTP response status code"):
		return reasonStatus
	case strings.HasPrefix(r.message, "Invalid HTTP version"):
		return reasonProtocol
	case strings.HasPrefix(r.message, "Header ") || strings.HasPrefix(r.message, "Missing required header"):
		if isCacheHeader(r.attr("header")) {
			return reasonCached
		}
		return reasonHeader
	case strings.HasPrefix(r.message, "Body ") || strings.Contains(r.message, "regular expression") ||
		strings.Contains(r.message, "CEL") || strings.Contains(r.message, "body to JSON"):
		return reasonBody
	case strings.Contains(r.message, "request was over SSL") || strings.Contains(r.message, "request was not over SSL"):
		return reasonTLS
	}
	return ""
}

// complains reports whether the prober holds the record against the target.
func (r record) complains() bool { return r.level >= slog.LevelError && r.message != closeFailed }

// closeFailed is logged of a connection whose answer was read already.
const closeFailed = "Error while closing response from server"

func (r record) attr(key string) string {
	for _, a := range r.attrs {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// capture is a slog.Handler that keeps a prober's records instead of writing them.
type capture struct {
	records *[]record
	debug   bool // keep debug records too, for people
}

func newCapture(debug bool) capture { return capture{records: new([]record), debug: debug} }

// Enabled implements slog.Handler.
func (c capture) Enabled(_ context.Context, level slog.Level) bool {
	return c.debug || level >= slog.LevelError
}

// Handle implements slog.Handler.
func (c capture) Handle(_ context.Context, r slog.Record) error {
	if len(*c.records) >= maxRecords {
		return nil
	}
	kept := record{message: r.Message, level: r.Level}
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && kept.err == nil {
			kept.err = err
		}
		kept.attrs = append(kept.attrs, a)
		return true
	})
	*c.records = append(*c.records, kept)
	return nil
}

// WithAttrs implements slog.Handler. The probers add none that matter here.
func (c capture) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c capture) WithGroup(string) slog.Handler { return c }

// attr returns the first attribute of a name in any record.
func (c capture) attr(key string) string {
	for _, r := range *c.records {
		if v := r.attr(key); v != "" {
			return v
		}
	}
	return ""
}

// unspoken are the attributes in which probers log what they send and receive, such as passwords of a dialogue.
var unspoken = []string{"line", "bytes", "body", "expect"}

// text writes the records for a person.
func (c capture) text() string {
	var b strings.Builder
	for _, r := range *c.records {
		fmt.Fprintf(&b, "level=%s msg=%q", strings.ToLower(r.level.String()), r.message)
		for _, a := range r.attrs {
			value := a.Value.String()
			if slices.Contains(unspoken, a.Key) {
				value = "<not shown>"
			}
			fmt.Fprintf(&b, " %s=%q", a.Key, value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

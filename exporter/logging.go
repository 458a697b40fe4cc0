package exporter

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	kitlog "github.com/go-kit/log"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Values of --log.format and --log.level.
var (
	LogFormats = []string{"logfmt", "json"}
	LogLevels  = []string{"debug", "info", "warn", "error"}
)

// Lines look as those of every other exporter: UTC, milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// NewLogger returns a logger that writes lines with the keys ts, caller, level and msg first.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var minimum slog.Level
	if err := minimum.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: use one of %s", level, strings.Join(LogLevels, ", "))
	}
	w = kitlog.NewSyncWriter(w)
	var out kitlog.Logger
	switch format {
	case "logfmt":
		out = kitlog.NewLogfmtLogger(w)
	case "json":
		out = kitlog.NewJSONLogger(w)
	default:
		return nil, fmt.Errorf("log format %q: use one of %s", format, strings.Join(LogFormats, ", "))
	}
	return slog.New(&logHandler{out: out, minimum: minimum}), nil
}

// logHandler hands slog records to go-kit's encoders. A group becomes a prefix, as logfmt is flat.
type logHandler struct {
	out     kitlog.Logger
	minimum slog.Level
	prefix  string
	keyvals []any
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.minimum }

// Handle implements slog.Handler.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	keyvals := make([]any, 0, 8+len(h.keyvals)+2*r.NumAttrs())
	if !r.Time.IsZero() {
		keyvals = append(keyvals, "ts", r.Time.UTC().Format(timeFormat))
	}
	if r.PC != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		keyvals = append(keyvals, "caller", filepath.Base(frame.File)+":"+strconv.Itoa(frame.Line))
	}
	keyvals = append(keyvals, "level", strings.ToLower(r.Level.String()), "msg", r.Message)
	own := len(keyvals) - 1 // the message of a server's log is text from elsewhere
	keyvals = append(keyvals, h.keyvals...)
	r.Attrs(func(a slog.Attr) bool {
		keyvals = appendAttr(keyvals, h.prefix, a)
		return true
	})
	// Last, and not when an attribute is bound: a secret may have become known since.
	for i := own; i < len(keyvals); i += 2 {
		if text, ok := keyvals[i].(string); ok {
			keyvals[i] = secret.Mask(text)
		}
	}
	return h.out.Log(keyvals...)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.keyvals = slices.Clone(h.keyvals)
	for _, a := range attrs {
		with.keyvals = appendAttr(with.keyvals, h.prefix, a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	with := *h
	if name != "" {
		with.prefix += name + "."
	}
	return &with
}

// reservedKeys would hide the line's own: the JSON encoder keeps the last of two equal keys.
var reservedKeys = []string{"ts", "caller", "level", "msg"}

func appendAttr(keyvals []any, prefix string, a slog.Attr) []any {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range v.Group() {
			keyvals = appendAttr(keyvals, prefix, member)
		}
		return keyvals
	}
	if a.Key == "" {
		return keyvals
	}
	key := prefix + a.Key
	if slices.Contains(reservedKeys, key) {
		key = "logged_" + key
	}
	return append(keyvals, key, plain(v))
}

// plain turns a value into one that both encoders know. Logfmt refuses the whole line for a slice in it.
func plain(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindString:
		return v.Any()
	case slog.KindFloat64:
		// JSON has no NaN and no infinity.
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	case slog.KindDuration:
		return v.Duration().String()
	case slog.KindTime:
		return v.Time().UTC().Format(timeFormat)
	}
	if t, ok := v.Any().(time.Time); ok {
		return t.UTC().Format(timeFormat)
	}
	return fmt.Sprintf("%+v", v.Any())
}

package runner

import (
	"strings"
	"sync"
)

// maxTail is how much of the output of a run is reported: its end, as much as the other side keeps.
const maxTail = 10_000

// tail keeps the last bytes that are written to it.
type tail struct {
	limit int

	mu    sync.Mutex
	bytes []byte
	cut   bool
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if len(p) > t.limit {
		p, t.cut = p[len(p)-t.limit:], true
	}
	if over := len(t.bytes) + len(p) - t.limit; over > 0 {
		t.bytes = t.bytes[:copy(t.bytes, t.bytes[over:])]
		t.cut = true
	}
	t.bytes = append(t.bytes, p...)
	return n, nil
}

// String returns what was kept, from the beginning of a line on if anything before it was cut.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := string(t.bytes)
	if _, rest, ok := strings.Cut(text, "\n"); t.cut && ok && rest != "" {
		text = rest
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// How often progress is reported: to a terminal, and to a log.
const (
	terminalPace = 200 * time.Millisecond
	logPace      = 10 * time.Second
)

// progress reports how far a command is on standard error: in one line of a terminal, or in a line now and then.
type progress struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	last  time.Time
	drawn bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, last: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// at reports a step, unless one was reported a moment ago.
func (p *progress) at(what string, share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pace := logPace
	if p.terminal {
		pace = terminalPace
	}
	if time.Since(p.last) < pace {
		return
	}
	p.last = time.Now()
	if p.terminal {
		p.drawn = true
		_, _ = fmt.Fprintf(p.out, "\r%s: %3.0f %%\033[K", what, 100*share)
		return
	}
	_, _ = fmt.Fprintf(p.out, "%s: %.0f %%\n", what, 100*share)
}

// end clears the line of a terminal.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		p.drawn = false
		_, _ = fmt.Fprint(p.out, "\r\033[K")
	}
}

package regularfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// maxHanging bounds the calls that were left behind because their disk hangs. Each holds a thread until it returns.
const maxHanging = 128

// ErrHangs marks a file of which an earlier call has not returned yet.
var ErrHangs = errors.New("its disk hangs: an earlier call has not returned")

// errNotBegun marks a call that did not do its work.
var errNotBegun = errors.New("not begun")

// hanging are the calls that outlasted their contexts, by name.
var (
	mu      sync.Mutex
	hanging = map[string]*leftBehind{}
	total   int
)

// leftBehind are calls for one name.
type leftBehind struct {
	calls int
	ended chan struct{} // closed when all have returned
}

// patience is how long a call waits for one that was left behind: a reload leaves some whose disk does not hang.
const patience = time.Second

// await calls work and returns what it returns, or the context's error as soon as the context ends. A call that is left
// behind ends whenever the disk answers; discard gives back what it then returns. While it hangs, there is no other
// for the same name.
func await[T any](ctx context.Context, name string, work func() (T, error), discard func(T) error) (T, error) {
	var none T
	if err := mayBegin(ctx, name); err != nil {
		return none, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: %w", errNotBegun, err)}
	}
	if ctx.Done() == nil {
		return work()
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	var left bool // guarded by mu
	go func() {
		value, err := work()
		mu.Lock()
		defer mu.Unlock()
		if !left {
			done <- result{value, err}
			return
		}
		total--
		if l := hanging[name]; l.calls > 1 {
			l.calls--
		} else {
			delete(hanging, name)
			close(l.ended)
		}
		if err == nil && discard != nil {
			_ = discard(value)
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	select {
	case r := <-done: // between the two
		return r.value, r.err
	default:
	}
	left = true
	total++
	if hanging[name] == nil {
		hanging[name] = &leftBehind{ended: make(chan struct{})}
	}
	hanging[name].calls++
	return none, &fs.PathError{Op: "open", Path: name, Err: context.Cause(ctx)}
}

// mayBegin returns ErrHangs while a call for a name hangs, or too many for others, after some patience.
func mayBegin(ctx context.Context, name string) error {
	mu.Lock()
	l := hanging[name]
	mu.Unlock()
	if l != nil && ctx.Err() == nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-l.ended:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	mu.Lock()
	defer mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case hanging[name] != nil || total >= maxHanging:
		return ErrHangs
	}
	return nil
}

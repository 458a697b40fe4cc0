package regularfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
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
	hanging = map[string]int{}
	total   int
)

// await calls work and returns what it returns, or the context's error as soon as the context ends. A call that is left
// behind ends whenever the disk answers; discard gives back what it then returns. While it hangs, there is no other
// for the same name.
func await[T any](ctx context.Context, name string, work func() (T, error), discard func(T) error) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: %w", errNotBegun, context.Cause(ctx))}
	}
	mu.Lock()
	refused := hanging[name] > 0 || total >= maxHanging
	mu.Unlock()
	if refused {
		return none, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: %w", errNotBegun, ErrHangs)}
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
		if total--; hanging[name] == 1 {
			delete(hanging, name)
		} else {
			hanging[name]--
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
	hanging[name]++
	return none, &fs.PathError{Op: "open", Path: name, Err: context.Cause(ctx)}
}

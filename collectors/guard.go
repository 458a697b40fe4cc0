package collectors

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// panicError is a panic that was contained. Its stack is logged and appears nowhere else.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Guard runs f and returns its panic as an error with ReasonPanic.
func Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = Panic(v)
		}
	}()
	return f()
}

// Panic returns a value that was recovered as an error with ReasonPanic. The deferred function that recovered it must
// call it, for the stack.
func Panic(recovered any) error {
	return &ReasonError{Reason: ReasonPanic, Err: &panicError{recovered, debug.Stack()}}
}

// Async runs f in a goroutine of its own and sends its error, or its panic as one. It is for a single piece of work
// that a hung disk or server may delay beyond the caller's patience: the result is kept until it is received, or for
// ever.
func Async(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- Guard(f) }()
	return done
}

// LogPanic logs the stack of an error that was a panic, and nothing for another.
func LogPanic(logger *slog.Logger, err error) {
	if p, ok := errors.AsType[*panicError](err); ok {
		logger.Error("Collector panicked", "panic", fmt.Sprint(p.value), "stack", string(p.stack))
	}
}

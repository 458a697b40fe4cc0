// Package testkit is what the tests of several packages share: waiting for a condition, files, free addresses, and what
// a program logs while it runs. It imports nothing of ours, so that the tests of every package can use it.
package testkit

import (
	"fmt"
	"testing"
	"time"
)

const (
	// limit is how long a condition may take. It is far more than any needs on a busy machine.
	limit = 2 * time.Minute
	// interval is the time between two checks of a condition.
	interval = 5 * time.Millisecond
)

// Eventually waits until a condition holds. After two minutes it ends the test with a message that names the condition.
// An argument of type Last prints what was seen last. In a bubble of testing/synctest the bubble's clock counts.
func Eventually(t testing.TB, condition func() bool, format string, args ...any) {
	t.Helper()
	Within(t, limit, condition, format, args...)
}

// Within is Eventually for what may take longer, such as a program that runs at a low priority beside other tests.
func Within(t testing.TB, limit time.Duration, condition func() bool, format string, args ...any) {
	t.Helper()
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(interval) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, fmt.Sprintf(format, args...))
		}
	}
}

// Last is an argument of a message that is evaluated when the message is printed.
type Last func() any

// Format prints the current value with the verb and the flags of the message.
func (l Last) Format(s fmt.State, verb rune) { fmt.Fprintf(s, fmt.FormatString(s, verb), l()) }

// Package testkit is what the tests of several packages share: waiting for a condition, and writing files. It imports
// nothing of ours, so that the tests of every package can use it.
package testkit

import (
	"fmt"
	"os"
	"testing"
	"time"
)

const (
	// limit is how long a condition may take. It is far more than any needs on a busy machine.
	limit = 30 * time.Second
	// interval is the time between two checks of a condition.
	interval = 5 * time.Millisecond
)

// Eventually waits until a condition holds. After 30 s it ends the test with a message that names the condition. An
// argument of type Last prints what was seen last. In a bubble of testing/synctest the bubble's clock counts.
func Eventually(t testing.TB, condition func() bool, format string, args ...any) {
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

// WriteFile writes a file that only its owner may read, or ends the test.
func WriteFile[Text ~string | ~[]byte](t testing.TB, name string, text Text) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

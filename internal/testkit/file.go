package testkit

import (
	"os"
	"testing"
)

// WriteFile writes a file that only its owner may read, or ends the test.
func WriteFile[Text ~string | ~[]byte](t testing.TB, name string, text Text) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

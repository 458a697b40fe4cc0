package testkit

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"
)

// Tool returns the path of a program in bin/tools, which make tools builds; root is the way from the test's package to
// the root of the repository. Without the program the test is skipped with a message.
func Tool(t testing.TB, root, name string) string {
	t.Helper()
	bin := cmp.Or(os.Getenv("THORBIS_BIN"), filepath.Join(root, "bin"))
	program, err := filepath.Abs(filepath.Join(bin, "tools", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skipf("%s is not built (make tools); what it checks was skipped", name)
	}
	return program
}

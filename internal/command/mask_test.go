package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// A program that repeats its password does not have it repeated further, nor half of it where the text is cut.
func TestEchoedSecretIsMasked(t *testing.T) {
	const password = "correct-horse-battery-staple"
	secret.Know(password)
	for _, padding := range []int{0, maxDetail - 10, maxDetail - 20, maxStderr - 10, maxStderr - 20, 2 * maxStderr} {
		for _, end := range []string{" ", "\n"} {
			script := fmt.Sprintf(`printf '%%s' "$P" >&2; printf '%s' >&2; head -c %d /dev/zero | tr '\\0' x >&2; exit 1`,
				strings.ReplaceAll(end, "\n", "\\n"), padding)
			c := sh(script)
			c.Env = []string{"P=" + password}
			r, err := Run(t.Context(), c)
			var exit *ExitError
			if !errors.As(err, &exit) {
				t.Fatal(err)
			}
			for _, part := range []string{password, "battery", "staple", "-horse"} {
				if strings.Contains(exit.Detail, part) {
					t.Errorf("%d %q: %q", padding, end, exit.Detail)
				}
			}
			if padding == 0 && !strings.Contains(exit.Detail, secret.Masked) {
				t.Errorf("%q", exit.Detail)
			}
			if padding > maxStderr && strings.Contains(r.Stderr, "staple") {
				t.Error("half of it is kept")
			}
		}
	}
}

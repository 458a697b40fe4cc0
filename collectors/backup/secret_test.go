package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

// Whatever the program and whatever is done with it, a secret is in its environment and in no argument, which
// every user of the machine can read, and in no error.
func TestSecretsAreInNoArgument(t *testing.T) {
	const password = "correct-horse-battery-staple"
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range Programs() {
		if name == "s3" || name == "supabase" || name == "directory" {
			continue // they run nothing
		}
		t.Run(name, func(t *testing.T) {
			calls, program := filepath.Join(t.TempDir(), "calls"), filepath.Join(t.TempDir(), "program")
			script(t, program, `echo "args: $0 $*" >> `+calls+`; env | sed 's/^/env: /' >> `+calls+`; echo broken; exit 1`)
			b := realPolicy(t, config.BackupSource{
				Program: name, Scope: "main", Repository: "sftp:backup@host:/repo", Command: []string{program},
				Secrets: map[string]*config.SecretRef{"PASSWORD": {File: file}, "RESTIC_REPOSITORY": {File: file}},
			})
			b.Source.Repository = ""
			if name != "restic" {
				b.Source.Repository = "/repo"
			}
			b.RestoreTest = config.BackupRestore{
				Scratch: t.TempDir(), Timeout: b.Timeout, Command: []string{program, "restore"},
				Secrets: map[string]*config.SecretRef{"PASSWORD": {File: file}},
			}
			q, err := newQuery(b)
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			say := func(format string, _ ...any) { said.WriteString(format) }
			if _, err := q.list(t.Context(), false); err == nil || strings.Contains(err.Error(), password) {
				t.Errorf("err = %v", err)
			}
			if q.adapter.verify != nil {
				if _, err := Verify(t.Context(), b, say); err != nil && strings.Contains(err.Error(), password) {
					t.Error(err)
				}
			}
			if _, err := RestoreTest(t.Context(), b, RestoreOptions{Say: say}); err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(calls)
			if err != nil {
				t.Fatal(err)
			}
			given := 0
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "args: ") && strings.Contains(line, password) {
					t.Errorf("in an argument: %s", line)
				}
				if line == "env: PASSWORD="+password+"\n" {
					given++
				}
			}
			if given < 2 {
				t.Errorf("the program was not given its secret:\n%s", text)
			}
			results, _ := filepath.Glob(filepath.Join(b.Results, "*.json"))
			for _, r := range results {
				if text, _ := os.ReadFile(r); strings.Contains(string(text), password) {
					t.Errorf("in %s", r)
				}
			}
		})
	}
}

func TestSecretThatCannotBeReadIsAnErrorWithItsName(t *testing.T) {
	refs := map[string]*config.SecretRef{"A": {File: "/no/such/file"}, "B": {Env: "THORBIS_TEST_NOT_SET"}}
	for name := range refs {
		if _, err := readSecret(t.Context(), refs, name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := environment(t.Context(), nil, refs); err == nil {
		t.Error("a program is run without its secret")
	}
}

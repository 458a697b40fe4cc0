package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Whatever the program and whatever is done with it, a secret is in its environment and in no argument, which
// every user of the machine can read, and in no error.
func TestSecretsAreInNoArgument(t *testing.T) {
	const password = "correct-horse-battery-staple"
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	testkit.WriteFile(t, file, password+"\n")
	for _, name := range program.Names() {
		if name == "s3" || name == "supabase" || name == "directory" {
			continue // they run nothing
		}
		t.Run(name, func(t *testing.T) {
			calls, script := filepath.Join(t.TempDir(), "calls"), filepath.Join(t.TempDir(), "program")
			backuptest.Script(
				t, script, `echo "args: $0 $*" >> `+calls+`; env | sed 's/^/env: /' >> `+calls+`; echo broken; exit 1`)
			b := backuptest.Policy(t, config.BackupSource{
				Program: name, Scope: "main", Repository: "sftp:backup@host:/repo", Command: []string{script},
				Secrets: map[string]*config.SecretRef{"PASSWORD": {File: file}, "RESTIC_REPOSITORY": {File: file}},
			})
			b.Source.Repository = ""
			if name != "restic" {
				b.Source.Repository = "/repo"
			}
			b.RestoreTest = config.BackupRestore{
				Scratch: t.TempDir(), Timeout: b.Timeout, Command: []string{script, "restore"},
				Secrets: map[string]*config.SecretRef{"PASSWORD": {File: file}},
			}
			q, err := program.NewQuery(b)
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			say := func(format string, _ ...any) { said.WriteString(format) }
			if _, err := q.List(t.Context(), nil); err == nil || strings.Contains(err.Error(), password) {
				t.Errorf("err = %v", err)
			}
			if program.Find(name).Verify != nil {
				if _, err := Backup(t.Context(), b, say); err != nil && strings.Contains(err.Error(), password) {
					t.Error(err)
				}
			}
			if _, err := Restore(t.Context(), b, RestoreOptions{Say: say}); err != nil {
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

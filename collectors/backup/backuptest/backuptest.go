// Package backuptest holds what the tests of backups share.
package backuptest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/s3test"
)

// Noon is a time at which backups of tests end.
var Noon = time.Date(2026, 9, 20, 12, 0, 0, 0, time.UTC)

// Policy returns the policy of a backup with a source, with a directory of its own for results.
func Policy(t testing.TB, s config.BackupSource) *config.Backup {
	t.Helper()
	return &config.Backup{
		Name: "main", Timeout: config.Duration(time.Minute), Interval: config.Duration(24 * time.Hour), Results: t.TempDir(),
		Verify: config.BackupVerify{Timeout: config.Duration(time.Minute)}, Source: s,
	}
}

// Scripted returns the policy of a backup whose program is a shell script.
func Scripted(t testing.TB, s config.BackupSource, text string) *config.Backup {
	t.Helper()
	program := filepath.Join(t.TempDir(), s.Program)
	Script(t, program, text)
	s.Command = []string{program}
	return Policy(t, s)
}

// Script writes an executable shell script. A file of that name is replaced.
func Script(t testing.TB, path, text string) {
	t.Helper()
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

// Write writes a file with a time of modification, and the directories above it.
func Write(t testing.TB, path string, text []byte, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// Listing returns the path of a recorded listing in testdata/listings, such as restic.json.
func Listing(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "listings", name)
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

// Recorded returns the content of a recorded listing.
func Recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(Listing(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Bucket is a backup in a bucket of a server, with the credentials in files.
func Bucket(t testing.TB, s *s3test.Server, path, pattern string) *config.Backup {
	t.Helper()
	t.Cleanup(s.Close)
	dir := t.TempDir()
	for name, value := range map[string]string{"access": "AKIATEST", "secret": "very secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := Policy(t, config.BackupSource{
		Program: "s3", Repository: "backups", Path: path, Pattern: pattern, Endpoint: s.URL,
		Secrets: map[string]*config.SecretRef{
			"access_key": {File: filepath.Join(dir, "access")},
			"secret_key": {File: filepath.Join(dir, "secret")},
		},
	})
	if strings.Contains(pattern, "{tenant}") {
		b.PerTenant = &config.BackupPerTenant{}
	}
	return b
}

// Outsiders puts, one after the other, what is no file of a backup in the place of a path: a pipe that would hang, and
// links to a device and to a file that must not be shown.
func Outsiders(t *testing.T, path string, each func(t *testing.T)) {
	t.Helper()
	for name, put := range map[string]func() error{
		"pipe":         func() error { return syscall.Mkfifo(path, 0o600) },
		"directory":    func() error { return os.Mkdir(path, 0o700) },
		"link to file": func() error { return os.Symlink(secretFile(t), path) },
		"link to zero": func() error { return os.Symlink("/dev/zero", path) },
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(path)
			if err := put(); err != nil {
				t.Fatal(err)
			}
			each(t)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		})
	}
}

const shadow = "root:$6$hash:19000:0:99999:7:::\n"

func secretFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(file, []byte(shadow), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Shows reports whether a text holds a part of the secret file, or its checksum.
func Shows(text string) bool {
	sum := sha256.Sum256([]byte(shadow))
	return strings.Contains(text, "$6$") || strings.Contains(text, hex.EncodeToString(sum[:])[:16])
}

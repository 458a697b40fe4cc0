package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/metric"
)

// outsiders puts, one after the other, what is no file of a backup in the place of a path: a pipe that would hang, and links to a
// device and to a file that must not be shown.
func outsiders(t *testing.T, path string, each func(t *testing.T)) {
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

func secretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(file, []byte(shadow), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// shows reports whether a text holds a part of the secret file, or its checksum.
func shows(text string) bool {
	sum := sha256.Sum256([]byte(shadow))
	return strings.Contains(text, "$6$") || strings.Contains(text, hex.EncodeToString(sum[:])[:16])
}

// What lies in a backup is opened only if it is a regular file that no link leads to: nothing hangs, and no file from elsewhere is
// read, nor its checksum shown.
func TestVerifyOpensNothingFromOutside(t *testing.T) {
	good := []byte("data")
	sum := sha256.Sum256(good)
	line := hex.EncodeToString(sum[:]) + "  file\n"
	manifest := `{"Files":[{"Path":"file","Size":4,"Checksum-Algorithm":"SHA256","Checksum":"` + hex.EncodeToString(sum[:]) + `"}],` + "\n"
	total := sha256.Sum256([]byte(manifest))
	base := manifest + `"Manifest-Checksum":"` + hex.EncodeToString(total[:]) + `"}`
	for name, tc := range map[string]struct {
		files    map[string]string
		outsider string
	}{
		"manifest":              {map[string]string{"b/file": "data"}, "b/SHA256SUMS"},
		"file of a manifest":    {map[string]string{"b/SHA256SUMS": line}, "b/file"},
		"directory on the way":  {map[string]string{"b/SHA256SUMS": strings.Replace(line, "file", "dir/file", 1)}, "b/dir"},
		"manifest of a base":    {map[string]string{"b/file": "data"}, "b/backup_manifest"},
		"file of a base backup": {map[string]string{"b/backup_manifest": base, "b/base.tar.gz": "not here"}, "b/base.tar"},
		"data of a dump":        {map[string]string{"b/toc.dat": "PGDMP"}, "b/3000.dat"},
		"file of a plain base":  {map[string]string{"b/backup_manifest": base}, "b/file"},
		"sum beside a file":     {map[string]string{"b": "data"}, "b.sha256"},
		"manifest beside files": {map[string]string{"b": "data"}, "SHA256SUMS"},
	} {
		t.Run(name, func(t *testing.T) {
			b := realPolicy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: "b"})
			for file, text := range tc.files {
				path := filepath.Join(b.Source.Path, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			outsiders(t, filepath.Join(b.Source.Path, tc.outsider), func(t *testing.T) {
				r := verifyReal(t, b)
				if r.Success {
					t.Errorf("%+v", r)
				}
				for _, c := range r.Checks {
					if shows(c.Detail) {
						t.Errorf("it shows %q", c.Detail)
					}
				}
			})
		})
	}
}

// A whole base backup is compared file by file, and a tablespace behind its link; no other link is followed.
func TestBaseBackupFollowsTablespacesOnly(t *testing.T) {
	dir, space := t.TempDir(), t.TempDir()
	for _, file := range []string{filepath.Join(dir, "PG_VERSION"), filepath.Join(space, "1")} {
		if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "pg_tblspc"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(space, filepath.Join(dir, "pg_tblspc", "16385")); err != nil {
		t.Fatal(err)
	}
	files, err := openRoot(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer files.close()
	v := &verification{say: t.Logf, files: files}
	manifest := func() map[string]manifestFile {
		return map[string]manifestFile{"PG_VERSION": {Path: "PG_VERSION", Size: 4}, "pg_tblspc/16385/1": {Path: "pg_tblspc/16385/1", Size: 4}}
	}
	whole := manifest()
	if err := v.compareTree(t.Context(), dir, whole); err != nil || len(whole) > 0 {
		t.Errorf("%v, %d missing", err, len(whole))
	}
	for _, file := range []string{filepath.Join(dir, "PG_VERSION"), filepath.Join(space, "1")} {
		outsiders(t, file, func(t *testing.T) {
			err := v.compareTree(t.Context(), dir, manifest())
			if !errors.Is(err, regularfile.ErrNotRegular) && !errors.Is(err, regularfile.ErrLink) {
				t.Errorf("%s: %v", file, err)
			}
		})
		if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The same of results and listings, which others write.
func TestResultsAndListingsFromOutside(t *testing.T) {
	b := realPolicy(t, config.BackupSource{Program: "restic", File: filepath.Join(t.TempDir(), "listing.json")})
	outsiders(t, b.Source.File, func(t *testing.T) {
		if err := listError(t, b); shows(err.Error()) {
			t.Errorf("it shows %v", err)
		}
	})
	c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
	result := ResultFile(b.Results, b.Name, metric.TestVerify)
	outsiders(t, result, func(t *testing.T) {
		if err := c.readResults(t.Context()); err == nil || shows(err.Error()) {
			t.Errorf("it says %v", err)
		}
	})
}

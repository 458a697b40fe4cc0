package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// What lies in a backup is opened only if it is a regular file that no link leads to: nothing hangs, and no file from
// elsewhere is read, nor its checksum shown.
func TestVerifyOpensNothingFromOutside(t *testing.T) {
	good := []byte("data")
	sum := sha256.Sum256(good)
	line := hex.EncodeToString(sum[:]) + "  file\n"
	manifest := `{"Files":[{"Path":"file","Size":4,"Checksum-Algorithm":"SHA256","Checksum":"` + hex.EncodeToString(
		sum[:]) + `"}],` + "\n"
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
			b := backuptest.Policy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: "b"})
			for file, text := range tc.files {
				path := filepath.Join(b.Source.Path, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				testkit.WriteFile(t, path, text)
			}
			backuptest.Outsiders(t, filepath.Join(b.Source.Path, tc.outsider), func(t *testing.T) {
				r := verifyReal(t, b)
				if r.Success {
					t.Errorf("%+v", r)
				}
				for _, c := range r.Checks {
					if backuptest.Shows(c.Detail) {
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
		testkit.WriteFile(t, file, "data")
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
		return map[string]manifestFile{
			"PG_VERSION":        {Path: "PG_VERSION", Size: 4},
			"pg_tblspc/16385/1": {Path: "pg_tblspc/16385/1", Size: 4},
		}
	}
	whole := manifest()
	if err := v.compareTree(t.Context(), dir, whole); err != nil || len(whole) > 0 {
		t.Errorf("%v, %d missing", err, len(whole))
	}
	for _, file := range []string{filepath.Join(dir, "PG_VERSION"), filepath.Join(space, "1")} {
		backuptest.Outsiders(t, file, func(t *testing.T) {
			err := v.compareTree(t.Context(), dir, manifest())
			if !errors.Is(err, regularfile.ErrNotRegular) && !errors.Is(err, regularfile.ErrLink) {
				t.Errorf("%s: %v", file, err)
			}
		})
		testkit.WriteFile(t, file, "data")
	}
}

package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
)

// Base backups of a real server with a tablespace, as files and as archives: whole, damaged, and with a file lost.
func TestBaseBackupsForReal(t *testing.T) {
	c := newCluster(t, "archive_command = '/bin/true'")
	space, out := filepath.Join(c.dir, "space"), filepath.Join(c.dir, "out")
	for _, dir := range []string{space, out} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		give(t, dir)
	}
	c.sql("create tablespace elsewhere location '" + space + "'")
	c.sql("create table t tablespace elsewhere as select generate_series(1,100000) i")
	backup := func(name string, args ...string) *config.Backup {
		c.run(filepath.Join(c.bin, "pg_basebackup"), append([]string{
			"-h", c.dir, "-p", c.port, "-U", "postgres", "-D",
			filepath.Join(out, name), "-c", "fast",
		}, args...)...)
		return backuptest.Policy(t, config.BackupSource{
			Program: "directory", Path: out, Pattern: name,
			Marker: "backup_manifest",
		})
	}
	for name, c := range map[string]struct {
		args   []string
		damage string
	}{
		"tar":      {[]string{"-Ft"}, "base.tar"},
		"gzip":     {[]string{"-Ft", "-z"}, "base.tar.gz"},
		"sha512":   {[]string{"-Ft", "--manifest-checksums=SHA512"}, "[1-9]*.tar"},
		"unsummed": {[]string{"-Ft", "--manifest-checksums=NONE", "-z"}, "base.tar.gz"},
	} {
		b := backup(name, c.args...)
		if r := verifyReal(t, b); !r.Success || *r.ReadBytes < 2<<20 {
			t.Errorf("%s: a good one fails: %+v", name, r)
		}
		found, err := filepath.Glob(filepath.Join(out, name, c.damage))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		damage(t, found[0])
		if r := verifyReal(t, b); r.Success {
			t.Errorf("%s: a damaged one passes", name)
		}
		if err := os.Remove(found[0]); err != nil {
			t.Fatal(err)
		}
		if r := verifyReal(t, b); r.Success {
			t.Errorf("%s: one without %s passes", name, filepath.Base(found[0]))
		}
	}

	// Where pg_verifybackup is not installed, files are compared here.
	c.run(filepath.Join(c.bin, "pg_basebackup"), "-h", c.dir, "-p", c.port, "-U", "postgres", "-D",
		filepath.Join(out, "plain"), "-c", "fast",
		"--tablespace-mapping="+space+"="+filepath.Join(c.dir, "copy"))
	compare := func() (int, error) {
		text, err := os.ReadFile(filepath.Join(out, "plain", "backup_manifest"))
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := parsePostgresManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		files, err := openRoot(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		defer files.close()
		err = (&verification{say: t.Logf, files: files}).compareTree(t.Context(), filepath.Join(out, "plain"), manifest)
		return len(manifest), err
	}
	if missing, err := compare(); missing > 0 || err != nil {
		t.Errorf("%d missing, %v", missing, err)
	}
	if err := os.Remove(filepath.Join(out, "plain", "PG_VERSION")); err != nil {
		t.Fatal(err)
	}
	if missing, err := compare(); missing != 1 || err != nil {
		t.Errorf("%d missing, %v", missing, err)
	}
	damage(t, largest(t, filepath.Join(out, "plain", "base"), ""))
	if _, err := compare(); err == nil {
		t.Error("a damaged file passes")
	}
}

// A dump in directory format is read by pg_restore; its table of contents alone is none.
func TestDumpDirectoryForReal(t *testing.T) {
	c := newCluster(t)
	c.sql("create table t as select generate_series(1,10000) i", "create table empty (i int)")
	out := filepath.Join(c.dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, out)
	c.run(filepath.Join(c.bin, "pg_dump"), "-h", c.dir, "-p", c.port, "-U", "postgres", "-Fd", "-f",
		filepath.Join(out, "db-1"), "postgres")
	b := backuptest.Policy(t, config.BackupSource{Program: "directory", Path: out, Pattern: "db-*", Marker: "toc.dat"})
	if r := verifyReal(t, b); !r.Success || *r.ReadBytes < 10_000 {
		t.Errorf("%+v", r)
	}
	damage(t, largest(t, filepath.Join(out, "db-1"), ".dat.gz"))
	if r := verifyReal(t, b); r.Success {
		t.Error("a damaged dump passes")
	}
}

// Markers and tables without rows are empty in good backups, and archives are not.
func TestEmptyFilesOfABackup(t *testing.T) {
	b := directory(t, "base-*")
	dir := filepath.Join(b.Source.Path, "base-1")
	backuptest.Write(t, filepath.Join(dir, "COMPLETE"), nil, backuptest.Noon)
	if r := verifyReal(t, b); r.Success {
		t.Error("a backup of nothing but a marker passes")
	}
	backuptest.Write(t, filepath.Join(dir, "x"), []byte("1"), backuptest.Noon)
	if r := verifyReal(t, b); !r.Success {
		t.Errorf("%+v", r)
	}
	backuptest.Write(t, filepath.Join(dir, "y.tar.gz"), nil, backuptest.Noon)
	if r := verifyReal(t, b); r.Success {
		t.Error("an empty archive passes")
	}
}

func FuzzPostgresManifest(f *testing.F) {
	signed := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return text + `"Manifest-Checksum": "` + hex.EncodeToString(sum[:]) + "\"}\n"
	}
	f.Add(signed(
		"{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n" +
			"{ \"Path\": \"a\", \"Size\": 1, \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"00000000\" },\n" +
			"{ \"Encoded-Path\": \"ff\", \"Size\": 2 }\n],\n"))
	f.Add(signed("{\"Files\": [],\n"))
	f.Add(`{"Manifest-Checksum": ""}`)
	f.Fuzz(func(t *testing.T, text string) {
		files, err := parsePostgresManifest([]byte(text))
		if err == nil && len(files) == 0 {
			t.Error("no file, and no error")
		}
		for _, file := range files {
			_ = file.compare(strings.NewReader(text))
		}
	})
}

package verify

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func directory(t *testing.T, pattern string) *config.Backup {
	t.Helper()
	return backuptest.Policy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: pattern})
}

func compressed(t *testing.T, how string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	switch how {
	case "gzip":
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(text)
		z.Close()
	case "tar":
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Name: "x", Size: int64(len(text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		w.Write(text)
		w.Close()
	}
	return b.Bytes()
}

// A backup that is deleted while others are verified, as it was kept long enough, is not one that is damaged. If all
// are, something is wrong.
func TestVerifyWhatIsDeletedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	backuptest.Write(t, filepath.Join(dir, "new.gz"), compressed(t, "gzip", []byte("text")), backuptest.Noon)
	for names, failed := range map[string]int{"new.gz old.gz": 0, "old.gz older.gz": 1} {
		v := newVerification("main", metric.TestVerify, t.Logf)
		if err := v.Files(t.Context(), dir, strings.Fields(names)); err != nil {
			t.Fatal(err)
		}
		if len(v.Checks) != 1 || v.Failed() != failed {
			t.Errorf("%s: %+v", names, v.Checks)
		}
	}
}

// Archives, and files with a sum beside them, whole and damaged.
func TestVerifyDirectory(t *testing.T) {
	text := []byte(strings.Repeat("it was a dark and stormy night\n", 5000))
	sum := sha256.Sum256(text)
	files := map[string][]byte{
		"a.gz": compressed(t, "gzip", text), "a.zst": compressed(t, "zstd", text), "a.tar": compressed(t, "tar", text),
		"a.tar.gz": compressed(t, "gzip", compressed(t, "tar", text)), "a.tar.zst": compressed(t, "zstd", compressed(t,
			"tar", text)),
		"summed.bin": text,
	}
	for name, whole := range files {
		t.Run(name, func(t *testing.T) {
			b := directory(t, name)
			path := filepath.Join(b.Source.Path, name)
			backuptest.Write(t, path, whole, backuptest.Noon)
			if name == "summed.bin" {
				backuptest.Write(t, path+".sha256", []byte(hex.EncodeToString(sum[:])+"  "+name+"\n"), backuptest.Noon)
			}
			r := verifyReal(t, b)
			if !r.Success || r.ReadBytes == nil || *r.ReadBytes < int64(len(whole)) {
				t.Errorf("whole: %+v", r)
			}
			backuptest.Write(t, path, whole[:len(whole)/3], backuptest.Noon)
			if r := verifyReal(t, b); r.Success {
				t.Error("one cut short passes")
			}
			backuptest.Write(t, path, nil, backuptest.Noon)
			if r := verifyReal(t, b); r.Success {
				t.Error("an empty one passes")
			}
			if name != "a.tar" { // tar has no checksum of what it holds
				broken := bytes.Clone(whole)
				broken[len(broken)/2] ^= 0xff
				backuptest.Write(t, path, broken, backuptest.Noon)
				if r := verifyReal(t, b); r.Success {
					t.Error("a flipped byte passes")
				}
			}
		})
	}
}

func TestVerifyManifest(t *testing.T) {
	b := directory(t, "base-*")
	dir := filepath.Join(b.Source.Path, "base-1")
	sum := sha256.Sum256([]byte("hello"))
	backuptest.Write(t, filepath.Join(dir, "x"), []byte("hello"), backuptest.Noon)
	backuptest.Write(t, filepath.Join(dir, "SHA256SUMS"), []byte(hex.EncodeToString(sum[:])+" *x\n"), backuptest.Noon)
	if r := verifyReal(t, b); !r.Success {
		t.Errorf("%+v", r)
	}
	backuptest.Write(t, filepath.Join(dir, "x"), []byte("hellO"), backuptest.Noon)
	if r := verifyReal(t, b); r.Success {
		t.Error("a changed file passes")
	}
	if err := os.Remove(filepath.Join(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if r := verifyReal(t, b); r.Success {
		t.Error("a missing file passes")
	}
	backuptest.Write(t, filepath.Join(dir, "SHA256SUMS"), []byte(hex.EncodeToString(sum[:])+"  ../../secret\n"),
		backuptest.Noon)
	if r := verifyReal(t, b); r.Success {
		t.Error("a manifest may name files elsewhere")
	}
}

func TestVerifyNothing(t *testing.T) {
	if r := verifyReal(t, directory(t, "*.dump")); r.Success {
		t.Error("no backup passes")
	}
}

// pg_basebackup and pg_dump of a real server, read by PostgreSQL's own programs.
func TestVerifyPostgreSQLForReal(t *testing.T) {
	c := newCluster(t, "archive_command = '/bin/true'")
	c.sql("create table t as select generate_series(1,10000) i")
	out := filepath.Join(c.dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, out)
	c.run(filepath.Join(c.bin, "pg_basebackup"), "-h", c.dir, "-p", c.port, "-U", "postgres", "-D",
		filepath.Join(out, "base-1"), "-c", "fast")
	c.run(filepath.Join(c.bin, "pg_dump"), "-h", c.dir, "-p", c.port, "-U", "postgres", "-Fc", "-f",
		filepath.Join(out, "db.dump"), "postgres")

	base := backuptest.Policy(t, config.BackupSource{
		Program: "directory", Path: out, Pattern: "base-*",
		Marker: "backup_manifest",
	})
	if g := only(t, listReal(t, base), metric.KindFull); g.Retained != 1 || g.Newest.Size < 10<<20 {
		t.Errorf("%+v", g)
	}
	if r := verifyReal(t, base); !r.Success {
		t.Errorf("%+v", r)
	}
	damage(t, largest(t, filepath.Join(out, "base-1", "base"), ""))
	if r := verifyReal(t, base); r.Success {
		t.Error("a damaged base backup passes")
	}

	dump := backuptest.Policy(t, config.BackupSource{Program: "directory", Path: out, Pattern: "*.dump"})
	if r := verifyReal(t, dump); !r.Success {
		t.Errorf("%+v", r)
	}
	whole, err := os.ReadFile(filepath.Join(out, "db.dump"))
	if err != nil {
		t.Fatal(err)
	}
	backuptest.Write(t, filepath.Join(out, "db.dump"), whole[:len(whole)-2000], backuptest.Noon)
	if r := verifyReal(t, dump); r.Success {
		t.Error("a dump cut short passes")
	}
}

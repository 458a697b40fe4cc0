package verify

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
)

// maxManifest bounds the manifest of a base backup: some 150 bytes for each file of the cluster.
const maxManifest = 512 << 20

// manifestFile is one file of a base backup: https://www.postgresql.org/docs/current/backup-manifest-files.html
type manifestFile struct {
	Path        string `json:"Path"`
	EncodedPath string `json:"Encoded-Path"` // in hexadecimal, where the path is not UTF-8
	Size        int64  `json:"Size"`
	Algorithm   string `json:"Checksum-Algorithm"` // absent with --manifest-checksums=NONE
	Checksum    string `json:"Checksum"`
}

// parsePostgresManifest reads a backup_manifest, whose last line is the checksum of all before.
func parsePostgresManifest(text []byte) (map[string]manifestFile, error) {
	var m struct {
		Files    []manifestFile `json:"Files"`
		Checksum string         `json:"Manifest-Checksum"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: backup_manifest: %w", document.ErrMalformed, err)
	}
	last := strings.LastIndex(strings.TrimRight(string(text), "\n"), "\n")
	if sum := sha256.Sum256(text[:last+1]); !strings.EqualFold(hex.EncodeToString(sum[:]), m.Checksum) {
		return nil, errors.New("backup_manifest does not have the checksum that it ends with")
	}
	files := make(map[string]manifestFile, len(m.Files))
	for _, f := range m.Files {
		if f.EncodedPath != "" {
			raw, err := hex.DecodeString(f.EncodedPath)
			if err != nil {
				return nil, fmt.Errorf("%w: backup_manifest: %w", document.ErrMalformed, err)
			}
			f.Path = string(raw)
		}
		files[f.Path] = f
	}
	if len(files) == 0 {
		return nil, errors.New("backup_manifest names no file")
	}
	return files, nil
}

// crc32c writes its sum as PostgreSQL does, the lowest byte first.
type crc32c struct{ hash.Hash32 }

func (c crc32c) Sum(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, c.Sum32()) }

// digest returns the hash that a file's checksum is of, nil for none.
func (f manifestFile) digest() (hash.Hash, error) {
	switch f.Algorithm {
	case "":
		return nil, nil
	case "CRC32C":
		return crc32c{crc32.New(crc32.MakeTable(crc32.Castagnoli))}, nil
	case "SHA224":
		return sha256.New224(), nil
	case "SHA256":
		return sha256.New(), nil
	case "SHA384":
		return sha512.New384(), nil
	case "SHA512":
		return sha512.New(), nil
	}
	return nil, fmt.Errorf("%s has a checksum of a kind that is not known: %s", document.Short(f.Path),
		document.Short(f.Algorithm))
}

// compare reads a file of the backup to its end.
func (f manifestFile) compare(r io.Reader) error {
	h, err := f.digest()
	if err != nil {
		return err
	}
	w := io.Discard
	if h != nil {
		w = h
	}
	n, err := io.Copy(w, r)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", document.Short(f.Path), err)
	case n != f.Size:
		return fmt.Errorf("%s has %d bytes, backup_manifest says %d", document.Short(f.Path), n, f.Size)
	case h != nil && !strings.EqualFold(hex.EncodeToString(h.Sum(nil)), f.Checksum):
		return fmt.Errorf("%s does not have the checksum of backup_manifest", document.Short(f.Path))
	}
	return nil
}

// baseArchive is base.tar or that of a tablespace, compressed or not, as pg_basebackup --format=tar writes them.
var baseArchive = regexp.MustCompile(`^(base|[0-9]+)\.tar(\.gz|\.zst)?$`)

// verifyBaseBackup compares all files of a base backup with the manifest in it: by pg_verifybackup, which looks at the
// log as well; or here, where it is not installed, and where the files lie in archives, which it reads since PostgreSQL
// 18.
func verifyBaseBackup(ctx context.Context, dir string, v *verification) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var archives []string
	for _, e := range entries {
		switch {
		case baseArchive.MatchString(e.Name()):
			archives = append(archives, e.Name())
		case strings.HasPrefix(e.Name(), "pg_wal.tar"):
			if err := readArchive(ctx, filepath.Join(dir, e.Name()), v); err != nil {
				return fmt.Errorf("%s: %w", e.Name(), err)
			}
		case strings.HasPrefix(e.Name(), "base.tar"):
			return fmt.Errorf("%s cannot be read here; gzip and zstd can", e.Name())
		}
	}
	if tool := postgresTool("pg_verifybackup"); tool != "" && len(archives) == 0 {
		// It opens the manifest, whatever that is. Links lead to tablespaces, and the log may lie behind one.
		manifest, err := v.files.open(ctx, filepath.Join(dir, "backup_manifest"))
		if err == nil {
			err = errors.Join(manifest.Close(), plain(ctx, dir, true))
		}
		if err != nil {
			return err
		}
		if err := v.runTool(ctx, tool, "--no-parse-wal", "--exit-on-error", dir); err != nil {
			return err
		}
		return v.count(dir)
	}
	text, err := v.files.read(ctx, filepath.Join(dir, "backup_manifest"), maxManifest)
	if err != nil {
		return err
	}
	missing, err := parsePostgresManifest(text)
	if err != nil {
		return err
	}
	if len(archives) == 0 {
		err = v.compareTree(ctx, dir, missing)
	}
	for _, name := range archives {
		if err = v.compareArchive(ctx, dir, name, missing); err != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d files of backup_manifest are missing, such as %s", len(missing),
			document.Short(slices.Min(slices.Collect(maps.Keys(missing)))))
	}
	return nil
}

// compareTree takes what it finds out of the manifest.
func (v *verification) compareTree(ctx context.Context, dir string, manifest map[string]manifestFile) error {
	spaces := tablespaces{}
	defer spaces.close()
	for name, f := range maps.Clone(manifest) {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("backup_manifest names %q, which lies elsewhere", document.Short(name))
		}
		file, err := spaces.open(ctx, v.files, dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = f.compare(&counted{ctx: ctx, r: file, v: v})
		_ = file.Close()
		if err != nil {
			return err
		}
		delete(manifest, name)
	}
	return nil
}

// compareArchive takes what it finds in an archive out of the manifest. The archive of a tablespace is named by its
// OID.
func (v *verification) compareArchive(ctx context.Context, dir, name string, manifest map[string]manifestFile) error {
	file, err := v.files.open(ctx, filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer file.Close()
	r, inner, err := decompress(&counted{ctx: ctx, r: file, v: v}, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	below := ""
	if oid := strings.TrimSuffix(inner, ".tar"); oid != "base" {
		below = path.Join("pg_tblspc", oid)
	}
	for t := tar.NewReader(r); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // for the checksum of the compression
			return err
		}
		if err != nil {
			return fmt.Errorf("%s: as a tar archive: %w", name, err)
		}
		member := path.Join(below, header.Name)
		f, ok := manifest[member]
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := f.compare(t); err != nil {
			return err
		}
		delete(manifest, member)
	}
}

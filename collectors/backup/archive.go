package backup

import (
	"archive/tar"
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/thorbis/thorbis_exporter/internal/command"
)

// verifyDirectory reads backups from the newest to the oldest: against their checksums where a manifest lies
// beside or in them, as archives where their names say that they are some, else to their ends.
func verifyDirectory(ctx context.Context, q *query, v *verification) error {
	var items []Item
	if err := q.walkBackups(ctx, func(i Item) error {
		items = append(items, i)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(items, func(a, b Item) int { return b.Stop.Compare(a.Stop) })
	items = slices.DeleteFunc(items, func(i Item) bool { return i.status == failed })
	if n := q.backup.Verify.Newest; n > 0 {
		items = items[:min(n, len(items))]
	}
	if len(items) == 0 {
		v.check("backups", errors.New("there is none"))
	}
	var err error
	if v.files, err = openRoot(ctx, q.source.Path); err != nil {
		return err
	}
	defer v.files.close()
	for _, i := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.check(i.ID, verifyPath(ctx, filepath.Join(q.source.Path, filepath.FromSlash(i.ID)), v))
	}
	return nil
}

// verifyPath verifies one backup: a file or a directory.
func verifyPath(ctx context.Context, path string, v *verification) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return verifyTree(ctx, path, v)
	}
	if err := verifySums(ctx, path, v); !errors.Is(err, errNoManifest) {
		return err
	}
	return readArchive(ctx, path, v)
}

func verifyTree(ctx context.Context, dir string, v *verification) error {
	// PostgreSQL's own: pg_basebackup writes the one, pg_dump --format=directory the other.
	if _, err := os.Lstat(filepath.Join(dir, "backup_manifest")); err == nil {
		return verifyBaseBackup(ctx, dir, v)
	}
	if isDump, err := v.beginsAsDump(ctx, filepath.Join(dir, "toc.dat")); err == nil && isDump {
		return v.restoreNowhere(ctx, dir, dir)
	}
	for _, name := range manifestNames {
		file := filepath.Join(dir, name)
		if _, err := os.Lstat(file); err == nil {
			return compareManifest(ctx, file, dir, "", v)
		}
	}
	var before int64
	if v.ReadBytes != nil {
		before = *v.ReadBytes
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		// Markers, locks and tables without rows are empty in good backups; archives are not.
		err = readArchive(ctx, path, v)
		if errors.Is(err, errEmpty) && !archiveName.MatchString(d.Name()) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name(), err)
		}
		return nil
	})
	if err == nil && (v.ReadBytes == nil || *v.ReadBytes == before) {
		return errEmpty
	}
	return err
}

// count adds the bytes that a tool read for us.
func (v *verification) count(dir string) error {
	return filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			v.read(info.Size())
		}
		return err
	})
}

func (v *verification) runTool(ctx context.Context, path string, args ...string) error {
	_, err := command.Run(ctx, command.Command{Path: path, Args: args, Polite: true, Stdout: io.Discard})
	return err
}

// Checksum manifests as coreutils writes them: in a directory, or beside a file with the ending of the sum.
var (
	manifestNames = []string{"SHA256SUMS", "SHA512SUMS", "SHA1SUMS", "MD5SUMS", "sha256sums.txt"}
	errNoManifest = errors.New("no manifest")
)

var sums = map[int]func() hash.Hash{
	hex.EncodedLen(md5.Size): md5.New, hex.EncodedLen(sha1.Size): sha1.New,
	hex.EncodedLen(sha256.Size): sha256.New, hex.EncodedLen(sha512.Size): sha512.New,
}

// verifySums looks for the sum of a file beside it.
func verifySums(ctx context.Context, path string, v *verification) error {
	dir, name := filepath.Split(path)
	for _, ending := range []string{".sha256", ".sha512", ".sha1", ".md5"} {
		if _, err := os.Lstat(path + ending); err == nil {
			return compareManifest(ctx, path+ending, dir, name, v)
		}
	}
	for _, manifest := range manifestNames {
		err := compareManifest(ctx, filepath.Join(dir, manifest), dir, name, v)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNoManifest) {
			return err
		}
	}
	return errNoManifest
}

// compareManifest compares the files of a manifest, or the only one asked for. A file with a bare sum is that
// of the one asked for.
func compareManifest(ctx context.Context, manifest, dir, only string, v *verification) error {
	text, err := v.files.read(ctx, manifest, maxListing)
	if err != nil {
		return err
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		name = cmp.Or(strings.TrimLeft(name, " *"), only)
		if sum == "" || only != "" && filepath.Base(name) != only {
			continue
		}
		if !filepath.IsLocal(name) && only == "" {
			return fmt.Errorf("%s names %q, which lies elsewhere", manifest, short(name))
		}
		newHash, ok := sums[len(sum)]
		if !ok {
			return fmt.Errorf("%s: %q is no checksum", manifest, short(sum))
		}
		if only != "" {
			name = only
		}
		found++
		if err := compareSum(ctx, filepath.Join(dir, name), sum, newHash(), v); err != nil {
			return err
		}
	}
	if found == 0 {
		return errNoManifest
	}
	return nil
}

func compareSum(ctx context.Context, path, want string, h hash.Hash, v *verification) error {
	if err := consume(ctx, path, h, v); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, want) {
		return fmt.Errorf("%s has checksum %s, its manifest says %s", filepath.Base(path), got, short(want))
	}
	return nil
}

// consume reads a file to its end.
func consume(ctx context.Context, path string, w io.Writer, v *verification) error {
	f, err := v.files.open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, &counted{ctx: ctx, r: f, v: v})
	return err
}

// counted counts what is read and ends with its context.
type counted struct {
	ctx      context.Context //nolint:containedctx // Read has no context argument
	r        io.Reader
	v        *verification
	reported time.Time
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.v.read(int64(n))
	if c.reported.IsZero() {
		c.reported = time.Now()
	}
	if time.Since(c.reported) > 10*time.Second {
		c.reported = time.Now()
		c.v.say("%d MiB read", *c.v.ReadBytes>>20)
	}
	return n, err
}

// readArchive reads a file as what its name says that it is. One that decompresses and ends where its format
// says has passed the checksums that gzip and zstd carry.
func readArchive(ctx context.Context, path string, v *verification) error {
	f, err := v.files.open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return errEmpty
	}
	r, name, err := decompress(&counted{ctx: ctx, r: f, v: v}, filepath.Base(path))
	if err != nil {
		return err
	}
	defer r.Close()
	if strings.HasSuffix(name, ".tar") {
		if err := readTar(r); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return v.pgRestoreRead(ctx, path)
}

var (
	errEmpty    = errors.New("it is empty")
	archiveName = regexp.MustCompile(`\.(gz|tgz|zst|tar|dump)$`)
)

// decompress reads a file as its name says, and returns its name without the ending of the compression.
func decompress(r io.Reader, name string) (io.ReadCloser, string, error) {
	r = bufio.NewReaderSize(r, 1<<20)
	switch {
	case strings.HasSuffix(name, ".gz"), strings.HasSuffix(name, ".tgz"):
		z, err := gzip.NewReader(r)
		return z, strings.TrimSuffix(strings.Replace(name, ".tgz", ".tar", 1), ".gz"), err
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, name, err
		}
		return z.IOReadCloser(), strings.TrimSuffix(name, ".zst"), nil
	}
	return io.NopCloser(r), name, nil
}

func readTar(r io.Reader) error {
	t := tar.NewReader(r)
	entries := 0
	for {
		_, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("as a tar archive: %w", err)
		}
		entries++
	}
	if entries == 0 {
		return errors.New("the tar archive holds nothing")
	}
	return nil
}

// pgRestoreRead has pg_restore read a dump in PostgreSQL's custom format to its end: the list of its contents
// alone would not notice that the data are cut short.
func (v *verification) pgRestoreRead(ctx context.Context, path string) error {
	if isDump, err := v.beginsAsDump(ctx, path); err != nil || !isDump {
		return err
	}
	return v.restoreNowhere(ctx, path, "")
}

// beginsAsDump recognizes a dump in PostgreSQL's custom format, or the table of contents of its directory format.
func (v *verification) beginsAsDump(ctx context.Context, path string) (bool, error) {
	f, err := v.files.open(ctx, path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	magic := make([]byte, 5)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "PGDMP", nil
}

// restoreNowhere has pg_restore read a dump, and counts the directory that it lies in, if it does.
func (v *verification) restoreNowhere(ctx context.Context, path, dir string) error {
	tool := postgresTool("pg_restore")
	if tool == "" {
		return errors.New("it is a PostgreSQL dump, and there is no pg_restore to read it with")
	}
	if dir != "" {
		if err := plain(ctx, dir, false); err != nil {
			return err
		}
	}
	if err := v.runTool(ctx, tool, "--file=/dev/null", path); err != nil || dir == "" {
		return err
	}
	return v.count(dir)
}

// postgresTool finds a program of PostgreSQL, the newest installed.
func postgresTool(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	return ""
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

package verify

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
)

// maxSums bounds a manifest of checksums.
const maxSums = 64 << 20

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
	text, err := v.files.read(ctx, manifest, maxSums)
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
			return fmt.Errorf("%s names %q, which lies elsewhere", manifest, document.Short(name))
		}
		newHash, ok := sums[len(sum)]
		if !ok {
			return fmt.Errorf("%s: invalid checksum %q", manifest, document.Short(sum))
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
		return fmt.Errorf("%s has checksum %s, its manifest says %s", filepath.Base(path), got, document.Short(want))
	}
	return nil
}

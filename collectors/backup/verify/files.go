package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files implements program.Verification. It reads each backup: against its checksums if a manifest lies beside or in
// it, as an archive if its name ends like that of one, else to its end. One that is deleted meanwhile, as it was kept
// long enough, is not verified.
func (v *verification) Files(ctx context.Context, dir string, names []string) (err error) {
	if v.files, err = openRoot(ctx, dir); err != nil {
		return err
	}
	defer v.files.close()
	gone := 0
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := verifyPath(ctx, path, v)
		if _, missing := os.Lstat(path); err != nil && errors.Is(missing, fs.ErrNotExist) {
			gone++
			v.Say("%s: not verified, it was deleted meanwhile (%v)", name, err)
			continue
		}
		v.Check(name, err)
	}
	if gone > 0 && gone == len(names) {
		v.Check("backups", errors.New("all were deleted while they were verified"))
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

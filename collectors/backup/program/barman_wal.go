package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxSegments bounds what is kept of an archive: 16 TiB of log.
const maxSegments = 1 << 20

// barmanArchive finds the end of the archive, which list-backups does not report, from the files of the newest backup.
// If they cannot be read, the end is unknown.
func (q *Query) barmanArchive(ctx context.Context, to *Listing) error {
	repository := to.Repositories[DefaultRepository]
	newest := ""
	for _, g := range to.Groups {
		newest = max(newest, g.Newest.ID) // IDs are times
	}
	if repository == nil || newest == "" {
		return nil
	}
	r, err := q.run(ctx, "list-files", "--target", "wal", q.source.Scope, newest)
	if err != nil {
		return err
	}
	listed, root := barmanSegments(strings.Fields(string(r.Stdout)))
	if len(listed) == 0 {
		return nil
	}
	last := slices.MaxFunc(listed, compareSegments)
	info, err := os.Stat(filepath.Join(root, last.String()[:16], last.String()))
	if err != nil {
		return nil // the files of Barman are elsewhere, or not for us to read
	}
	repository.WAL = &Archive{NewestAt: info.ModTime().UTC(), Timeline: last.timeline, Missing: Unknown}
	return nil
}

// barmanLogs looks at every segment on disk from the oldest that a backup needs: Barman's own checks read its
// list of what came in, from which a file that was lost since is not missing.
func (q *Query) barmanLogs(ctx context.Context, ids []string, v Verification) error {
	if len(ids) == 0 {
		return nil
	}
	var listed []string
	for _, id := range slices.Compact([]string{ids[len(ids)-1], ids[0]}) { // the oldest, then the newest
		r, err := q.run(ctx, "list-files", "--target", "wal", q.source.Scope, id)
		if err != nil {
			return err
		}
		listed = append(listed, strings.Fields(string(r.Stdout))...)
	}
	needed, root := barmanSegments(listed)
	if len(needed) == 0 {
		v.Check("WAL continuity", fmt.Errorf("no write-ahead log of backup %s has come in", ids[len(ids)-1]))
		return nil
	}
	found, err := segmentsBelow(root, slices.MinFunc(needed, compareSegments))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		v.Say("WAL continuity: not looked at, for %v; run this where Barman keeps its files, as its user", err)
		return nil
	} else if err != nil {
		return err
	}
	missing, named := lost(found, needed)
	v.Missing(missing)
	var problem error
	if missing > 0 {
		problem = fmt.Errorf("%d segments are missing: %s", missing, strings.Join(named, ", "))
	}
	v.Check("WAL continuity", problem)
	return nil
}

// barmanSegments returns the segments among paths such as /srv/main/wals/0000000100000000/000000010000000000000005,
// and the directory that holds the directories they lie in.
func barmanSegments(paths []string) (segments []segment, root string) {
	for _, path := range paths {
		if s, ok := parseSegment(filepath.Base(path)); ok {
			segments, root = append(segments, s), filepath.Dir(filepath.Dir(path))
		}
	}
	return segments, root
}

// segmentsBelow returns the segments in the directories of a directory, from the first one on.
func segmentsBelow(root string, first segment) ([]segment, error) {
	dirs, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var all []segment
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		files, err := segmentFiles(filepath.Join(root, dir.Name()))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			s, ok := parseSegment(f.Name())
			if !ok || s.log < first.log || s.log == first.log && s.number < first.number {
				continue
			}
			if len(all) == maxSegments {
				return nil, fmt.Errorf("%s holds more than %d segments", root, maxSegments)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// segmentFiles lists one directory of segments. Barman removes it with its last segment: then it is empty, and what is
// needed of it is found missing.
func segmentFiles(dir string) ([]fs.DirEntry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return files, err
}

// lost counts the segments that are needed, or lie between two that were found, and were not found themselves.
func lost(found, needed []segment) (missing int, named []string) {
	slices.SortFunc(found, compareSegments)
	for _, s := range needed {
		if at, ok := slices.BinarySearchFunc(found, s, compareSegments); !ok {
			found = slices.Insert(found, at, s) // named once, and no gap any more
			missing++
			if len(named) < maxMissing {
				named = append(named, s.String())
			}
		}
	}
	between, more := continuity(found, nil)
	return missing + between, append(named, more...)
}

package program

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// verifyPgBackRest has pgBackRest read all files and compare checksums, and looks for missing segments itself:
// version 2.45 reports neither a wrong checksum nor a gap in its exit code, nor a gap anywhere at all.
func verifyPgBackRest(ctx context.Context, q *Query, v Verification) error {
	text, err := q.output(ctx, NewListing(false), "--stanza="+q.source.Scope, pgBackRestQuiet, "info", "--output=json")
	if err != nil {
		return err
	}
	to := NewListing(false)
	s, err := parsePgBackRest(text, q.source.Scope, to)
	if err != nil {
		return err
	}
	for _, r := range to.SortedRepositories() {
		if r.State != metric.RepositoryOK && r.State != "" {
			v.Check("repository "+r.Name, fmt.Errorf("%s: %s", r.State, r.Problem))
			continue
		}
		key, err := strconv.Atoi(r.Name)
		if err != nil {
			return err
		}
		v.Say("repository %s: reading and comparing checksums", r.Name)
		v.Check("checksums of repository "+r.Name, q.pgBackRestChecksums(ctx, r.Name))
		for _, b := range s.Backup {
			if b.Database.RepoKey == key && b.Info.Repository.Delta != nil {
				v.Read(*b.Info.Repository.Delta) // what it added is what verify reads of it
			}
		}
		if err := q.pgBackRestContinuity(ctx, s, key, v); err != nil {
			return err
		}
	}
	for _, b := range s.Backup {
		if b.Error {
			v.Check("page checksums of "+b.Label, errors.New(
				"pgBackRest found invalid pages in the database when it made this backup"))
		}
	}
	return nil
}

// wrongRE finds what verify complains about in its log.
var wrongRE = regexp.MustCompile(
	`(?im)^.*(ERROR:|WARN:|status: (error|invalid)|invalid checksum|` +
		`missing file|file missing|size invalid|other file error).*$`)

func (q *Query) pgBackRestChecksums(ctx context.Context, repository string) error {
	r, err := q.run(ctx, "--stanza="+q.source.Scope, "--repo="+repository, "--log-level-console=info", "verify")
	if err != nil {
		return err
	}
	if found := wrongRE.Find(r.Stdout); found != nil {
		return errors.New(strings.Join(strings.Fields(string(found)), " "))
	}
	return nil
}

// pgBackRestContinuity looks at every segment from the oldest that a backup needs.
func (q *Query) pgBackRestContinuity(ctx context.Context, s *stanza, repository int, v Verification) error {
	for _, a := range s.newestArchives() {
		if a.repository != repository {
			continue
		}
		files, err := q.pgBackRestFiles(ctx, repository, path.Join("archive", q.source.Scope, a.id), true)
		if err != nil {
			return err
		}
		oldest, ok := s.oldestNeeded(a)
		var segments []segment
		for _, f := range files {
			if !ok || compareSegments(f.segment, oldest) >= 0 || f.segment.log == oldest.log &&
				f.segment.number == oldest.number {
				segments = append(segments, f.segment)
				v.Read(f.size)
			}
		}
		if ok && (len(segments) == 0 || segments[0].log != oldest.log || segments[0].number != oldest.number) {
			segments = append(segments, segment{oldest.timeline, oldest.log, oldest.number})
			v.Missing(1)
			v.Check("oldest needed segment of repository "+strconv.Itoa(repository), fmt.Errorf("%s is missing", oldest))
		}
		missing, named := continuity(segments, s.meant(a))
		v.Missing(missing)
		var problem error
		if missing > 0 {
			problem = fmt.Errorf("%d segments are missing: %s", missing, strings.Join(named, ", "))
		}
		v.Check("WAL continuity of repository "+strconv.Itoa(repository), problem)
	}
	return nil
}

package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var _ = register(adapter{
	name: "pgbackrest", kind: metric.KindFull,
	check: func(s *config.BackupSource) error {
		if s.Scope == "" {
			return errors.New("scope is missing; write the stanza, such as scope: main")
		}
		return nil
	},
	list: listPgBackRest, verify: verifyPgBackRest,
	// Archiving is off in what is restored: it must never write into the repository that it came from.
	restore: func(s *config.BackupSource, scratch, data string) []string {
		return []string{
			"--stanza=" + s.Scope, "--pg1-path=" + data, "--tablespace-map-all=" + path.Join(scratch, "tablespaces"),
			"--archive-mode=off", "--lock-path=" + path.Join(scratch, "locks"), "restore",
		}
	},
})

// stanza is one element of what pgbackrest info prints. Every version from 2.32 on is read; a key of a newer
// one is let pass.
type stanza struct {
	Name   string       `json:"name"`
	Status stanzaStatus `json:"status"`
	Repo   []struct {
		Key    int          `json:"key"`
		Status stanzaStatus `json:"status"`
	} `json:"repo"`
	DB []struct {
		ID      int `json:"id"`
		RepoKey int `json:"repo-key"`
	} `json:"db"`
	Archive []struct {
		ID       string `json:"id"`
		Database stanzaDatabase
		Min      *string `json:"min"`
		Max      *string `json:"max"`
	} `json:"archive"`
	Backup []struct {
		Label   string `json:"label"`
		Type    string `json:"type"`
		Error   bool   `json:"error"`
		Archive struct {
			Start string `json:"start"`
			Stop  string `json:"stop"`
		} `json:"archive"`
		LSN struct {
			Stop string `json:"stop"`
		} `json:"lsn"`
		Database stanzaDatabase
		Info     struct {
			Size       *int64 `json:"size"`
			Delta      *int64 `json:"delta"`
			Repository struct {
				Size  *int64 `json:"size"` // absent with block incremental backups
				Delta *int64 `json:"delta"`
			} `json:"repository"`
		} `json:"info"`
		Timestamp struct {
			Start int64 `json:"start"`
			Stop  int64 `json:"stop"`
		} `json:"timestamp"`
	} `json:"backup"`
}

type stanzaDatabase struct {
	ID      int `json:"id"`
	RepoKey int `json:"repo-key"`
}

type stanzaStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Lock    struct {
		Backup  stanzaLock `json:"backup"`
		Restore stanzaLock `json:"restore"`
	} `json:"lock"`
}

type stanzaLock struct {
	Held     bool   `json:"held"`
	Size     *int64 `json:"size"`
	Complete *int64 `json:"size-cplt"`
}

// listPgBackRest asks for the list of backups, and for the directory of the newest segments: info tells which
// segment is the newest but not when it came.
func listPgBackRest(ctx context.Context, q *query, to *sink) error {
	text, err := q.output(ctx, to, "--stanza="+q.source.Scope, "info", "--output=json")
	if err != nil {
		return err
	}
	s, err := parsePgBackRest(text, q.source.Scope, to)
	if err != nil || q.source.File != "" {
		return err
	}
	for _, a := range s.newestArchives() {
		r := to.repositories[strconv.Itoa(a.repository)]
		if r == nil || r.WAL == nil {
			continue
		}
		dir := path.Join("archive", q.source.Scope, a.id, a.newest[:16])
		files, err := q.pgBackRestFiles(ctx, a.repository, dir, false)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			// One repository that does not answer hides nothing of the others; of itself what was known stays.
			r.State, r.Problem = metric.RepositoryUnreadable, err.Error()
			continue
		}
		r.WAL.look(files, s.meant(a))
	}
	return nil
}

func parsePgBackRest(text []byte, scope string, to *sink) (*stanza, error) {
	var all []stanza
	if err := decode(text, &all); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(s stanza) bool { return s.Name == scope })
	if at < 0 {
		// An empty list is what pgBackRest says when it has never heard of any stanza.
		return &stanza{}, to.repository(Repository{Name: "1", State: metric.RepositoryMissing, Problem: "no stanza " + scope})
	}
	s := &all[at]
	for _, r := range s.Repo {
		state, problem := s.Status.state()
		if s.Status.Code == 4 || r.Status.Code != s.Status.Code {
			state, problem = r.Status.state()
		}
		repository := Repository{
			Name: strconv.Itoa(r.Key), State: state, Problem: cmp.Or(problem, r.Status.Message),
			Running:   &Progress{Active: s.Status.Lock.Backup.Held, Done: known(s.Status.Lock.Backup.Complete), Total: known(s.Status.Lock.Backup.Size)},
			Restoring: &s.Status.Lock.Restore.Held,
		}
		if err := to.repository(repository); err != nil {
			return nil, err
		}
	}
	for _, b := range s.Backup {
		i := item()
		i.ID, i.Repository = b.Label, strconv.Itoa(b.Database.RepoKey)
		i.Start, i.Stop = time.Unix(b.Timestamp.Start, 0).UTC(), time.Unix(b.Timestamp.Stop, 0).UTC()
		i.Size, i.Copied = known(b.Info.Size), known(b.Info.Delta)
		i.Stored, i.Added = known(b.Info.Repository.Size), known(b.Info.Repository.Delta)
		switch b.Type {
		case "full":
			i.Kind = metric.KindFull
		case "diff":
			i.Kind = metric.KindDifferential
		case "incr":
			i.Kind = metric.KindIncremental
		default:
			return nil, fmt.Errorf("%w: backup %s is of type %q", errMalformed, short(b.Label), short(b.Type))
		}
		if b.Error {
			i.status = flawed
		}
		if b.LSN.Stop != "" {
			var err error
			if i.Position, err = parseLSN(b.LSN.Stop); err != nil {
				return nil, err
			}
		}
		if err := to.add(i); err != nil {
			return nil, err
		}
	}
	return s, s.archives(to)
}

// state translates the codes of info; the exit code of pgBackRest says nothing.
func (s stanzaStatus) state() (state, problem string) {
	switch s.Code {
	case 0, 4, 6: // 4 only says that the repositories differ
		return metric.RepositoryOK, ""
	case 1, 3:
		return metric.RepositoryMissing, s.Message
	case 2:
		return metric.RepositoryEmpty, s.Message
	case 5:
		return metric.RepositoryMismatch, s.Message
	}
	return metric.RepositoryUnreadable, s.Message
}

// archives adds the range of the archive to each repository: that of the database's newest version.
func (s *stanza) archives(to *sink) error {
	size := s.segmentSize()
	for _, a := range s.Archive {
		r := to.repositories[strconv.Itoa(a.Database.RepoKey)]
		if r == nil || a.Min == nil || a.Max == nil {
			continue
		}
		oldest, okOldest := parseSegment(*a.Min)
		newest, okNewest := parseSegment(*a.Max)
		if !okOldest || !okNewest {
			return fmt.Errorf("%w: archive %s has no range", errMalformed, short(a.ID))
		}
		r.WAL = &Archive{
			Oldest: oldest.position(size), Newest: newest.position(size) + size, Timeline: newest.timeline, Missing: unknown,
		}
	}
	return nil
}

func (s *stanza) segmentSize() uint64 {
	for _, b := range slices.Backward(s.Backup) {
		position, err := parseLSN(b.LSN.Stop)
		if segment, ok := parseSegment(b.Archive.Stop); ok && err == nil && segment.number > 0 {
			return segmentSize(position, segment)
		}
	}
	return defaultSegment
}

type archiveEnd struct {
	repository, database int
	id, newest           string
}

// newestArchives returns the archive of the newest database version in each repository.
func (s *stanza) newestArchives() []archiveEnd {
	var ends []archiveEnd
	for _, a := range s.Archive {
		if a.Max == nil {
			continue
		}
		end := archiveEnd{a.Database.RepoKey, a.Database.ID, a.ID, *a.Max}
		if i := slices.IndexFunc(ends, func(e archiveEnd) bool { return e.repository == end.repository }); i >= 0 {
			ends[i] = end // they come in the order of the database's versions
			continue
		}
		ends = append(ends, end)
	}
	return ends
}

// archiveFile is a file of the archive as pgbackrest repo-ls tells of it.
type archiveFile struct {
	segment segment
	at      time.Time
	size    int64
}

// pgBackRestFiles lists the segments below a directory of a repository.
func (q *query) pgBackRestFiles(ctx context.Context, repository int, dir string, recurse bool) ([]archiveFile, error) {
	args := []string{"--stanza=" + q.source.Scope, "--repo=" + strconv.Itoa(repository), "repo-ls", "--output=json"}
	if recurse {
		args = append(args, "--recurse")
	}
	r, err := q.run(ctx, append(args, dir)...)
	if err != nil {
		return nil, err
	}
	return parsePgBackRestFiles(r.Stdout)
}

func parsePgBackRestFiles(text []byte) ([]archiveFile, error) {
	var entries map[string]struct {
		Type string `json:"type"`
		Size int64  `json:"size"`
		Time int64  `json:"time"`
	}
	if err := decode(text, &entries); err != nil {
		return nil, err
	}
	var files []archiveFile
	for name, e := range entries {
		if s, ok := parseSegment(path.Base(name)); ok && e.Type == "file" {
			files = append(files, archiveFile{s, time.Unix(e.Time, 0).UTC(), e.Size})
		}
	}
	slices.SortFunc(files, func(a, b archiveFile) int { return compareSegments(a.segment, b.segment) })
	return files, nil
}

// look takes from the files of the newest directory when the newest segment came, and what is missing there.
func (a *Archive) look(files []archiveFile, meant func(before, after segment) bool) {
	var segments []segment
	for _, f := range files {
		segments = append(segments, f.segment)
		if f.at.After(a.NewestAt) {
			a.NewestAt = f.at
		}
	}
	a.Missing, _ = continuity(segments, meant)
}

func known(v *int64) int64 {
	if v == nil {
		return unknown
	}
	return *v
}

// verifyPgBackRest has pgBackRest read all files and compare checksums, and looks for missing segments itself:
// version 2.45 reports neither a wrong checksum nor a gap in its exit code, nor a gap anywhere at all.
func verifyPgBackRest(ctx context.Context, q *query, v *verification) error {
	text, err := q.output(ctx, newSink(false), "--stanza="+q.source.Scope, "info", "--output=json")
	if err != nil {
		return err
	}
	to := newSink(false)
	s, err := parsePgBackRest(text, q.source.Scope, to)
	if err != nil {
		return err
	}
	for _, r := range to.sortedRepositories() {
		if r.State != metric.RepositoryOK && r.State != "" {
			v.check("repository "+r.Name, fmt.Errorf("%s: %s", r.State, r.Problem))
			continue
		}
		key, err := strconv.Atoi(r.Name)
		if err != nil {
			return err
		}
		v.say("repository %s: reading and comparing checksums", r.Name)
		v.check("checksums of repository "+r.Name, q.pgBackRestChecksums(ctx, r.Name))
		for _, b := range s.Backup {
			if b.Database.RepoKey == key && b.Info.Repository.Delta != nil {
				v.read(*b.Info.Repository.Delta) // what it added is what verify reads of it
			}
		}
		if err := q.pgBackRestContinuity(ctx, s, key, v); err != nil {
			return err
		}
	}
	for _, b := range s.Backup {
		if b.Error {
			v.check("page checksums of "+b.Label, errors.New("pgBackRest found invalid pages in the database when it made this backup"))
		}
	}
	return nil
}

// wrongRE finds what verify complains about in its log.
var wrongRE = regexp.MustCompile(`(?im)^.*(ERROR:|WARN:|status: (error|invalid)|invalid checksum|missing file|file missing|size invalid|other file error).*$`)

func (q *query) pgBackRestChecksums(ctx context.Context, repository string) error {
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
func (q *query) pgBackRestContinuity(ctx context.Context, s *stanza, repository int, v *verification) error {
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
			if !ok || compareSegments(f.segment, oldest) >= 0 || f.segment.log == oldest.log && f.segment.number == oldest.number {
				segments = append(segments, f.segment)
				v.read(f.size)
			}
		}
		if ok && (len(segments) == 0 || segments[0].log != oldest.log || segments[0].number != oldest.number) {
			segments = append(segments, segment{oldest.timeline, oldest.log, oldest.number})
			v.missing(1)
			v.check("oldest needed segment of repository "+strconv.Itoa(repository), fmt.Errorf("%s is missing", oldest))
		}
		missing, named := continuity(segments, s.meant(a))
		v.missing(missing)
		var problem error
		if missing > 0 {
			problem = fmt.Errorf("%d segments are missing: %s", missing, strings.Join(named, ", "))
		}
		v.check("WAL continuity of repository "+strconv.Itoa(repository), problem)
	}
	return nil
}

// oldestNeeded is the first segment of the oldest backup in an archive. After a major upgrade the repository holds
// backups of the older cluster as well, whose logs are counted from elsewhere and lie in an archive of their own.
func (s *stanza) oldestNeeded(a archiveEnd) (segment, bool) {
	for _, b := range s.Backup { // the oldest comes first
		if b.Database.RepoKey == a.repository && b.Database.ID == a.database {
			return parseSegment(b.Archive.Start)
		}
	}
	return segment{}, false
}

// meant tells the gaps that repo-retention-archive makes: of older backups only those logs are kept without which they are
// not whole, so that such a gap begins after the last log of one backup and ends before the first of another. It ends with
// the newest full backup at the latest: from there on every point is to be reached.
func (s *stanza) meant(a archiveEnd) func(before, after segment) bool {
	type position struct{ log, number uint32 }
	starts, stops := map[position]bool{}, map[position]bool{}
	var full segment
	for _, b := range s.Backup {
		if b.Database.RepoKey != a.repository || b.Database.ID != a.database {
			continue
		}
		start, okStart := parseSegment(b.Archive.Start)
		stop, okStop := parseSegment(b.Archive.Stop)
		if okStart && okStop {
			starts[position{start.log, start.number}], stops[position{stop.log, stop.number}] = true, true
			if b.Type == "full" {
				full = start // the newest comes last
			}
		}
	}
	return func(before, after segment) bool {
		after.timeline = full.timeline
		return compareSegments(after, full) <= 0 && stops[position{before.log, before.number}] && starts[position{after.log, after.number}]
	}
}

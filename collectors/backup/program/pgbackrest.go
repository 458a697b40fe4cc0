package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// pgBackRest lists the backups and log archives of a stanza of pgBackRest.
var pgBackRest = Program{
	Name: "pgbackrest", Kind: metric.KindFull, Logs: true,
	Check: func(s *config.BackupSource) error {
		if s.Scope == "" {
			return errors.New("missing scope: write the stanza, such as scope: main")
		}
		return nil
	},
	List: listPgBackRest, Verify: verifyPgBackRest,
	// Archiving is off in what is restored: it must never write into the repository that it came from.
	Restore: func(s *config.BackupSource, scratch, data string) []string {
		return []string{
			"--stanza=" + s.Scope, "--pg1-path=" + data, "--tablespace-map-all=" + path.Join(scratch, "tablespaces"),
			"--archive-mode=off", "--lock-path=" + path.Join(scratch, "locks"), "restore",
		}
	},
}

// stanza is one element of the list that pgbackrest info prints, of every version from 2.32 on. Unknown keys are
// ignored.
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
	Archive []stanzaArchive `json:"archive"`
	Backup  []struct {
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

type stanzaArchive struct {
	ID       string         `json:"id"`
	Database stanzaDatabase `json:"database"`
	Min      *string        `json:"min"`
	Max      *string        `json:"max"`
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

// pgBackRestQuiet keeps the log out of the standard output, where its configuration may send it.
const pgBackRestQuiet = "--log-level-console=off"

// listPgBackRest reads the list of backups, and the directory of the newest segments. The info command reports the
// newest segment but not when it arrived.
func listPgBackRest(ctx context.Context, q *Query, to *Listing) error {
	text, err := q.output(ctx, to, "--stanza="+q.source.Scope, pgBackRestQuiet, "info", "--output=json")
	if err != nil {
		return err
	}
	s, err := parsePgBackRest(text, q.source.Scope, to)
	if err != nil || q.source.File != "" {
		return err
	}
	for _, a := range s.newestArchives() {
		r := to.Repositories[strconv.Itoa(a.repository)]
		if r == nil || r.WAL == nil {
			continue
		}
		dir := path.Join("archive", q.source.Scope, a.id, a.newest[:16])
		files, err := q.pgBackRestFiles(ctx, a.repository, dir, false)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			// A repository that does not answer hides no other one; its own earlier facts stay.
			r.State, r.Problem = metric.RepositoryUnreadable, err.Error()
			continue
		}
		r.WAL.look(files, s.meant(a))
	}
	return nil
}

func parsePgBackRest(text []byte, scope string, to *Listing) (*stanza, error) {
	var all []stanza
	if err := document.Decode(text, &all); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(s stanza) bool { return s.Name == scope })
	if at < 0 {
		// pgBackRest prints an empty list when it knows no stanza.
		return &stanza{}, to.AddRepository(Repository{
			Name: "1", State: metric.RepositoryMissing,
			Problem: "no stanza " + scope,
		})
	}
	s := &all[at]
	state, _ := s.Status.state()
	if len(s.Repo) == 0 || s.Backup == nil && state == metric.RepositoryOK {
		return nil, fmt.Errorf(
			"%w: stanza %s has no list of repositories and backups; --detail-level=progress leaves them out",
			document.ErrMalformed, scope)
	}
	for _, r := range s.Repo {
		state, problem := s.Status.state()
		if s.Status.Code == 4 || r.Status.Code != s.Status.Code {
			state, problem = r.Status.state()
		}
		repository := Repository{
			Name: strconv.Itoa(r.Key), State: state, Problem: cmp.Or(problem, r.Status.Message),
			Running: &Progress{
				Active: s.Status.Lock.Backup.Held, Done: known(s.Status.Lock.Backup.Complete),
				Total: known(s.Status.Lock.Backup.Size),
			},
			Restoring: &s.Status.Lock.Restore.Held,
		}
		if err := to.AddRepository(repository); err != nil {
			return nil, err
		}
	}
	for _, b := range s.Backup {
		i := NewItem()
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
			return nil, fmt.Errorf("%w: backup %s is of type %q", document.ErrMalformed, document.Short(b.Label),
				document.Short(b.Type))
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
		if err := to.Add(i); err != nil {
			return nil, err
		}
	}
	s.archives(to)
	return s, nil
}

// state translates the codes of info; the exit code of pgBackRest is 0 either way.
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

// archives adds the range of the archive to each repository: that of the database's newest version. An archive without
// a log has a range of nulls or empty texts. One that cannot be read hides no other repository.
func (s *stanza) archives(to *Listing) {
	size := s.segmentSize()
	for _, a := range s.Archive {
		r := to.Repositories[strconv.Itoa(a.Database.RepoKey)]
		if r == nil || a.empty() {
			continue
		}
		oldest, okOldest := parseSegment(*a.Min)
		newest, okNewest := parseSegment(*a.Max)
		if !okOldest || !okNewest {
			r.State = metric.RepositoryUnreadable
			r.Problem = fmt.Sprintf("archive %s has no range: %q to %q", document.Short(a.ID), document.Short(*a.Min),
				document.Short(*a.Max))
			continue
		}
		r.WAL = &Archive{
			Oldest: oldest.position(size), Newest: newest.position(size) + size, Timeline: newest.timeline, Missing: Unknown,
		}
	}
}

// empty reports whether nothing was archived yet.
func (a *stanzaArchive) empty() bool {
	return a.Min == nil || a.Max == nil || *a.Min == "" || *a.Max == ""
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
		if a.empty() {
			continue
		}
		if _, ok := parseSegment(*a.Max); !ok {
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

// archiveFile is a file of the archive as pgbackrest repo-ls lists it.
type archiveFile struct {
	segment segment
	at      time.Time
	size    int64
}

// pgBackRestFiles lists the segments below a directory of a repository.
func (q *Query) pgBackRestFiles(ctx context.Context, repository int, dir string, recurse bool) ([]archiveFile, error) {
	args := []string{
		"--stanza=" + q.source.Scope, "--repo=" + strconv.Itoa(repository), pgBackRestQuiet, "repo-ls",
		"--output=json",
	}
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
	if err := document.Decode(text, &entries); err != nil {
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
	now := time.Now()
	for _, f := range files {
		segments = append(segments, f.segment)
		switch { // one file from a clock that was ahead hides none that came later
		case InFuture(f.at, now):
			if f.at.After(a.Ahead.Claimed) {
				a.Ahead.Claimed = f.at
			}
		case f.at.After(a.NewestAt):
			a.NewestAt = f.at
		}
	}
	a.Missing, _ = continuity(segments, meant)
}

func known(v *int64) int64 {
	if v == nil {
		return Unknown
	}
	return *v
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

// meant recognizes the gaps that repo-retention-archive makes. Of older backups, only the logs remain that the backup
// needs to be consistent. Such a gap therefore begins after the last log of one backup and ends before the first log
// of another, at the latest the newest full backup: from there on, every point must be recoverable.
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
		return compareSegments(after, full) <= 0 && stops[position{before.log, before.number}] &&
			starts[position{after.log, after.number}]
	}
}

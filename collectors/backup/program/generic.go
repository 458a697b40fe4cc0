package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// jsonForm reads the form of docs/backups.md, for every program without a file here.
var jsonForm = Program{
	Name: "json", Kind: metric.KindFull, Logs: true,
	Check: func(s *config.BackupSource) error {
		if s.File == "" && len(s.Command) == 0 {
			return errors.New("missing file or command: write what holds or prints the document of docs/backups.md")
		}
		return nil
	},
	List: func(ctx context.Context, q *Query, to *Listing) error {
		text, err := q.output(ctx, to)
		if err != nil {
			return err
		}
		return parseGeneric(text, to)
	},
}

// generic is the listing format for all other backup programs; docs/backups.md describes it.
type generic struct {
	Version      int `json:"version"`
	Repositories []struct {
		Name    string `json:"name"`
		State   string `json:"state"`
		Problem string `json:"problem"`
	} `json:"repositories"`
	Backups []struct {
		ID         string    `json:"id"`
		Kind       string    `json:"kind"`
		Repository string    `json:"repository"`
		Tenant     string    `json:"tenant"`
		Status     string    `json:"status"`
		Start      time.Time `json:"start"`
		Stop       time.Time `json:"stop"`
		Size       *int64    `json:"size_bytes"`
		Copied     *int64    `json:"copied_bytes"`
		Stored     *int64    `json:"stored_bytes"`
		Added      *int64    `json:"added_bytes"`
		LSN        string    `json:"lsn"`
	} `json:"backups"`
	WAL []struct {
		Repository string    `json:"repository"`
		Oldest     string    `json:"oldest"`
		Newest     string    `json:"newest"`
		NewestAt   time.Time `json:"newest_at"`
		Missing    *int64    `json:"missing_segments"`
	} `json:"wal"`
}

func parseGeneric(text []byte, to *Listing) error {
	var g generic
	if err := document.Decode(text, &g); err != nil {
		return err
	}
	if g.Version != 1 {
		return fmt.Errorf("%w: version %d, this program reads 1", document.ErrMalformed, g.Version)
	}
	if len(g.Repositories) == 0 {
		if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
			return err
		}
	}
	for _, r := range g.Repositories {
		if r.State != "" && !slices.Contains(metric.RepositoryStates, r.State) {
			return fmt.Errorf("%w: invalid state of a repository %q", document.ErrMalformed, document.Short(r.State))
		}
		if err := to.AddRepository(Repository{Name: r.Name, State: r.State, Problem: document.Short(r.Problem)}); err != nil {
			return err
		}
	}
	for _, b := range g.Backups {
		i := NewItem()
		i.ID, i.Kind, i.Tenant, i.Start, i.Stop = b.ID, b.Kind, b.Tenant, b.Start.UTC(), b.Stop.UTC()
		i.Size, i.Copied, i.Stored, i.Added = known(b.Size), known(b.Copied), known(b.Stored), known(b.Added)
		if b.Repository != "" {
			i.Repository = b.Repository
		}
		switch b.Status {
		case "", "ok":
		case "flawed":
			i.status = flawed
		case "failed":
			i.status = failed
		case "running":
			i.status = running
		default:
			return fmt.Errorf("%w: invalid status of a backup %q: write ok, flawed, failed or running", document.ErrMalformed,
				document.Short(b.Status))
		}
		if b.LSN != "" {
			var err error
			if i.Position, err = parseLSN(b.LSN); err != nil {
				return err
			}
		}
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return g.archives(to)
}

func (g *generic) archives(to *Listing) error {
	for _, w := range g.WAL {
		name := w.Repository
		if name == "" {
			name = DefaultRepository
		}
		r, ok := to.Repositories[name]
		if !ok {
			return fmt.Errorf("%w: the archive of a repository %q that is not listed", document.ErrMalformed,
				document.Short(name))
		}
		a := &Archive{NewestAt: w.NewestAt.UTC(), Missing: Unknown}
		if w.Missing != nil {
			a.Missing = int(*w.Missing)
		}
		if w.Newest != "" {
			oldest, okOldest := parseSegment(w.Oldest)
			newest, okNewest := parseSegment(w.Newest)
			if !okOldest || !okNewest {
				return fmt.Errorf("%w: invalid range of segments %q to %q", document.ErrMalformed, document.Short(w.Oldest),
					document.Short(w.Newest))
			}
			a.Oldest, a.Newest, a.Timeline = oldest.position(defaultSegment), newest.position(defaultSegment)+defaultSegment,
				newest.timeline
		}
		r.WAL = a
	}
	return nil
}

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

// restic lists the snapshots of a restic repository.
var restic = Program{
	Name: "restic", Kind: metric.KindSnapshot,
	Check: func(s *config.BackupSource) error {
		if s.Repository == "" && s.File == "" && s.Environment["RESTIC_REPOSITORY"] == "" &&
			s.Secrets["RESTIC_REPOSITORY"] == nil {
			return errors.New("missing repository: write it, or RESTIC_REPOSITORY among the secrets where it holds a password")
		}
		_, err := newPattern(s.Pattern)
		return err
	},
	List: func(ctx context.Context, q *Query, to *Listing) error {
		// Without a lock: a listing neither waits for a backup nor leaves a lock behind when it is killed.
		args := []string{"--no-lock", "snapshots", "--json"}
		if q.source.Scope != "" {
			args = append(args, "--tag", q.source.Scope)
		}
		text, err := q.resticOutput(ctx, to, args...)
		if err != nil {
			return err
		}
		return parseRestic(text, q.source.Pattern, to)
	},
	Verify: verifyRestic,
}

// resticOutput gives the repository's address in the environment: it may hold a password.
func (q *Query) resticOutput(ctx context.Context, to *Listing, args ...string) ([]byte, error) {
	return q.withEnvironment("RESTIC_REPOSITORY", q.source.Repository).output(ctx, to, args...)
}

// resticSnapshot is one snapshot, or one group of them with --group-by.
type resticSnapshot struct {
	ID        string           `json:"id"`
	Time      time.Time        `json:"time"`
	Tags      []string         `json:"tags"`
	Snapshots []resticSnapshot `json:"snapshots"`
	Summary   *struct {        // since restic 0.17
		Start     time.Time `json:"backup_start"`
		End       time.Time `json:"backup_end"`
		Processed int64     `json:"total_bytes_processed"`
		Added     int64     `json:"data_added"`
		Packed    int64     `json:"data_added_packed"`
	} `json:"summary"`
}

func parseRestic(text []byte, tenantTag string, to *Listing) error {
	var all []resticSnapshot
	if err := document.Decode(text, &all); err != nil {
		return err
	}
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	tags, err := newPattern(tenantTag)
	if err != nil {
		return err
	}
	for _, outer := range all {
		snapshots := outer.Snapshots
		if snapshots == nil {
			snapshots = []resticSnapshot{outer}
		}
		for _, s := range snapshots {
			i := NewItem()
			i.ID, i.Kind, i.Stop = s.ID, metric.KindSnapshot, s.Time.UTC()
			for _, tag := range s.Tags {
				if tenant, _, ok := tags.match(tag); ok {
					i.Tenant = tenant
				}
			}
			if sum := s.Summary; sum != nil {
				i.Size, i.Copied, i.Added = sum.Processed, sum.Added, sum.Packed
				if !sum.End.IsZero() {
					i.Start, i.Stop = sum.Start.UTC(), sum.End.UTC()
				}
			}
			if err := to.Add(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyRestic reads the whole repository, or the part that verify.arguments name.
func verifyRestic(ctx context.Context, q *Query, v Verification) error {
	args := q.backup.Verify.Arguments
	if len(args) == 0 {
		args = []string{"--read-data"}
	}
	v.Say("reading the repository with restic check")
	err := unlocked(ctx, v, func() error {
		r, err := q.withEnvironment("RESTIC_REPOSITORY", q.source.Repository).run(ctx,
			slices.Concat([]string{"check"}, args)...)
		if err != nil && len(r.Stdout) > 0 {
			err = fmt.Errorf("%w; %s", err, lastLine(r.Stdout))
		}
		return err
	})
	if errors.Is(err, ErrLocked) {
		return err
	}
	v.Check("restic check", err)
	return nil
}

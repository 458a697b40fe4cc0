package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// borg lists the archives of a Borg repository.
var borg = Program{
	Name: "borg", Kind: metric.KindSnapshot,
	Check: func(s *config.BackupSource) error {
		if s.Repository == "" && s.File == "" && s.Environment["BORG_REPO"] == "" && s.Secrets["BORG_REPO"] == nil {
			return errors.New("missing repository: write it like repository: ssh://backup@host/./repo")
		}
		_, err := newPattern(s.Pattern)
		return err
	},
	// 1, and from 100 on with BORG_EXIT_CODES=modern (Borg 1.4, helpers/errors.py). Of check, 1 is an error that it found.
	Warning: func(code int) bool { return code == 1 || code >= 100 && code <= 127 },
	List: func(ctx context.Context, q *Query, to *Listing) error {
		// info reads each archive to find its size; --last bounds the time.
		text, err := q.borg().output(ctx, to, "--bypass-lock", "--lock-wait", "5", "info", "--json", "--last", borgLast)
		if err != nil {
			return err
		}
		if err := parseBorg(text, q.source, true, to); err != nil || q.source.File != "" {
			return err
		}
		text, err = q.borg().output(ctx, to, "--bypass-lock", "--lock-wait", "5", "list", "--json")
		if err != nil {
			return err
		}
		return parseBorg(text, q.source, false, to)
	},
	Verify: func(ctx context.Context, q *Query, v Verification) error {
		args := q.backup.Verify.Arguments
		if len(args) == 0 {
			args = []string{"--verify-data"}
		}
		v.Say("reading the repository with borg check")
		err := unlocked(ctx, v, func() error {
			_, err := q.borg().run(ctx, slices.Concat([]string{"check"}, args)...)
			return err
		})
		if errors.Is(err, ErrLocked) {
			return err
		}
		v.Check("borg check", err)
		return nil
	},
}

// borgLast is for how many archives the size is read: the newest and those that it is compared with.
const borgLast = "11"

// borg passes the repository in the environment, and answers beforehand the questions that Borg would wait on for ever.
func (q *Query) borg() *Query {
	return q.withEnvironment("BORG_REPO", q.source.Repository).
		withEnvironment("BORG_RELOCATED_REPO_ACCESS_IS_OK", "no").
		withEnvironment("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")
}

type borgListing struct {
	Archives []struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Start string `json:"start"`
		End   string `json:"end"`  // only of info
		Time  string `json:"time"` // only of list
		Stats *struct {
			Original     int64 `json:"original_size"`
			Deduplicated int64 `json:"deduplicated_size"`
		} `json:"stats"`
	} `json:"archives"`
}

// parseBorg reads borg info (detailed) or borg list. An archive in both is taken from the detailed one.
func parseBorg(text []byte, s *config.BackupSource, detailed bool, to *Listing) error {
	var l borgListing
	if err := document.Decode(text, &l); err != nil {
		return err
	}
	if l.Archives == nil {
		return fmt.Errorf("%w: no list of archives", document.ErrMalformed)
	}
	zone, err := time.LoadLocation(s.TimeZone) // UTC if empty, for the program runs in UTC
	if err != nil {
		return err
	}
	if _, ok := to.Repositories[DefaultRepository]; !ok {
		if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
			return err
		}
	}
	names, err := newPattern(s.Pattern)
	if err != nil {
		return err
	}
	for _, a := range l.Archives {
		if strings.Contains(a.Name, ".checkpoint") || s.Scope != "" && !strings.HasPrefix(a.Name, s.Scope) || !detailed &&
			to.has(DefaultRepository, a.ID) {
			continue
		}
		i := NewItem()
		i.ID, i.Kind = a.ID, metric.KindSnapshot
		i.Tenant, _, _ = names.match(a.Name)
		if a.Start != "" {
			if i.Start, err = borgTime(a.Start, zone); err != nil {
				return err
			}
		}
		end := a.End
		if end == "" {
			end, i.Start = firstOf(a.Time, a.Start), time.Time{}
		}
		if i.Stop, err = borgTime(end, zone); err != nil {
			return err
		}
		if a.Stats != nil {
			i.Size, i.Added = a.Stats.Original, a.Stats.Deduplicated
		}
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// borgTime reads what Borg 1 writes, local time without a zone, and what Borg 2 does, with one.
func borgTime(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999999", text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: invalid time %q", document.ErrMalformed, document.Short(text))
	}
	return t.UTC(), nil
}

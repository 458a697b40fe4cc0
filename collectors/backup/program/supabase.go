package program

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/supabase"
	"github.com/thorbis/thorbis_exporter/metric"
)

// supabaseProject lists the backups that Supabase makes of a project.
var supabaseProject = Program{
	Name: "supabase", Kind: metric.KindFull, Logs: true,
	Check: func(s *config.BackupSource) error {
		if !supabase.ValidProject(s.Scope) {
			return errors.New("scope is the project's reference: twenty lower-case letters")
		}
		if s.Secrets["token"] == nil {
			return errors.New(
				"secrets need a token with the permission backups_read, such as token: {file: /etc/thorbis/supabase-token}")
		}
		_, err := supabaseClient(s)
		return err
	},
	List: func(ctx context.Context, q *Query, to *Listing) error {
		client, err := supabaseClient(q.source)
		if err != nil {
			return err
		}
		b, err := client.Backups(ctx, q.source.Scope)
		if err != nil {
			return supabaseError(err)
		}
		return listSupabase(b, to)
	},
}

func supabaseClient(s *config.BackupSource) (*supabase.Client, error) {
	token := s.Secrets["token"]
	return supabase.New(supabase.Options{
		BaseURL: s.Endpoint, TokenFile: token.File, TokenEnv: token.Env, UserAgent: "thorbis_exporter/" + version.Version,
	})
}

// listSupabase adds the listed backups, and the times of physical ones that the API reports: with point-in-time
// recovery the list is often empty and only the newest recoverable point moves. With neither there is no backup, and
// walg_enabled does not make one.
func listSupabase(b supabase.Backups, to *Listing) error {
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	for _, one := range b.Backups {
		i := NewItem()
		i.ID, i.Kind, i.Stop = strconv.FormatInt(one.ID, 10), metric.KindFull, one.Inserted
		switch one.Status {
		case supabase.BackupCompleted:
		case supabase.BackupFailed, supabase.BackupCancelled:
			i.status = failed
		case supabase.BackupRemoved, supabase.BackupArchived:
			continue // cannot be restored any more
		default:
			i.status = running
		}
		if err := to.Add(i); err != nil {
			return err
		}
	}
	if b.Latest.IsZero() {
		return nil
	}
	if b.PITR {
		// The newest point that can be restored, in the form that archives of logs use.
		to.Repositories[DefaultRepository].WAL = &Archive{NewestAt: b.Latest, Missing: Unknown}
	}
	for at, physical := range map[string]time.Time{"earliest": b.Earliest, "latest": b.Latest} {
		if physical.IsZero() || b.PITR && at == "latest" && len(b.Backups) > 0 {
			continue
		}
		i := NewItem()
		// Both move on by themselves: by names of their own they would seem to vanish.
		i.ID, i.Kind, i.Stop = "physical-"+at, metric.KindFull, physical
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

func supabaseError(err error) error {
	e, ok := errors.AsType[*supabase.Error](err)
	if !ok {
		return err
	}
	switch e.Kind {
	case supabase.KindToken:
		return fmt.Errorf("%w: %w", errAuth, err)
	case supabase.KindAnswer:
		return fmt.Errorf("%w: %w", document.ErrMalformed, err)
	case supabase.KindNotFound:
		return fmt.Errorf("%w: %w", errNoBucket, err)
	}
	return fmt.Errorf("%w: %w", errNetwork, err)
}

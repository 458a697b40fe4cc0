package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// barman lists the backups of a server of Barman.
var barman = Program{
	Name: "barman", Kind: metric.KindFull, Logs: true,
	Check: func(s *config.BackupSource) error {
		if s.Scope == "" {
			return errors.New("missing scope: write the server, such as scope: main")
		}
		return nil
	},
	List: func(ctx context.Context, q *Query, to *Listing) error {
		text, err := q.output(ctx, to, "-f", "json", "list-backups", q.source.Scope)
		if err != nil {
			return err
		}
		if err := parseBarman(text, q.source.Scope, to); err != nil || q.source.File != "" {
			return err
		}
		return q.barmanArchive(ctx, to)
	},
	Verify: verifyBarman,
	Restore: func(s *config.BackupSource, _, data string) []string {
		return []string{"recover", s.Scope, "latest", data}
	},
}

// barmanBackup is one backup of barman list-backups. One that did not end well has only its ID and status.
type barmanBackup struct {
	ID      string `json:"backup_id"`
	Type    string `json:"backup_type"`
	Status  string `json:"status"`
	EndTime string `json:"end_time_timestamp"` // a number, as text
	Size    *int64 `json:"size_bytes"`
}

func parseBarman(text []byte, server string, to *Listing) error {
	// Keys that begin with an underscore hold messages, not servers.
	var all map[string]json.RawMessage
	if err := document.Decode(text, &all); err != nil {
		return err
	}
	raw, ok := all[server]
	if !ok || strings.HasPrefix(server, "_") {
		return fmt.Errorf("%w: no server %s in what barman lists", document.ErrMalformed, server)
	}
	var backups []barmanBackup
	if err := document.Decode(raw, &backups); err != nil {
		return err
	}
	if backups == nil {
		return fmt.Errorf("%w: no list of backups of server %s", document.ErrMalformed, server)
	}
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	for _, b := range backups {
		i := NewItem()
		i.ID, i.Kind, i.Size = b.ID, metric.KindFull, known(b.Size)
		switch b.Type {
		case "incremental":
			i.Kind = metric.KindIncremental
		case "snapshot":
			i.Kind = metric.KindSnapshot
		}
		switch b.Status {
		case "DONE":
		case "WAITING_FOR_WALS": // it ended, and cannot be restored before its segments came
			i.status = running
		case "FAILED":
			i.status = failed
		case "EMPTY", "STARTED", "SYNCING":
			i.status = running
		default:
			return fmt.Errorf("%w: backup %s has status %q", document.ErrMalformed, document.Short(b.ID),
				document.Short(b.Status))
		}
		var err error
		if i.Stop, err = b.stopped(); err != nil {
			return err
		}
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

// stopped is when a backup ended: by its own word, else, for one that did not end well, when its ID says that
// it began.
func (b barmanBackup) stopped() (time.Time, error) {
	if b.EndTime != "" {
		seconds, err := strconv.ParseFloat(b.EndTime, 64)
		if err != nil || seconds < 0 || seconds > 1e11 {
			return time.Time{}, fmt.Errorf("%w: invalid time %q", document.ErrMalformed, document.Short(b.EndTime))
		}
		return time.Unix(int64(seconds), 0).UTC(), nil
	}
	t, err := time.Parse("20060102T150405", b.ID)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: backup %q has neither an end nor a time for an ID", document.ErrMalformed,
			document.Short(b.ID))
	}
	return t, nil
}

// verifyBarman asks Barman's own checks, has pg_verifybackup compare the newest backup with its manifest where
// Barman can, and looks for segments that were lost.
func verifyBarman(ctx context.Context, q *Query, v Verification) error {
	r, err := q.run(ctx, "-f", "json", "check", q.source.Scope)
	if err != nil && len(r.Stdout) == 0 {
		return err
	}
	checks, err := parseBarmanChecks(r.Stdout, q.source.Scope)
	if err != nil {
		return err
	}
	for _, c := range checks {
		v.Check(c.name, c.problem)
	}
	text, err := q.run(ctx, "-f", "json", "list-backups", q.source.Scope)
	if err != nil {
		return err
	}
	to := NewListing(false)
	to.keep = true
	if err := parseBarman(text.Stdout, q.source.Scope, to); err != nil {
		return err
	}
	slices.SortFunc(to.all, func(a, b Item) int { return b.Stop.Compare(a.Stop) })
	var ids []string
	for _, i := range to.all {
		if i.status == good {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) > 0 {
		v.Say("comparing %s with its manifest", ids[0])
		_, err := q.run(ctx, "verify-backup", q.source.Scope, ids[0])
		v.Check("manifest of "+ids[0], err)
	}
	return q.barmanLogs(ctx, ids, v)
}

// barmanCheck is one of Barman's own checks.
type barmanCheck struct {
	name    string
	problem error // nil for a success
}

func parseBarmanChecks(text []byte, server string) ([]barmanCheck, error) {
	var all map[string]json.RawMessage
	if err := document.Decode(text, &all); err != nil {
		return nil, err
	}
	var checks map[string]struct {
		Status string `json:"status"`
		Hint   string `json:"hint"`
	}
	raw, ok := all[server]
	if !ok || strings.HasPrefix(server, "_") {
		return nil, fmt.Errorf("%w: no server %s in what barman checks", document.ErrMalformed, server)
	}
	if err := document.Decode(raw, &checks); err != nil {
		return nil, err
	}
	var results []barmanCheck
	for name, c := range checks {
		one := barmanCheck{name: document.Short(name)}
		if c.Status != "OK" {
			one.problem = errors.New(document.Short(strings.TrimSpace(c.Status + " " + c.Hint)))
		}
		results = append(results, one)
	}
	slices.SortFunc(results, func(a, b barmanCheck) int { return strings.Compare(a.name, b.name) })
	return results, nil
}

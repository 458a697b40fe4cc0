package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/metric"
)

// walG lists the backups and the log archive of WAL-G.
var walG = Program{
	Name: "wal-g", Kind: metric.KindFull, Logs: true,
	List: func(ctx context.Context, q *Query, to *Listing) error {
		q = q.walg()
		text, err := q.output(ctx, to, "backup-list", "--detail", "--json")
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 && strings.Contains(to.stderr, walgNone) {
			text = []byte("[]")
		}
		if err := parseWALG(text, to); err != nil || q.source.File != "" {
			return err
		}
		r, err := q.run(ctx, "wal-show", "--detailed-json")
		if err != nil {
			return err
		}
		return parseWALGShow(r.Stdout, to)
	},
	Verify: func(ctx context.Context, q *Query, v Verification) error {
		r, err := q.walg().run(ctx, "wal-verify", "integrity", "timeline", "--json")
		if err != nil {
			return err
		}
		return parseWALGVerify(r.Stdout, v)
	},
}

// walgNone is all that versions before 3 print for a storage without backups, to standard error, with exit code 0 and
// --json as well (internal/databases/postgres/backup_list_handler.go).
const walgNone = "No backups found"

// walg keeps WAL-G's log out of its standard output, whatever its configuration.
func (q *Query) walg() *Query { return q.withEnvironment("WALG_LOG_DESTINATION", "stderr") }

// walgBackup is one backup of wal-g backup-list --detail --json. Log positions are plain numbers there.
type walgBackup struct {
	Name       string    `json:"backup_name"`
	Time       time.Time `json:"time"`
	Storage    string    `json:"storage_name"`
	Start      time.Time `json:"start_time"`
	Finish     time.Time `json:"finish_time"`
	FinishLSN  uint64    `json:"finish_lsn"`
	Raw        *int64    `json:"uncompressed_size"`
	Compressed *int64    `json:"compressed_size"`
}

func parseWALG(text []byte, to *Listing) error {
	var all []walgBackup
	if err := document.Decode(text, &all); err != nil {
		return err
	}
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	for _, b := range all {
		i := NewItem()
		i.ID, i.Kind, i.Start, i.Stop, i.Position = b.Name, metric.KindFull, b.Start.UTC(), b.Finish.UTC(), b.FinishLSN
		if strings.Contains(b.Name, "_D_") {
			i.Kind = metric.KindIncremental
		}
		if b.Storage != "" {
			i.Repository = b.Storage
		}
		if b.Finish.IsZero() {
			i.Start, i.Stop = time.Time{}, b.Time.UTC()
		}
		i.Size, i.Added = known(b.Raw), known(b.Compressed)
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

// parseWALGShow reads the range of the archive and its gaps from wal-g wal-show --detailed-json.
func parseWALGShow(text []byte, to *Listing) error {
	var timelines []struct {
		ID      uint32   `json:"id"`
		Start   string   `json:"start_segment"`
		End     string   `json:"end_segment"`
		Missing []string `json:"missing_segments"`
	}
	if err := document.Decode(text, &timelines); err != nil {
		return err
	}
	for _, t := range timelines {
		start, okStart := parseSegment(t.Start)
		end, okEnd := parseSegment(t.End)
		if !okStart || !okEnd {
			return fmt.Errorf("%w: timeline %d has no range", document.ErrMalformed, t.ID)
		}
		r := to.Repositories[DefaultRepository]
		a := &Archive{
			Oldest: start.position(defaultSegment), Newest: end.position(defaultSegment) + defaultSegment,
			Timeline: t.ID, Missing: len(t.Missing),
		}
		if r.WAL == nil || t.ID > r.WAL.Timeline {
			r.WAL = a // the newest timeline is the one that goes on
		}
	}
	return nil
}

// parseWALGVerify reads wal-g wal-verify integrity timeline --json, the most exact report on the archive.
func parseWALGVerify(text []byte, v Verification) error {
	var r struct {
		Integrity struct {
			Status  string `json:"status"`
			Details []struct {
				Start  string `json:"start_segment"`
				End    string `json:"end_segment"`
				Count  int    `json:"segments_count"`
				Status string `json:"status"`
			} `json:"details"`
		} `json:"integrity"`
		Timeline struct {
			Status  string `json:"status"`
			Details struct {
				Current int `json:"current_timeline_id"`
				Highest int `json:"highest_storage_timeline_id"`
			} `json:"details"`
		} `json:"timeline"`
	}
	if err := document.Decode(text, &r); err != nil {
		return err
	}
	lost := 0
	for _, d := range r.Integrity.Details {
		if d.Status == "MISSING_LOST" { // delayed and uploading ones are on their way
			lost += d.Count
		}
	}
	v.Missing(lost)
	var problem error
	if r.Integrity.Status == "FAILURE" || r.Integrity.Status == "" || lost > 0 {
		problem = fmt.Errorf("%s, %d segments are lost", r.Integrity.Status, lost)
	}
	v.Check("WAL integrity", problem)
	problem = nil
	if r.Timeline.Status != "OK" {
		problem = errors.New("the storage holds timeline " + fmt.Sprint(
			r.Timeline.Details.Highest) + ", the database is on " + fmt.Sprint(r.Timeline.Details.Current))
	}
	v.Check("WAL timeline", problem)
	return nil
}

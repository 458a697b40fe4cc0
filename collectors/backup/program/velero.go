package program

import (
	"context"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// velero lists the Backup resources of Velero.
var velero = Program{
	Name: "velero", Kind: metric.KindFull,
	List: func(ctx context.Context, q *Query, to *Listing) error {
		// Through kubectl: Velero's own gauges have stuck at 0 and at 1 (its issues 6809 and 8753).
		if len(q.source.Command) == 0 {
			source := *q.source
			source.Command = []string{"kubectl"}
			next := *q
			next.source = &source
			q = &next
		}
		text, err := q.output(ctx, to, "get", "backups.velero.io", "--namespace", firstOf(q.source.Path, "velero"),
			"--output", "json")
		if err != nil {
			return err
		}
		return parseVelero(text, q.source, to)
	},
}

type veleroList struct {
	Items []struct {
		Metadata struct {
			Name    string            `json:"name"`
			Labels  map[string]string `json:"labels"`
			Created time.Time         `json:"creationTimestamp"`
		} `json:"metadata"`
		Status struct {
			Phase     string    `json:"phase"`
			Start     time.Time `json:"startTimestamp"`
			Completed time.Time `json:"completionTimestamp"` // set on failure too
			Errors    int       `json:"errors"`
		} `json:"status"`
	} `json:"items"`
}

// parseVelero reads a list of Backup resources; scope picks those of one schedule.
func parseVelero(text []byte, s *config.BackupSource, to *Listing) error {
	var l veleroList
	if err := document.Decode(text, &l); err != nil {
		return err
	}
	if l.Items == nil {
		return fmt.Errorf("%w: no list of items", document.ErrMalformed)
	}
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	for _, b := range l.Items {
		if s.Scope != "" && b.Metadata.Labels["velero.io/schedule-name"] != s.Scope {
			continue
		}
		i := NewItem()
		i.ID, i.Kind, i.Start, i.Stop = b.Metadata.Name, metric.KindFull, b.Status.Start.UTC(), b.Status.Completed.UTC()
		switch b.Status.Phase {
		case "Completed":
			if b.Status.Errors > 0 {
				i.status = flawed
			}
		case "PartiallyFailed", "FinalizingPartiallyFailed", "WaitingForPluginOperationsPartiallyFailed":
			i.status = flawed
		case "Failed", "FailedValidation":
			i.status = failed
		default: // New, Queued, InProgress, Finalizing, Deleting and what is yet to come
			i.status = running
		}
		if i.Stop.IsZero() || i.Stop.Year() < 1990 {
			i.Stop, i.Start = b.Metadata.Created.UTC(), time.Time{}
		}
		if i.status == flawed && b.Status.Completed.IsZero() {
			i.status = running
		}
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

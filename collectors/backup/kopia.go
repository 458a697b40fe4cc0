package backup

import (
	"context"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var _ = register(adapter{
	name: "kopia", kind: metric.KindSnapshot,
	list: func(ctx context.Context, q *query, to *listing) error {
		text, err := q.output(ctx, to, "snapshot", "list", "--json", "--all")
		if err != nil {
			return err
		}
		return parseKopia(text, q.source, to)
	},
	verify: func(ctx context.Context, q *query, v *verification) error {
		args := q.backup.Verify.Arguments
		if len(args) == 0 {
			args = []string{"--verify-files-percent=100"}
		}
		v.say("reading all files with kopia snapshot verify")
		_, err := q.run(ctx, append([]string{"snapshot", "verify"}, args...)...)
		v.check("kopia snapshot verify", err)
		return nil
	},
})

type kopiaSnapshot struct {
	ID     string `json:"id"`
	Source struct {
		Path string `json:"path"`
	} `json:"source"`
	Start      time.Time `json:"startTime"`
	End        time.Time `json:"endTime"`
	Incomplete string    `json:"incomplete"`
	Stats      *struct {
		TotalSize int64 `json:"totalSize"`
		Errors    int   `json:"errorCount"`
	} `json:"stats"`
	Root *struct {
		Summary *struct {
			Size   int64 `json:"size"`
			Failed int   `json:"numFailed"`
		} `json:"summ"`
	} `json:"rootEntry"`
}

// parseKopia reads kopia snapshot list --json, which lists all sources and unfinished snapshots whatever it is
// asked: scope picks one source's path.
func parseKopia(text []byte, s *config.BackupSource, to *listing) error {
	var all []kopiaSnapshot
	if err := decode(text, &all); err != nil {
		return err
	}
	if err := to.repository(Repository{Name: defaultRepository}); err != nil {
		return err
	}
	for _, k := range all {
		if s.Scope != "" && k.Source.Path != s.Scope {
			continue
		}
		i := item()
		i.ID, i.Kind, i.Start, i.Stop = k.ID, metric.KindSnapshot, k.Start.UTC(), k.End.UTC()
		if k.Stats != nil {
			i.Size = k.Stats.TotalSize
		}
		if k.Root != nil && k.Root.Summary != nil {
			i.Size = k.Root.Summary.Size
		}
		switch {
		case k.Incomplete != "":
			i.status = failed // a checkpoint, cancelled or cut off: it holds a part
		case k.Stats != nil && k.Stats.Errors > 0, k.Root != nil && k.Root.Summary != nil && k.Root.Summary.Failed > 0:
			i.status = flawed
		}
		if err := to.add(i); err != nil {
			return err
		}
	}
	return nil
}

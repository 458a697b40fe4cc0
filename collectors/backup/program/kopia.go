package program

import (
	"context"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// kopia lists the snapshots of a Kopia repository.
var kopia = Program{
	Name: "kopia", Kind: metric.KindSnapshot,
	List: func(ctx context.Context, q *Query, to *Listing) error {
		text, err := q.output(ctx, to, "snapshot", "list", "--json", "--all")
		if err != nil {
			return err
		}
		return parseKopia(text, q.source, to)
	},
	Verify: func(ctx context.Context, q *Query, v Verification) error {
		args := q.backup.Verify.Arguments
		if len(args) == 0 {
			args = []string{"--verify-files-percent=100"}
		}
		v.Say("reading all files with kopia snapshot verify")
		_, err := q.run(ctx, append([]string{"snapshot", "verify"}, args...)...)
		v.Check("kopia snapshot verify", err)
		return nil
	},
}

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
func parseKopia(text []byte, s *config.BackupSource, to *Listing) error {
	var all []kopiaSnapshot
	if err := document.Decode(text, &all); err != nil {
		return err
	}
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	for _, k := range all {
		if s.Scope != "" && k.Source.Path != s.Scope {
			continue
		}
		i := NewItem()
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
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

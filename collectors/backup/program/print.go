package program

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
)

// maxPrinted bounds what a listing prints, the newest first.
const maxPrinted = 1000

// Print lists a backup once and prints its repositories and backups, for a person.
func Print(ctx context.Context, w io.Writer, b *config.Backup) error {
	q, err := NewQuery(b)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.Timeout.Std())
	defer cancel()
	s, err := q.list(ctx, nil, true)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range s.SortedRepositories() {
		fmt.Fprintf(t, "%s\trepository %s\t%s\t%s\n", b.Name, r.Name, r.State, cmp.Or(r.Problem, "-"))
		if a := r.WAL; a != nil && !a.NewestAt.IsZero() {
			fmt.Fprintf(t, "  newest segment\t%s\ttimeline %d\n", a.NewestAt.UTC().Format(time.RFC3339), a.Timeline)
		}
	}
	slices.SortFunc(s.all, func(a, b Item) int { return b.Stop.Compare(a.Stop) })
	fmt.Fprintln(t, "ended\trepository\tkind\tstatus\tsize\tstored\ttenant\tid")
	for _, i := range s.all[:min(len(s.all), maxPrinted)] {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Stop.UTC().Format(time.RFC3339), i.Repository, i.Kind, i.status,
			bytesText(i.Size), bytesText(i.Stored), cmp.Or(i.Tenant, "-"), document.Short(i.ID))
	}
	if more := len(s.all) - maxPrinted; more > 0 {
		fmt.Fprintf(t, "and %d older ones\n", more)
	}
	return t.Flush()
}

func (s status) String() string {
	return [...]string{good: "ok", flawed: "flawed", failed: "failed", running: "running"}[s]
}

func bytesText(n int64) string {
	if n == Unknown {
		return "-"
	}
	unit := 0
	f := float64(n)
	for f >= 1024 && unit < 4 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.4g %s", f, []string{"B", "KiB", "MiB", "GiB", "TiB"}[unit])
}

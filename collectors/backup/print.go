package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Programs are the names of all adapters.
func Programs() []string { return slices.Sorted(maps.Keys(adapters)) }

// maxPrinted bounds what a listing prints, the newest first.
const maxPrinted = 1000

// Print lists a backup once and prints what is there, for a person.
func Print(ctx context.Context, w io.Writer, b *config.Backup) error {
	q, err := newQuery(b)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.Timeout.Std())
	defer cancel()
	s, err := q.list(ctx, true)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range s.sortedRepositories() {
		fmt.Fprintf(t, "%s\trepository %s\t%s\t%s\n", b.Name, r.Name, r.State, cmp.Or(r.Problem, "-"))
		if a := r.WAL; a != nil && !a.NewestAt.IsZero() {
			fmt.Fprintf(t, "  newest segment\t%s\ttimeline %d\n", a.NewestAt.UTC().Format(time.RFC3339), a.Timeline)
		}
	}
	slices.SortFunc(s.all, func(a, b Item) int { return b.Stop.Compare(a.Stop) })
	fmt.Fprintln(t, "ended\trepository\tkind\tstatus\tsize\tstored\ttenant\tid")
	for _, i := range s.all[:min(len(s.all), maxPrinted)] {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Stop.UTC().Format(time.RFC3339), i.Repository, i.Kind, i.status,
			bytesText(i.Size), bytesText(i.Stored), cmp.Or(i.Tenant, "-"), short(i.ID))
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
	if n == unknown {
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

// OneAtATime waits until no other test leaves its results in the directory, and returns what lets the next one
// go on. Several timers may so fire at once.
func OneAtATime(ctx context.Context, results string) (unlock func(), err error) {
	if err := os.MkdirAll(results, 0o755); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	f, err := regularfile.OpenFile(ctx, filepath.Join(results, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("results: %w", err), f.Close())
		}
		if !collectors.Pause(ctx, time.Second) {
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}

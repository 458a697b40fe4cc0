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

// Listed is what a listing found of one backup of the policy, for a person or another program.
type Listed struct {
	Backup       string             `json:"backup"`
	Repositories []ListedRepository `json:"repositories"`
	Backups      []ListedBackup     `json:"backups"`         // the newest first
	Older        int                `json:"older,omitempty"` // how many more there are
}

// ListedRepository is the state of a repository.
type ListedRepository struct {
	Name    string `json:"repository"`
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"`
	// NewestSegment is when the newest segment of the write-ahead log was written, and Timeline its timeline.
	NewestSegment time.Time `json:"newest_segment,omitzero"`
	Timeline      int64     `json:"timeline,omitempty"`
}

// ListedBackup is one backup. Sizes are in bytes, absent where they are unknown.
type ListedBackup struct {
	Ended      time.Time `json:"ended"`
	Repository string    `json:"repository"`
	Kind       string    `json:"kind"`
	Status     string    `json:"status"` // ok, flawed, failed or running
	Size       *int64    `json:"size_bytes,omitempty"`
	Stored     *int64    `json:"stored_bytes,omitempty"`
	Tenant     string    `json:"tenant,omitempty"`
	ID         string    `json:"id"`
}

// List lists a backup of the policy once.
func List(ctx context.Context, b *config.Backup) (*Listed, error) {
	q, err := NewQuery(b)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.Timeout.Std())
	defer cancel()
	s, err := q.list(ctx, nil, true)
	if err != nil {
		return nil, err
	}
	listed := &Listed{Backup: b.Name, Repositories: []ListedRepository{}, Backups: []ListedBackup{}}
	for _, r := range s.SortedRepositories() {
		one := ListedRepository{Name: r.Name, State: fmt.Sprint(r.State), Problem: r.Problem}
		if a := r.WAL; a != nil && !a.NewestAt.IsZero() {
			one.NewestSegment, one.Timeline = a.NewestAt.UTC(), int64(a.Timeline)
		}
		listed.Repositories = append(listed.Repositories, one)
	}
	slices.SortFunc(s.all, func(a, b Item) int { return b.Stop.Compare(a.Stop) })
	for _, i := range s.all[:min(len(s.all), maxPrinted)] {
		listed.Backups = append(listed.Backups, ListedBackup{
			i.Stop.UTC(), i.Repository, i.Kind, i.status.String(), sizeOf(i.Size), sizeOf(i.Stored), i.Tenant,
			document.Short(i.ID),
		})
	}
	listed.Older = max(len(s.all)-maxPrinted, 0)
	return listed, nil
}

func sizeOf(n int64) *int64 {
	if n == Unknown {
		return nil
	}
	return &n
}

// Write prints the listing for a person.
func (l *Listed) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range l.Repositories {
		fmt.Fprintf(t, "%s\trepository %s\t%s\t%s\n", l.Backup, r.Name, r.State, cmp.Or(r.Problem, "-"))
		if !r.NewestSegment.IsZero() {
			fmt.Fprintf(t, "  newest segment\t%s\ttimeline %d\n", r.NewestSegment.Format(time.RFC3339), r.Timeline)
		}
	}
	fmt.Fprintln(t, "ended\trepository\tkind\tstatus\tsize\tstored\ttenant\tid")
	for _, i := range l.Backups {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Ended.Format(time.RFC3339), i.Repository, i.Kind, i.Status,
			bytesText(i.Size), bytesText(i.Stored), cmp.Or(i.Tenant, "-"), i.ID)
	}
	if l.Older > 0 {
		fmt.Fprintf(t, "and %d older ones\n", l.Older)
	}
	return t.Flush()
}

func (s status) String() string {
	return [...]string{good: "ok", flawed: "flawed", failed: "failed", running: "running"}[s]
}

func bytesText(n *int64) string {
	if n == nil {
		return "-"
	}
	unit := 0
	f := float64(*n)
	for f >= 1024 && unit < 4 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.4g %s", f, []string{"B", "KiB", "MiB", "GiB", "TiB"}[unit])
}

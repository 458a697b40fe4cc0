package supabase

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Status of a backup as the API names it.
const (
	BackupCompleted = "COMPLETED"
	BackupFailed    = "FAILED"
	BackupPending   = "PENDING"
	BackupRemoved   = "REMOVED"
	BackupArchived  = "ARCHIVED"
	BackupCancelled = "CANCELLED"
)

// Backups is what the API knows of a project's backups. With point-in-time recovery the list is often empty
// and only Latest moves; an empty list and no Latest means that nothing can be restored.
type Backups struct {
	Region   string
	WALG     bool // says nothing of whether a backup exists
	PITR     bool
	Backups  []Backup
	Earliest time.Time // of the physical backups; zero if there is none
	Latest   time.Time
}

// Backup is one backup.
type Backup struct {
	ID       int64
	Physical bool
	Status   string
	Inserted time.Time // when its row was made
}

// Newest returns when the newest backup that can be restored was made, zero if there is none.
func (b Backups) Newest() time.Time {
	newest := b.Latest
	for _, one := range b.Backups {
		if one.Status == BackupCompleted && one.Inserted.After(newest) {
			newest = one.Inserted
		}
	}
	return newest
}

// Backups asks for the backups of a project. The token needs backups_read.
func (c *Client) Backups(ctx context.Context, project string) (Backups, error) {
	const path = "database/backups"
	var answer struct {
		Region  string `json:"region"`
		WALG    bool   `json:"walg_enabled"`
		PITR    bool   `json:"pitr_enabled"`
		Backups []struct {
			ID       int64     `json:"id"`
			Physical bool      `json:"is_physical_backup"`
			Status   string    `json:"status"`
			Inserted timestamp `json:"inserted_at"`
		} `json:"backups"`
		Physical struct {
			Earliest unix `json:"earliest_physical_backup_date_unix"`
			Latest   unix `json:"latest_physical_backup_date_unix"`
		} `json:"physical_backup_data"`
	}
	if err := c.get(ctx, project, path, nil, &answer); err != nil {
		return Backups{}, err
	}
	b := Backups{
		Region: answer.Region, WALG: answer.WALG, PITR: answer.PITR,
		Earliest: answer.Physical.Earliest.Time, Latest: answer.Physical.Latest.Time,
	}
	for _, one := range answer.Backups {
		b.Backups = append(b.Backups, Backup{
			ID: one.ID, Physical: one.Physical, Status: one.Status,
			Inserted: one.Inserted.Time,
		})
	}
	return b, nil
}

// timestamp is a moment with a zone, or without one and then in UTC: which of the two the API writes is
// not documented.
type timestamp struct{ time.Time }

// UnmarshalJSON reads RFC 3339 and the same without a zone, with T or a space between date and time.
func (t *timestamp) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if s == "" {
		return nil
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
		"2006-01-02 15:04:05.999999999Z07:00",
	} {
		if parsed, err := time.Parse(layout, s); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	return fmt.Errorf("invalid time %.40q", s)
}

// milliseconds is the least number that can only be milliseconds: as seconds it lies in the year 5138.
const milliseconds = 1e11

// unix is a Unix time, in seconds by its name; the unit is not documented.
type unix struct{ time.Time }

// UnmarshalJSON reads a number of seconds, or of milliseconds if it is that large; null and 0 are no time.
func (u *unix) UnmarshalJSON(text []byte) error {
	var n *float64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	switch {
	case n == nil || *n == 0:
	case *n < 0 || *n > milliseconds*10_000:
		return fmt.Errorf("invalid Unix time %g", *n)
	case *n > milliseconds:
		u.Time = time.UnixMilli(int64(*n)).UTC()
	default:
		u.Time = time.UnixMilli(int64(*n * 1000)).UTC()
	}
	return nil
}

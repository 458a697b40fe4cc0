package program

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// status of a backup in its program's list.
type status int

const (
	good    status = iota // it ended well
	flawed                // it ended, and its program noticed errors in what it holds
	failed                // it did not end well, or will never
	running               // it has not ended
)

// Unknown stands for a size that the program does not report.
const Unknown = -1

// Item is one backup as its program lists it.
type Item struct {
	ID         string
	Kind       string // one of metric.BackupKinds
	Repository string
	Tenant     string
	Start      time.Time // zero if the program does not report it
	Stop       time.Time
	Size       int64 // bytes that a restore writes
	Copied     int64 // bytes read from the source
	Stored     int64 // bytes in the repository with all that it builds on
	Added      int64 // bytes added to the repository
	// Position is the log position from which the backup is consistent, 0 where there is none.
	Position uint64
	status   status
}

// NewItem returns a good backup of which no size is known.
func NewItem() Item {
	return Item{Repository: DefaultRepository, Size: Unknown, Copied: Unknown, Stored: Unknown, Added: Unknown}
}

// DefaultRepository is the name of the repository of programs that have only one.
const DefaultRepository = "default"

// Repository is a place where backups are, as its program describes it.
type Repository struct {
	Name  string
	State string // one of metric.RepositoryStates
	// Problem explains why the state is not ok.
	Problem string
	WAL     *Archive
	// Running is the progress of a backup being made; nil if the program does not report one.
	Running   *Progress
	Restoring *bool
}

// Archive is the archive of write-ahead logs beside the backups.
type Archive struct {
	Oldest, Newest uint64 // log positions in bytes: where the oldest segment begins and the newest ends
	Timeline       uint32
	NewestAt       time.Time // zero if the program does not report it
	Missing        int       // segments, in the part that was looked at; unknown where none was
	Ahead          Ahead     // a time of the newest log that lay in the future
}

// EstimateArrival sets when the newest log arrived if the program does not report it: no later than the first listing
// that showed it, and within one interval before that.
func (a *Archive) EstimateArrival(before *Archive, listed time.Time) {
	switch {
	case a == nil || before == nil || !a.NewestAt.IsZero() || a.Newest == 0 || before.Newest == 0:
	case a.Newest == before.Newest && a.Timeline == before.Timeline:
		a.NewestAt = before.NewestAt
	default:
		a.NewestAt = listed
	}
}

// Progress is how far a running backup is.
type Progress struct {
	Active      bool
	Done, Total int64 // unknown if the program does not report it
}

// settle sets the state to ok, or to empty for a readable repository without a backup that ended. A backup that holds
// errors counts as one that ended.
func (r *Repository) settle(ended int) {
	if r.State == "" || r.State == metric.RepositoryOK || r.State == metric.RepositoryEmpty {
		r.State = metric.RepositoryOK
		if ended == 0 {
			r.State = metric.RepositoryEmpty
		}
	}
}

// Readable reports whether the listing of the repository is valid.
func (r *Repository) Readable() bool { return r.State != metric.RepositoryUnreadable }

// Package backup knows what backups there are, whatever program makes them, and whether they have been proven
// whole and restorable. It lists in the background, as seldom as the policy says; verifications and restore
// tests are commands that a timer runs, whose result files it reads.
package backup

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

// unknown stands for a size that the program does not report.
const unknown = -1

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

// item returns a good backup of which no size is known.
func item() Item {
	return Item{Repository: defaultRepository, Size: unknown, Copied: unknown, Stored: unknown, Added: unknown}
}

// defaultRepository is the name of the only repository of programs that have one.
const defaultRepository = "default"

// Repository is a place where backups are, as its program describes it.
type Repository struct {
	Name  string
	State string // one of metric.RepositoryStates
	// Problem says in words why the state is not ok.
	Problem string
	WAL     *Archive
	// Running is the progress of a backup being made; nil where the program does not say whether one is.
	Running   *Progress
	Restoring *bool
}

// Archive is the archive of write-ahead logs beside the backups.
type Archive struct {
	Oldest, Newest uint64 // log positions in bytes: where the oldest segment begins and the newest ends
	Timeline       uint32
	NewestAt       time.Time // zero if the program does not report it
	Missing        int       // segments, in the part that was looked at; unknown where none was
	Ahead          ahead     // a time of the newest log that lay in the future
}

// remember estimates when the newest log arrived if the program does not report it: no later than the first listing
// that showed it, and within one interval before that.
func (a *Archive) remember(before *Archive, listed time.Time) {
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

// settle makes the state ok, or empty for a readable repository without a backup that ended. One that holds errors is there:
// whether it is good is for others to say.
func (r *Repository) settle(ended int) {
	if r.State == "" || r.State == metric.RepositoryOK || r.State == metric.RepositoryEmpty {
		r.State = metric.RepositoryOK
		if ended == 0 {
			r.State = metric.RepositoryEmpty
		}
	}
}

// readable reports whether what is listed of the repository can be believed.
func (r *Repository) readable() bool { return r.State != metric.RepositoryUnreadable }

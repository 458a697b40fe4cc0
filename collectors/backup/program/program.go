// Package program lists the backups of every program that makes backups, and starts the program's own verification and
// restore. One file holds all that is known of one program; the table in this file lists them.
package program

import (
	"context"
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
)

// programs are all programs, in the order of the table in docs/backups.md. TestTable compares the two.
var programs = []*Program{
	&pgBackRest, &supabaseProject, &objectStorage, &restic, &directory, &jsonForm, &barman, &borg, &walG, &kopia, &velero,
}

// Program is a program that makes backups, or a place that holds them.
type Program struct {
	Name string
	// Kind is that of a backup while there is none yet, one of metric.BackupKinds.
	Kind string
	// Logs reports whether a listing contains the time of the newest write-ahead log. A policy may then demand a recovery
	// point that is younger than the newest backup.
	Logs bool
	// Check rejects a source that lacks what the program needs; nil accepts every source.
	Check func(s *config.BackupSource) error
	// Warning reports whether an exit code of a listing is a warning, so that the output is valid; nil for never.
	Warning func(code int) bool
	// List adds the content of the repositories to the listing.
	List func(ctx context.Context, q *Query, to *Listing) error
	// Verify checks that the backups are intact; nil if the program cannot. Only package verify calls it.
	Verify func(ctx context.Context, q *Query, v Verification) error
	// Restore returns the arguments that restore the newest backup of a PostgreSQL server into a data directory
	// below a scratch directory; nil if the program cannot. Only package verify runs them.
	Restore func(s *config.BackupSource, scratch, data string) []string
}

// Verification receives the findings of a verification. Package verify implements it, which the exporter does not link.
type Verification interface {
	// Say reports progress to a person.
	Say(format string, args ...any)
	// Check records the result of one check; nil is a success.
	Check(name string, err error)
	// Read counts bytes that were read.
	Read(bytes int64)
	// Missing counts segments that the archive of write-ahead logs lacks.
	Missing(segments int)
	// Files reads backups that are files or directories below a directory, given by their names.
	Files(ctx context.Context, dir string, names []string) error
}

// Find returns the program of a name, nil if there is none.
func Find(name string) *Program {
	if i := slices.IndexFunc(programs, func(p *Program) bool { return p.Name == name }); i >= 0 {
		return programs[i]
	}
	return nil
}

// Names are the names of all programs, sorted.
func Names() []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// BackupRestore configures the command backup restore-test, which proves that backups can be restored: by a command of
// the operator's own, or into a PostgreSQL server that lives for the test only.
type BackupRestore struct {
	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	// Scratch is the directory in which directories are made for the test, and deleted after it.
	Scratch string `yaml:"scratch"`
	// Command restores into the directory that the variable THORBIS_RESTORE_DIR names. Without PostgreSQL its exit
	// code is the verdict.
	Command     []string              `yaml:"command"`
	Environment map[string]string     `yaml:"environment"`
	Secrets     map[string]*SecretRef `yaml:"secrets"`
	PostgreSQL  *RestorePostgreSQL    `yaml:"postgresql"`
}

// RestorePostgreSQL starts a server on what was restored and asks it.
type RestorePostgreSQL struct {
	// Binaries is the directory of postgres; Data the data directory below the scratch directory.
	Binaries string          `yaml:"binaries"`
	Data     string          `yaml:"data"`
	Database string          `yaml:"database"`
	User     string          `yaml:"user"`
	Settings []string        `yaml:"settings"`
	Checks   []*RestoreCheck `yaml:"checks"`
}

// RestoreCheck is a query that returns one number, and its bounds.
type RestoreCheck struct {
	Name  string   `yaml:"name"`
	Query string   `yaml:"query"`
	Min   *float64 `yaml:"min"`
	Max   *float64 `yaml:"max"`
	// Rows means that the number is a count of rows.
	Rows bool `yaml:"rows"`
}

// inherit fills in what the test left out.
func (r *BackupRestore) inherit() {
	setDuration(&r.Timeout, 12*time.Hour)
	if pg := r.PostgreSQL; pg != nil {
		if pg.Database == "" {
			pg.Database = "postgres"
		}
		if pg.User == "" {
			pg.User = "postgres"
		}
	}
}

func (v *validator) backupRestore(path string, r *BackupRestore) {
	v.secretRefs(path+".secrets", r.Secrets)
	if len(r.Command) > 0 && r.Scratch == "" || r.PostgreSQL != nil && r.Scratch == "" {
		v.failAt(path, "missing scratch: a directory with room for what is restored")
	}
	pg := r.PostgreSQL
	if pg == nil {
		return
	}
	if pg.Binaries == "" {
		v.failAt(path+".postgresql", "missing binaries: the directory of postgres, such as /usr/lib/postgresql/17/bin")
	}
	if strings.HasPrefix(pg.Data, "/") || slices.Contains(strings.Split(pg.Data, "/"), "..") {
		v.failAt(path+".postgresql.data", "invalid path %q: write a name below the scratch directory", pg.Data)
	}
	seen := map[string]bool{}
	for i, c := range pg.Checks {
		at := fmt.Sprintf("%s.postgresql.checks[%d]", path, i)
		v.name(at+".name", c.Name)
		v.unique(at+".name", c.Name, seen)
		if c.Query == "" {
			v.failAt(at, "missing query: write one that returns a number")
		}
		if c.Min == nil && c.Max == nil {
			v.failAt(at, "missing expectation: write min, max or both")
		}
	}
}

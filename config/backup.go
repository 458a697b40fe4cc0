package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Backup is one thing that is backed up: where its backups are listed, and what is expected of them.
type Backup struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	Page       string `yaml:"page"`
	// Locations names the exporters that can list it; every exporter with the backup collector if empty.
	Locations []string     `yaml:"locations"`
	Source    BackupSource `yaml:"source"`
	// Refresh is how often it is listed, Timeout how long one listing may take.
	Refresh Duration `yaml:"refresh"`
	Timeout Duration `yaml:"timeout"`

	// Interval is how often a backup of any kind is made, FullInterval one that needs no other.
	Interval     Duration `yaml:"interval"`
	FullInterval Duration `yaml:"full_interval"`
	// MaxAge is the recovery point objective: how old the newest point may be to which can be restored.
	MaxAge Duration `yaml:"max_age"`
	// RecoveryTime is the recovery time objective: how long a restore may take.
	RecoveryTime Duration        `yaml:"recovery_time"`
	Retention    BackupRetention `yaml:"retention"`

	// WALDisk is the filesystem that fills while the database cannot archive its logs.
	WALDisk     *BackupWALDisk   `yaml:"wal_disk"`
	PerTenant   *BackupPerTenant `yaml:"per_tenant"`
	Verify      BackupVerify     `yaml:"verify"`
	RestoreTest BackupRestore    `yaml:"restore_test"`
	// Results is the directory in which verifications and restore tests leave what they found.
	Results string `yaml:"results"`
}

// BackupSource says where backups are listed. Which keys a program takes is its adapter's to say.
type BackupSource struct {
	// Program is the name of an adapter: pgbackrest, restic, directory, s3 and so on.
	Program string `yaml:"program"`
	// Command begins the command line; the program's own name if empty. Never a secret: all users can read it.
	Command []string `yaml:"command"`
	// File holds the listing that somebody else wrote; nothing is run then.
	File string `yaml:"file"`
	// Scope is the stanza, server, namespace or project within the program.
	Scope string `yaml:"scope"`
	// Repository is the address of the repository or bucket.
	Repository string `yaml:"repository"`
	// Path is a directory or a prefix, Pattern what the names below it look like.
	Path    string `yaml:"path"`
	Pattern string `yaml:"pattern"`
	// Marker is the pattern of a file or object that says that a backup is complete.
	Marker string `yaml:"marker"`
	// Region and Endpoint are those of object storage.
	Region   string `yaml:"region"`
	Endpoint string `yaml:"endpoint"`
	// TimeZone is that of a program that writes times without one.
	TimeZone string `yaml:"time_zone"`
	// Secrets are environment variables of the program, or credentials of the API, by name.
	Secrets map[string]*SecretRef `yaml:"secrets"`
	// Environment are variables that are no secret.
	Environment map[string]string `yaml:"environment"`
}

// Identity identifies where backups are listed from. It does not include how they are listed or where the credentials
// come from, unless the address itself is a credential.
func (s *BackupSource) Identity() string {
	h := sha256.New()
	add := func(parts ...string) {
		for _, part := range parts {
			_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
		}
	}
	add(s.Program, s.File, s.Scope, s.Repository, s.Path, s.Pattern, s.Marker, s.Endpoint)
	for _, name := range sortedKeys(s.Environment) {
		add("environment", name, s.Environment[name])
	}
	for _, name := range []string{"RESTIC_REPOSITORY", "BORG_REPO"} {
		if ref := s.Secrets[name]; ref != nil {
			add("secret", name, ref.File, ref.Env)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// BackupRetention bounds what is kept. What is 0 is not judged.
type BackupRetention struct {
	MinCount int `yaml:"min_count"`
	MaxCount int `yaml:"max_count"`
	// MinAge is how long a backup is kept at least, MaxAge how long at most.
	MinAge Duration `yaml:"min_age"`
	MaxAge Duration `yaml:"max_age"`
}

// BackupWALDisk names a filesystem as the series of storage do.
type BackupWALDisk struct {
	Host       string `yaml:"host"`
	Mountpoint string `yaml:"mountpoint"`
}

// BackupPerTenant says that there is a backup for each tenant of the registry.
type BackupPerTenant struct {
	// MaxAge by tier overrides the backup's own.
	MaxAge map[string]Duration `yaml:"max_age"`
	// Worst bounds the tenants that are exposed by name.
	Worst int `yaml:"worst"`
}

// BackupVerify says how backups are proven whole by the command backup verify.
type BackupVerify struct {
	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	// Arguments replace those with which the program's own check is run, such as --read-data-subset=5%.
	Arguments []string `yaml:"arguments"`
	// Newest bounds how many backups of a directory are read, the newest first; 0 reads all.
	Newest int `yaml:"newest"`
}

// BackupRestore says how backups are proven to restore by the command backup restore-test: by a command of
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
	// Rows says that the number is a count of rows.
	Rows bool `yaml:"rows"`
}

// Bounds and defaults of backups.
const (
	maxBackups       = 1000
	maxTenantsByName = 100
	backupResults    = "/var/lib/thorbis/backup-results"
)

// Backup returns a backup by name.
func (p *Policy) Backup(name string) (*Backup, bool) {
	i := slices.IndexFunc(p.Backups, func(b *Backup) bool { return b.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Backups[i], true
}

// Ownership returns the owner of a backup and the priority at which it pages: its own, else its service's.
func (p *Policy) Ownership(b *Backup) (owner, page string) {
	owner, page = b.Owner, b.Page
	if s, ok := p.Service(b.AppService); ok {
		if owner == "" {
			owner = s.Owner
		}
		if page == "" {
			page = s.Page
		}
	}
	if page == "" {
		page = Priorities[0]
	}
	return owner, page
}

// inheritBackups fills what each backup left out. A recovery point objective that is not written is two
// intervals: what is paged for then is a second missed run.
func (p *Policy) inheritBackups() {
	orElse := func(d *Duration, v time.Duration) {
		if *d == 0 {
			*d = Duration(v)
		}
	}
	for _, b := range p.Backups {
		orElse(&b.Refresh, 10*time.Minute)
		orElse(&b.Timeout, min(5*time.Minute, b.Refresh.Std()))
		orElse(&b.MaxAge, 2*b.Interval.Std())
		orElse(&b.Verify.Timeout, 12*time.Hour)
		orElse(&b.RestoreTest.Timeout, 12*time.Hour)
		if b.Results == "" {
			b.Results = backupResults
		}
		if b.PerTenant != nil && b.PerTenant.Worst == 0 {
			b.PerTenant.Worst = 20
		}
		if pg := b.RestoreTest.PostgreSQL; pg != nil {
			if pg.Database == "" {
				pg.Database = "postgres"
			}
			if pg.User == "" {
				pg.User = "postgres"
			}
		}
	}
}

func (v *validator) backups() {
	if n := len(v.policy.Backups); n > maxBackups {
		v.failAt("backups", "%d backups; at most %d", n, maxBackups)
	}
	seen := map[string]bool{}
	for i, b := range v.policy.Backups {
		path := fmt.Sprintf("backups[%d]", i)
		v.name(path+".name", b.Name)
		v.unique(path+".name", b.Name, seen)
		v.page(path+".page", b.Page)
		if _, ok := v.policy.Service(b.AppService); !ok && b.AppService != "" {
			v.failAt(path+".app_service", "unknown service %q: write the name of a service of this policy", b.AppService)
		}
		for j, l := range b.Locations {
			v.name(fmt.Sprintf("%s.locations[%d]", path, j), l)
		}
		if b.Refresh.Std() < 10*time.Second {
			v.failAt(path+".refresh", "must be 10s or more, because each listing starts the program")
		}
		if b.Timeout <= 0 || b.Timeout > b.Refresh {
			v.failAt(path+".timeout", "%s must be more than 0 and at most refresh, which is %s", b.Timeout, b.Refresh)
		}
		v.backupSource(path+".source", &b.Source)
		v.backupExpectations(path, b)
		v.backupRestore(path+".restore_test", &b.RestoreTest)
		v.perTenantBackup(path+".per_tenant", b)
	}
}

func (v *validator) backupSource(path string, s *BackupSource) {
	if s.Program == "" {
		v.failAt(path, "missing program: write the program that makes the backups, such as program: pgbackrest")
	}
	if s.File != "" && len(s.Command) > 0 {
		v.failAt(path, "must have either command, which is run, or file, which another program writes")
	}
	if s.TimeZone != "" {
		v.zone(path+".time_zone", s.TimeZone)
	}
	v.secrets(path+".secrets", s.Secrets)
}

func (v *validator) secrets(path string, refs map[string]*SecretRef) {
	for _, name := range sortedKeys(refs) {
		if ref := refs[name]; (ref.File == "") == (ref.Env == "") {
			v.failAt(path+"."+name, "must have either file or env")
		}
	}
}

// tellsOfLogs reports whether a listing can say when the newest write-ahead log came, so that the newest point to which can
// be restored is younger than the newest backup.
func (s *BackupSource) tellsOfLogs() bool {
	switch s.Program {
	case "barman":
		return s.File == ""
	case "pgbackrest", "wal-g", "supabase", "json":
		return true
	}
	return false
}

func (v *validator) backupExpectations(path string, b *Backup) {
	if b.Interval == 0 && b.FullInterval == 0 && b.MaxAge == 0 {
		v.failAt(path, "missing expectation: write interval, such as interval: 1d, or max_age")
	}
	if w := b.WALDisk; w != nil && (w.Host == "" || !strings.HasPrefix(w.Mountpoint, "/")) {
		v.failAt(path+".wal_disk", "host and mountpoint are needed, as the series of storage name them, such as {host: db1, mountpoint: /var/lib/postgresql}")
	}
	if b.MaxAge != 0 && b.MaxAge <= b.Refresh {
		v.failAt(path+".max_age", "%s must be more than refresh, which is %s", b.MaxAge, b.Refresh)
	}
	shortest := b.Interval
	if shortest == 0 {
		shortest = b.FullInterval
	}
	if b.MaxAge != 0 && b.MaxAge < shortest && !b.Source.tellsOfLogs() {
		v.failAt(path+".max_age", "%s is less than the interval of %s, and %s records nothing between two backups: write %s or more", b.MaxAge, shortest, b.Source.Program, shortest)
	}
	r := b.Retention
	if r.MinCount < 0 || r.MaxCount < 0 || r.MaxCount != 0 && r.MaxCount < r.MinCount {
		v.failAt(path+".retention", "min_count and max_count must be 0 or more, and max_count at least min_count")
	}
	if r.MaxAge != 0 && r.MaxAge < r.MinAge {
		v.failAt(path+".retention.max_age", "must be at least min_age")
	}
	if b.PerTenant != nil && (r.MinCount > 0 || r.MaxCount > 0) {
		v.failAt(path+".retention", "backups of all tenants are counted together; write min_age and max_age instead of counts")
	}
	if b.RestoreTest.Interval != 0 && b.RestoreTest.Interval < b.Refresh || b.Verify.Interval != 0 && b.Verify.Interval < b.Refresh {
		v.failAt(path, "verify.interval and restore_test.interval must be at least refresh")
	}
}

func (v *validator) backupRestore(path string, r *BackupRestore) {
	v.secrets(path+".secrets", r.Secrets)
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
		v.failAt(path+".postgresql.data", "write a name below the scratch directory")
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

func (v *validator) perTenantBackup(path string, b *Backup) {
	t := b.PerTenant
	if t == nil {
		return
	}
	if v.policy.Tenants.Registry.File == "" {
		v.failAt(path, "missing registry of tenants: write tenants: {registry: {file: ...}}")
	}
	if t.Worst < 0 || t.Worst > maxTenantsByName {
		v.failAt(path+".worst", "must be 1 to %d", maxTenantsByName)
	}
	for _, tier := range sortedKeys(t.MaxAge) {
		if _, ok := v.policy.Tiers[tier]; !ok {
			v.failAt(path+".max_age."+tier, "unknown tier %q: %s", tier, Suggest(tier, sortedKeys(v.policy.Tiers)))
		}
	}
}

// absoluteBackups resolves the files that the exporter opens.
func (v *validator) absoluteBackups() {
	for i, b := range v.policy.Backups {
		path := fmt.Sprintf("backups[%d]", i)
		at := func(key string, names ...*string) {
			for _, name := range names {
				if *name != "" {
					*name = v.resolve(path+key, *name)
				}
			}
		}
		at(".source.file", &b.Source.File)
		at(".restore_test.scratch", &b.RestoreTest.Scratch)
		at(".results", &b.Results)
	}
}

// backupWarnings warns of gaps in the monitoring of a backup.
func (v *validator) backupWarnings() {
	for i, b := range v.policy.Backups {
		path := fmt.Sprintf("backups[%d]", i)
		if b.RestoreTest.Interval == 0 {
			v.warn(path, "no restore_test: whether %s can be restored stays unknown until an emergency", b.Name)
		}
	}
}

// backups adds what listings cost a listing costs: series of one repository, and calls an hour of sources with an API.
func (c *Cost) backups(p *Policy) {
	for _, b := range p.Backups {
		c.Series += seriesPerBackup
		if b.PerTenant != nil {
			c.Series += b.PerTenant.Worst
		}
		if b.Source.Program == "s3" || b.Source.Program == "supabase" {
			c.APICallsPerHour += int(time.Hour / b.Refresh.Std())
		}
	}
}

// seriesPerBackup: about 30 of one repository with fulls, incrementals and WAL, 10 expectations, 20 of results.
const seriesPerBackup = 75

package config

import (
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

// BackupRetention bounds what is kept. 0 is no bound.
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

// BackupPerTenant expects a backup for each tenant of the registry.
type BackupPerTenant struct {
	// MaxAge by tier overrides the backup's own.
	MaxAge map[string]Duration `yaml:"max_age"`
	// Worst bounds the tenants that are exposed by name.
	Worst int `yaml:"worst"`
}

// BackupVerify configures the command backup verify, which reads backups to prove that they are intact.
type BackupVerify struct {
	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	// Arguments replace those with which the program's own check is run, such as --read-data-subset=5%.
	Arguments []string `yaml:"arguments"`
	// Newest bounds how many backups of a directory are read, the newest first; 0 reads all.
	Newest int `yaml:"newest"`
}

// Bounds and defaults of backups.
const (
	maxBackups       = 1000
	maxTenantsByName = 100
	backupResults    = "/var/lib/thorbis/backup-results"
)

var backupsSection = &section[[]*Backup]{
	key:      "backups",
	field:    func(p *Policy) *[]*Backup { return &p.Backups },
	inherit:  inheritBackups,
	validate: validateBackups,
	warn:     warnOfBackups,
	resolve:  resolveBackups,
	cost:     costOfBackups,
}

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
	return p.ownership(b.Owner, b.Page, b.AppService)
}

// inheritBackups fills in what each backup left out. The default recovery point objective is two intervals, so that the
// second missed run pages.
func inheritBackups(_ *Policy, backups *[]*Backup) {
	for _, b := range *backups {
		setDuration(&b.Refresh, 10*time.Minute)
		setDuration(&b.Timeout, min(5*time.Minute, b.Refresh.Std()))
		setDuration(&b.MaxAge, 2*b.Interval.Std())
		setDuration(&b.Verify.Timeout, 12*time.Hour)
		b.RestoreTest.inherit()
		if b.Results == "" {
			b.Results = backupResults
		}
		if b.PerTenant != nil && b.PerTenant.Worst == 0 {
			b.PerTenant.Worst = 20
		}
	}
}

func setDuration(d *Duration, unless time.Duration) {
	if *d == 0 {
		*d = Duration(unless)
	}
}

func validateBackups(v *validator, backups []*Backup) {
	v.tooMany("backups", "backups", len(backups), maxBackups)
	seen := map[string]bool{}
	for i, b := range backups {
		path := fmt.Sprintf("backups[%d]", i)
		v.name(path+".name", b.Name)
		v.unique(path+".name", b.Name, seen)
		v.page(path+".page", b.Page)
		if b.AppService != "" {
			v.appService(path+".app_service", b.AppService)
		}
		v.names(path+".locations", b.Locations)
		if b.Refresh.Std() < 10*time.Second {
			v.failAt(path+".refresh", "invalid duration %q: write 10s or more, because each listing starts the program",
				b.Refresh)
		}
		if b.Timeout <= 0 || b.Timeout > b.Refresh {
			v.failAt(path+".timeout", "invalid duration %q: write more than 0 and at most refresh, which is %s",
				b.Timeout, b.Refresh)
		}
		v.backupSource(path+".source", &b.Source)
		v.backupExpectations(path, b)
		v.backupRestore(path+".restore_test", &b.RestoreTest)
		v.perTenantBackup(path+".per_tenant", b)
	}
}

func (v *validator) backupExpectations(path string, b *Backup) {
	if b.Interval == 0 && b.FullInterval == 0 && b.MaxAge == 0 {
		v.failAt(path, "missing expectation: write interval, such as interval: 1d, or max_age")
	}
	if w := b.WALDisk; w != nil && (w.Host == "" || !strings.HasPrefix(w.Mountpoint, "/")) {
		v.failAt(path+".wal_disk", "host and mountpoint are needed, as the series of storage name them, "+
			"such as {host: db1, mountpoint: /var/lib/postgresql}")
	}
	if b.MaxAge != 0 && b.MaxAge <= b.Refresh {
		v.failAt(path+".max_age", "invalid duration %q: write more than refresh, which is %s", b.MaxAge, b.Refresh)
	}
	shortest := b.Interval
	if shortest == 0 {
		shortest = b.FullInterval
	}
	if b.MaxAge != 0 && b.MaxAge < shortest && !b.Source.listsLogs() {
		v.failAt(path+".max_age", "invalid duration %q: write %s or more, because %s records nothing between two backups",
			b.MaxAge, shortest, b.Source.Program)
	}
	r := b.Retention
	if r.MinCount < 0 {
		v.failAt(path+".retention.min_count", "invalid number \"%d\": write 0 or more", r.MinCount)
	}
	if r.MaxCount < 0 || r.MaxCount != 0 && r.MaxCount < r.MinCount {
		v.failAt(path+".retention.max_count", "invalid number \"%d\": write min_count or more, which is %d",
			r.MaxCount, r.MinCount)
	}
	if r.MaxAge != 0 && r.MaxAge < r.MinAge {
		v.failAt(path+".retention.max_age", "invalid duration %q: write min_age or more, which is %s", r.MaxAge, r.MinAge)
	}
	if b.PerTenant != nil && (r.MinCount > 0 || r.MaxCount > 0) {
		v.failAt(path+".retention",
			"backups of all tenants are counted together; write min_age and max_age instead of counts")
	}
	v.testInterval(path+".verify.interval", b.Verify.Interval, b.Refresh)
	v.testInterval(path+".restore_test.interval", b.RestoreTest.Interval, b.Refresh)
}

func (v *validator) testInterval(path string, interval, refresh Duration) {
	if interval != 0 && interval < refresh {
		v.failAt(path, "invalid duration %q: write refresh or more, which is %s", interval, refresh)
	}
}

func (v *validator) perTenantBackup(path string, b *Backup) {
	t := b.PerTenant
	if t == nil {
		return
	}
	if r := &v.policy.Tenants.Registry; r.File == "" && r.Postgres == nil {
		v.failAt(path, "missing registry of tenants: write tenants: {registry: {file: ...}}")
	}
	v.number(path+".worst", t.Worst, 1, maxTenantsByName)
	for _, tier := range sortedKeys(t.MaxAge) {
		if _, ok := v.policy.Tiers[tier]; !ok {
			v.failAt(path+".max_age."+tier, "unknown tier %q: %s", tier, Suggest(tier, sortedKeys(v.policy.Tiers)))
		}
	}
}

// resolveBackups resolves the files that the exporter opens.
func resolveBackups(v *validator, backups *[]*Backup) {
	for i, b := range *backups {
		path := fmt.Sprintf("backups[%d]", i)
		for key, name := range map[string]*string{
			".source.file": &b.Source.File, ".restore_test.scratch": &b.RestoreTest.Scratch, ".results": &b.Results,
		} {
			if *name != "" {
				*name = v.resolve(path+key, *name)
			}
		}
	}
}

// warnOfBackups warns of gaps in the monitoring of a backup.
func warnOfBackups(v *validator, backups []*Backup) {
	for i, b := range backups {
		if b.RestoreTest.Interval == 0 {
			v.warn(fmt.Sprintf("backups[%d]", i), "no restore_test: whether %s can be restored stays unknown until an emergency",
				b.Name)
		}
	}
}

// seriesPerBackup: about 30 of one repository with fulls, incrementals and WAL, 10 expectations, 20 of results.
const seriesPerBackup = 75

// costOfBackups returns the series of one repository each, and the calls of sources with an API.
func costOfBackups(_ *Policy, backups []*Backup, _ int) Cost {
	var cost Cost
	for _, b := range backups {
		cost.Series += seriesPerBackup
		if b.PerTenant != nil {
			cost.Series += b.PerTenant.Worst
		}
		if b.Source.Program == "s3" || b.Source.Program == "supabase" {
			cost.APICallsPerHour += int(time.Hour / b.Refresh.Std())
		}
	}
	return cost
}

package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/calendar"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of procedures.
const (
	maxProcedures = 500
	maxPingKeys   = 20
	maxSchedule   = Duration(366 * 24 * time.Hour)
	leastGrace    = Duration(time.Minute)
	mostGrace     = Duration(time.Hour)
	graceSample   = 20 // due times of which the closest two set the default grace
)

// slugRE is the name of a procedure: healthchecks.io knows it as slug, in the address of a ping.
var slugRE = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Procedures says which runs are expected and how they are reported. Without the section none is.
type Procedures struct {
	// PingKeys hold the keys that may report every procedure: /ping/<key>/<name>. There may be several, so that one can
	// replace another.
	PingKeys []*SecretRef `yaml:"ping_keys"`
	// People sign what people do, each with a key of their own.
	People []*Person `yaml:"people"`
	// PostOnly ignores pings that are not posted, such as those of a program that follows links.
	PostOnly bool `yaml:"post_only"`
	// Results is the directory of the results that the command run could not deliver.
	Results  string       `yaml:"results"`
	Expected []*Procedure `yaml:"expected"`
}

// Procedure is a run that is expected: an automated procedure, or a task of people.
type Procedure struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	Page       string `yaml:"page"`
	// Locations names the exporters that it is reported to; every exporter with the procedure collector if empty.
	Locations []string `yaml:"locations"`

	// Interval, Cron or OnCalendar say when it is due, the last two on the clock of TimeZone.
	Interval   Duration `yaml:"interval"`
	Cron       string   `yaml:"cron"`
	OnCalendar []string `yaml:"on_calendar"`
	TimeZone   string   `yaml:"time_zone"`
	// Grace is how late it may begin, or end where its start is not reported. MaxRuntime is how long a run may take; 0
	// sets no limit.
	Grace      Duration `yaml:"grace"`
	MaxRuntime Duration `yaml:"max_runtime"`

	// PingID holds the UUID of its own address: /ping/<uuid>.
	PingID   *SecretRef `yaml:"ping_id"`
	PostOnly bool       `yaml:"post_only"`
	// File proves a run by its time of change, Result by what it says, Backup by the result file of its test,
	// Collector by a round of a collector that succeeded.
	File      string           `yaml:"file"`
	Result    string           `yaml:"result"`
	Backup    *ProcedureBackup `yaml:"backup"`
	Collector string           `yaml:"collector"`
	// Dates proves it by a file of dates, Runbooks by the dates of review in the runbooks of a directory.
	Dates    *ProcedureDates `yaml:"dates"`
	Runbooks string          `yaml:"runbooks"`
	// Task makes it what people do: only a person can report it, and who did is kept.
	Task *Task `yaml:"task"`
}

// ProcedureDates proves what was done by a file that lists on which days: training, certificates, drills.
type ProcedureDates struct {
	File string `yaml:"file"`
	Kind string `yaml:"kind"`
	// People must each have done it; without any, one of them is enough.
	People []string `yaml:"people"`
}

// Task is what people do, such as a review.
type Task struct {
	// People may sign it; all of the policy's if empty.
	People []string `yaml:"people"`
	// Dashboard and Row are what is looked at: the uid of a dashboard of the bundle, and the title of a row in it.
	Dashboard string `yaml:"dashboard"`
	Row       string `yaml:"row"`
}

// Permits reports whether a person may sign the task.
func (t *Task) Permits(person string) bool {
	return person != "" && (len(t.People) == 0 || slices.Contains(t.People, person))
}

// ProcedureBackup is a test of a backup of the policy.
type ProcedureBackup struct {
	Name string `yaml:"name"`
	Test string `yaml:"test"` // verify or restore
}

// BackupTests lists the tests of a backup, as their result files name them.
var BackupTests = []string{"verify", "restore"}

// Schedule returns when a procedure is due by the calendar, nil for one that is due at an interval.
func (o *Procedure) Schedule() (*calendar.Schedule, error) {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("invalid time zone %q: write it like Europe/Berlin or UTC", o.TimeZone)
	}
	switch {
	case o.Cron != "":
		return calendar.ParseCron(o.Cron, zone)
	case len(o.OnCalendar) > 0:
		return calendar.ParseOnCalendar(o.OnCalendar, zone)
	}
	return nil, nil // there is none
}

// Procedures returns the section on procedures, nil if the policy has none.
func (p *Policy) Procedures() *Procedures { return *proceduresSection.of(p) }

// ProcedureOwnership returns the owner of a procedure and the priority at which it pages: its own, else its service's.
func (p *Policy) ProcedureOwnership(o *Procedure) (owner, page string) {
	return p.ownership(o.Owner, o.Page, o.AppService)
}

// ProcedureResult returns the file that proves the runs of a procedure by what it says, empty if none does.
func (p *Policy) ProcedureResult(o *Procedure) string {
	if o.Backup != nil {
		if b, ok := p.Backup(o.Backup.Name); ok {
			return filepath.Join(b.Results, b.Name+"."+o.Backup.Test+".json")
		}
	}
	return o.Result
}

var proceduresSection = &section[*Procedures]{
	key:      "procedures",
	inherit:  inheritProcedures,
	validate: validateProcedures,
	warn:     warnOfProcedures,
	resolve:  resolveProcedures,
	cost: func(_ *Policy, p *Procedures, _ int) Cost {
		return Cost{Series: len(p.Expected) * seriesPerProcedure}
	},
}

// seriesPerProcedure: times and limits, states, results, a histogram.
const seriesPerProcedure = 45

func inheritProcedures(_ *Policy, section **Procedures) {
	for _, o := range (*section).Expected {
		if o == nil {
			continue
		}
		o.PostOnly = o.PostOnly || (*section).PostOnly
		if o.Grace == 0 {
			o.Grace = o.defaultGrace()
		}
	}
}

// defaultGrace is a tenth of the time between two due times, one minute to one hour.
func (o *Procedure) defaultGrace() Duration {
	gap := o.Interval
	utc := *o
	utc.TimeZone = "UTC" // the default must not depend on a database of zones
	if s, err := utc.Schedule(); err == nil && s != nil {
		gap = maxSchedule
		at := s.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
		for range graceSample {
			next := s.Next(at)
			if next.IsZero() {
				break
			}
			gap, at = min(gap, Duration(next.Sub(at))), next
		}
	}
	return min(max(gap/10, leastGrace), mostGrace)
}

func validateProcedures(v *validator, p *Procedures) {
	v.tooMany("procedures.expected", "procedures", len(p.Expected), maxProcedures)
	v.tooMany("procedures.ping_keys", "keys", len(p.PingKeys), maxPingKeys)
	for i, ref := range p.PingKeys {
		v.secretRef(fmt.Sprintf("procedures.ping_keys[%d]", i), ref)
	}
	validatePeople(v, p.People)
	seen := map[string]bool{}
	for i, o := range p.Expected {
		path := fmt.Sprintf("procedures.expected[%d]", i)
		if !slugRE.MatchString(o.Name) {
			v.failAt(path+".name", "invalid name %q: use lower-case letters, digits, dash and underscore, at most 63, "+
				"a letter or digit first", o.Name)
		}
		v.unique(path+".name", o.Name, seen)
		v.page(path+".page", o.Page)
		if o.AppService != "" {
			v.appService(path+".app_service", o.AppService)
		}
		v.names(path+".locations", o.Locations)
		v.procedureSchedule(path, o)
		v.procedureReport(path, p, o)
	}
}

func (v *validator) procedureSchedule(path string, o *Procedure) {
	written := 0
	for _, one := range []bool{o.Interval != 0, o.Cron != "", len(o.OnCalendar) > 0} {
		if one {
			written++
		}
	}
	switch {
	case written != 1:
		v.failAt(path, `must have one of interval, cron and on_calendar: write when it is due, like cron: "30 2 * * *"`)
	case o.Interval != 0:
		v.between(path+".interval", o.Interval, Duration(10*time.Second), maxSchedule)
	default:
		key := ".cron"
		if o.Cron == "" {
			key = ".on_calendar"
		}
		if _, err := time.LoadLocation(o.TimeZone); err != nil {
			v.zone(path+".time_zone", o.TimeZone)
		} else if _, err := o.Schedule(); err != nil {
			v.failAt(path+key, "%v", err)
		}
	}
	if o.Interval != 0 && o.TimeZone != "" {
		v.failAt(path+".time_zone", "needs cron or on_calendar: an interval has no time zone")
	}
	v.between(path+".grace", o.Grace, Duration(time.Second), maxSchedule)
	if o.MaxRuntime != 0 {
		v.between(path+".max_runtime", o.MaxRuntime, Duration(time.Second), maxSchedule)
	}
}

// procedureReport checks how a procedure is reported.
func (v *validator) procedureReport(path string, p *Procedures, o *Procedure) {
	if o.PingID != nil {
		v.secretRef(path+".ping_id", o.PingID)
	}
	if o.Backup != nil {
		if _, ok := v.policy.Backup(o.Backup.Name); !ok {
			var known []string
			for _, b := range v.policy.Backups {
				known = append(known, b.Name)
			}
			v.failAt(path+".backup.name", "unknown backup %q: %s", o.Backup.Name, Suggest(o.Backup.Name, known))
		}
		v.oneOf(path+".backup.test", o.Backup.Test, BackupTests)
	}
	var sources []string
	for key, written := range map[string]bool{
		"file": o.File != "", "result": o.Result != "", "backup": o.Backup != nil,
		"collector": o.Collector != "", "task": o.Task != nil, "dates": o.Dates != nil, "runbooks": o.Runbooks != "",
	} {
		if written {
			sources = append(sources, key)
		}
	}
	slices.Sort(sources)
	if o.Dates != nil {
		if o.Dates.File == "" || o.Dates.Kind == "" {
			v.failAt(path+".dates", "must have file and kind: write {file: /etc/thorbis/training.yaml, kind: training}")
		}
		v.names(path+".dates.people", o.Dates.People)
	}
	switch {
	case len(sources) > 1:
		v.failAt(path, "must have one of %s", strings.Join(sources, " and "))
	case o.Task != nil && o.PingID != nil:
		v.failAt(path+".ping_id", "must be left out: a task is reported with the key of a person")
	case o.Task != nil && len(p.People) == 0:
		v.failAt(path+".task", "it has no people who could sign it: write procedures.people: "+
			"[{name: ada, key: {file: /etc/thorbis/keys/ada}}]")
	case o.Task != nil:
		v.people(path+".task.people", o.Task.People, p.People)
		if o.Task.Dashboard != "" {
			v.oneOf(path+".task.dashboard", o.Task.Dashboard, metric.Dashboards)
		}
	case len(sources) == 0 && o.PingID == nil && len(p.PingKeys) == 0 && p.Results == "":
		v.failAt(path, "cannot be reported: write procedures.ping_keys, or ping_id, file, result, backup or collector")
	}
}

// maintainedProcedures checks the procedures that a maintenance window names.
func (v *validator) maintainedProcedures(path string, m *Maintenance) {
	var known []string
	if p := v.policy.Procedures(); p != nil {
		for _, o := range p.Expected {
			known = append(known, o.Name)
		}
	}
	for i, name := range m.Procedures {
		if !slices.Contains(known, name) {
			v.failAt(fmt.Sprintf("%s.procedures[%d]", path, i), "unknown procedure %q: %s", name, Suggest(name, known))
		}
	}
}

func warnOfProcedures(v *validator, p *Procedures) {
	for i, o := range p.Expected {
		if o.AppService == "" && o.Page == "" {
			v.warn(fmt.Sprintf("procedures.expected[%d]", i), "it pages at %s: write page or app_service", Priorities[0])
		}
	}
}

func resolveProcedures(v *validator, section **Procedures) {
	p := *section
	if p.Results != "" {
		p.Results = v.resolve("procedures.results", p.Results)
	}
	for i, o := range p.Expected {
		path := fmt.Sprintf("procedures.expected[%d]", i)
		if o.File != "" {
			o.File = v.resolve(path+".file", o.File)
		}
		if o.Result != "" {
			o.Result = v.resolve(path+".result", o.Result)
		}
		if o.Dates != nil && o.Dates.File != "" {
			o.Dates.File = v.resolve(path+".dates.file", o.Dates.File)
		}
		if o.Runbooks != "" {
			o.Runbooks = v.resolve(path+".runbooks", o.Runbooks)
		}
	}
}

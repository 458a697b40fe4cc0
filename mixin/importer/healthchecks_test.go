package importer

import (
	"testing"
	"time"
)

// healthchecksExample has the shape of what the API of healthchecks.io answers.
const healthchecksExample = `{
  "checks": [
    {"name": "Filesystem Backup", "slug": "backup-fs", "tags": "backup fs", "desc": "Runs incremental backup",
     "grace": 600, "n_pings": 1, "status": "up", "last_ping": "2020-03-24T14:02:03+00:00", "manual_resume": false,
     "methods": "", "subject": "", "start_kw": "", "success_kw": "", "failure_kw": "ERROR", "filter_subject": false,
     "filter_body": true, "uuid": "31365bce-8da9-4729-8ff3-aaa71d56b712",
     "ping_url": "https://hc-ping.com/31365bce-8da9-4729-8ff3-aaa71d56b712", "channels": "1bdea468-03bf,0a2c1a1c",
     "timeout": 3600},
    {"name": "Database Backup", "slug": "backup-db", "tags": "production db", "grace": 1200, "status": "paused",
     "methods": "POST", "uuid": "803f680d-e89b-492b-82ef-2be7b774a92d", "channels": "",
     "schedule": "15 5 * * *", "tz": "Europe/Riga"},
    {"name": "Timer", "slug": "", "tags": "", "grace": 60, "status": "new", "methods": "", "channels": "",
     "schedule": "Mon *-*-* 08:00\nSat *-*-* 09:00", "tz": "UTC"}
  ]
}
`

func TestImportHealthchecks(t *testing.T) {
	part, err := convertHealthchecks([]byte(healthchecksExample))
	if err != nil {
		t.Fatal(err)
	}
	tasks := accepted(t, part).Procedures().Expected
	if len(tasks) != 3 {
		t.Fatalf("%d procedures\n%s", len(tasks), part.Policy)
	}
	fs, db, timer := tasks[0], tasks[1], tasks[2]
	if fs.Name != "backup-fs" || fs.AppService != "backup" || fs.Interval.Std() != time.Hour ||
		fs.Grace.Std() != 10*time.Minute ||
		fs.PingID.File != "/etc/thorbis/secrets/ping-backup-fs" || fs.PostOnly {
		t.Errorf("%+v", fs)
	}
	if db.Cron != "15 5 * * *" || db.TimeZone != "Europe/Riga" || !db.PostOnly {
		t.Errorf("%+v", db)
	}
	if timer.Name != "timer" || timer.AppService != "jobs" || len(timer.OnCalendar) != 2 || timer.PingID != nil {
		t.Errorf("%+v", timer)
	}
	noted(t, part, "line 3: tags of backup-fs after the first: fs", "line 3: the UUID of backup-fs is a secret",
		"line 7: channels of backup-fs", "line 5: failure_kw of backup-fs", "line 6: filter_body of backup-fs",
		"line 9: backup-db is paused", "ping /ping/KEY/timer")
}

func TestImportHealthchecksRefused(t *testing.T) {
	refused(t, convertHealthchecks, healthchecksExample, map[string][3]string{
		"no time":   {`"timeout": 3600`, `"timeout": 0`, "line 3: backup-fs: neither a schedule nor a timeout"},
		"no checks": {`"checks"`, `"check"`, "nothing was imported"},
		"no JSON":   {`{`, "\t{:", "invalid listing of healthchecks.io"},
	})
}

func FuzzImportHealthchecks(f *testing.F) { fuzzed(f, convertHealthchecks, healthchecksExample) }

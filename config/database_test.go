package config

import (
	"strings"
	"testing"
)

// errorsAt loads policies of which a part is wrong, and wants the error's text at the place of that part.
func errorsAt(t *testing.T, before, after string, cases map[string]string) {
	t.Helper()
	for text, want := range cases {
		_, err := loadText(t, minimal+before+text+after+"\n")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "p.yaml:8") {
			t.Errorf("%s: got %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
}

func TestDatabaseErrorsNameTheCure(t *testing.T) {
	errorsAt(t, "databases: [", "]", map[string]string{
		"{dsn_env: D}":                                               "databases[0].name: missing name",
		"{name: 'a b', dsn_env: D}":                                  "databases[0].name",
		"{name: a, dsn_env: D}, {name: a, dsn_env: E}":               "databases[1].name",
		"{name: a}":                                                  "databases[0]: must have either dsn_file or dsn_env, which say where the connection string is",
		"{name: a, dsn_env: D, dsn_file: d}":                         "must have either dsn_file or dsn_env",
		"{name: a, dsn: 'postgres://u:hunter2@h/d'}":                 "dsn",
		"{name: a, dsn_env: D, interval: 1s}":                        `databases[0].interval: invalid duration "1s": write 5s to 10m`,
		"{name: a, dsn_env: D, timeout: 1m}":                         "databases[0].timeout: write 100ms to the interval of 30s",
		"{name: a, dsn_env: D, timeout: 1ms}":                        "databases[0].timeout: write 100ms",
		"{name: a, dsn_env: D, max_databases: 5000}":                 "databases[0].max_databases: must be 1 to 1000",
		"{name: a, dsn_env: D, wal: {host: db1}}":                    "databases[0].wal: missing mountpoint: write the path",
		"{name: a, dsn_env: D, wal: {mount: /x}}":                    "mount",
		strings.Repeat("{name: a, dsn_env: D}, ", maxServers) + "{}": "51 servers; at most 50",
	})
}

func TestHostErrorsNameTheCure(t *testing.T) {
	errorsAt(t, "host: {", "}", map[string]string{
		"interval: 1ms":                                         `host.interval: invalid duration "1ms": write 1s to 5m`,
		"processes: [{match: x}]":                               "host.processes[0].name: missing name",
		"processes: [{name: a}]":                                "host.processes[0]: missing match: write the command's name as ps -o comm shows it",
		"processes: [{name: a, match: '('}]":                    `invalid regular expression "("`,
		"processes: [{name: a, match: x}, {name: a, match: y}]": "host.processes[1].name",
		"processes: [" + strings.Repeat("{name: a, match: x}, ", maxProcesses) + "{}]": "51 processes; at most 50",
	})
}

func TestCanaryErrorsNameTheCure(t *testing.T) {
	errorsAt(t, "storage: {canaries: [", "]}", map[string]string{
		"{path: /data}":                                             "storage.canaries[0].name: missing name",
		"{name: a}":                                                 "storage.canaries[0].path: write the whole path of a directory on the disk, such as /var/lib/thorbis",
		"{name: a, path: data}":                                     "storage.canaries[0].path: write the whole path",
		"{name: ../a, path: /data}":                                 "storage.canaries[0].name",
		"{name: a, path: /x}, {name: a, path: /y}":                  "storage.canaries[1].name",
		"{name: a, path: /data, interval: 1s}":                      `storage.canaries[0].interval: invalid duration "1s": write 10s to 1d`,
		"{name: a, path: /data, size: 1KiB}":                        "storage.canaries[0].size: must be 4KiB to 16MiB",
		"{name: a, path: /data, size: 1GiB}":                        "storage.canaries[0].size: must be 4KiB to 16MiB",
		strings.Repeat("{name: a, path: /x}, ", maxCanaries) + "{}": "21 canaries; at most 20",
	})
}

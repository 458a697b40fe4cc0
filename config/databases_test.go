package config

import (
	"strings"
	"testing"
)

func TestDatabaseErrorsNameTheCure(t *testing.T) {
	errorsAt(t, "databases: [", "]", [][2]string{
		{"{dsn_env: D}", "databases[0].name: missing name"},
		{"{name: 'a b', dsn_env: D}", "databases[0].name"},
		{"{name: a, dsn_env: D}, {name: a, dsn_env: E}", "databases[1].name"},
		{"{name: a}", "databases[0]: must have either dsn_file or dsn_env, which say where the connection string is"},
		{"{name: a, dsn_env: D, dsn_file: d}", "must have either dsn_file or dsn_env"},
		{"{name: a, dsn: 'postgres://u:hunter2@h/d'}", "dsn"},
		{"{name: a, dsn_env: D, interval: 1s}", `databases[0].interval: invalid duration "1s": write 5s to 10m`},
		{
			"{name: a, dsn_env: D, timeout: 1m}",
			`databases[0].timeout: invalid duration "1m": write 100ms to the interval of 30s`,
		},
		{"{name: a, dsn_env: D, timeout: 1ms}", `databases[0].timeout: invalid duration "1ms": write 100ms`},
		{"{name: a, dsn_env: D, max_databases: 5000}", `databases[0].max_databases: invalid number "5000": write 1 to 1000`},
		{"{name: a, dsn_env: D, wal: {host: db1}}", "databases[0].wal: missing mountpoint: write the path"},
		{"{name: a, dsn_env: D, wal: {mount: /x}}", "mount"},
		{strings.Repeat("{name: a, dsn_env: D}, ", maxServers) + "{}", "too many servers (51): write at most 50"},
	})
}

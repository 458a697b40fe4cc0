package config

import (
	"fmt"
	"time"
)

// Bounds of what is asked of a server.
const (
	maxServers   = 50
	maxDatabases = 1000
)

// Database is one PostgreSQL server that is watched.
type Database struct {
	Name    string `yaml:"name"` // the label server
	DSNFile string `yaml:"dsn_file" secret:"exporter"`
	DSNEnv  string `yaml:"dsn_env" secret:"exporter"`

	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	// MaxDatabases bounds how many databases of the server have series of their own.
	MaxDatabases int `yaml:"max_databases"`
	// WAL says on which filesystem the server's write-ahead log lies, so that its end can be foreseen.
	WAL WALPlace `yaml:"wal"`
}

// WALPlace is a filesystem as its series name it.
type WALPlace struct {
	Host       string `yaml:"host"`
	Mountpoint string `yaml:"mountpoint"`
}

func (p *Policy) inheritDatabases() {
	for _, d := range p.Databases {
		if d.Interval == 0 {
			d.Interval = Duration(30 * time.Second)
		}
		if d.Timeout == 0 {
			d.Timeout = Duration(5 * time.Second)
		}
		if d.MaxDatabases == 0 {
			d.MaxDatabases = 100
		}
	}
}

func (v *validator) databases() {
	if n := len(v.policy.Databases); n > maxServers {
		v.failAt("databases", "%d servers; at most %d", n, maxServers)
	}
	seen := map[string]bool{}
	for i, d := range v.policy.Databases {
		path := fmt.Sprintf("databases[%d]", i)
		v.name(path+".name", d.Name)
		v.unique(path+".name", d.Name, seen)
		if (d.DSNFile == "") == (d.DSNEnv == "") {
			v.failAt(path, "must have either dsn_file or dsn_env, which say where the connection string is")
		}
		v.between(path+".interval", d.Interval, Duration(5*time.Second), Duration(10*time.Minute))
		if d.Timeout < Duration(100*time.Millisecond) || d.Timeout > d.Interval {
			v.failAt(path+".timeout", "write 100ms to the interval of %s", d.Interval)
		}
		if d.MaxDatabases < 1 || d.MaxDatabases > maxDatabases {
			v.failAt(path+".max_databases", "must be 1 to %d", maxDatabases)
		}
		if d.WAL.Host != "" && d.WAL.Mountpoint == "" {
			v.failAt(path+".wal", "missing mountpoint: write the path at which the filesystem of pg_wal is mounted")
		}
	}
}

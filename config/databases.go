package config

import (
	"fmt"
	"time"
)

// Bounds of the servers and of their databases.
const (
	maxServers   = 50
	maxDatabases = 1000
)

// Database is one PostgreSQL server that the exporter queries.
type Database struct {
	Name    string `yaml:"name"` // the label server
	DSNFile string `yaml:"dsn_file" secret:"exporter"`
	DSNEnv  string `yaml:"dsn_env" secret:"exporter"`

	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	// MaxDatabases bounds how many databases of the server have series of their own.
	MaxDatabases int `yaml:"max_databases"`
	// WAL is the filesystem on which the server's write-ahead log lies, so that rules can predict when it is full.
	WAL WALPlace `yaml:"wal"`
}

// WALPlace is a filesystem as its series name it.
type WALPlace struct {
	Host       string `yaml:"host"`
	Mountpoint string `yaml:"mountpoint"`
}

// seriesPerServer is the number of series of a server, of which 105 are those of queries. Its databases come on top.
const seriesPerServer = 150

var databasesSection = &section[[]*Database]{
	key:      "databases",
	field:    func(p *Policy) *[]*Database { return &p.Databases },
	inherit:  inheritDatabases,
	validate: validateDatabases,
	cost: func(_ *Policy, servers []*Database, _ int) Cost {
		return Cost{Series: len(servers) * seriesPerServer}
	},
}

func inheritDatabases(_ *Policy, servers *[]*Database) {
	for _, d := range *servers {
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

func validateDatabases(v *validator, servers []*Database) {
	v.tooMany("databases", "servers", len(servers), maxServers)
	seen := map[string]bool{}
	for i, d := range servers {
		path := fmt.Sprintf("databases[%d]", i)
		v.name(path+".name", d.Name)
		v.unique(path+".name", d.Name, seen)
		if (d.DSNFile == "") == (d.DSNEnv == "") {
			v.failAt(path, "must have either dsn_file or dsn_env, which say where the connection string is")
		}
		v.between(path+".interval", d.Interval, Duration(5*time.Second), Duration(10*time.Minute))
		if d.Timeout < Duration(100*time.Millisecond) || d.Timeout > d.Interval {
			v.failAt(path+".timeout", "invalid duration %q: write 100ms to the interval of %s", d.Timeout, d.Interval)
		}
		v.number(path+".max_databases", d.MaxDatabases, 1, maxDatabases)
		if d.WAL.Host != "" && d.WAL.Mountpoint == "" {
			v.failAt(path+".wal", "missing mountpoint: write the path at which the filesystem of pg_wal is mounted")
		}
	}
}

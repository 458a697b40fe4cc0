package config

import (
	"fmt"
	"time"
)

// maxProcesses bounds the named processes.
const maxProcesses = 50

// Host configures what is measured of this machine beside its storage.
type Host struct {
	Interval  Duration   `yaml:"interval"`
	Processes []*Process `yaml:"processes"`
}

// Process is a group of processes whose memory is watched for leaks.
type Process struct {
	Name string `yaml:"name"`
	// Match picks processes by their command's name, as ps -o comm shows it: at most 15 letters.
	Match Regexp `yaml:"match"`
}

var hostSection = &section[Host]{
	key:      "host",
	field:    func(p *Policy) *Host { return &p.Host },
	defaults: func() Host { return Host{Interval: Duration(15 * time.Second)} },
	validate: validateHost,
}

func validateHost(v *validator, h Host) {
	v.between("host.interval", h.Interval, Duration(time.Second), Duration(5*time.Minute))
	v.tooMany("host.processes", "processes", len(h.Processes), maxProcesses)
	seen := map[string]bool{}
	for i, p := range h.Processes {
		path := fmt.Sprintf("host.processes[%d]", i)
		v.name(path+".name", p.Name)
		v.unique(path+".name", p.Name, seen)
		if p.Match.IsZero() {
			v.failAt(path, "missing match: write the command's name as ps -o comm shows it")
		}
	}
}

package host

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// userHZ is the unit in which the kernel reports start times of processes, on every architecture that Go supports.
const userHZ = 100

// group is what the processes of a name hold together.
type group struct {
	count  int
	bytes  float64
	oldest float64 // Unix time
}

// processes adds up the memory of the policy's named processes. One that ends while it is read is no error.
func (r *reader) processes(named []*config.Process, booted time.Time) {
	if len(named) == 0 {
		return
	}
	all, err := r.fs.AllProcs()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	groups := make([]group, len(named))
	for _, p := range all {
		name, err := p.Comm()
		if err != nil {
			continue
		}
		for i, n := range named {
			if !n.Match.MatchString(name) {
				continue
			}
			stat, err := p.Stat()
			if err != nil {
				break
			}
			g := &groups[i]
			g.count++
			g.bytes += float64(stat.ResidentMemory())
			start := float64(booted.Unix()) + float64(stat.Starttime)/userHZ
			if g.oldest == 0 || start < g.oldest {
				g.oldest = start
			}
			break
		}
	}
	for i, g := range groups {
		r.add(metric.HostProcesses, float64(g.count), named[i].Name)
		r.add(metric.HostProcessResident, g.bytes, named[i].Name)
		if g.count > 0 && !booted.IsZero() {
			r.add(metric.HostProcessStart, g.oldest, named[i].Name)
		}
	}
}

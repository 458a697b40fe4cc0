package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// container reads the share of the container that the exporter runs in. It is in one where its control
// group (version 2) is the root as it sees it and has limits nevertheless, which the machine's own root has not.
func (r *reader) container(paths collectors.Paths) {
	own, err := readText(filepath.Join(paths.Procfs, "self", "cgroup"))
	dir := filepath.Join(paths.Sysfs, "fs", "cgroup")
	limit, errLimit := readText(filepath.Join(dir, "memory.max"))
	if err != nil || errLimit != nil || own != "0::/" {
		return
	}
	fail := func(err error) {
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("control group: %w", err))
		}
	}
	if limit != "max" {
		n, err := strconv.ParseUint(limit, 10, 64)
		fail(err)
		if err == nil {
			r.add(metric.HostContainerMemoryLimit, float64(n))
		}
	}
	if text, err := readText(filepath.Join(dir, "memory.current")); err == nil {
		used, err := strconv.ParseUint(text, 10, 64)
		fail(err)
		stat, errStat := keyed(filepath.Join(dir, "memory.stat"))
		fail(errStat)
		if err == nil && errStat == nil {
			r.add(metric.HostContainerMemory, max(float64(used)-stat["inactive_file"], 0))
		}
	}
	if text, err := readText(filepath.Join(dir, "cpu.max")); err == nil {
		cpus, limited, err := parseCPUMax(text)
		fail(err)
		if limited {
			r.add(metric.HostContainerCPULimit, cpus)
		}
	}
	if stat, err := keyed(filepath.Join(dir, "cpu.stat")); err == nil {
		const microseconds = 1e6
		r.add(metric.HostContainerCPUSeconds, stat["usage_usec"]/microseconds)
		r.add(metric.HostContainerThrottled, stat["throttled_usec"]/microseconds)
	} else {
		fail(err)
	}
}

// parseCPUMax reads "200000 100000": two CPUs, or "max 100000": as many as there are.
func parseCPUMax(text string) (cpus float64, limited bool, err error) {
	quota, period, _ := strings.Cut(text, " ")
	if quota == "max" {
		return 0, false, nil
	}
	q, errQuota := strconv.ParseUint(quota, 10, 64)
	p, errPeriod := strconv.ParseUint(period, 10, 64)
	if errQuota != nil || errPeriod != nil || p == 0 {
		return 0, false, fmt.Errorf("invalid share of CPU %.40q", text)
	}
	return float64(q) / float64(p), true, nil
}

// readText reads a small file of one line.
func readText(name string) (string, error) {
	text, err := os.ReadFile(name)
	return strings.TrimSpace(string(text[:min(len(text), maxFile)])), err
}

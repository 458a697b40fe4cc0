package host

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"

	"github.com/thorbis/thorbis_exporter/metric"
)

func (r *reader) cpu(stat procfs.Stat) {
	t := stat.CPUTotal
	// Guests' time is part of user and nice already.
	for mode, seconds := range map[string]float64{
		"user": t.User, "nice": t.Nice, "system": t.System, "idle": t.Idle, "iowait": t.Iowait,
		"irq": t.IRQ, "softirq": t.SoftIRQ, "steal": t.Steal,
	} {
		r.add(metric.HostCPUSeconds, seconds, mode)
	}
	r.add(metric.HostCPUs, float64(len(stat.CPU)))
	r.add(metric.HostBoot, float64(stat.BootTime))
}

func (r *reader) memory() {
	m, err := r.fs.Meminfo()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	for family, v := range map[*metric.Metric]*uint64{
		metric.HostMemoryTotal: m.MemTotalBytes, metric.HostMemoryAvailable: m.MemAvailableBytes,
		metric.HostSwapTotal: m.SwapTotalBytes, metric.HostSwapFree: m.SwapFreeBytes,
	} {
		if v != nil {
			r.add(family, float64(*v))
		}
	}
}

func (r *reader) load() {
	l, err := r.fs.LoadAvg()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	r.add(metric.HostLoad, l.Load1, "1m")
	r.add(metric.HostLoad, l.Load5, "5m")
	r.add(metric.HostLoad, l.Load15, "15m")
}

// kills reads how many processes the kernel killed. Kernels before 4.13 do not report it.
func (r *reader) kills(dir string) {
	values, err := keyed(filepath.Join(dir, "vmstat"))
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	if n, ok := values["oom_kill"]; ok {
		r.add(metric.HostOOMKills, n)
	}
}

// pressure reads pressure stall information. Kernels without it, or with it switched off, do not report it.
func (r *reader) pressure() {
	const microseconds = 1e6
	for _, resource := range []string{"cpu", "io", "memory"} {
		p, err := r.fs.PSIStatsForResource(resource)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EOPNOTSUPP) {
			continue
		}
		if err != nil {
			r.errs = append(r.errs, err)
			continue
		}
		if p.Some != nil {
			r.add(metric.HostPressure, float64(p.Some.Total)/microseconds, resource, metric.PressureSome)
		}
		if p.Full != nil {
			r.add(metric.HostPressure, float64(p.Full.Total)/microseconds, resource, metric.PressureFull)
		}
	}
}

// maxFile bounds each file that is read here.
const maxFile = 1 << 20

// keyed reads a file of lines of a name and a number.
func keyed(name string) (map[string]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseKeyed(io.LimitReader(f, maxFile))
}

func parseKeyed(r io.Reader) (map[string]float64, error) {
	values := map[string]float64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, text, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("invalid number of %.40s %.40q", key, text)
		}
		values[key] = float64(n)
	}
	return values, lines.Err()
}

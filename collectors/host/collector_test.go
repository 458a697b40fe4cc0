package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

var bare = map[string]string{
	"proc/stat": `cpu  100 0 200 3000 50 0 10 5 0 0
cpu0 50 0 100 1500 25 0 5 2 0 0
cpu1 50 0 100 1500 25 0 5 3 0 0
btime 1700000000
processes 5
`,
	"proc/meminfo":      "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\n",
	"proc/loadavg":      "0.50 1.00 1.50 1/100 999\n",
	"proc/vmstat":       "nr_free_pages 5\noom_kill 3\n",
	"proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n",
	"proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n" +
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
	"proc/self/cgroup": "0::/user.slice\n",
}

// inContainer is what a container with limits adds.
var inContainer = map[string]string{
	"proc/self/cgroup":             "0::/\n",
	"sys/fs/cgroup/memory.max":     "1048576\n",
	"sys/fs/cgroup/memory.current": "800000\n",
	"sys/fs/cgroup/memory.stat":    "anon 500000\ninactive_file 200000\n",
	"sys/fs/cgroup/cpu.max":        "150000 100000\n",
	"sys/fs/cgroup/cpu.stat":       "usage_usec 2000000\nthrottled_usec 500000\n",
}

func machine(t *testing.T, p *config.Policy, trees ...map[string]string) *Collector {
	t.Helper()
	dir := t.TempDir()
	for _, tree := range trees {
		for name, text := range tree {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			testkit.WriteFile(t, path, text)
		}
	}
	c := New(Options{
		Logger: slog.New(slog.DiscardHandler), Host: "db1",
		Paths: collectors.Paths{Procfs: filepath.Join(dir, "proc"), Sysfs: filepath.Join(dir, "sys")},
	})
	if p.Host.Interval == 0 {
		p.Host.Interval = config.Duration(time.Minute)
	}
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	return c
}

// shown are the series as lines of name, label values in the order of their names, and value.
func shown(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			all[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}

func TestMachine(t *testing.T) {
	c := machine(t, &config.Policy{}, bare)
	if err := c.read(); err != nil {
		t.Fatal(err)
	}
	got := shown(t, c)
	for name, want := range map[string]float64{
		metric.HostCPUSeconds.Name + " db1 user":      1,
		metric.HostCPUSeconds.Name + " db1 idle":      30,
		metric.HostCPUSeconds.Name + " db1 steal":     0.05,
		metric.HostCPUs.Name + " db1":                 2,
		metric.HostBoot.Name + " db1":                 1700000000,
		metric.HostMemoryTotal.Name + " db1":          1024000,
		metric.HostMemoryAvailable.Name + " db1":      409600,
		metric.HostSwapFree.Name + " db1":             153600,
		metric.HostLoad.Name + " db1 5m":              1,
		metric.HostOOMKills.Name + " db1":             3,
		metric.HostPressure.Name + " db1 some cpu":    2.5,
		metric.HostPressure.Name + " db1 full memory": 0.5,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	for name := range got {
		if strings.Contains(name, "container") || strings.HasSuffix(name, " io") {
			t.Errorf("%s is shown", name)
		}
	}
}

func TestContainer(t *testing.T) {
	c := machine(t, &config.Policy{}, bare, inContainer)
	if err := c.read(); err != nil {
		t.Fatal(err)
	}
	got := shown(t, c)
	for name, want := range map[string]float64{
		metric.HostContainerCPULimit.Name + " db1":    1.5,
		metric.HostContainerCPUSeconds.Name + " db1":  2,
		metric.HostContainerThrottled.Name + " db1":   0.5,
		metric.HostContainerMemoryLimit.Name + " db1": 1048576,
		metric.HostContainerMemory.Name + " db1":      600000,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	unlimited := map[string]string{"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}
	c = machine(t, &config.Policy{}, bare, inContainer, unlimited)
	if err := c.read(); err != nil {
		t.Fatal(err)
	}
	if testutil.CollectAndCount(c, metric.HostContainerMemoryLimit.Name, metric.HostContainerCPULimit.Name) != 0 {
		t.Error("limits of an unlimited container")
	}
	for _, text := range []string{"x 1", "1 0", "1", "", "-1 5"} {
		if _, _, err := parseCPUMax(text); err == nil {
			t.Errorf("%q is a share of CPU", text)
		}
	}
}

// One file that cannot be read is an error and hides no other.
func TestOneBrokenFileHidesNoOther(t *testing.T) {
	for file, hidden := range map[string]*metric.Metric{
		"proc/stat": metric.HostCPUSeconds, "proc/meminfo": metric.HostMemoryTotal, "proc/loadavg": metric.HostLoad,
		"proc/vmstat": metric.HostOOMKills, "proc/pressure/cpu": metric.HostPressure,
	} {
		c := machine(t, &config.Policy{}, bare,
			map[string]string{file: "oom_kill nonsense\nsome total=x\nMemTotal: x kB\ncpu x\n"})
		if err := c.read(); err == nil {
			t.Errorf("%s is broken and no error is returned", file)
		}
		others := 0
		for _, m := range []*metric.Metric{
			metric.HostCPUSeconds, metric.HostMemoryTotal, metric.HostLoad, metric.HostOOMKills,
		} {
			if n := testutil.CollectAndCount(c, m.Name); n > 0 {
				others++
			} else if m != hidden {
				t.Errorf("%s hides %s", file, m.Name)
			}
		}
		if others < 3 {
			t.Errorf("%s hides all but %d", file, others)
		}
	}
}

func TestProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	page := os.Getpagesize()
	process := func(pid int, name string, start, pages int) map[string]string {
		dir := fmt.Sprintf("proc/%d/", pid)
		return map[string]string{
			dir + "comm": name + "\n",
			dir + "stat": fmt.Sprintf("%d (%s) S 1 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 %d 1000 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "+
				"0 0 0 0 0 0 0 0 0 0 0 0 0\n", pid, name, start, pages),
		}
	}
	p := &config.Policy{Host: config.Host{Processes: []*config.Process{{Name: "db"}, {Name: "gone"}}}}
	for i, text := range []string{"post.*", "nothing"} {
		if err := p.Host.Processes[i].Match.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	c := machine(t, p, bare, process(10, "postgres", 5000, 3), process(11, "postmaster", 9000, 4),
		process(12, "bash", 1, 99))
	if err := c.read(); err != nil {
		t.Fatal(err)
	}
	got := shown(t, c)
	for name, want := range map[string]float64{
		metric.HostProcesses.Name + " db1 db":       2,
		metric.HostProcessResident.Name + " db1 db": float64(7 * page),
		metric.HostProcessStart.Name + " db1 db":    1700000050,
		metric.HostProcesses.Name + " db1 gone":     0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if _, ok := got[metric.HostProcessStart.Name+" db1 gone"]; ok {
		t.Error("what does not run has a start")
	}
}

func TestRun(t *testing.T) {
	c := machine(t, &config.Policy{}, bare)
	ctx, cancel := context.WithCancel(t.Context())
	var rounds atomic.Int32
	done := make(chan error, 1)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) { rounds.Add(1) })
	}()
	testkit.Eventually(t, func() bool { return rounds.Load() > 0 }, "a round")
	if err := collectors.Apply(c, &config.Policy{Host: config.Host{Interval: config.Duration(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return rounds.Load() > 1 }, "a round of the new policy")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func FuzzKeyed(f *testing.F) {
	f.Add("oom_kill 3\nusage_usec 5\n")
	f.Add("x\n y z")
	f.Fuzz(func(t *testing.T, text string) {
		if values, err := parseKeyed(strings.NewReader(text)); err != nil && values != nil && len(values) > len(text) {
			t.Error(values, err)
		}
		if cpus, _, err := parseCPUMax(text); err == nil && cpus < 0 {
			t.Error(cpus)
		}
	})
}

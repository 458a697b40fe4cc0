package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// policy reads a policy with the given storage section.
func policy(t testing.TB, storage string) *config.Policy {
	t.Helper()
	return policytest.Load(t, t.TempDir(), policytest.Minimal+storage)
}

// machine is a machine made of files, with a collector that reads it.
func machine(t testing.TB, files map[string]string, storage string) *Collector {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, path, text)
	}
	c := New(Options{
		Logger: slog.New(slog.DiscardHandler), Host: "db1",
		Paths: collectors.Paths{Procfs: filepath.Join(dir, "proc"), Sysfs: filepath.Join(dir, "sys"), Rootfs: "/"},
	})
	if err := collectors.Apply(c, policy(t, storage)); err != nil {
		t.Fatal(err)
	}
	return c
}

var machineFiles = map[string]string{
	"proc/diskstats": ` 259 0 nvme1n1 1000 20 80000 900 2000 50 160000 1800 1 2500 2700 5 6 7 8 30 40
 259 1 nvme1n1p1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
   7 0 loop0 1 1 1 1 1 1 1 1 1 1 1
   8 0 sda 1 2 3 4 5 6 7 8 9 10 11
`,
	"proc/1/mountinfo": `27 1 259:0 / / rw - ext4 /dev/nvme1n1 rw
28 27 0:20 / /proc rw - proc proc rw
29 27 0:21 / /run rw - tmpfs tmpfs rw
30 27 0:40 / /mnt/nfs ro - nfs4 server:/export rw
31 27 0:41 / /mnt/bad rw - ext4 /dev/sdx rw
32 27 0:42 / /var/lib/docker/overlay2/x rw - ext4 /dev/sdy rw
`,
	"proc/stat": "cpu 1 2 3\nbtime 1700000000\n",
}

func gather(t *testing.T, c prometheus.Collector, want string, names ...string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// help writes the two lines that precede a family.
func help(m *metric.Metric) string {
	kind := "gauge"
	if m.Type == metric.Counter {
		kind = "counter"
	}
	return fmt.Sprintf("# HELP %s %s\n# TYPE %s %s\n", m.Name, m.Help, m.Name, kind)
}

func TestCollect(t *testing.T) {
	c := machine(t, machineFiles, `
storage:
  limits:
    - {device: nvme1n1, preset: gp3, iops: 6000}
    - {host: db2, device: sda, iops: 500, burst_iops: 3000}
`)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		c.asker = newAsker(func(path string) (usage, error) {
			switch path {
			case "/mnt/bad":
				return usage{}, errors.New("input/output error")
			case "/mnt/nfs":
				<-release
			}
			return usage{size: 1000, free: 600, available: 500, inodes: 100, inodesFree: 40}, nil
		})
		if err := c.read(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	gather(t, c, help(metric.StorageOperations)+
		`thorbis_storage_io_operations_total{device="nvme1n1",host="db1",operation="discard"} 5
thorbis_storage_io_operations_total{device="nvme1n1",host="db1",operation="flush"} 30
thorbis_storage_io_operations_total{device="nvme1n1",host="db1",operation="read"} 1000
thorbis_storage_io_operations_total{device="nvme1n1",host="db1",operation="write"} 2000
thorbis_storage_io_operations_total{device="sda",host="db1",operation="read"} 1
thorbis_storage_io_operations_total{device="sda",host="db1",operation="write"} 5
`+help(metric.StorageBytes)+`thorbis_storage_io_bytes_total{device="nvme1n1",host="db1",operation="discard"} 3584
thorbis_storage_io_bytes_total{device="nvme1n1",host="db1",operation="read"} 4.096e+07
thorbis_storage_io_bytes_total{device="nvme1n1",host="db1",operation="write"} 8.192e+07
thorbis_storage_io_bytes_total{device="sda",host="db1",operation="read"} 1536
thorbis_storage_io_bytes_total{device="sda",host="db1",operation="write"} 3584
`+help(metric.StorageSeconds)+
		`thorbis_storage_io_time_seconds_total{device="nvme1n1",host="db1",operation="discard"} 0.008
thorbis_storage_io_time_seconds_total{device="nvme1n1",host="db1",operation="flush"} 0.04
thorbis_storage_io_time_seconds_total{device="nvme1n1",host="db1",operation="read"} 0.9
thorbis_storage_io_time_seconds_total{device="nvme1n1",host="db1",operation="write"} 1.8
thorbis_storage_io_time_seconds_total{device="sda",host="db1",operation="read"} 0.004
thorbis_storage_io_time_seconds_total{device="sda",host="db1",operation="write"} 0.008
`+help(metric.StorageInFlight)+`thorbis_storage_io_in_flight{device="nvme1n1",host="db1"} 1
thorbis_storage_io_in_flight{device="sda",host="db1"} 9
`+help(metric.StorageBusySeconds)+`thorbis_storage_io_busy_seconds_total{device="nvme1n1",host="db1"} 2.5
thorbis_storage_io_busy_seconds_total{device="sda",host="db1"} 0.01
`+help(metric.StorageWeightedSeconds)+`thorbis_storage_io_weighted_seconds_total{device="nvme1n1",host="db1"} 2.7
thorbis_storage_io_weighted_seconds_total{device="sda",host="db1"} 0.011
`+help(metric.StorageFilesystemStale)+
		`thorbis_storage_filesystem_stale{device="nvme1n1",fstype="ext4",host="db1",mountpoint="/"} 0
thorbis_storage_filesystem_stale{device="sdx",fstype="ext4",host="db1",mountpoint="/mnt/bad"} 0
thorbis_storage_filesystem_stale{device="server:/export",fstype="nfs4",host="db1",mountpoint="/mnt/nfs"} 1
thorbis_storage_filesystem_stale{device="tmpfs",fstype="tmpfs",host="db1",mountpoint="/run"} 0
`+help(metric.StorageFilesystemError)+
		`thorbis_storage_filesystem_device_error{device="nvme1n1",fstype="ext4",host="db1",mountpoint="/"} 0
thorbis_storage_filesystem_device_error{device="sdx",fstype="ext4",host="db1",mountpoint="/mnt/bad"} 1
thorbis_storage_filesystem_device_error{device="server:/export",fstype="nfs4",host="db1",mountpoint="/mnt/nfs"} 0
thorbis_storage_filesystem_device_error{device="tmpfs",fstype="tmpfs",host="db1",mountpoint="/run"} 0
`+help(metric.StorageFilesystemReadOnly)+
		`thorbis_storage_filesystem_readonly{device="nvme1n1",fstype="ext4",host="db1",mountpoint="/"} 0
thorbis_storage_filesystem_readonly{device="sdx",fstype="ext4",host="db1",mountpoint="/mnt/bad"} 0
thorbis_storage_filesystem_readonly{device="server:/export",fstype="nfs4",host="db1",mountpoint="/mnt/nfs"} 1
thorbis_storage_filesystem_readonly{device="tmpfs",fstype="tmpfs",host="db1",mountpoint="/run"} 0
`+help(metric.StorageFilesystemAvailable)+
		`thorbis_storage_filesystem_available_bytes{device="nvme1n1",fstype="ext4",host="db1",mountpoint="/"} 500
thorbis_storage_filesystem_available_bytes{device="tmpfs",fstype="tmpfs",host="db1",mountpoint="/run"} 500
`+help(metric.StorageExpectedIOPS)+`thorbis_storage_expected_iops{device="nvme1n1",host="db1"} 6000
thorbis_storage_expected_iops{device="sda",host="db2"} 500
`+help(metric.StorageExpectedThroughput)+
		`thorbis_storage_expected_throughput_bytes_per_second{device="nvme1n1",host="db1"} 1.31072e+08
`+help(metric.StorageExpectedBurstIOPS)+`thorbis_storage_expected_burst_iops{device="sda",host="db2"} 3000
`+help(metric.StorageDeviceInfo)+`thorbis_storage_device_info{device="nvme1n1",host="db1",mountpoint="/",name=""} 1
`+help(metric.StorageOverflow)+`thorbis_storage_left_out{host="db1",kind="device"} 0
thorbis_storage_left_out{host="db1",kind="filesystem"} 0
`,
		metric.StorageOperations.Name, metric.StorageBytes.Name, metric.StorageSeconds.Name,
		metric.StorageInFlight.Name, metric.StorageBusySeconds.Name, metric.StorageWeightedSeconds.Name,
		metric.StorageFilesystemStale.Name, metric.StorageFilesystemError.Name, metric.StorageFilesystemReadOnly.Name,
		metric.StorageFilesystemAvailable.Name, metric.StorageExpectedIOPS.Name, metric.StorageExpectedThroughput.Name,
		metric.StorageExpectedBurstIOPS.Name, metric.StorageExpectedBurstThroughput.Name, metric.StorageDeviceInfo.Name,
		metric.StorageOverflow.Name,
	)
}

// What cannot be read is an error; what can be is shown nevertheless, without the sign that all was.
func TestOneBrokenFileHidesNoOther(t *testing.T) {
	for broken, shown := range map[string]*metric.Metric{
		"proc/diskstats": metric.StorageFilesystemSize, "proc/1/mountinfo": metric.StorageInFlight,
	} {
		files := map[string]string{
			"proc/diskstats":   machineFiles["proc/diskstats"],
			"proc/1/mountinfo": "27 1 259:0 / / rw - ext4 /dev/nvme1n1 rw\n",
		}
		files[broken] = "nonsense\n"
		c := machine(t, files, "")
		if err := c.read(t.Context()); err == nil {
			t.Errorf("%s is broken and no error is returned", broken)
		}
		if n := testutil.CollectAndCount(c, shown.Name); n == 0 {
			t.Errorf("%s hides %s", broken, shown.Name)
		}
		if n := testutil.CollectAndCount(c, metric.StorageObserved.Name); n != 0 {
			t.Error("shows that all was read")
		}
	}
}

func TestDevicesAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range maxDevices + 7 {
		fmt.Fprintf(&text, "%d 0 sd%d 1 2 3 4 5 6 7 8 9 10 11\n", i, i)
	}
	c := machine(t, map[string]string{"proc/diskstats": text.String(), "proc/1/mountinfo": ""},
		"storage: {devices: {include: 'sd\\d+'}}\n")
	if err := c.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := testutil.CollectAndCount(c, metric.StorageInFlight.Name); n != maxDevices {
		t.Errorf("%d devices", n)
	}
	gather(t, c, help(metric.StorageOverflow)+`thorbis_storage_left_out{host="db1",kind="device"} 7
thorbis_storage_left_out{host="db1",kind="filesystem"} 0
`, metric.StorageOverflow.Name)
}

func TestDeviceFilters(t *testing.T) {
	p := policy(t, "")
	for name, want := range map[string]bool{
		"sda": true, "sda1": false, "nvme0n1": true, "nvme0n1p2": false, "loop3": false, "zram0": false, "ram1": false,
		"dm-0": true, "md127": true, "vda": true, "vda2": false, "xvdf": true, "mmcblk0": true,
	} {
		if got := wantDevice(p.Storage.Devices, name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	p = policy(t, "storage: {devices: {include: 'sda\\d'}}\n")
	if !wantDevice(p.Storage.Devices, "sda1") || wantDevice(p.Storage.Devices, "sda") {
		t.Error("include is not all that counts")
	}
}

// Run reads at once, again when the policy changes, and ends with its context while a mount hangs.
func TestRun(t *testing.T) {
	c := machine(t, machineFiles, "storage: {interval: 5m, timeout: 100ms}\n")
	release := make(chan struct{})
	defer close(release)
	c.asker = newAsker(func(path string) (usage, error) {
		if path == "/mnt/nfs" {
			<-release
		}
		return usage{}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	var rounds atomic.Int32
	done := make(chan error, 1)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil {
				t.Error(err)
			}
			rounds.Add(1)
		})
	}()
	testkit.Eventually(t, func() bool {
		return rounds.Load() >= 1 && testutil.CollectAndCount(c, metric.StorageInFlight.Name) == 2
	}, "two devices are exposed")
	before := rounds.Load()
	if err := collectors.Apply(c, policy(t, "storage: {interval: 5m, devices: {include: sda}}\n")); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool {
		return rounds.Load() > before && testutil.CollectAndCount(c, metric.StorageInFlight.Name) == 1
	}, "one device is exposed")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A unit that may write nothing sees every mount read-only. That says nothing of the filesystem.
func TestSandboxMakesNoFilesystemReadOnly(t *testing.T) {
	c := machine(t, map[string]string{
		"proc/diskstats":      "",
		"proc/self/mountinfo": "27 1 259:0 / / ro - ext4 /dev/sda rw\n28 27 259:1 / /broken ro - ext4 /dev/sdb ro\n",
	}, "")
	c.asker = newAsker(func(string) (usage, error) { return usage{size: 1}, nil })
	if err := c.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	gather(t, c, help(metric.StorageFilesystemReadOnly)+
		`thorbis_storage_filesystem_readonly{device="sda",fstype="ext4",host="db1",mountpoint="/"} 0
thorbis_storage_filesystem_readonly{device="sdb",fstype="ext4",host="db1",mountpoint="/broken"} 1
`, metric.StorageFilesystemReadOnly.Name)
}

// The first process's mounts are read wherever that is possible, whatever a sandbox makes of the exporter's own.
func TestMachineMountsTellReadOnly(t *testing.T) {
	c := machine(t, map[string]string{
		"proc/diskstats": "",
		"proc/1/mountinfo": "27 1 259:0 / / rw - ext4 /dev/sda rw\n28 27 259:1 / /ro ro - ext4 /dev/sdb rw\n" +
			"29 27 259:2 / /failed rw - ext4 /dev/sdc ro\n",
		"proc/self/mountinfo": "27 1 259:0 / / ro - ext4 /dev/sda rw\n28 27 259:1 / /ro ro - ext4 /dev/sdb rw\n" +
			"29 27 259:2 / /failed ro - ext4 /dev/sdc ro\n",
	}, "")
	c.asker = newAsker(func(string) (usage, error) { return usage{size: 1}, nil })
	if err := c.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	gather(t, c, help(metric.StorageFilesystemReadOnly)+
		`thorbis_storage_filesystem_readonly{device="sda",fstype="ext4",host="db1",mountpoint="/"} 0
thorbis_storage_filesystem_readonly{device="sdb",fstype="ext4",host="db1",mountpoint="/ro"} 1
thorbis_storage_filesystem_readonly{device="sdc",fstype="ext4",host="db1",mountpoint="/failed"} 1
`, metric.StorageFilesystemReadOnly.Name)
}

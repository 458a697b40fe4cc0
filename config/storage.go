package config

import "time"

// Storage configures which disks and filesystems are measured, and records what the disks were bought with.
type Storage struct {
	Interval    Duration         `yaml:"interval"`
	Timeout     Duration         `yaml:"timeout"` // after which a filesystem that does not answer is stale
	Devices     DeviceFilter     `yaml:"devices"`
	Filesystems FilesystemFilter `yaml:"filesystems"`
	Latency     StorageLatency   `yaml:"latency"`
	Limits      []*StorageLimit  `yaml:"limits"`
	Supabase    SupabaseDisks    `yaml:"supabase"`
	Canaries    []*Canary        `yaml:"canaries"`
}

// DeviceFilter picks block devices by name. With Include only those count, and Exclude is not looked at.
type DeviceFilter struct {
	Include Regexp `yaml:"include"`
	Exclude Regexp `yaml:"exclude"`
}

// FilesystemFilter leaves out filesystems.
type FilesystemFilter struct {
	ExcludeMounts Regexp `yaml:"exclude_mounts"`
	ExcludeTypes  Regexp `yaml:"exclude_types"`
}

// StorageLatency is how long an operation of a disk may take on average.
type StorageLatency struct {
	Read  Duration `yaml:"read"`
	Write Duration `yaml:"write"`
}

// Bounds of the intervals.
const (
	minStorageInterval  = Duration(time.Second)
	maxStorageInterval  = Duration(5 * time.Minute)
	minSupabaseInterval = Duration(time.Minute)
	maxSupabaseInterval = Duration(24 * time.Hour)
)

var storageSection = &section[Storage]{
	key:      "storage",
	field:    func(p *Policy) *Storage { return &p.Storage },
	defaults: defaultStorage,
	inherit:  inheritStorage,
	validate: validateStorage,
	warn:     func(v *validator, s Storage) { v.supabaseWarnings(s.Supabase) },
	cost:     costOfStorage,
}

// defaultStorage has the filters of the node_exporter, so that both show the same devices.
func defaultStorage() Storage {
	return Storage{
		Interval: Duration(5 * time.Second),
		Timeout:  Duration(5 * time.Second),
		Devices:  DeviceFilter{Exclude: mustRegexp(`(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+`)},
		Filesystems: FilesystemFilter{
			ExcludeMounts: mustRegexp(`/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|` +
				`var/lib/containers/storage/.+)($|/.*)`),
			ExcludeTypes: mustRegexp(`autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|` +
				`hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|` +
				`rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs`),
		},
		Latency: StorageLatency{Read: Duration(20 * time.Millisecond), Write: Duration(50 * time.Millisecond)},
		Supabase: SupabaseDisks{
			Interval:     Duration(15 * time.Minute),
			ComputeSizes: publishedComputeSizes(),
		},
	}
}

func inheritStorage(_ *Policy, s *Storage) {
	for _, project := range s.Supabase.Projects {
		if project.Device == "" {
			project.Device = "nvme1n1" // the data disk; the first one holds the system
		}
	}
	for _, c := range s.Canaries {
		c.inherit()
	}
}

func validateStorage(v *validator, s Storage) {
	v.between("storage.interval", s.Interval, minStorageInterval, maxStorageInterval)
	v.between("storage.timeout", s.Timeout, Duration(100*time.Millisecond), Duration(time.Minute))
	v.latency("storage.latency.read", s.Latency.Read)
	v.latency("storage.latency.write", s.Latency.Write)
	limited := map[string]bool{}
	v.storageLimits(s.Limits, limited)
	v.supabaseDisks(s.Supabase, limited)
	v.canaries(s.Canaries)
}

func (v *validator) latency(path string, d Duration) {
	if d <= 0 {
		v.failAt(path, "invalid duration %q: write more than 0, like 10ms", d)
	}
}

// costOfStorage returns what canaries and Supabase's limits cost. The series of a machine's devices and filesystems
// follow the machine, not the policy.
func costOfStorage(_ *Policy, s Storage, _ int) Cost {
	cost := Cost{Series: len(s.Canaries)*seriesPerCanary + len(s.Limits)*4}
	if n := len(s.Supabase.Projects); n > 0 {
		cost.Series += n * 6
		cost.APICallsPerHour = n * int(time.Hour/s.Supabase.Interval.Std())
	}
	return cost
}

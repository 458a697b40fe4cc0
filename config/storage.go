package config

import (
	"fmt"
	"regexp"
	"time"
)

// Storage says which disks and filesystems are watched and what the disks were bought with.
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

// StorageLimit is what one device was bought with: written out, or by the provider's kind of disk and its
// size. Written numbers override those of the kind.
type StorageLimit struct {
	// Host is the machine as its series name it; empty is the one that the exporter runs on.
	Host   string `yaml:"host"`
	Device string `yaml:"device"`
	Preset string `yaml:"preset"`
	Size   Bytes  `yaml:"size"`

	IOPS            int   `yaml:"iops"`
	Throughput      Bytes `yaml:"throughput"` // a second
	BurstIOPS       int   `yaml:"burst_iops"`
	BurstThroughput Bytes `yaml:"burst_throughput"`
}

// SupabaseDisks reads the limits of projects' disks from Supabase's Management API.
type SupabaseDisks struct {
	URL       string             `yaml:"url"`
	TokenFile string             `yaml:"token_file" secret:"exporter"`
	TokenEnv  string             `yaml:"token_env" secret:"exporter"`
	Interval  Duration           `yaml:"interval"`
	Projects  []*SupabaseProject `yaml:"projects"`
	// ComputeSizes overrides and extends the published table.
	ComputeSizes map[string]*ComputeSize `yaml:"compute_sizes"`
}

// SupabaseProject is one project whose disk limits are wanted.
type SupabaseProject struct {
	Ref    string `yaml:"ref"`
	Device string `yaml:"device"`
	// Compute is the size of the project's machine, which limits the disk too.
	Compute string `yaml:"compute"`
}

// ComputeSize is what a machine of a size permits its disk.
type ComputeSize struct {
	IOPS            int   `yaml:"iops"`
	Throughput      Bytes `yaml:"throughput"`
	BurstIOPS       int   `yaml:"burst_iops"`
	BurstThroughput Bytes `yaml:"burst_throughput"`
}

// Regexp is a regular expression that has to match the whole text.
type Regexp struct {
	text string
	re   *regexp.Regexp
}

// UnmarshalText compiles the expression.
func (r *Regexp) UnmarshalText(text []byte) error {
	if len(text) > 4096 {
		return fmt.Errorf("is too long; at most 4096 bytes")
	}
	re, err := regexp.Compile("^(?:" + string(text) + ")$")
	if err != nil {
		return fmt.Errorf("invalid regular expression %q: %w", text, err)
	}
	r.text, r.re = string(text), re
	return nil
}

// MarshalYAML writes the expression.
func (r Regexp) MarshalYAML() (any, error) { return r.text, nil }

// IsZero reports whether nothing, or the empty expression, was written.
func (r Regexp) IsZero() bool { return r.text == "" }

// MatchString reports whether the whole text matches; the zero Regexp matches nothing.
func (r Regexp) MatchString(s string) bool { return r.text != "" && r.re.MatchString(s) }

func mustRegexp(text string) Regexp {
	var r Regexp
	if err := r.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return r
}

// defaultStorage has the filters of the node_exporter, so that both show the same devices.
func defaultStorage() Storage {
	return Storage{
		Interval: Duration(5 * time.Second),
		Timeout:  Duration(5 * time.Second),
		Devices:  DeviceFilter{Exclude: mustRegexp(`(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+`)},
		Filesystems: FilesystemFilter{
			ExcludeMounts: mustRegexp(`/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/.*)`),
			ExcludeTypes: mustRegexp(`autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|` +
				`overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs`),
		},
		Latency: StorageLatency{Read: Duration(20 * time.Millisecond), Write: Duration(50 * time.Millisecond)},
		Supabase: SupabaseDisks{
			Interval:     Duration(15 * time.Minute),
			ComputeSizes: publishedComputeSizes(),
		},
	}
}

// publishedComputeSizes is Supabase's table of February 2026: what a machine permits for ever, and in a burst.
func publishedComputeSizes() map[string]*ComputeSize {
	const mb = 1_000_000
	sizes := map[string]*ComputeSize{}
	for _, s := range []struct {
		name                                        string
		iops, throughput, burstIOPS, burstThrougput int
	}{
		{"nano", 250, 5, 11_800, 261},
		{"micro", 500, 11, 11_800, 261},
		{"small", 1000, 22, 11_800, 261},
		{"medium", 2000, 43, 11_800, 261},
		{"large", 3600, 79, 20_000, 594},
		{"xl", 6000, 149, 20_000, 594},
		{"2xl", 12_000, 297, 20_000, 594},
		{"4xl", 20_000, 594, 0, 0},
		{"8xl", 40_000, 1188, 0, 0},
		{"12xl", 50_000, 1781, 0, 0},
		{"16xl", 80_000, 2375, 0, 0},
		{"24xl", 120_000, 3750, 0, 0},
	} {
		sizes[s.name] = &ComputeSize{s.iops, Bytes(s.throughput * mb), s.burstIOPS, Bytes(s.burstThrougput * mb)}
	}
	return sizes
}

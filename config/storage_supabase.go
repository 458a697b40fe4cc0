package config

import (
	"fmt"
	"net/url"
	"regexp"
)

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

// publishedComputeSizes is Supabase's table of February 2026: what a machine permits for ever, and in a burst.
func publishedComputeSizes() map[string]*ComputeSize {
	const mb = 1_000_000
	sizes := map[string]*ComputeSize{}
	for _, s := range []struct {
		name                                         string
		iops, throughput, burstIOPS, burstThroughput int
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
		sizes[s.name] = &ComputeSize{s.iops, Bytes(s.throughput * mb), s.burstIOPS, Bytes(s.burstThroughput * mb)}
	}
	return sizes
}

// projectRE is what a reference of a Supabase project looks like.
var projectRE = regexp.MustCompile(`^[a-z]{20}$`)

func (v *validator) supabaseDisks(s SupabaseDisks, limited map[string]bool) {
	const path = "storage.supabase"
	for _, name := range sortedKeys(s.ComputeSizes) {
		if c := s.ComputeSizes[name]; c.IOPS <= 0 || c.Throughput <= 0 {
			v.failAt(path+".compute_sizes."+name, "missing iops or throughput: write both")
		}
	}
	if len(s.Projects) == 0 {
		return
	}
	if (s.TokenFile == "") == (s.TokenEnv == "") {
		v.failAt(path, "must have either token_file or token_env, which say where the access token (sbp_...) is")
	}
	v.between(path+".interval", s.Interval, minSupabaseInterval, maxSupabaseInterval)
	if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "") {
		v.failAt(path+".url", "invalid address %q: write it like https://api.supabase.com", s.URL)
	}
	for i, p := range s.Projects {
		at := fmt.Sprintf("%s.projects[%d]", path, i)
		if !projectRE.MatchString(p.Ref) {
			v.failAt(at+".ref", "invalid project reference %q: write its twenty lower-case letters", p.Ref)
		}
		v.uniqueDevice(at, p.Ref, p.Device, limited)
		if _, ok := s.ComputeSizes[p.Compute]; p.Compute != "" && !ok {
			v.failAt(at+".compute", "unknown compute size %q: %s", p.Compute, Suggest(p.Compute, sortedKeys(s.ComputeSizes)))
		}
	}
}

func (v *validator) supabaseWarnings(s SupabaseDisks) {
	for i, p := range s.Projects {
		if p.Compute == "" {
			v.warn(fmt.Sprintf("storage.supabase.projects[%d]", i),
				"no compute: a small machine limits its disk to less than was bought, and that will not show")
		}
	}
}

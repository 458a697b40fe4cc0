package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Bounds of what a policy may ask of a machine.
const (
	minStorageInterval  = Duration(time.Second)
	maxStorageInterval  = Duration(5 * time.Minute)
	minSupabaseInterval = Duration(time.Minute)
	maxSupabaseInterval = Duration(24 * time.Hour)
)

// inheritStorage fills what limits and projects left out.
func (p *Policy) inheritStorage() {
	for _, project := range p.Storage.Supabase.Projects {
		if project.Device == "" {
			project.Device = "nvme1n1" // the data disk; the first one holds the system
		}
	}
}

func (v *validator) storage() {
	s := &v.policy.Storage
	v.between("storage.interval", s.Interval, minStorageInterval, maxStorageInterval)
	if s.Timeout < Duration(100*time.Millisecond) || s.Timeout > Duration(time.Minute) {
		v.failAt("storage.timeout", "must be 100ms to 1m")
	}
	for name, d := range map[string]Duration{"read": s.Latency.Read, "write": s.Latency.Write} {
		if d <= 0 {
			v.failAt("storage.latency."+name, "must be more than 0")
		}
	}
	seen := map[string]bool{}
	for i, l := range s.Limits {
		v.storageLimit(fmt.Sprintf("storage.limits[%d]", i), l, seen)
	}
	v.supabaseDisks(seen)
}

func (v *validator) between(path string, d, least, most Duration) {
	if d < least || d > most {
		v.failAt(path, "invalid duration %q: write %s to %s", d, least, most)
	}
}

func (v *validator) storageLimit(path string, l *StorageLimit, seen map[string]bool) {
	if l.Device == "" {
		v.failAt(path, "missing device: write its name as lsblk shows it, like nvme1n1")
	}
	if strings.HasPrefix(l.Device, "/") {
		v.failAt(path+".device", "write the name alone, without /dev/")
	}
	v.uniqueDevice(path, l.Host, l.Device, seen)
	if l.IOPS < 0 || l.BurstIOPS < 0 {
		v.failAt(path+".iops", "must be more than 0")
	}
	if l.Preset != "" {
		if err := l.validPreset(); err != nil {
			key, text, _ := strings.Cut(err.Error(), ": ")
			v.failAt(path+"."+key, "%s", text)
			return
		}
		l.resolve()
	}
	switch {
	case l.IOPS == 0 && l.Throughput == 0:
		v.failAt(path, "write iops, throughput or both, or a preset")
	case l.BurstIOPS != 0 && l.BurstIOPS <= l.IOPS:
		v.failAt(path+".burst_iops", "must be more than iops, or left out")
	case l.BurstThroughput != 0 && l.BurstThroughput <= l.Throughput:
		v.failAt(path+".burst_throughput", "must be more than throughput, or left out")
	}
}

func (v *validator) uniqueDevice(path, host, device string, seen map[string]bool) {
	key := host + "\xff" + device
	if seen[key] {
		v.failAt(path, "duplicate limit: this device already has one; keep one")
	}
	seen[key] = true
}

// projectRE is what a reference of a Supabase project looks like.
var projectRE = regexp.MustCompile(`^[a-z]{20}$`)

func (v *validator) supabaseDisks(seen map[string]bool) {
	s, path := v.policy.Storage.Supabase, "storage.supabase"
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
		v.uniqueDevice(at, p.Ref, p.Device, seen)
		if _, ok := s.ComputeSizes[p.Compute]; p.Compute != "" && !ok {
			v.failAt(at+".compute", "unknown compute size %q: %s", p.Compute, Suggest(p.Compute, sortedKeys(s.ComputeSizes)))
		}
	}
}

func (v *validator) storageWarnings() {
	s := v.policy.Storage.Supabase
	if len(s.Projects) == 0 {
		return
	}
	for i, p := range s.Projects {
		if p.Compute == "" {
			v.warn(fmt.Sprintf("storage.supabase.projects[%d]", i), "no compute: a small machine limits its disk to less than was bought, and that will not show")
		}
	}
}

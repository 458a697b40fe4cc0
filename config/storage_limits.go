package config

import (
	"fmt"
	"strings"
)

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

// storageLimits checks the written limits and adds their devices to limited.
func (v *validator) storageLimits(all []*StorageLimit, limited map[string]bool) {
	for i, l := range all {
		v.storageLimit(fmt.Sprintf("storage.limits[%d]", i), l, limited)
	}
}

func (v *validator) storageLimit(path string, l *StorageLimit, limited map[string]bool) {
	if l.Device == "" {
		v.failAt(path, "missing device: write its name as lsblk shows it, like nvme1n1")
	}
	if strings.HasPrefix(l.Device, "/") {
		v.failAt(path+".device", "invalid device %q: write the name alone, without /dev/", l.Device)
	}
	v.uniqueDevice(path, l.Host, l.Device, limited)
	if l.IOPS < 0 {
		v.failAt(path+".iops", "invalid number \"%d\": write more than 0", l.IOPS)
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
		v.failAt(path+".burst_iops", "invalid number \"%d\": write more than iops, which is %d, or leave it out",
			l.BurstIOPS, l.IOPS)
	case l.BurstThroughput != 0 && l.BurstThroughput <= l.Throughput:
		v.failAt(path+".burst_throughput", "invalid size %q: write more than throughput, which is %s, or leave it out",
			l.BurstThroughput, l.Throughput)
	}
}

func (v *validator) uniqueDevice(path, host, device string, limited map[string]bool) {
	key := host + "\xff" + device
	if limited[key] {
		v.failAt(path, "duplicate limit: this device already has one; keep one")
	}
	limited[key] = true
}

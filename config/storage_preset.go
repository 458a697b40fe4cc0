package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// preset is what a provider's kind of disk does by itself and at most.
type preset struct {
	// base returns the IOPS and the bytes a second of a disk of so many GiB for which nothing was bought beside.
	base func(gib float64) (iops int, throughput Bytes)
	// burst is what it does for a while; 0 for no more than that.
	burstIOPS        int
	maxIOPS          int
	maxThroughput    Bytes
	minSize, maxSize Bytes
	// perGiB is how many IOPS each GiB permits, per IOPS how many bytes a second each of them; 0 for any number.
	perGiB                   int
	perIOPS                  Bytes
	needsIOPS, needsSize     bool
	throughputFollowsTheIOPS bool
}

const (
	mib = Bytes(1 << 20)
	gib = Bytes(1 << 30)
)

// presets are AWS' EBS volumes as documented in 2026. Many texts still give the numbers of before
// September 2025; what was bought is written beside the preset.
var presets = map[string]preset{
	"gp3": {
		base:    func(float64) (int, Bytes) { return 3000, 125 * mib },
		maxIOPS: 80_000, maxThroughput: 2000 * mib, minSize: gib, maxSize: 65_536 * gib, perGiB: 500, perIOPS: mib / 4,
	},
	"gp2": {
		base: func(size float64) (int, Bytes) {
			return min(max(int(3*size), 100), 16_000), 250 * mib
		},
		burstIOPS: 3000, maxIOPS: 16_000, maxThroughput: 250 * mib, minSize: gib, maxSize: 16_384 * gib, needsSize: true,
	},
	"io1": {
		maxIOPS: 64_000, maxThroughput: 1000 * mib, minSize: 4 * gib, maxSize: 16_384 * gib, perGiB: 50,
		needsIOPS: true, throughputFollowsTheIOPS: true,
	},
	"io2": {
		maxIOPS: 256_000, maxThroughput: 4000 * mib, minSize: 4 * gib, maxSize: 65_536 * gib, perGiB: 1000,
		needsIOPS: true, throughputFollowsTheIOPS: true,
	},
}

// ioSize is the size of an operation by which io1 and io2 are sold: as many bytes a second as IOPS of it.
const ioSize = 16 << 10

// resolve fills what was not written from the preset.
func (l *StorageLimit) resolve() {
	p, ok := presets[l.Preset]
	if !ok {
		return
	}
	if p.base != nil {
		iops, throughput := p.base(float64(l.Size) / float64(gib))
		if l.IOPS == 0 {
			l.IOPS = iops
		}
		if l.Throughput == 0 {
			l.Throughput = throughput
		}
	}
	if p.throughputFollowsTheIOPS && l.Throughput == 0 {
		l.Throughput = min(Bytes(l.IOPS)*ioSize, p.maxThroughput)
	}
	if l.BurstIOPS == 0 && p.burstIOPS > l.IOPS {
		l.BurstIOPS = p.burstIOPS
	}
}

// validPreset returns an error where a limit does not fit its preset.
func (l *StorageLimit) validPreset() error {
	p, ok := presets[l.Preset]
	switch {
	case !ok:
		return fmt.Errorf("preset: unknown preset %q: %s", l.Preset, Suggest(l.Preset, slices.Sorted(maps.Keys(presets))))
	case p.needsSize && l.Size == 0:
		return fmt.Errorf("size: missing: write it like 500GiB, because %s does as much as it is large", l.Preset)
	case p.needsIOPS && l.IOPS == 0:
		return errors.New("iops: missing: write the number bought, like 3000")
	case l.Size != 0 && (l.Size < p.minSize || l.Size > p.maxSize):
		return fmt.Errorf("size: invalid size %q: write %s to %s, as %s is sold", l.Size, p.minSize, p.maxSize, l.Preset)
	case l.IOPS > p.maxIOPS:
		return fmt.Errorf("iops: invalid number \"%d\": write at most %d, which %s has", l.IOPS, p.maxIOPS, l.Preset)
	case l.Throughput > p.maxThroughput:
		return fmt.Errorf("throughput: invalid size %q: write at most %s, which %s has a second",
			l.Throughput, p.maxThroughput, l.Preset)
	}
	return l.inProportion(p)
}

// inProportion returns an error for what a provider does not sell together: more IOPS than the size
// permits, or more bytes a second than the IOPS do. What every disk has by itself is never too much.
func (l *StorageLimit) inProportion(p preset) error {
	var iops int
	var throughput Bytes
	if p.base != nil {
		iops, throughput = p.base(float64(l.Size) / float64(gib))
	}
	if most := int(l.Size / gib * Bytes(p.perGiB)); p.perGiB > 0 && l.Size > 0 && l.IOPS > max(iops, most) {
		return fmt.Errorf("iops: invalid number \"%d\": write at most %d, which %s of %s has, %d for each GiB",
			l.IOPS, max(iops, most), l.Preset, l.Size, p.perGiB)
	}
	bought := max(l.IOPS, iops)
	if most := Bytes(bought) * p.perIOPS; p.perIOPS > 0 && l.Throughput > max(throughput, most) {
		return fmt.Errorf("throughput: invalid size %q: "+
			"write at most %s, which %s with %d IOPS has, %s for each, or more iops",
			l.Throughput, max(throughput, most), l.Preset, bought, p.perIOPS)
	}
	return nil
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// How much garbage may lie beside what is in use before it is collected: a share of what is in use, but so many bytes
// at least, for to collect a little garbage costs as much as to collect a lot. Go's own 100 % counts the memory of a
// thousand probes under way twice (docs/benchmarks.md has the cost of both).
const (
	leastPercent = 30
	mostPercent  = 100
	leastGarbage = 16 << 20
)

// adaptEvery is how often the share is adapted to what is in use.
const adaptEvery = time.Second

// limitShare is how much of a container's memory the program takes before it collects garbage more often than that.
const limitShare = 0.8

// saveMemory bounds the garbage until ctx ends. GOGC and GOMEMLIMIT, where they are set, have the last word.
func saveMemory(ctx context.Context, root string) {
	if os.Getenv("GOGC") == "" {
		go adaptPercent(ctx)
	}
	if limit, ok := memoryLimit(root); ok && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(float64(limit) * limitShare))
	}
}

// adaptPercent sets the share of garbage by what is in use.
func adaptPercent(ctx context.Context) {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	set := mostPercent
	tick := time.NewTicker(adaptEvery)
	defer tick.Stop()
	for {
		metrics.Read(inUse)
		// To set it stops the program for a moment, so small changes are left alone.
		if p := garbagePercent(inUse[0].Value.Uint64() + inUse[1].Value.Uint64()); p < set-set/10 || p > set+set/10 ||
			p != set && p == leastPercent {
			set = p
			debug.SetGCPercent(set)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// garbagePercent is the share of garbage beside so many bytes in use.
func garbagePercent(inUse uint64) int {
	return int(min(max(leastGarbage*100/max(inUse, 1), leastPercent), mostPercent))
}

// memoryLimit returns the memory in bytes that the kernel lets the program have, by the program's own control group of
// the second version, else by that at the root, which is a container's own. Files are below root.
func memoryLimit(root string) (int64, bool) {
	mount := filepath.Join(root, "sys/fs/cgroup")
	var files []string
	if groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup")); err == nil {
		for line := range strings.Lines(string(groups)) {
			if group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
				files = append(files, filepath.Join(mount, group, "memory.max"))
			}
		}
	}
	files = append(files, filepath.Join(mount, "memory.max"), filepath.Join(mount, "memory/memory.limit_in_bytes"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// Without a limit the file says max, or a number beyond any machine's memory.
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return limit, err == nil && limit > 0
	}
	return 0, false
}

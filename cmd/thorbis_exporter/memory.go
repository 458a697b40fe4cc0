package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// gcPercent is how much garbage may lie beside what is in use before it is collected. Go's own 100 % counts the memory of
// a thousand probes under way twice. The price of 30 % is not measurable on the whole since a probe became cheaper
// (docs/benchmarks.md).
const gcPercent = 30

// limitShare is how much of a container's memory the program takes before it collects garbage more often than that.
const limitShare = 0.8

// saveMemory bounds the garbage. GOGC and GOMEMLIMIT, where they are set, have the last word.
func saveMemory(root string) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if limit, ok := memoryLimit(root); ok && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(float64(limit) * limitShare))
	}
}

// memoryLimit returns the memory in bytes that the kernel lets the program have, by the program's own control group of the
// second version, else by that at the root, which is a container's own. Files are below root.
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

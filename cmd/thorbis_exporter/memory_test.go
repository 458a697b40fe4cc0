package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The limit is that of the program's own control group, else that of the container, by either version of control
// groups.
func TestMemoryLimit(t *testing.T) {
	const own, root, first = "sys/fs/cgroup/system.slice/x.service/memory.max", "sys/fs/cgroup/memory.max",
		"sys/fs/cgroup/memory/memory.limit_in_bytes"
	for name, tc := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing": {nil, 0},
		"own": {
			map[string]string{"proc/self/cgroup": "0::/system.slice/x.service\n", own: "1024\n", root: "9\n"}, 1024,
		},
		"own, unlimited": {map[string]string{"proc/self/cgroup": "0::/system.slice/x.service\n", own: "max\n"}, 0},
		"container":      {map[string]string{"proc/self/cgroup": "0::/\n", root: "2048\n"}, 2048},
		"of the host":    {map[string]string{"proc/self/cgroup": "0::/not/seen/here\n", root: "2048\n"}, 2048},
		"first version":  {map[string]string{"proc/self/cgroup": "4:memory:/x\n", first: "4096\n"}, 4096},
		"no number":      {map[string]string{root: "x\n"}, 0},
		"negative":       {map[string]string{root: "-5\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tc.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				testkit.WriteFile(t, path, text)
			}
			if got, ok := memoryLimit(dir); got != tc.want && ok || ok != (tc.want > 0) {
				t.Errorf("%d, %t; want %d", got, ok, tc.want)
			}
		})
	}
}

// Garbage is bounded by the container's memory, unless the environment says otherwise.
func TestSaveMemory(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sys/fs/cgroup"), 0o700); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "sys/fs/cgroup/memory.max"), "1000000000000\n")
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "off")
	saveMemory(t.Context(), dir)
	if p, l := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); p != 100 || l != math.MaxInt64 {
		t.Errorf("GOGC and GOMEMLIMIT are overruled: %d, %d", p, l)
	}
	t.Setenv("GOMEMLIMIT", "")
	saveMemory(t.Context(), dir)
	if l := debug.SetMemoryLimit(-1); l != 800_000_000_000 {
		t.Errorf("%d bytes", l)
	}
}

// A program that uses much has little garbage, in proportion; one that uses little has enough to be collected rarely.
func TestGarbageFollowsWhatIsInUse(t *testing.T) {
	for inUse, want := range map[uint64]int{
		0: 100, 1 << 20: 100, 16 << 20: 100, 20 << 20: 80, 32 << 20: 50, 64 << 20: 30, 1 << 30: 30, math.MaxUint64: 30,
	} {
		if got := garbagePercent(inUse); got != want {
			t.Errorf("%d MiB in use: %d %%, want %d", inUse>>20, got, want)
		}
	}
	before := debug.SetGCPercent(mostPercent)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	much := make([]byte, 256<<20)
	runtime.GC()
	go func() {
		defer close(stopped)
		adaptPercent(ctx)
	}()
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	inForce := testkit.Last(func() any { metrics.Read(percent); return percent[0].Value.Uint64() })
	testkit.Eventually(t, func() bool { return inForce() == uint64(leastPercent) },
		"%d %% beside 256 MiB in use: it is %d %%", leastPercent, inForce)
	runtime.KeepAlive(much)
	cancel()
	<-stopped
}

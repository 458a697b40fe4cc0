package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// hanging is a statfs in which some paths hang until they are released.
type hanging struct {
	mu      sync.Mutex
	release map[string]chan struct{}
	calls   map[string]int
}

func newHanging(paths ...string) *hanging {
	h := &hanging{release: map[string]chan struct{}{}, calls: map[string]int{}}
	for _, p := range paths {
		h.release[p] = make(chan struct{})
	}
	return h
}

func (h *hanging) statfs(path string) (usage, error) {
	h.mu.Lock()
	wait := h.release[path]
	h.calls[path]++
	h.mu.Unlock()
	if wait != nil {
		<-wait
	}
	if path == "/broken" {
		return usage{}, errors.New("input/output error")
	}
	return usage{size: 100, available: 50}, nil
}

func (h *hanging) called(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[path]
}

func mounts(n int, more ...string) []mount {
	var list []mount
	for i := range n {
		list = append(list, mount{id: fmt.Sprint(i), point: fmt.Sprintf("/m%d", i)})
	}
	for i, p := range more {
		list = append([]mount{{id: fmt.Sprint(n + i), point: p}}, list...)
	}
	return list
}

// Mounts that hang come first, more of them than there are askers: the others are answered nevertheless,
// the hanging ones are stale, asked once only, and asked again when they have answered.
func TestHangingMountBlocksNoOther(t *testing.T) {
	synctest.Test(t, hangingMountBlocksNoOther)
}

func hangingMountBlocksNoOther(t *testing.T) {
	dead := []string{"/a", "/b", "/c", "/d", "/e", "/f"}
	h := newHanging(dead...)
	a := newAsker(h.statfs)
	list := mounts(50, append([]string{"/broken"}, dead...)...)
	const timeout = 100 * time.Millisecond
	check := func(stale int) {
		t.Helper()
		found := 0
		for i, got := range a.ask(t.Context(), list, timeout) {
			switch {
			case got.stale:
				found++
			case list[i].point == "/broken" && got.err == nil:
				t.Error("an error is lost")
			case list[i].point != "/broken" && got.size != 100:
				t.Errorf("%s: %+v", list[i].point, got)
			}
		}
		if found != stale {
			t.Errorf("%d stale, want %d", found, stale)
		}
	}
	check(len(dead))
	before := runtime.NumGoroutine()
	for range 20 {
		check(len(dead))
	}
	// Those of the last rounds may still have to notice that nothing is left to ask.
	testkit.Eventually(t, func() bool { return runtime.NumGoroutine() <= before }, "%d goroutines are left", before)
	for _, p := range dead {
		if n := h.called(p); n != 1 {
			t.Errorf("%s was asked %d times while it hung", p, n)
		}
		close(h.release[p])
	}
	testkit.Eventually(t, func() bool { return a.stuckCount() == 0 }, "no question is stuck")
	check(0)
}

// However many hang, no more goroutines than the bound wait for them.
func TestHangingMountsAreBounded(t *testing.T) {
	synctest.Test(t, hangingMountsAreBounded)
}

func hangingMountsAreBounded(t *testing.T) {
	list := mounts(maxStuck * 3)
	var paths []string
	for _, m := range list {
		paths = append(paths, m.point)
	}
	h := newHanging(paths...)
	a := newAsker(h.statfs)
	before := runtime.NumGoroutine()
	for range 2 * maxStuck {
		for i, got := range a.ask(t.Context(), list, 5*time.Millisecond) {
			if !got.stale {
				t.Fatalf("%s is not stale", list[i].point)
			}
		}
	}
	if n := a.stuckCount(); n < maxStuck || n > maxStuckEver+askers {
		t.Errorf("%d stuck, bound %d", n, maxStuckEver)
	}
	testkit.Eventually(t, func() bool { return runtime.NumGoroutine()-before <= maxStuckEver+askers },
		"%d goroutines more than before are left", maxStuckEver+askers)
	for _, p := range paths {
		close(h.release[p])
	}
	testkit.Eventually(t, func() bool { return a.stuckCount() == 0 }, "no question is stuck")
}

// Far more network mounts hang than may: disks of this machine are answered in every round, and so are network mounts
// that live, each once it had its turn, for good.
func TestHangingMountsHideNoLivingOnes(t *testing.T) {
	synctest.Test(t, hangingMountsHideNoLivingOnes)
}

func hangingMountsHideNoLivingOnes(t *testing.T) {
	var list []mount
	var dead []string
	for i := range 40 {
		m := mount{id: fmt.Sprint("dead", i), point: fmt.Sprintf("/dead%d", i), fstype: "nfs4"}
		list, dead = append(list, m), append(dead, m.point)
	}
	for i := range 3 {
		list = append(list, mount{id: fmt.Sprint("alive", i), point: fmt.Sprintf("/alive%d", i), fstype: "fuse.sshfs"})
	}
	for i := range 2 {
		list = append(list, mount{id: fmt.Sprint("disk", i), point: fmt.Sprintf("/disk%d", i), fstype: "ext4"})
	}
	h := newHanging(dead...)
	a := newAsker(h.statfs)
	before := runtime.NumGoroutine()
	alive := 0
	for round := range 30 {
		alive = 0
		for i, got := range a.ask(t.Context(), list, 20*time.Millisecond) {
			switch {
			case list[i].fstype == "nfs4" && !got.stale:
				t.Fatalf("%s is not stale", list[i].point)
			case list[i].fstype == "ext4" && got.stale:
				t.Errorf("round %d: %s is stale", round, list[i].point)
			case list[i].fstype == "fuse.sshfs" && !got.stale:
				alive++
			}
		}
	}
	if alive != 3 {
		t.Errorf("%d network mounts that live are seen, want 3", alive)
	}
	if n := runtime.NumGoroutine() - before; n > maxStuckEver+askers {
		t.Errorf("%d goroutines", n)
	}
	for _, p := range dead {
		close(h.release[p])
	}
	testkit.Eventually(t, func() bool { return a.stuckCount() == 0 }, "no question is stuck")
	for i, got := range a.ask(t.Context(), list, 20*time.Second) {
		if got.stale {
			t.Errorf("%s is stale after all answer", list[i].point)
		}
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	synctest.Test(t, askEndsWithItsContext)
}

func askEndsWithItsContext(t *testing.T) {
	h := newHanging("/a")
	defer close(h.release["/a"])
	a := newAsker(h.statfs)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if got := a.ask(ctx, mounts(0, "/a"), time.Hour); !got[0].stale {
		t.Errorf("%+v", got)
	}
}

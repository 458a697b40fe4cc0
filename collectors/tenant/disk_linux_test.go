package tenant

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// While the disk is full the series stand still, and the scrape goes on; afterwards every line is counted once.
func TestFullDisk(t *testing.T) {
	dir, disk := t.TempDir(), smallDisk(t)
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme}]")
	log := filepath.Join(dir, "access.json")
	testkit.WriteFile(t, log, "")
	sd, err := state.Open(filepath.Join(disk, "data"))
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: sd, Immediate: true})
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	t.Cleanup(func() { <-stopped; _ = c.Close(); _ = sd.Close() })
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
		close(stopped)
	}()
	requests := func() uint64 { n, _, _ := c.Store().Totals(); return n }
	write := func(n int) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprint(f, strings.Repeat(`{"host":"acme.example.com","status":200,"request_time":0.5}`+"\n", n))
	}
	write(1000)
	testkit.Eventually(t, func() bool { return requests() == 1000 }, "1000 requests")

	fillUp(t, disk, c.Store())
	write(500)
	failed, _ := c.Store().Saves()
	testkit.Eventually(t, func() bool { saves, _ := c.Store().Saves(); return saves[1] > failed[1] }, "a save that fails")
	var scrape bytes.Buffer
	if err := c.Write(&scrape); err != nil || requests() != 1000 {
		t.Errorf("%d requests are shown, %v", requests(), err)
	}
	if n := testutil.CollectAndCount(c, "thorbis_tenant_source_lag_bytes"); n != 1 {
		t.Errorf("%d series of lag", n)
	}
	write(500)
	if err := os.Remove(filepath.Join(disk, "junk")); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return requests() == 2000 }, "2000 requests")
}

// While the disk is full a post is refused for now, nothing of it is counted, and the same post is taken when there
// is room again.
func TestFullDiskRefusesPosts(t *testing.T) {
	disk := smallDisk(t)
	o := newTestCollector(t, receivingPolicy, filepath.Join(disk, "data"))
	post := func(id string) int {
		t.Helper()
		resp := o.post("json", `{"h":"acme.example.com","s":200,"i":"`+id+`"}`, "Authorization", secret)
		if again := resp.Header.Get("Retry-After"); (resp.StatusCode == 503) != (again != "") {
			t.Errorf("%s, to be sent again after %q", resp.Status, again)
		}
		return resp.StatusCode
	}
	if code := post("a"); code != 200 {
		t.Fatal(code)
	}
	fillUp(t, disk, o.c.Store())
	for range 3 {
		if code := post("b"); code != 503 {
			t.Errorf("a full disk answers %d", code)
		}
	}
	o.wants(4)
	if err := os.Remove(filepath.Join(disk, "junk")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if code := post("b"); code != 200 {
			t.Errorf("with room again: %d", code)
		}
	}
	o.wants(8)
}

func smallDisk(t *testing.T) string {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs the right to mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

// fillUp leaves no room on a disk, not even in the last block of a store's log.
func fillUp(t *testing.T, disk string, st *store.Store) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "junk"))
	if err != nil {
		t.Fatal(err)
	}
	for block := 64 << 10; block > 0; { // to the last byte
		if _, err := f.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
	f.Close()
	for n := 2048; n > 0; {
		if err := st.Commit(t.Context(), store.Encode(&store.Batch{IDs: make([]uint64, n)})); err != nil {
			n /= 2
		}
	}
}

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

	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// While the disk is full the series stand still, and the scrape goes on; afterwards every line is counted once.
func TestFullDisk(t *testing.T) {
	dir, disk := t.TempDir(), t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs the right to mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	put(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme}]")
	log := filepath.Join(dir, "access.json")
	put(t, log, "")
	sd, err := state.Open(filepath.Join(disk, "data"))
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: sd, Immediate: true})
	if err := c.Apply(filePolicy(t, dir, "")); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	t.Cleanup(func() { <-stopped; _ = c.Close(); _ = sd.Close() })
	go func() { _ = c.Run(t.Context(), func(error, time.Duration) {}); close(stopped) }()
	requests := func() uint64 { n, _, _ := c.Book().Totals(); return n }
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
	eventually(t, "1000 requests", func() bool { return requests() == 1000 })

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
	for n := 2048; n > 0; { // and what is left of the log's last block
		if err := c.Book().Commit(t.Context(), ledger.Encode(&ledger.Delta{IDs: make([]uint64, n)})); err != nil {
			n /= 2
		}
	}
	write(500)
	failed, _ := c.Book().Saves()
	eventually(t, "a save that fails", func() bool { saves, _ := c.Book().Saves(); return saves[1] > failed[1] })
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
	eventually(t, "2000 requests", func() bool { return requests() == 2000 })
}

package storage

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Errors of a disk are exported; a mount that only its owner may query is not.
func TestErrorsOfFilesystems(t *testing.T) {
	r := reading{host: "db1", mounts: []mount{
		{point: "/data", source: "/dev/sda", fstype: "ext4"},
		{point: "/run/user/1000/doc", source: "portal", fstype: "fuse.portal"},
	}, answers: []answer{{err: syscall.EIO}, {err: &fs.PathError{Op: "statfs", Path: "x", Err: syscall.EACCES}}}}
	c := New(Options{})
	c.snapshot.Store(r.snapshot(time.Unix(1, 0)))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	want := "# HELP " + metric.StorageFilesystemError.Name + " " + metric.StorageFilesystemError.Help + `
# TYPE thorbis_storage_filesystem_device_error gauge
thorbis_storage_filesystem_device_error{device="portal",fstype="fuse.portal",host="db1",` +
		`mountpoint="/run/user/1000/doc"} 0
thorbis_storage_filesystem_device_error{device="sda",fstype="ext4",host="db1",mountpoint="/data"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), metric.StorageFilesystemError.Name,
		metric.StorageFilesystemSize.Name); err != nil {
		t.Error(err)
	}
}

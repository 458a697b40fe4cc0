package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var _ = register("storage-collection", storageCollection)

// The machine: so many disks and mounts, read and scraped once a second, long enough to measure CPU time well.
const (
	storageDevices  = 500
	storageMounts   = 500
	storageMeasured = 30
)

// storageCollection measures the CPU time of one collection of a machine with 500 block devices and 500 mounts
// beside the node_exporter's diskstats and filesystem collectors: the same files, the same pace, at the same
// time. Ours reads in the background once a second, theirs when it is scraped; each is scraped once a second.
func storageCollection(ctx context.Context, r *report) error {
	node := filepath.Join(bin("tools"), "node_exporter")
	if _, err := os.Stat(node); err != nil {
		return fmt.Errorf("%s is missing; run make tools", node)
	}
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := storageMachine(dir); err != nil {
		return err
	}
	paths := []string{
		"--path.procfs=" + filepath.Join(dir, "proc"), "--path.sysfs=" + filepath.Join(dir, "sys"),
		"--path.rootfs=" + filepath.Join(dir, "root"),
	}

	theirs, err := serve(ctx, dir, node, "/metrics", append(
		slices.Clone(paths), "--path.udev.data="+filepath.Join(dir, "udev"),
		"--collector.disable-defaults", "--collector.diskstats", "--collector.filesystem", "--web.disable-exporter-metrics",
	)...)
	if err != nil {
		return err
	}
	defer theirs.stop()
	theirURL := theirs.url + "/metrics"
	ours, err := exporter(ctx, filepath.Join(dir, "ours"), "storage: {interval: 1s}\n",
		append(paths, "--no-collector.health", "--no-collector.host", "--no-collector.database",
			"--no-collector.incident")...)
	if err != nil {
		return err
	}
	defer ours.stop()
	ourURL := ours.url + "/metrics"

	// Both see the same machine before anything is measured.
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	ourPage, err := fetch(ctx, ourURL)
	if err != nil {
		return err
	}
	theirPage, err := fetch(ctx, theirURL)
	if err != nil {
		return err
	}
	for name, page := range map[string]string{
		"thorbis_storage_io_in_flight{": ourPage, "node_disk_io_now{": theirPage,
		"thorbis_storage_filesystem_available_bytes{": ourPage, "node_filesystem_avail_bytes{": theirPage,
	} {
		if n := strings.Count(page, "\n"+name); n != 500 {
			return fmt.Errorf("%d series of %s, 500 expected", n, name)
		}
	}

	r.say("reading and scraping %d devices and %d mounts for %d s", storageDevices, storageMounts, storageMeasured)
	used, err := cpuOf(func() error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for range storageMeasured {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
			for _, url := range []string{ourURL, theirURL} {
				if _, err := fetch(ctx, url); err != nil {
					return err
				}
			}
		}
		return nil
	}, ours, theirs)
	if err != nil {
		return err
	}
	each := func(used time.Duration) float64 { return used.Seconds() * 1000 / storageMeasured }
	us, them := each(used[0]), each(used[1])
	r.add(figure{
		name:  "CPU time of a collection and a scrape",
		value: us, unit: "ms", against: fmt.Sprintf("node_exporter %.3g ms", them), ratio: us / them,
		target: "below node_exporter", met: us < them,
	})
	r.add(figure{
		name: "size of a scrape", value: float64(len(ourPage)) / 1024, unit: "KiB",
		against: fmt.Sprintf("node_exporter %.3g KiB", float64(len(theirPage))/1024),
		ratio:   float64(len(ourPage)) / float64(len(theirPage)),
	})
	ourMemory, err := ours.rss()
	if err != nil {
		return err
	}
	theirMemory, err := theirs.rss()
	if err != nil {
		return err
	}
	r.add(figure{
		name: "memory", value: ourMemory / (1 << 20), unit: "MiB",
		against: fmt.Sprintf("node_exporter %.3g MiB", theirMemory/(1<<20)), ratio: ourMemory / theirMemory,
	})
	return nil
}

// storageMachine writes the files of a machine, with a directory for each mount.
func storageMachine(dir string) error {
	var disks, mountinfo, mounts strings.Builder
	files := map[string]string{}
	for i := range storageDevices {
		name := fmt.Sprintf("sd%c%c", 'a'+i/26, 'a'+i%26)
		fmt.Fprintf(&disks, "%4d %7d %s 147219 16209 5183018 98005 60495 205775 21005840 104706 %d 28472 208977 39262 38 "+
			"17806656 5661 4232 603\n", 8+i/256, i%256, name, i%7)
		files["sys/block/"+name+"/queue/rotational"] = "0\n"
		files["sys/class/block/"+name+"/size"] = "2097152\n"
		if i < storageMounts {
			point := fmt.Sprintf("/mnt/volume-%03d", i)
			fmt.Fprintf(&mountinfo,
				"%d 27 %d:%d / %s rw,relatime shared:1 - ext4 /dev/%s rw\n", 100+i, 8+i/256, i%256, point, name)
			fmt.Fprintf(&mounts, "/dev/%s %s ext4 rw,relatime 0 0\n", name, point)
			if err := os.MkdirAll(filepath.Join(dir, "root", point), 0o755); err != nil {
				return err
			}
		}
	}
	files["proc/diskstats"] = disks.String()
	files["proc/stat"] = "cpu  1 2 3 4 5 6 7 8 9 10\nbtime 1700000000\n"
	for _, process := range []string{"1", "self"} {
		files["proc/"+process+"/mountinfo"], files["proc/"+process+"/mounts"] = mountinfo.String(), mounts.String()
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

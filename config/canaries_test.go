package config

import (
	"strings"
	"testing"
)

func TestCanaryErrorsNameTheCure(t *testing.T) {
	errorsAt(t, "storage: {canaries: [", "]}", [][2]string{
		{"{path: /data}", "storage.canaries[0].name: missing name"},
		{
			"{name: a}",
			"storage.canaries[0]: missing path: write that of a directory on the disk, such as /var/lib/thorbis",
		},
		{"{name: a, path: data}", `storage.canaries[0].path: invalid path "data": write the whole path`},
		{"{name: ../a, path: /data}", "storage.canaries[0].name"},
		{"{name: a, path: /x}, {name: a, path: /y}", "storage.canaries[1].name"},
		{"{name: a, path: /data, interval: 1s}", `storage.canaries[0].interval: invalid duration "1s": write 10s to 1d`},
		{"{name: a, path: /data, size: 1KiB}", `storage.canaries[0].size: invalid size "1KiB": write 4KiB to 16MiB`},
		{"{name: a, path: /data, size: 1GiB}", `storage.canaries[0].size: invalid size "1GiB": write 4KiB to 16MiB`},
		{strings.Repeat("{name: a, path: /x}, ", maxCanaries) + "{}", "too many canaries (21): write at most 20"},
	})
}

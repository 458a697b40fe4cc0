package disktest

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// Counters are the operations and bytes that a device completed.
type Counters struct{ Reads, Writes, BytesRead, BytesWritten uint64 }

// sector is the unit of the kernel's counters, whatever the device's own.
const sector = 512

// Kernel returns the kernel's own counters of a device, from its file below /sys/block
// (Documentation/block/stat.rst), which is another one than the exporter reads.
func Kernel(t testing.TB, device string) Counters {
	t.Helper()
	text, err := os.ReadFile("/sys/block/" + device + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	var c Counters
	var skip uint64
	if _, err := fmt.Sscan(string(text), &c.Reads, &skip, &c.BytesRead, &skip, &c.Writes, &skip,
		&c.BytesWritten); err != nil {
		t.Fatalf("/sys/block/%s/stat: %v", device, err)
	}
	c.BytesRead *= sector
	c.BytesWritten *= sector
	return c
}

// Below returns the name of the block device that holds a directory. It skips the test where there is none, or where
// it is a partition, which has no file below /sys/block.
func Below(t testing.TB, dir string) string {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(dir, &s); err != nil {
		t.Fatal(err)
	}
	link, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", s.Dev>>8&0xfff, s.Dev&0xff|s.Dev>>12&0xfff00))
	if err != nil {
		t.Skipf("%s lies on no block device", dir)
	}
	name := link[strings.LastIndexByte(link, '/')+1:]
	if _, err := os.Stat("/sys/block/" + name); err != nil {
		t.Skipf("%s lies on the partition %s", dir, name)
	}
	return name
}

// Minus returns what was counted since earlier counters.
func (c Counters) Minus(earlier Counters) Counters {
	return Counters{
		c.Reads - earlier.Reads, c.Writes - earlier.Writes, c.BytesRead - earlier.BytesRead,
		c.BytesWritten - earlier.BytesWritten,
	}
}

// Between reports whether each counter lies between those of the kernel before and after it was read.
func (c Counters) Between(before, after Counters) bool {
	return c.AtLeast(before) && after.AtLeast(c)
}

// AtLeast reports whether no counter is smaller than the other's.
func (c Counters) AtLeast(other Counters) bool {
	return c.Reads >= other.Reads && c.Writes >= other.Writes && c.BytesRead >= other.BytesRead &&
		c.BytesWritten >= other.BytesWritten
}

//go:build unix && !linux

package command

// What a program leaves behind in a session of its own is not found here: there is no /proc to look through.
func newFamily() string { return "" }

func endFamily(string) {}

// EndOrphans kills nothing: only Linux shows what the programs of a process that was killed left behind.
func EndOrphans() int { return 0 }

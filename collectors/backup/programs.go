package backup

import (
	"maps"
	"slices"
)

// Programs are the names of all adapters.
func Programs() []string { return slices.Sorted(maps.Keys(adapters)) }

package config

import (
	"cmp"
	"slices"
)

// entry is a section and its places in the order of errors and in that of warnings.
type entry struct {
	part
	validated int
	warned    int
}

// sections lists the sections of a policy in the order in which they are hashed, which must not change. Errors and
// warnings come in the order of their columns; those of a section that has no place in a column come last. A new
// section is one line at the end.
var sections = []entry{
	{objectivesSection, 1, 1},
	{tiersSection, 2, 0},
	{prioritiesSection, 4, 0},
	{businessHoursSection, 8, 0},
	{channelsSection, 3, 3},
	{escalationSection, 7, 0},
	{ownersSection, 5, 0},
	{alertmanagersSection, 6, 0},
	{servicesSection, 9, 0},
	{slosSection, 10, 0},
	{slaSection, 0, 0},
	{healthSection, 11, 2},
	{tenantsSection, 13, 7},
	{backupsSection, 12, 5},
	{storageSection, 15, 6},
	{databasesSection, 16, 0},
	{hostSection, 17, 0},
	{maintenanceSection, 14, 0},
	{linksSection, 0, 0},
	{domainsSection, 0, 0},
	{proceduresSection, 0, 0},
	{writeUpsSection, 0, 0},
	{deliverySection, 0, 0},
	{vendorsSection, 0, 0},
	{securitySection, 0, 0},
	{businessSection, 0, 0},
}

// secretsWarned is the place of the warnings of all sections' secrets.
const secretsWarned = 4

// inOrder returns the sections in the order of a column; those without a place in it come last.
func inOrder(column func(entry) int) []entry {
	place := func(e entry) int {
		if n := column(e); n != 0 {
			return n
		}
		return len(sections) + 1
	}
	byPlace := func(a, b entry) int { return cmp.Compare(place(a), place(b)) }
	return slices.SortedStableFunc(slices.Values(sections), byPlace)
}

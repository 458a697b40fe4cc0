package dashboards

import "maps"

// Why a query returns nothing in a simulation.
const (
	nothingWrong = "nothing is wrong"
	nothingBad   = "no request is bad"
	nothingFills = "no filesystem fills"
	tooYoung     = "the simulation is younger than a day"
	notYet       = "the outage is not over, and its hour is not"
	notKept      = "nothing keeps the log of the database from being removed"
	allKnown     = "every registry has reported"
	allWritten   = "no incident is over"
)

// always are those that return nothing in either.
var always = nothingToShow{
	"thorbis-daily/Duration of 95 of 100 requests/B":  tooYoung,
	"thorbis-daily/Requests/B":                        tooYoung,
	"thorbis-weekly/Databases that grow/B":            tooYoung,
	"thorbis-weekly/Databases that grow/D":            tooYoung,
	"thorbis-weekly/Duration of 95 of 100 requests/B": tooYoung,
	"thorbis-weekly/Incidents of the week/B":          tooYoung,
	"thorbis-weekly/Peaks of services/B":              tooYoung,
	"thorbis-weekly/Peaks of services/C":              tooYoung,
	"thorbis-weekly/Requests/B":                       tooYoung,
	"thorbis-weekly/Services/B":                       tooYoung,
	"thorbis-weekly/Services/D":                       tooYoung,
	"thorbis-weekly/Services/F":                       tooYoung,
	"thorbis-weekly/Services/H":                       tooYoung,
	"thorbis-incidents/Incidents to write up":         allWritten,
	"thorbis-incidents/Over within five minutes":      notYet,
	"thorbis-slo/Answered in time":                    notYet,
	"thorbis-slo/Budget left for late answers":        notYet,
	"thorbis-weekly/Incidents of the week/F":          notYet,
	"thorbis-databases/Servers/F":                     notKept,
	"thorbis-databases/Queries/C":                     tooYoung,
	"thorbis-delivery/Beside the thirty days before":  tooYoung,
	"thorbis-delivery/Workflows/C":                    tooYoung,
	"thorbis-daily/Domains by expiry/D":               allKnown,
	"thorbis-health/Domains by expiry/D":              allKnown,
}

// emptyInPeace return nothing while nothing is wrong.
var emptyInPeace = with(always, nothingToShow{
	"thorbis-business/Revenue missing over time":                nothingWrong,
	"thorbis-daily/Checks that were down":                       nothingWrong,
	"thorbis-daily/Domains by expiry/C":                         nothingWrong,
	"thorbis-daily/Incidents that are open":                     nothingWrong,
	"thorbis-exporter/Errors of collectors":                     nothingWrong,
	"thorbis-exporter/Notifications/B":                          nothingWrong,
	"thorbis-health/Checks by budget left/E":                    nothingWrong,
	"thorbis-health/Checks by budget left/F":                    nothingWrong,
	"thorbis-health/Domains by expiry/C":                        nothingWrong,
	"thorbis-health/Failed probes by reason":                    nothingWrong,
	"thorbis-health/Open outages":                               nothingWrong,
	"thorbis-health/Probes that could not be judged, by reason": nothingWrong,
	"thorbis-incidents/Answered late":                           nothingWrong,
	"thorbis-incidents/Incidents that are open":                 nothingWrong,
	"thorbis-incidents/Needed no action":                        nothingWrong,
	"thorbis-overview/Tenants in trouble, worst first":          nothingWrong,
	"thorbis-overview/What is wrong":                            nothingWrong,
	"thorbis-tenant/Checks of the tenant/C":                     nothingWrong,
	"thorbis-weekly/Incidents of the week/E":                    nothingWrong,
	"thorbis-daily/Tenants with the most bad requests of a day": nothingBad,
	"thorbis-slo/Tenants that spent the budget":                 nothingBad,
	"thorbis-tenant/Bad in five minutes":                        nothingBad,
	"thorbis-tenant/Budget left for the tenant":                 nothingBad,
	"thorbis-tenant/Burn in five minutes":                       nothingBad,
	"thorbis-tenant/Budget of the tenant empty after":           nothingBad,
	"thorbis-tenants/Busiest tenants/C":                         nothingBad,
	"thorbis-tenants/Busiest tenants/D":                         nothingBad,
	"thorbis-tenants/Busiest tenants/E":                         nothingBad,
	"thorbis-tenants/Slowest and failing tenants":               nothingBad,
	"thorbis-overview/Machines/D":                               nothingFills,
	"thorbis-storage/Filesystems/D":                             nothingFills,
	"thorbis-storage/First full in":                             nothingFills,
	"thorbis-storage/Full in":                                   nothingFills,
	"thorbis-weekly/Filesystems that will be full":              nothingFills,
})

// emptyInOutage return nothing in an outage of nearly everything.
var emptyInOutage = with(always, nothingToShow{})

func with(all, more nothingToShow) nothingToShow {
	both := maps.Clone(all)
	maps.Copy(both, more)
	return both
}

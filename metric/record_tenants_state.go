package metric

// TenantsInState counts tenants for graphs, which would otherwise read the state of every check of every tenant at each
// of their points.
var TenantsInState = record("app_service_state:thorbis_health_tenants:count",
	"Tenants of the service with a check in the state, as the locations together see it. A tenant with checks in several "+
		"states counts in each.",
	append(serviceLevel[:2:2], LabelState))

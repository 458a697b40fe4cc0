package sla

// Classes of causes, by what the first failed probe of an outage met.
const (
	classDNS         = "name resolution"
	classNetwork     = "network"
	classTimeout     = "no answer in time"
	classTLS         = "TLS and certificates"
	classApplication = "application"
	classOther       = "other"
)

// classes are those of the reasons of failed probes (docs/health.md).
var classes = map[string]string{
	"dns_not_found": classDNS, "dns_error": classDNS,
	"connection_refused": classNetwork, "connection_reset": classNetwork, "network_unreachable": classNetwork,
	"timeout": classTimeout,
	"tls":     classTLS, "certificate_expired": classTLS, "certificate_invalid": classTLS,
	"protocol_error": classApplication, "status": classApplication, "header_mismatch": classApplication,
	"body_mismatch": classApplication, "body_too_large": classApplication, "unexpected_answer": classApplication,
}

// classOf returns the class of a reason.
func classOf(reason string) string {
	if class, ok := classes[reason]; ok {
		return class
	}
	return classOther
}

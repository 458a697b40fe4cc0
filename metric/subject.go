package metric

import "strings"

// SubjectLabels name what an alert is about that concerns no service. Pages are grouped by them.
var SubjectLabels = []string{LabelHost, LabelServer, LabelBackup, LabelLocation, LabelIntegration, LabelProcedure}

// Subject returns the subject of an alert with these labels that concerns no service, such as "host db-1". Where no
// label names a thing, it is the alert's name. It is empty for an alert on a service. Pages begin with it: "[P2] host
// db-1 in production: ...".
func Subject(labels map[string]string) string {
	if labels[LabelAppService] != "" {
		return ""
	}
	var parts []string
	for _, name := range SubjectLabels {
		if v := labels[name]; v != "" {
			parts = append(parts, name+" "+v)
		}
	}
	if len(parts) == 0 {
		return labels[LabelAlertname]
	}
	return strings.Join(parts, " ")
}

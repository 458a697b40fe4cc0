package metric

import "strings"

// SubjectLabels name what an alert is about that concerns no service. Pages are grouped by them.
var SubjectLabels = []string{LabelHost, LabelServer, LabelBackup, LabelLocation, LabelIntegration}

// Subject returns what an alert with these labels is about if it concerns no service: "host db-1", or the alert's name
// where it is about no thing in particular. It is empty for an alert on a service. Pages begin with it:
// "[P2] host db-1 in production: ...".
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

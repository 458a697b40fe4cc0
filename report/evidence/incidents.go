package evidence

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// incidents are what was notified, the write-ups of it, and drills of notifying.
func (c *collection) incidents(ctx context.Context) error {
	list, err := c.Incidents.Incidents(ctx, c.From, c.To)
	if err != nil {
		return err
	}
	late := report.Length(c.Options.Incidents.Precision()).String()
	p := &Population{
		Key: "incidents", Title: "Incidents", Criteria: []string{"CC7.3", "CC7.4", "CC7.5"},
		Basis: "incidents that were notified, as exporters recorded them, and as Prometheus scraped them where no exporter " +
			"did: acknowledgements and ends are then up to " + late + " late",
	}
	drills := &Population{
		Key: "alert_drills", Title: "Drills of alerting", Criteria: []string{"CC7.3", "CC7.4"},
		Basis: "alerts of drills, which page like others; success is an acknowledgement in time",
	}
	for _, i := range list {
		if i.Drill {
			drills.Items = append(drills.Items, c.drill(i))
			continue
		}
		result, detail := "open", acknowledgement(i)
		if i.Tenant != "" {
			detail = append(detail, "tenant "+i.Tenant)
		}
		if i.Resolved != nil {
			result = "resolved"
			detail = append(detail, "resolved "+i.Resolved.Format(time.RFC3339))
		}
		p.Items = append(p.Items, Item{i.Began, control(i), result, i.Owner, "incident " + i.ID, strings.Join(detail, ", ")})
	}
	c.add(p)
	c.add(c.writeUps(list))
	c.add(drills)
	return nil
}

// control is what an incident is of.
func control(i report.Incident) string {
	return strings.Join(strings.Fields(i.Alert+" "+i.AppService+" "+i.Subject), " ")
}

func acknowledgement(i report.Incident) []string {
	detail := []string{"priority " + i.Priority}
	if i.Acknowledged == nil {
		return append(detail, "not acknowledged")
	}
	return append(detail, strings.TrimSpace("acknowledged "+i.Acknowledged.Format(time.RFC3339)+" "+i.AcknowledgedBy))
}

func (c *collection) drill(i report.Incident) Item {
	result := resultFailure
	if i.Acknowledged != nil && !i.Acknowledged.After(c.Policy.Deadline(i.Priority, i.Began)) {
		result = resultSuccess
	}
	who := i.AcknowledgedBy
	if who == "" {
		who = i.Owner
	}
	return Item{i.Began, control(i), result, who, "incident " + i.ID, strings.Join(acknowledgement(i), ", ")}
}

// Results of write-ups beside success.
const (
	resultLate    = "late"
	resultMissing = "missing"
	resultNotDue  = "not due yet"
)

// writeUps are those of incidents that ended within the time and whose priority the policy wants written up.
func (c *collection) writeUps(list []report.Incident) *Population {
	p := &Population{
		Key: "write_ups", Title: "Write-ups of incidents", Criteria: []string{"CC7.4", "CC7.5"},
		Basis: "no priority is to be written up by the policy (write_ups)",
	}
	wanted := c.Policy.WriteUps()
	if wanted == nil {
		return p
	}
	within := report.Length(wanted.Within).String()
	p.Basis = "incidents of " + strings.Join(wanted.Priorities, " and ") + " that ended in this time, by the present " +
		"policy, also those of before it asked for write-ups; success is a write-up within " + within + " of the end. " +
		"Only exporters record write-ups"
	for _, i := range list {
		if i.Drill || i.Resolved == nil || i.Resolved.Before(c.From) || !i.Resolved.Before(c.To) ||
			!slices.Contains(wanted.Priorities, i.Priority) {
			continue
		}
		due := i.Resolved.Add(wanted.Within.Std())
		item := Item{
			At: due, Control: "write-up of " + control(i), Result: resultMissing, Who: i.Owner, Artefact: "incident " + i.ID,
			Detail: "resolved " + i.Resolved.Format(time.RFC3339) + ", due " + due.Format(time.RFC3339),
		}
		switch w := i.WriteUp; {
		case w != nil:
			item.At, item.Result, item.Who, item.Artefact = w.At, resultSuccess, w.By, w.Link
			item.Detail = "incident " + i.ID + ", " + item.Detail + ", written after " +
				report.Length(w.At.Sub(*i.Resolved).Round(time.Second)).String()
			if w.At.After(due) {
				item.Result = resultLate
			}
		case due.After(c.To):
			item.Result = resultNotDue
		}
		p.Items = append(p.Items, item)
	}
	return p
}

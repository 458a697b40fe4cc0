package packaging

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// compat packs records under the names of other programs, for as long as something reads them.
var compat = Packaging{
	Name: "compat",
	Help: "records under the names of the blackbox_exporter, sloth, pgbackrest_exporter and nginxlog-exporter",
	pack: func(b Bundle) (map[string][]byte, error) {
		var out bytes.Buffer
		out.WriteString(header + "# Load it beside the other rules while something reads these names, and not while\n" +
			"# another program writes them. docs/migrating.md lists what each is made of.\ngroups:\n")
		for _, g := range oldNames(b.Policy.Environment) {
			fmt.Fprintf(&out, "  - name: thorbis-compat-%s\n    interval: %s\n    rules:\n", g.program, g.interval)
			for _, r := range g.records {
				fmt.Fprintf(&out, "      - record: %s\n        expr: |-\n%s", r.name, indent([]byte(r.expr), "          "))
			}
		}
		return map[string][]byte{"compat.rules.yaml": out.Bytes()}, nil
	},
}

// oldGroup has the names of one program.
type oldGroup struct {
	program, interval string
	records           []oldRecord
}

// oldRecord is a series of another program and what it is made of.
type oldRecord struct{ name, expr string }

// oldNames returns the records of each program, over the series of one environment.
func oldNames(environment string) []oldGroup {
	in := func(name string, matchers ...string) string {
		return name + "{" + strings.Join(append([]string{fmt.Sprintf("environment=%q", environment)}, matchers...), ",") + "}"
	}
	const check = "max by (environment, app_service, check, tenant, location) "
	state := func(s string) string {
		return "(" + in(metric.HealthCheckState.Name, fmt.Sprintf("state=%q", s)) + " == 1)"
	}
	const objective = "max by (environment, app_service, slo) "
	budget := objective + "(" + in(metric.SLOBudget.Name) + ")"
	return []oldGroup{
		{"blackbox", "15s", []oldRecord{
			{"probe_success", check + state("up") + "\nor\n" + check + "(0 * " + state("down") + ")"},
			{"probe_ssl_earliest_cert_expiry", "min by (environment, app_service, check, tenant, location) (" +
				in(metric.HealthCheckCertificateExpiry.Name) + ")"},
		}},
		{"sloth", "30s", []oldRecord{
			{"slo:objective:ratio", ofSloth("1 - " + budget)},
			{"slo:error_budget:ratio", ofSloth(budget)},
			{"slo:sli_error:ratio_rate5m", ofSloth(in(metric.SLOError["5m"].Name))},
			{"slo:sli_error:ratio_rate1h", ofSloth(in(metric.SLOError["1h"].Name))},
			{"slo:sli_error:ratio_rate1d", ofSloth(in(metric.SLOError["1d"].Name))},
			{"slo:current_burn_rate:ratio", ofSloth(in(metric.SLOError["5m"].Name) + " / " + budget)},
			{"slo:period_error_budget_remaining:ratio", ofSloth(in(metric.SLOBudgetLeft.Name))},
		}},
		{"pgbackrest", "1m", []oldRecord{
			{"pgbackrest_backup_since_last_completion_seconds", fmt.Sprintf(
				`label_replace(%s, "backup_type", "$1", "kind", "(full|diff|incr).*")`, renamed(
					"time() - max by (environment, backup, kind) ("+in(metric.BackupLastSuccess.Name, `tenant=""`,
						fmt.Sprintf(`kind=~"%s|%s|%s"`, metric.KindFull, metric.KindDifferential, metric.KindIncremental))+" > 0)",
					"stanza", "backup"))},
		}},
		// Not added up: a rate over a sum of counters takes an exporter that ends for a reset of all.
		{"nginxlog", "30s", []oldRecord{
			{"nginx_http_response_count_total", renamed(in(metric.TenantRequests.Name), "status", "code_class")},
		}},
	}
}

// renamed returns an expression whose series have the value of one label under another name too.
func renamed(expr, to, from string) string {
	return fmt.Sprintf("label_replace(%s, %q, \"$1\", %q, \"(.*)\")", expr, to, from)
}

// ofSloth returns an expression whose series have the labels by which sloth identifies objectives.
func ofSloth(expr string) string {
	return `label_join(` + renamed(renamed(expr, "sloth_service", "app_service"), "sloth_slo", "slo") +
		`, "sloth_id", "-", "app_service", "slo")`
}

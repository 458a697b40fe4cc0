package main

import (
	"fmt"
	"strings"
)

// compareWithSloth measures sloth's form over the same series.
func compareWithSloth(r *report, w *ruleWorld, ours cost) error {
	r.say("rules: sloth's form, %d tenants", comparedTenants)
	theirs, err := w.measure(r, map[string][]byte{"sloth.yaml": slothRules(comparedTenants)})
	if err != nil {
		return err
	}
	r.add(figure{name: "rules, sloth's form", value: float64(theirs.rules), unit: "rules"})
	r.add(figure{name: "evaluation, sloth's form", value: theirs.perMinute(), unit: "CPU-s/min"})
	ratio := ours.perMinute() / theirs.perMinute()
	r.add(figure{
		name: "evaluation, ours at 1000 tenants", value: ours.perMinute(), unit: "CPU-s/min",
		against: "sloth's form", ratio: ratio, target: "at most 0.03", met: ratio <= .03,
	})
	r.add(figure{
		name: "every rule once, ours at 1000 tenants", value: ours.round.Seconds(), unit: "s",
		against: "sloth's form", ratio: ours.round.Seconds() / theirs.round.Seconds(),
	})
	return nil
}

// slothRules writes the availability objective of each tenant in the documented form of sloth's output: eight
// ratios, seven facts about the objective and two alerts.
func slothRules(tenants int) []byte {
	var b strings.Builder
	b.WriteString("groups:\n")
	for n := range tenants {
		tenant := fmt.Sprintf("tenant-%05d", n)
		id := fmt.Sprintf(`sloth_id: web-%s, sloth_service: web, sloth_slo: %s`, tenant, tenant)
		sel := fmt.Sprintf(`sloth_id="web-%s", sloth_service="web", sloth_slo="%s"`, tenant, tenant)
		rule := func(record, more, expr string) {
			fmt.Fprintf(&b, "  - record: %s\n    expr: %q\n    labels: {%s%s}\n", record, expr, id, more)
		}
		fmt.Fprintf(&b, "- name: sloth-slo-sli-recordings-%s\n  rules:\n", tenant)
		for _, window := range []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"} {
			rule("slo:sli_error:ratio_rate"+window, ", sloth_window: "+window, fmt.Sprintf(
				`(sum(rate(thorbis_tenant_requests_total{tenant="%[1]s",code_class="5xx"}[%[2]s]))) / `+
					`(sum(rate(thorbis_tenant_requests_total{tenant="%[1]s"}[%[2]s])))`, tenant, window))
		}
		rule("slo:sli_error:ratio_rate30d", ", sloth_window: 30d", fmt.Sprintf(
			`sum_over_time(slo:sli_error:ratio_rate5m{%[1]s}[30d]) / ignoring (sloth_window) `+
				`count_over_time(slo:sli_error:ratio_rate5m{%[1]s}[30d])`, sel))
		fmt.Fprintf(&b, "- name: sloth-slo-meta-recordings-%s\n  rules:\n", tenant)
		rule("slo:objective:ratio", "", "vector(0.9999)")
		rule("slo:error_budget:ratio", "", "vector(1-0.9999)")
		rule("slo:time_period:days", "", "vector(30)")
		rule("slo:current_burn_rate:ratio", "", fmt.Sprintf(`slo:sli_error:ratio_rate5m{%[1]s} / on(sloth_id, sloth_slo, `+
			`sloth_service) group_left slo:error_budget:ratio{%[1]s}`, sel))
		rule("slo:period_burn_rate:ratio", "", fmt.Sprintf(`slo:sli_error:ratio_rate30d{%[1]s} / on(sloth_id, sloth_slo, `+
			`sloth_service) group_left slo:error_budget:ratio{%[1]s}`, sel))
		rule("slo:period_error_budget_remaining:ratio", "", fmt.Sprintf(`1 - slo:period_burn_rate:ratio{%s}`, sel))
		rule("sloth_slo_info", `, sloth_mode: cli-gen-prom, sloth_objective: "99.99"`, "vector(1)")
		fmt.Fprintf(&b, "- name: sloth-slo-alerts-%s\n  rules:\n", tenant)
		for _, alert := range []struct {
			severity string
			pairs    [2][3]string
		}{
			{"page", [2][3]string{{"5m", "1h", "14.4"}, {"30m", "6h", "6"}}},
			{"ticket", [2][3]string{{"2h", "1d", "3"}, {"6h", "3d", "1"}}},
		} {
			var terms []string
			for _, p := range alert.pairs {
				terms = append(terms, fmt.Sprintf(
					`(max(slo:sli_error:ratio_rate%[1]s{%[3]s} > (%[4]s * 0.0001)) without (sloth_window) and `+
						`max(slo:sli_error:ratio_rate%[2]s{%[3]s} > (%[4]s * 0.0001)) without (sloth_window))`,
					p[0], p[1], sel, p[2]))
			}
			fmt.Fprintf(&b, "  - alert: ErrorBudgetBurn\n    expr: %q\n    labels: {sloth_severity: %s}\n",
				strings.Join(terms, " or "), alert.severity)
		}
	}
	return []byte(b.String())
}

# pint's checks of the generated rules, as rules/lint_test.go runs them: pint --config rules/pint.hcl --offline lint rules/testdata

parser {
  include = [".*[.]rules[.]yaml"]
}

checks {
  # Groups are evaluated at different paces on purpose: what pages every 15 s, totals every 30 s, windows of days
  # every minute. What one group reads of another moves slowly or is matched by a delay that the tests hold.
  disabled = ["rule/dependency"]
}

# This alert is there to fire always.
rule {
  match { name = "ThorbisWatchdog" }
  disable = ["alerts/comparison"]
}

# Prometheus joins the rule file and the group in one label; there is no other way to select our groups.
rule {
  match { name = "ThorbisRuleEvaluation.*" }
  disable = ["promql/regexp"]
}

# The records of these alerts hold only what is due: each by its own threshold, compared there.
rule {
  match { name = "Thorbis(Certificate|Domain|Secret)Expiring" }
  disable = ["alerts/comparison"]
}

# The sides of "or" have different labels, which pint takes for the same.
rule {
  match { name = "page:thorbis_page:rank" }
  disable = ["promql/impossible"]
}

# topk chooses between a former record and its successor, which stand beside each other after a restart: what it returns
# changes once.
rule {
  match { name = "ThorbisStreamMissed" }
  disable = ["promql/fragile"]
}

// Renders the bundle as _config says. The files of this folder stand alone: nothing is imported from outside of it.
local replaceAll(text, pairs) = std.foldl(function(t, p) std.strReplace(t, p[0], p[1]), pairs, text);

// Matchers as a selector without braces and one with braces take them.
local bare(matchers) = if std.length(matchers) == 0 then '' else '{' + std.join(',', matchers) + '}';
local within(matchers) = std.join('', [m + ',' for m in matchers]);

local clusterMatchers(c) = if c.clusterLabel == '' then [] else [c.clusterLabel + '="' + c.cluster + '"'];

// An expression for the environment of the configuration. The generator has marked each selector: series of exporters take
// the selector too, records and alerts the cluster alone.
local expr(c, text) =
  local records = clusterMatchers(c);
  local series = (if c.selector == '' then [] else [c.selector]) + records;
  replaceAll(text, [
    ['%SERIES,%', within(series)],
    ['%SERIES%', bare(series)],
    ['%RECORD,%', within(records)],
    ['%RECORD%', bare(records)],
    ['environment="' + c.generated.environment + '"', 'environment="' + c.environment + '"'],
  ]);

local annotations(c, alert, all) = {
  [name]:
    if name == 'runbook_url' then c.runbookURLPattern % alert
    else if name == 'dashboard_url' then
      c.dashboardURLPrefix + std.substr(all[name], std.length(c.generated.dashboardURLPrefix), std.length(all[name]))
    else all[name]
  for name in std.objectFields(all)
};

local labels(c, all) = {
  [name]:
    if name == 'owner' then std.get(c.owners, all[name], all[name])
    else if name == 'severity' then std.get(c.severities, all[name], all[name])
    else all[name]
  for name in std.objectFields(all)
} + (if c.clusterLabel == '' then {} else { [c.clusterLabel]: c.cluster });

local rule(c, r) = r {
  expr: expr(c, r.expr),
  [if std.objectHas(r, 'labels') || c.clusterLabel != '' then 'labels']: labels(c, std.get(r, 'labels', {})),
  [if std.objectHas(r, 'annotations') then 'annotations']: annotations(c, r.alert, r.annotations),
};

local variable(c, v) =
  if v.type == 'datasource' then v {
    [if c.datasource != '' then 'current']: { text: c.datasource, value: c.datasource },
    [if c.datasourceRegex != '' then 'regex']: c.datasourceRegex,
  }
  else if v.name == 'environment' && !c.showMultiCluster then v {
    hide: 2,
    current: { text: [c.environment], value: [c.environment] },
  }
  else v;

{
  groups(c, files):: [
    group { rules: [rule(c, r) for r in group.rules] }
    for text in files
    for group in std.parseYaml(text).groups
  ],

  dashboard(c, d):: d {
    title: c.dashboardNamePrefix + std.substr(d.title, std.length(c.generated.dashboardNamePrefix), std.length(d.title)),
    tags: c.dashboardTags,
    timezone: c.dashboardTimezone,
    [if c.dashboardRefresh != '' then 'refresh']: c.dashboardRefresh,
    links: [
      // The list of all dashboards finds them by their tags.
      if l.type == 'dashboards' then l { tags: c.dashboardTags } else l
      for l in d.links
    ] + c.dashboardLinks,
    templating+: { list: [variable(c, v) for v in d.templating.list] },
  },
}

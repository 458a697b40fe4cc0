// Renders the bundle as _config says. The files of this folder stand alone: nothing is imported from outside of it.
local replaceAll(text, pairs) = std.foldl(function(t, p) std.strReplace(t, p[0], p[1]), pairs, text);

// Matchers as a selector without braces and one with braces take them.
local bare(matchers) = if std.length(matchers) == 0 then '' else '{' + std.join(',', matchers) + '}';
local within(matchers) = std.join('', [m + ',' for m in matchers]);

local clusterMatchers(c) = if c.clusterLabel == '' then [] else [c.clusterLabel + '="' + c.cluster + '"'];

// The marks of selectors and what takes their places: series of exporters take the selector too, records and alerts the
// cluster alone.
local marks(c, records) =
  local series = (if c.selector == '' then [] else [c.selector]) + records;
  [
    ['%SERIES,%', within(series)],
    ['%SERIES%', bare(series)],
    ['%RECORD,%', within(records)],
    ['%RECORD%', bare(records)],
  ];

// An expression for the environment of the configuration.
local expr(c, text) = replaceAll(text, marks(c, clusterMatchers(c)) + [
  ['environment="' + c.generated.environment + '"', 'environment="' + c.environment + '"'],
]);

// Whether dashboards have a variable of the cluster.
local choosesCluster(c) = c.clusterLabel != '' && c.showMultiCluster;

// A dashboard with matchers in its queries, and with links that keep the cluster.
local queries(c, text) =
  local inJSON(t) = local quoted = std.escapeStringJson(t); std.substr(quoted, 1, std.length(quoted) - 2);
  local records = if choosesCluster(c) then [c.clusterLabel + '="$cluster"'] else clusterMatchers(c);
  std.parseJson(replaceAll(text, [[m[0], inJSON(m[1])] for m in marks(c, records)] + (
    if choosesCluster(c) then [['${datasource:queryparam}', '${datasource:queryparam}&${cluster:queryparam}']] else []
  )));

local annotations(c, alert, all) = {
  [name]:
    if name == 'runbook_url' then c.runbookURLPattern % alert
    else if name == 'dashboard_url' then
      c.dashboardURLPrefix + std.substr(all[name], std.length(c.generated.dashboardURLPrefix), std.length(all[name]))
      + (if choosesCluster(c) then '?var-cluster=' + c.cluster else '')
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

// The variables of a dashboard, with one of the cluster before the environments of it. It is one cluster: queries join
// series by labels that those of other clusters have too.
local variables(c, all) = std.flattenArrays([
  (if choosesCluster(c) && v.name == 'environment' then [v {
     name: 'cluster',
     label: 'Cluster',
     description: 'Where the exporters and Prometheus run.',
     query: std.strReplace(v.query, bare([c.clusterLabel + '="$cluster"']) + ', environment)', ', ' + c.clusterLabel + ')'),
     current: { text: c.cluster, value: c.cluster },
     multi: false,
     includeAll: false,
   }] else []) + [variable(c, v)]
  for v in all
]);

// The configuration, if it is one.
local checked(c) =
  if c.objectives != c.generated.objectives then
    error '_config.objectives: objectives come from the policy, whose exporters export them and whose rules read what is '
          + 'exported. Write them into the policy, and run thorbis_mixin generate --only=mixin'
  else if c.clusterLabel != '' && c.cluster == '' then
    error '_config.cluster is missing: name the cluster whose rules these are'
  else if c.clusterLabel == '' && c.cluster != '' then
    error '_config.clusterLabel is missing: name the label whose value is ' + c.cluster
  else c;

{
  checked:: checked,

  groups(c, files):: [
    group { rules: [rule(c, r) for r in group.rules] }
    for text in files
    for group in std.parseYaml(text).groups
  ],

  dashboard(c, text):: local d = queries(c, text); d {
    title: c.dashboardNamePrefix + std.substr(d.title, std.length(c.generated.dashboardNamePrefix), std.length(d.title)),
    tags: c.dashboardTags,
    timezone: c.dashboardTimezone,
    [if c.dashboardRefresh != '' then 'refresh']: c.dashboardRefresh,
    links: [
      // The list of all dashboards finds them by their tags.
      if l.type == 'dashboards' then l { tags: c.dashboardTags } else l
      for l in d.links
    ] + c.dashboardLinks,
    templating+: { list: variables(c, d.templating.list) },
  },
}

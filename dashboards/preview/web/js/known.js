// What the preview draws, as JSON between the braces: a Go test holds every dashboard of the bundle against it, and a
// test in a browser holds it against the code.
export const known = {
  "panels": [
    "timeseries", "stat", "table", "gauge", "bargauge", "heatmap", "text", "state-timeline", "status-history",
    "dashlist", "alertlist"
  ],
  "units": [
    "none", "short", "string", "locale", "sci", "percent", "percentunit", "ns", "µs", "ms", "s", "m", "h", "d",
    "dtdurations", "dtdurationms", "dthms", "dtdhms", "clocks", "clockms", "timeticks", "bytes", "kbytes",
    "mbytes", "gbytes", "tbytes", "decbytes", "deckbytes", "decmbytes", "decgbytes", "bits", "decbits", "binBps",
    "Bps", "binbps", "bps", "pps", "KiBs", "MiBs", "KBs", "MBs", "cps", "ops", "reqps", "rps", "wps", "iops",
    "eps", "mps", "recps", "rowsps", "cpm", "opm", "reqpm", "rpm", "wpm", "hertz", "celsius", "watt", "volt",
    "currencyUSD", "currencyEUR", "currencyGBP", "bool", "bool_yes_no", "bool_on_off", "dateTimeAsIso",
    "dateTimeAsSystem", "dateTimeAsLocal", "dateTimeAsUS", "dateTimeAsIsoNoDateIfToday", "dateTimeFromNow"
  ],
  "transformations": [
    "filterFieldsByName", "merge", "organize", "labelsToFields", "joinByField", "seriesToColumns", "reduce",
    "groupBy", "calculateField", "sortBy", "filterByValue", "renameByRegex", "filterByRefId", "limit"
  ],
  "mappings": [
    "value", "range", "regex", "special"
  ],
  "matchers": [
    "byName", "byNames", "byRegexp", "byType", "byTypes", "byFrameRefID"
  ],
  "properties": [
    "unit", "decimals", "min", "max", "displayName", "color", "thresholds", "mappings", "noValue", "links",
    "description", "filterable"
  ],
  "variables": [
    "query", "custom", "interval", "datasource", "constant", "textbox", "switch"
  ],
  "queries": [
    "label_values", "label_names", "metrics", "query_result"
  ],
  "calcs": [
    "lastNotNull", "last", "firstNotNull", "first", "min", "max", "mean", "median", "sum", "count", "countAll",
    "range", "delta", "diff", "diffperc", "step", "distinctCount", "variance", "stdDev", "logmin", "allIsZero",
    "allIsNull", "changeCount", "p1", "p5", "p10", "p25", "p75", "p90", "p95", "p99"
  ],
  "cells": [
    "auto", "color-text", "color-background", "gauge", "sparkline", "json-view", "markdown", "data-links", "pill"
  ],
  "formats": [
    "time_series", "table", "heatmap"
  ],
  "colors": [
    "thresholds", "fixed", "shades", "palette-classic", "palette-classic-by-name", "continuous-GrYlRd",
    "continuous-RdYlGr", "continuous-BlYlRd", "continuous-YlRd", "continuous-BlPu", "continuous-YlBl",
    "continuous-blues", "continuous-reds", "continuous-greens", "continuous-purples"
  ]
};

// The kinds of panels by Grafana's names: to add one, write its file and a line here and in known.js.
import * as timeseries from './timeseries.js';
import * as stat from './stat.js';
import * as table from './table.js';
import * as gauge from './gauge.js';
import * as bargauge from './bargauge.js';
import * as statetimeline from './statetimeline.js';
import * as heatmap from './heatmap.js';
import * as text from './text.js';

export const panels = {
  timeseries,
  stat,
  table,
  gauge,
  bargauge,
  heatmap,
  text,
  'state-timeline': statetimeline,
  'status-history': statetimeline.history,
  dashlist: text.dashboards,
  alertlist: text.alerts,
};

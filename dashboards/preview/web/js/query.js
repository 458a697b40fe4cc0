// Runs the queries of a panel and of annotations.
import { ask } from './api.js';
import { color } from './colors.js';
import { duration, intervals } from './time.js';
import { interpolate } from './interpolate.js';
import { fromBuckets, fromInstant, fromRange, fromTable, legend, number } from './frames.js';

// steps of a target follow the width of the panel and the shortest step that it or its panel names.
function timing(target, panel, env, width) {
  const least = [target.interval, panel.interval].map((t) => duration(env.text(t ?? ''))).find((ms) => ms > 0);
  return intervals(env.time, panel.maxDataPoints || width, least, target.intervalFactor);
}

// runPanel asks for all targets of a panel: {frames, queries}. A failed query is in queries with its error.
export async function runPanel(panel, env, width, signal) {
  const targets = (panel.targets ?? []).filter((t) => !t.hide && t.expr);
  const queries = await Promise.all(targets.map((t) => runTarget(t, panel, env, width, targets.length === 1, signal)));
  return { frames: queries.flatMap((q) => q.frames), queries };
}

async function runTarget(target, panel, env, width, only, signal) {
  const { step, vars } = timing(target, panel, env, width);
  const expr = interpolate(target.expr, (name) => vars[name] ?? env.lookup(name), 'prometheus');
  const query = {
    refId: target.refId,
    expr,
    legend: env.text(target.legendFormat),
    step,
    frames: [],
    error: null,
    warnings: [],
    kind: target.range || (!target.instant && target.range !== false) ? 'range' : 'instant',
  };
  query.from = Math.floor(env.time.from / step) * step; // aligned, so that a refresh does not move every sample
  query.to = Math.floor(env.time.to / step) * step;
  const began = performance.now();
  try {
    const answers = [];
    const warnings = [];
    if (query.kind === 'range') {
      answers.push(
        await ask(
          'query_range',
          { query: expr, start: query.from / 1000, end: query.to / 1000, step: step / 1000 },
          signal,
        ),
      );
    }
    if (query.kind === 'instant' || (target.instant && target.range)) {
      answers.push(await ask('query', { query: expr, time: env.time.to / 1000 }, signal));
    }
    for (const a of answers) warnings.push(...a.warnings);
    query.warnings = warnings;
    query.frames = answers.flatMap((a) => frames(a.data, target.format, query, only));
    query.series = answers.reduce((n, a) => n + (Array.isArray(a.data.result) ? a.data.result.length : 0), 0);
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    query.error = e.message;
  }
  query.ms = Math.round(performance.now() - began);
  return query;
}

export const formats = {
  time_series: (data, query) =>
    data.resultType === 'matrix' ? fromRange(data.result, query) : fromInstant(data, query),
  table: (data, query, only) => fromTable(data, query, only),
  heatmap: (data, query) => (data.resultType === 'matrix' ? fromBuckets(data.result, query) : []),
};

function frames(data, format, query, only) {
  return (formats[format || 'time_series'] ?? formats.time_series)(data, query, only);
}

const fill = (format, labels) => (format ? legend(format, labels, '') : '');

// runAnnotations asks for the annotations that are switched on: [{from, to, title, text, tags, color}].
export async function runAnnotations(list, env, signal) {
  const all = await Promise.all(
    list
      .filter((a) => a.on)
      .map(async (a) => {
        try {
          a.error = null;
          return await runAnnotation(a, env, signal);
        } catch (e) {
          if (e.name === 'AbortError') throw e;
          a.error = e.message;
          return [];
        }
      }),
  );
  return all
    .flat()
    .sort((a, b) => a.from - b.from)
    .slice(0, 500);
}

async function runAnnotation(a, env, signal) {
  const { step, vars } = timing({ interval: a.step || '60s' }, {}, env, 800);
  const expr = interpolate(a.expr ?? a.target?.expr, (name) => vars[name] ?? env.lookup(name), 'prometheus');
  const [from, to] = [Math.floor(env.time.from / step) * step, Math.floor(env.time.to / step) * step];
  const { data } = await ask(
    'query_range',
    { query: expr, start: from / 1000, end: to / 1000, step: step / 1000 },
    signal,
  );
  const out = [];
  for (const r of data.result) {
    const base = {
      title: fill(a.titleFormat, r.metric) || a.name,
      text: fill(a.textFormat, r.metric),
      name: a.name,
      tags: (a.tagKeys || '')
        .split(',')
        .map((k) => r.metric[k.trim()])
        .filter(Boolean),
      color: color(a.iconColor || 'red'),
    };
    let last = null;
    for (const [t, v] of r.values) {
      const at = a.useValueForTime ? Math.floor(number(v)) : t * 1000;
      if (a.useValueForTime) {
        if (out.at(-1)?.from !== at && at >= from && at <= to) out.push({ ...base, from: at, to: at });
      } else if (number(v) === 0 || Number.isNaN(number(v))) last = null;
      else if (last && at - last.to <= step) last.to = at;
      else out.push((last = { ...base, from: at, to: at }));
    }
  }
  return out;
}

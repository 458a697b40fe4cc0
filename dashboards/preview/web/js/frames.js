// Turns Prometheus' answers into frames: {refId, name, fields: [{name, type, values, labels, config}], length}.

export const number = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

export function field(name, type, values, more = {}) {
  return { name, type, values, labels: {}, config: {}, ...more };
}

export function frame(fields, more = {}) {
  return { fields, length: fields[0]?.values.length ?? 0, ...more };
}

// seriesName is what Prometheus prints: name{label="value"}.
export function seriesName(labels) {
  const { __name__: name = '', ...rest } = labels;
  const list = Object.entries(rest)
    .map(([k, v]) => `${k}="${v}"`)
    .join(', ');
  return list || !name ? `${name}{${list}}` : name;
}

// legend puts labels into a format such as {{app_service}} {{slo}}.
export function legend(format, labels, expr) {
  if (!format || format === '__auto') {
    const entries = Object.entries(labels).filter(([k]) => k !== '__name__');
    if (format === '__auto' && entries.length === 1) return entries[0][1];
    return Object.keys(labels).length ? seriesName(labels) : expr;
  }
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? '').trim() || expr;
}

// fromRange makes a frame of each series, with a null wherever a step has no sample, so that a gap is drawn as one.
export function fromRange(result, query) {
  const { from, to, step } = query;
  const length = Math.floor((to - from) / step) + 1;
  const times = Array.from({ length }, (_, i) => from + i * step);
  return result
    .filter((r) => r.values)
    .map((r) => {
      const values = new Array(length).fill(null);
      for (const [t, v] of r.values) {
        const i = Math.round((t * 1000 - from) / step);
        const n = number(v);
        if (i >= 0 && i < length) values[i] = Number.isNaN(n) ? null : n;
      }
      const name = legend(query.legend, r.metric, query.expr);
      return frame(
        [
          field('Time', 'time', times, { step }),
          field('Value', 'number', values, { labels: r.metric, config: { displayNameFromDS: name } }),
        ],
        { refId: query.refId, name },
      );
    });
}

const points = (data) =>
  data.resultType === 'scalar' || data.resultType === 'string' ? [{ metric: {}, value: data.result }] : data.result;

// fromInstant makes a frame of one row of each series.
export function fromInstant(data, query) {
  return points(data)
    .filter((r) => r.value)
    .map((r) => {
      const name = legend(query.legend, r.metric, query.expr);
      return frame(
        [
          field('Time', 'time', [r.value[0] * 1000]),
          field('Value', 'number', [number(r.value[1])], { labels: r.metric, config: { displayNameFromDS: name } }),
        ],
        { refId: query.refId, name },
      );
    });
}

// fromTable makes one frame of all series, with a column for each label.
export function fromTable(data, query, only) {
  const rows = points(data).flatMap((r) => (r.values ?? [r.value]).map((v) => [r.metric, v]));
  const labels = [...new Set(rows.flatMap(([metric]) => Object.keys(metric)))].sort();
  if (!rows.length) return [];
  return [
    frame(
      [
        field(
          'Time',
          'time',
          rows.map(([, v]) => v[0] * 1000),
        ),
        ...labels.map((l) =>
          field(
            l,
            'string',
            rows.map(([metric]) => metric[l] ?? ''),
          ),
        ),
        field(
          only ? 'Value' : `Value #${query.refId}`,
          'number',
          rows.map(([, v]) => number(v[1])),
        ),
      ],
      { refId: query.refId },
    ),
  ];
}

// fromBuckets makes one frame of a classic histogram, a field for each bucket with its own count, in ascending order;
// of a native one, whose buckets come with each sample, the same.
export function fromBuckets(result, query) {
  const native = result.some((r) => r.histograms);
  const frames = native ? nativeBuckets(result, query) : fromRange(result, query);
  if (native || !frames.length) return frames;
  const bound = (f) => number(f.fields[1].labels.le ?? 'NaN');
  frames.sort((a, b) => bound(a) - bound(b));
  for (let i = frames.length - 1; i > 0; i--) {
    const [upper, lower] = [frames[i].fields[1].values, frames[i - 1].fields[1].values];
    for (let j = 0; j < upper.length; j++) if (upper[j] !== null) upper[j] = Math.max(0, upper[j] - (lower[j] ?? 0));
  }
  const fields = frames.map((f) => ({ ...f.fields[1], name: f.fields[1].labels.le ?? f.name }));
  return [frame([frames[0].fields[0], ...fields], { refId: query.refId, buckets: true })];
}

function nativeBuckets(result, { from, to, step, refId }) {
  const length = Math.floor((to - from) / step) + 1;
  const rows = new Map(); // upper bound -> counts
  for (const r of result) {
    for (const [t, sample] of r.histograms ?? []) {
      const i = Math.round((t * 1000 - from) / step);
      for (const [, , upper, n] of sample.buckets ?? []) {
        if (!rows.has(upper)) rows.set(upper, new Array(length).fill(null));
        if (i >= 0 && i < length) rows.get(upper)[i] = (rows.get(upper)[i] ?? 0) + Number(n);
      }
    }
  }
  if (!rows.size) return [];
  const times = Array.from({ length }, (_, i) => from + i * step);
  const bounds = [...rows.keys()].sort((a, b) => number(a) - number(b));
  return [
    frame([field('Time', 'time', times, { step }), ...bounds.map((b) => field(b, 'number', rows.get(b)))], {
      refId,
      buckets: true,
    }),
  ];
}

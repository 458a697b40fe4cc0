// Large figures, one for each series.
import { h, s, clear } from '../dom.js';
import { display, plainText } from '../fields.js';
import { alpha, mix, on } from '../colors.js';
import { reduce } from '../reduce.js';
import { link } from '../links.js';
import { textWidth } from '../plot.js';

// figures are the values that reduceOptions picks: one for each series, or each row.
export function figures(frames, options = {}, panel = {}) {
  const { calcs = ['lastNotNull'], values: rows, fields = '', limit = 100 } = options;
  const out = [];
  for (const f of frames) {
    const time = f.fields.find((x) => x.type === 'time');
    for (const x of f.fields) {
      if (fields && !matches(fields, x)) continue;
      if (x.type !== 'number' && !fields) continue;
      if (x.config.custom.hideFrom?.viz) continue;
      const names = f.fields.filter((y) => y.type === 'string').map((y) => y.values[0]);
      if (rows) {
        x.values.slice(0, limit).forEach((v, i) =>
          out.push({
            x,
            value: v,
            row: i,
            label:
              f.fields
                .filter((y) => y.type === 'string')
                .map((y) => y.values[i])
                .join(' ') || x.label,
          }),
        );
      } else {
        out.push({
          x,
          value: reduce(calcs[0], x.values),
          label: x.label || names.join(' '),
          row: x.values.length - 1,
          line: time && x.values.length > 1 ? { times: time.values, values: x.values } : null,
        });
      }
    }
  }
  if (!out.length && panel.fieldConfig?.defaults?.noValue !== undefined) {
    const x = {
      name: '',
      label: '',
      labels: {},
      values: [],
      type: 'number',
      min: 0,
      max: 100,
      config: { ...panel.fieldConfig.defaults, custom: {} },
    };
    out.push({ x, value: null, label: '', line: null, nothing: true });
  }
  return out;
}

const matches = (text, x) => {
  const m = /^\/(.*)\/$/.exec(text);
  return m ? new RegExp(m[1]).test(x.label) : x.label === text || x.name === text;
};

// cells divides an area among n figures as Grafana does: along one direction, or in a grid where they would be small.
export function cells(n, orientation, { width, height }) {
  if (n <= 1) return [1, 1];
  if (orientation === 'horizontal')
    return height / n >= 24
      ? [1, n]
      : [Math.min(n, Math.ceil((n * 26) / height)), Math.ceil(n / Math.ceil((n * 26) / height))];
  if (orientation === 'vertical')
    return width / n >= 46
      ? [n, 1]
      : [Math.max(1, Math.floor(width / 90)), Math.ceil(n / Math.max(1, Math.floor(width / 90)))];
  // As Grafana's VizRepeater: as large as squares can be.
  const across = Math.ceil(Math.sqrt((n * width) / height));
  const down = Math.ceil(Math.sqrt((n * height) / width));
  const fits = (count, a, b) => Math.floor((count * a) / b) * count >= n;
  const byWidth = fits(across, height, width) ? width / across : height / Math.ceil((across * height) / width);
  const byHeight = fits(down, width, height) ? height / down : width / Math.ceil((down * width) / height);
  const columns = Math.max(1, Math.min(n, Math.ceil(width / Math.max(byWidth, byHeight) - 1e-6)));
  return [columns, Math.ceil(n / columns)];
}

const WEIGHT = '500';
// NARROW is the width below which figures stand under each other.
const NARROW = 190;
const fit = (text, width, most, least = 11) => {
  const unit = textWidth(text, `${WEIGHT} 100px Inter, system-ui, sans-serif`) / 100 || 1;
  return Math.max(least, Math.min(most, (0.94 * width) / unit));
};

export function render(el, { frames, panel, env, size }) {
  const { options = {} } = panel;
  const list = figures(frames, options.reduceOptions, panel);
  if (!list.length) return { empty: true };
  // Half of a telephone has room for a line of name and figure, not for figures beside each other.
  const narrow = size.width < NARROW && [2, 3].includes(list.length) && size.height / list.length >= 26;
  const [columns, lines] = narrow ? [1, list.length] : cells(list.length, options.orientation ?? 'auto', size);
  const w = Math.floor((size.width - 6 * (columns - 1)) / columns);
  const hh = Math.max(24, Math.floor((size.height - 6 * (lines - 1)) / lines));
  const named =
    options.textMode === 'value_and_name' ||
    ((options.textMode ?? 'auto') === 'auto' && list.length > 1);
  const shown = list.map((f) => ({ ...f, d: display(f.x, f.value) }));
  if (options.textMode === 'name') // the name is the figure
    for (const f of shown) if (!f.nothing) f.d = { ...f.d, text: f.label, prefix: '', suffix: '' };
  const values = options.textMode !== 'none';
  const wide = named && values && w / hh > 2.4 && hh < 90;
  const mostName = Math.max(11, Math.min(16, hh * 0.28, w / 7));
  const names = Math.max(...list.map((f) => textWidth(f.label, `${mostName}px Inter, system-ui, sans-serif`)));
  const room = wide ? (narrow ? Math.max(w * 0.5 - 16, w - 26 - names) : w * 0.5 - 16) : w - 14;
  const graph = (options.graphMode ?? 'area') === 'area' && hh > 60 && list.some((f) => f.line);
  const above = graph ? hh * 0.6 : hh; // above the graph
  const most = Math.min(64, wide ? above * 0.62 : named && values ? (above - mostName * 1.2 - 8) / 1.15 : above * 0.66);
  const empty = list.every((f) => f.nothing); // words, which need no large letters
  const valueSize = Math.min(empty ? 28 : Infinity, ...shown.map((f) => fit(plainText(f.d), room, most)));
  const figureWidth = Math.max(
    ...shown.map((f) => textWidth(plainText(f.d), `${WEIGHT} ${valueSize}px Inter, system-ui, sans-serif`)),
  );
  const nameRoom = wide ? w - 26 - figureWidth : w - 14;
  const nameSize = Math.min(mostName, ...shown.map((f) => fit(f.label, nameRoom, mostName)));
  const grid = h(
    'div.stats',
    { style: { gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gridAutoRows: `minmax(${hh}px, 1fr)` } },
    shown.map((f) =>
      figure(f, { options, env, w, hh, graph, wide, named, values, nameSize, valueSize, alone: list.length === 1 }),
    ),
  );
  clear(el).append(grid);
  return { empty: false, missing: empty, series: list.filter((f) => !f.nothing).length };
}

function figure(f, { options, env, w, hh, graph, wide, named, values, nameSize, valueSize, alone }) {
  const { colorMode = 'value', justifyMode = 'auto' } = options;
  const c = f.d.color;
  const background = colorMode.startsWith('background');
  const centred = justifyMode === 'center' || (alone && !named);
  const ink = background ? on(c) : colorMode === 'value' ? c : undefined;
  const value =
    values &&
    h(
      'div.stat-value',
      { style: { color: ink, fontSize: `${valueSize}px` } },
      f.d.prefix && h('span', {}, f.d.prefix),
      h('span', {}, f.d.text),
      f.d.suffix &&
        h(
          'span',
          { style: { fontSize: `${Math.max(11, valueSize * (f.d.suffix.trim() === '%' ? 1 : 0.7))}px` } },
          f.d.suffix,
        ),
    );
  const name =
    named &&
    f.label &&
    h(
      'div.stat-name',
      { title: f.label, style: { fontSize: `${nameSize}px`, color: background ? ink : undefined } },
      f.label,
    );
  const change = options.showPercentChange && f.line && percentChange(f, options);
  const line = graph && f.line && spark(f, background ? on(c) : c, w, hh, background);
  const box = h(
    `div.stat${wide ? '.wide' : ''}${background ? '.filled' : ''}${graph ? '.above' : ''}${centred ? '.center' : ''}`,
    {
      style: { background: background ? `linear-gradient(120deg, ${mix(c, '#000000', 0.15)}, ${c})` : undefined },
    },
    line,
    name,
    value,
    change,
  );
  const to = f.x.config.links?.[0];
  return to ? link(to, env, { x: f.x, row: f.row, value: f.value }, [box]) : box;
}

function percentChange(f, { percentChangeColorMode = 'standard' }) {
  const seen = f.line.values.filter((v) => typeof v === 'number');
  const share = (seen.at(-1) - seen[0]) / Math.abs(seen[0]);
  if (!Number.isFinite(share)) return null;
  const good = share === 0 ? '' : share > 0 === (percentChangeColorMode !== 'inverted') ? '.good' : '.bad';
  return h(
    `div.stat-change${percentChangeColorMode.startsWith('same') ? '' : good}`,
    {},
    `${share >= 0 ? '▲' : '▼'} ${(100 * Math.abs(share)).toFixed(1)}%`,
  );
}

// spark is a small graph behind a figure.
export function spark(f, c, width, height, filled = false) {
  const { times, values } = f.line;
  const numbers = values.filter((v) => typeof v === 'number' && Number.isFinite(v));
  if (numbers.length < 2) return null;
  const [low, high] = [f.x.config.min ?? Math.min(...numbers), f.x.config.max ?? Math.max(...numbers)];
  const [t0, t1] = [times[0], times.at(-1)];
  const x = (t) => ((t - t0) / (t1 - t0 || 1)) * width;
  const y = (v) => 2 + (1 - (v - low) / (high - low || 1)) * (height * 0.45 - 4);
  let line = '';
  let area = '';
  let open = null;
  values.forEach((v, i) => {
    if (typeof v !== 'number') {
      open = null;
      return;
    }
    line += `${open === null ? 'M' : 'L'}${x(times[i]).toFixed(1)} ${y(v).toFixed(1)}`;
    if (open === null) area += `M${x(times[i]).toFixed(1)} ${height}`;
    area += `L${x(times[i]).toFixed(1)} ${y(v).toFixed(1)}`;
    if (typeof values[i + 1] !== 'number') area += `L${x(times[i]).toFixed(1)} ${height}Z`;
    open = i;
  });
  return s(
    'svg.spark',
    { viewBox: `0 0 ${width} ${height * 0.45}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    s('path', { d: area, fill: alpha(c, filled ? 0.25 : 0.12) }),
    s('path', {
      d: line,
      fill: 'none',
      stroke: alpha(c, 0.8),
      'stroke-width': 1.25,
      'vector-effect': 'non-scaling-stroke',
    }),
  );
}

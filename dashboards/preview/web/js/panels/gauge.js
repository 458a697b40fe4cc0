// Arcs between the least and the greatest value, with the thresholds around them.
import { h, s, clear } from '../dom.js';
import { display, plainText } from '../fields.js';
import { steps, themeName } from '../colors.js';
import { figures, cells } from './stat.js';

const SPAN = 1.5 * Math.PI; // of the arc, open below
const START = -1.25 * Math.PI;

const arc = (cx, cy, r, a, b) => {
  const [x0, y0, x1, y1] = [cx + r * Math.cos(a), cy + r * Math.sin(a), cx + r * Math.cos(b), cy + r * Math.sin(b)];
  return `M${x0} ${y0}A${r} ${r} 0 ${b - a > Math.PI ? 1 : 0} 1 ${x1} ${y1}`;
};

export function render(el, { frames, panel, size }) {
  const { options = {} } = panel;
  const list = figures(frames, options.reduceOptions, panel);
  if (!list.length) return { empty: true };
  const [columns, lines] = cells(list.length, direction(options, size), size);
  const w = size.width / columns;
  const hh = size.height / lines;
  clear(el).append(
    h(
      'div.stats',
      { style: { gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` } },
      list.map((f) => gauge(f, w, hh, list.length > 1, options)),
    ),
  );
  return { empty: false, missing: list.every((f) => f.nothing), series: list.length };
}

// direction is side by side where there is more width than height.
function direction({ orientation = 'auto' }, { width, height }) {
  if (orientation !== 'auto') return orientation;
  return width > height ? 'vertical' : 'horizontal';
}

function gauge(f, w, hh, named, { showThresholdMarkers = true, showThresholdLabels }) {
  const d = display(f.x, f.value);
  const { min, max } = { min: f.x.config.min ?? 0, max: f.x.config.max ?? 100 };
  const room = hh - (named ? 20 : 4);
  const r = Math.max(20, Math.min(w / 2 - 14, room / 1.72 - 6));
  const thick = r * 0.24;
  const [cx, cy] = [w / 2, r + 10];
  const at = (v) => START + SPAN * Math.max(0, Math.min(1, (v - min) / (max - min || 1)));
  const list = steps(f.x.config.thresholds, min, max);
  const marks = showThresholdMarkers
    ? list.map(([from, c], i) =>
        s('path', {
          d: arc(cx, cy, r, at(from), at(list[i + 1]?.[0] ?? max)),
          fill: 'none',
          stroke: c,
          'stroke-width': Math.max(3, r * 0.06),
        }),
      )
    : [];
  const labels = showThresholdLabels
    ? list
        .slice(1)
        .map(([from]) =>
          s(
            'text.gauge-label',
            { x: cx + (r + 12) * Math.cos(at(from)), y: cy + (r + 12) * Math.sin(at(from)), 'text-anchor': 'middle' },
            plainText(display(f.x, from)),
          ),
        )
    : [];
  const text = plainText(d);
  const sizeOf = Math.min(r * 0.5, (r * 2.6) / Math.max(3, text.length));
  const inner = r - thick / 2 - r * 0.08;
  return h(
    'div.gauge',
    {},
    s(
      'svg',
      { width: w, height: room, role: 'img', 'aria-label': `${f.label} ${text}` },
      s('path', {
        d: arc(cx, cy, inner, START, START + SPAN),
        fill: 'none',
        'stroke-width': thick,
        stroke: themeName() === 'dark' ? '#2c3039' : '#e4e6e8',
      }),
      Number.isFinite(f.value) && f.value > min
        ? s('path', { d: arc(cx, cy, inner, START, at(f.value)), fill: 'none', 'stroke-width': thick, stroke: d.color })
        : null,
      marks,
      labels,
      s(
        'text',
        {
          x: cx,
          y: cy + sizeOf * 0.35,
          'text-anchor': 'middle',
          'font-size': sizeOf,
          'font-weight': 500,
          fill: d.color,
        },
        text,
      ),
    ),
    named && h('div.stat-name', { title: f.label }, f.label),
  );
}

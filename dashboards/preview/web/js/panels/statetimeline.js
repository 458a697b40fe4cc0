// What each series was over time, as bars of colour; also the panel that draws a mark for each sample.
import { h, clear } from '../dom.js';
import { uPlot, plotOptions, timeAxis, textWidth, follow, hideTip, FONT } from '../plot.js';
import { display, plainText } from '../fields.js';
import { alpha, on, steps } from '../colors.js';

export const render = (el, context) => draw(el, context, true);
export const history = { render: (el, context) => draw(el, context, false) };

// runs are stretches of the same value: [from, to, value] by index; a null ends one.
function runs(values, together) {
  const out = [];
  values.forEach((v, i) => {
    const before = out.at(-1);
    if (v === null || v === undefined) return;
    if (together && before && before[1] === i && Object.is(before[2], v)) before[1] = i + 1;
    else out.push([i, i + 1, v]);
  });
  return out;
}

function draw(el, { frames, panel, env, state, size }, timeline) {
  const { options = {} } = panel;
  const rows = frames.flatMap((f) =>
    f.fields
      .filter((x) => x.type !== 'time' && !x.config.custom.hideFrom?.viz)
      .map((x) => ({
        x,
        times: f.fields.find((y) => y.type === 'time')?.values ?? [],
        step: f.fields.find((y) => y.type === 'time')?.step ?? 15e3,
      })),
  );
  if (!rows.length || !rows[0].times.length) return { empty: true };
  const times = rows[0].times;
  for (const r of rows) {
    const at = new Map(r.times.map((t, i) => [t, r.x.values[i]]));
    r.values = times.map((t) => at.get(t) ?? null);
    r.runs = runs(r.values, timeline && options.mergeValues !== false);
  }
  const list = options.legend?.showLegend !== false && legendOf(rows, options);
  const plot = h('div.plot');
  clear(el).append(h('div.graph', {}, plot, list));
  const height = Math.floor(size.height - (list ? list.offsetHeight : 0));
  const share = size.width < 500 ? 0.45 : 0.35;
  const labelWidth = Math.min(size.width * share, Math.max(30, ...rows.map((r) => textWidth(r.x.label))) + 14);
  const o = plotOptions(env, plot.clientWidth, height);
  o.cursor.points = { show: false };
  o.scales.y = { range: () => [0, rows.length] };
  o.axes = [
    timeAxis(),
    {
      scale: 'y',
      size: labelWidth,
      stroke: 'transparent',
      grid: { show: false },
      ticks: { show: false },
      splits: () => [],
    },
  ];
  o.series = [{}, ...rows.map((r) => ({ scale: 'y', label: r.x.label, paths: () => null, points: { show: false } }))];
  o.hooks.draw.unshift((u) => drawRows(u, rows, times, options, labelWidth));
  const u = new uPlot(o, [times.map((t) => t / 1000), ...rows.map((r) => r.values.map(() => null))], plot);
  state.plot?.destroy();
  state.plot = u;
  u.hooks.setCursor = [
    follow(u, (i, top) => {
      const r = rows[Math.floor((top / u.over.clientHeight) * rows.length)];
      if (!r || r.values[i] === null) return null;
      const d = display(r.x, r.values[i]);
      return [
        h(
          'div',
          {},
          h('span.swatch', { style: { background: d.color } }),
          ' ',
          h('strong', {}, r.x.label),
          ' ',
          plainText(d),
        ),
      ];
    }),
  ];
  return { empty: false, series: rows.length, destroy: () => (hideTip(), u.destroy()) };
}

function drawRows(u, rows, times, { rowHeight = 0.9, showValue = 'auto' }, labelWidth) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const each = bbox.height / rows.length;
  const thick = Math.max(2 * ratio, Math.min(each * rowHeight, each - 2 * ratio));
  const step = times.length > 1 ? times[1] - times[0] : rows[0].step;
  const x = (t) => u.valToPos(t / 1000, 'x', true);
  ctx.save();
  ctx.font = FONT.replace('12px', `${12 * ratio}px`);
  ctx.textBaseline = 'middle';
  rows.forEach((r, j) => {
    const top = bbox.top + each * j + (each - thick) / 2;
    ctx.fillStyle = u.axes[0].stroke(u);
    ctx.textAlign = 'right';
    ctx.fillText(shorten(r.x.label, labelWidth - 14), bbox.left - 8 * ratio, top + thick / 2);
    for (const [from, to, value] of r.runs) {
      const d = display(r.x, value);
      const left = Math.max(bbox.left, x(times[from]));
      const right = Math.min(bbox.left + bbox.width, to < times.length ? x(times[to]) : x(times.at(-1) + step));
      if (right <= left) continue;
      ctx.fillStyle = alpha(d.color, (r.x.config.custom.fillOpacity ?? 70) / 100);
      ctx.fillRect(left, top, Math.max(1, right - left), thick);
      const text = plainText(d);
      const width = textWidth(text) * ratio;
      if (showValue !== 'never' && width + 8 * ratio < right - left && thick > 14 * ratio) {
        ctx.fillStyle = on(d.color);
        ctx.textAlign = 'left';
        ctx.fillText(text, left + 4 * ratio, top + thick / 2);
      }
    }
  });
  ctx.restore();
}

function shorten(text, width) {
  if (textWidth(text) <= width) return text;
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`) > width) end--;
  return `${text.slice(0, end)}…`;
}

// legendOf names the states, those of mappings in their order, else the thresholds.
function legendOf(rows, options) {
  const states = new Map();
  const seen = new Set();
  for (const r of rows) {
    for (const [, , value] of r.runs) {
      if (seen.has(value)) continue;
      seen.add(value);
      const d = display(r.x, value);
      if (d.mapping) states.set(plainText(d), { c: d.color, order: d.mapping.index ?? 0 });
    }
  }
  if (!states.size && rows[0].x.config.color?.mode === 'thresholds') {
    steps(rows[0].x.config.thresholds).forEach(([from, c], i) =>
      states.set(Number.isFinite(from) ? `≥ ${plainText(display(rows[0].x, from))}` : '< ', { c, order: i }),
    );
    states.delete('< ');
  }
  const list = [...states].sort(([, a], [, b]) => a.order - b.order);
  return (
    list.length > 0 &&
    h(
      `div.legend.${options.legend?.placement ?? 'bottom'}.as-list`,
      {},
      list.map(([text, { c }]) =>
        h('div.legend-item', {}, h('span.legend-name', {}, h('span.swatch', { style: { background: c } }), text)),
      ),
    )
  );
}

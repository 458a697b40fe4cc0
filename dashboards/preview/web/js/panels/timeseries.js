// Lines, bars and points over time.
import { h, clear } from '../dom.js';
import { uPlot, plotOptions, timeAxis, valueAxis, follow, hideTip } from '../plot.js';
import { alpha, ofValue, steps } from '../colors.js';
import { display, plainText } from '../fields.js';
import { legend, toggled } from '../legend.js';

// align joins the frames on their times. A time at which a series has no step is undefined, a missing sample null.
function align(frames) {
  const series = frames.flatMap((f) => {
    const time = f.fields.find((x) => x.type === 'time');
    return time ? f.fields.filter((x) => x.type === 'number').map((x) => ({ x, times: time.values, f })) : [];
  });
  const times = [...new Set(series.flatMap((s) => s.times))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  for (const one of series) {
    one.values = new Array(times.length).fill(undefined);
    one.times.forEach((t, i) => {
      one.values[at.get(t)] = one.x.values[i];
    });
    if (one.x.config.custom.transform === 'negative-Y') one.values = one.values.map((v) => (v ? -v : v));
  }
  return { times, series };
}

const colorOf = (x, i) => {
  const { color: c = {} } = x.config;
  if (!c.mode || c.mode === 'palette-classic') return ofValue({ color: { mode: 'palette-classic' } }, 0, i);
  const last = x.values.findLast((v) => v !== null && v !== undefined);
  return ofValue(x.config, last, i, x.label, x.min, x.max);
};

function paths({ drawStyle = 'line', lineInterpolation = 'linear', barAlignment = 0 }) {
  if (drawStyle === 'bars') return uPlot.paths.bars({ size: [0.8, 100], align: barAlignment });
  if (drawStyle === 'points') return () => null;
  if (lineInterpolation === 'smooth') return uPlot.paths.spline();
  if (lineInterpolation === 'stepAfter') return uPlot.paths.stepped({ align: 1 });
  if (lineInterpolation === 'stepBefore') return uPlot.paths.stepped({ align: -1 });
  return uPlot.paths.linear();
}

function fillOf(c, custom) {
  const opacity = (custom.fillOpacity ?? 0) / 100;
  if (!opacity) return undefined;
  if (custom.gradientMode !== 'opacity') return alpha(c, opacity);
  return (u) => {
    const gradient = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
    gradient.addColorStop(0, alpha(c, opacity));
    gradient.addColorStop(1, alpha(c, 0));
    return gradient;
  };
}

// bands stacks what is to be stacked; each series then stands on the one before it.
function stack(series) {
  const groups = new Map();
  for (const one of series) {
    const { mode = 'none', group = 'A' } = one.x.config.custom.stacking ?? {};
    one.drawn = one.values;
    if (mode === 'none' || one.hidden) continue;
    const key = `${mode} ${group} ${one.scale}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const bands = [];
  for (const [key, members] of groups) {
    const n = members[0].values.length;
    const total = new Array(n).fill(0);
    if (key.startsWith('percent'))
      for (const m of members)
        m.values.forEach((v, i) => {
          total[i] += v ?? 0;
        });
    const sum = new Array(n).fill(0);
    for (const m of members) {
      m.drawn = m.values.map((v, i) => {
        if (typeof v !== 'number') return v; // what is missing is not drawn, and the others stand without it
        sum[i] += v / (key.startsWith('percent') ? total[i] || 1 : 1);
        return sum[i];
      });
    }
    members.forEach((m, i) => i && bands.push({ series: [m.at, members[i - 1].at], fill: fillOf(m.color, m.custom) }));
  }
  return bands;
}

function scaleRange(members) {
  const soft = (key, f) => {
    const values = members.map((m) => m.custom[key]).filter((v) => v !== undefined && v !== null);
    return values.length ? f(...values) : undefined;
  };
  const hard = (key, f) => {
    const values = members.map((m) => m.x.config[key]).filter((v) => v !== undefined && v !== null);
    return values.length ? f(...values) : undefined;
  };
  const [min, max, softMin, softMax] = [
    hard('min', Math.min),
    hard('max', Math.max),
    soft('axisSoftMin', Math.min),
    soft('axisSoftMax', Math.max),
  ];
  const centered = members.some((m) => m.custom.axisCenteredZero);
  return (u, dataMin, dataMax) => {
    let [a, b] = [min ?? dataMin ?? 0, max ?? dataMax ?? 1];
    if (softMin !== undefined) a = Math.min(a, softMin);
    if (softMax !== undefined) b = Math.max(b, softMax);
    if (centered) [a, b] = [-Math.max(Math.abs(a), Math.abs(b)), Math.max(Math.abs(a), Math.abs(b))];
    if (a === 0 && b === 0) b = 1;
    const [x, y] = uPlot.rangeNum(a, b, {
      min: { pad: 0.1, soft: softMin ?? 0, mode: 3 },
      max: { pad: 0.1, soft: softMax ?? 0, mode: 3 },
    });
    const low = min ?? x;
    const high = max ?? y;
    return low < high ? [low, high] : [low, low + 1];
  };
}

export function render(el, { frames, panel, env, state, size }) {
  const { options = {} } = panel;
  const { times, series: all } = align(frames);
  const series = all.filter((s) => !s.x.config.custom.hideFrom?.viz);
  if (!times.length || !series.length) return { empty: true };
  state.hidden ??= new Set();
  series.forEach((s, i) => {
    s.at = i + 1;
    s.custom = s.x.config.custom;
    s.color = colorOf(s.x, i);
    s.hidden = state.hidden.has(s.x.label);
    const place = s.custom.axisPlacement === 'right' ? ' right' : '';
    s.scale = `y ${s.x.config.unit ?? ''}${s.custom.axisLabel ?? ''}${place}`;
  });
  const shown = options.legend?.showLegend !== false && options.legend?.displayMode !== 'hidden';
  const redraw = () => render(el, { frames, panel, env, state, size });
  const items = series
    .filter((s) => !s.custom.hideFrom?.legend)
    .map((s) => ({ label: s.x.label, color: s.color, x: s.x, hidden: s.hidden }));
  const list =
    shown &&
    legend(options.legend ?? {}, items, (i, keep) => {
      state.hidden = toggled(
        state.hidden,
        series.map((s) => s.x.label),
        items[i].label,
        keep,
      );
      redraw();
    });
  const side = options.legend?.placement === 'right' && size.width > 500;
  const plot = h('div.plot');
  const box = h(`div.graph${side ? '.side' : ''}`, {}, plot, list);
  clear(el).append(box);
  if (list && !side) fitLegend(el, list, size);
  if (list && side) list.classList.toggle('tight', list.scrollWidth > list.clientWidth);
  const area = {
    width: Math.floor(plot.clientWidth),
    height: Math.floor(size.height - (list && !side ? list.offsetHeight : 0)),
  };
  const bands = stack(series);
  const u = new uPlot(
    uplotOptions(env, area, panel, series, bands),
    [times.map((t) => t / 1000), ...series.map((s) => s.drawn)],
    plot,
  );
  state.plot?.destroy();
  state.plot = u;
  u.hooks.setCursor = [follow(u, (i, top) => tooltip(u, options.tooltip ?? {}, series, i, top))];
  return { empty: false, series: series.length, destroy: () => (hideTip(), u.destroy()) };
}

// fitLegend bounds the legend below a graph, so that it leaves room for the graph. On a telephone, where its lines are
// short, the panel grows with it.
function fitLegend(el, list, size) {
  const [usual, most] = [62, 182];
  const narrow = innerWidth <= 900;
  list.style.maxHeight = narrow ? `${most}px` : `${Math.max(40, Math.floor(size.height * 0.35))}px`;
  const more = narrow ? Math.max(0, Math.min(most, list.scrollHeight) - usual) : 0;
  el.closest('.panel')?.style.setProperty('--legend', `${more}px`);
}

function uplotOptions(env, area, panel, series, bands) {
  const o = plotOptions(env, area.width, area.height);
  const scales = [...new Set(series.map((s) => s.scale))];
  o.axes = [timeAxis()];
  scales.forEach((key, i) => {
    const members = series.filter((s) => s.scale === key);
    const { custom, x } = members[0];
    const log = custom.scaleDistribution?.type === 'log';
    o.scales[key] = {
      distr: log ? 3 : 1,
      log: custom.scaleDistribution?.log ?? 10,
      range: log ? undefined : scaleRange(members),
    };
    if (custom.axisPlacement === 'hidden') return;
    const right = custom.axisPlacement === 'right' || (i > 0 && custom.axisPlacement !== 'left');
    o.axes.push(
      valueAxis({
        scale: key,
        unit: x.config.unit,
        decimals: x.config.decimals,
        side: right ? 1 : 3,
        grid: i === 0,
        label: custom.axisLabel,
        width: custom.axisWidth,
        // Things that are counted have no halves.
        whole: ['short', 'none', undefined].includes(x.config.unit) && members.every((m) => m.values.every(isWhole)),
      }),
    );
  });
  o.series = [
    {},
    ...series.map((s) => {
      const { custom } = s;
      const dash =
        custom.lineStyle?.fill === 'dash'
          ? (custom.lineStyle.dash ?? [10, 10])
          : custom.lineStyle?.fill === 'dot'
            ? [0, 6]
            : undefined;
      const stacked =
        (custom.stacking?.mode ?? 'none') !== 'none' && s.drawn !== s.values && bands.some((b) => b.series[0] === s.at);
      return {
        scale: s.scale,
        label: s.x.label,
        show: !s.hidden,
        stroke: s.color,
        width: (custom.lineWidth ?? 1) + 0.25,
        dash,
        cap: dash ? 'round' : 'butt',
        fill: stacked ? undefined : fillOf(s.color, custom),
        paths: paths(custom),
        spanGaps: custom.spanNulls === true,
        fillTo: (u) => (u.scales[s.scale].min > 0 ? u.scales[s.scale].min : 0),
        points: {
          show: custom.drawStyle === 'points' || custom.showPoints === 'always',
          filter: custom.showPoints === 'never' ? none : alone,
          size: custom.pointSize ?? 5,
          fill: s.color,
          stroke: s.color,
        },
      };
    }),
  ];
  o.bands = bands.filter((b) => b.fill);
  o.hooks.drawClear.push((u) => drawThresholds(u, series));
  return o;
}

const isWhole = (v) => v === null || v === undefined || Number.isInteger(v);

// alone returns the samples that have no neighbour, which no line shows; all where all are shown anyway.
function alone(u, at, show) {
  if (show) return null;
  const v = u.data[at];
  const is = (i) => typeof v[i] === 'number';
  const found = v.flatMap((_, i) => (is(i) && !is(i - 1) && !is(i + 1) ? [i] : []));
  return found.length ? found : null;
}

const none = () => null;

function drawThresholds(u, series) {
  for (const s of series) {
    const mode = s.custom.thresholdsStyle?.mode ?? 'off';
    if (mode === 'off') continue;
    const list = steps(s.x.config.thresholds, s.x.min, s.x.max);
    const { min, max } = u.scales[s.scale];
    const y = (v) => u.valToPos(Math.max(min, Math.min(max, v)), s.scale, true);
    u.ctx.save();
    list.forEach(([from, c], i) => {
      const to = list[i + 1]?.[0] ?? Infinity;
      if (/area/.test(mode) && to > min && from < max && c !== 'transparent') {
        u.ctx.fillStyle = alpha(c, 0.12);
        u.ctx.fillRect(u.bbox.left, y(to), u.bbox.width, y(from) - y(to));
      }
      if (!/line|dashed/.test(mode) || i === 0 || from < min || from > max) return;
      u.ctx.strokeStyle = alpha(c, 0.8);
      u.ctx.lineWidth = 1.5 * devicePixelRatio;
      u.ctx.setLineDash(/dashed/.test(mode) ? [8 * devicePixelRatio, 6 * devicePixelRatio] : []);
      u.ctx.beginPath();
      u.ctx.moveTo(u.bbox.left, y(from));
      u.ctx.lineTo(u.bbox.left + u.bbox.width, y(from));
      u.ctx.stroke();
    });
    u.ctx.restore();
    return; // all series of a panel have the same
  }
}

function tooltip(u, { mode = 'single', sort = 'none', hideZeros }, series, i, top) {
  let rows = series
    .filter((s) => !s.hidden && !s.custom.hideFrom?.tooltip && s.values[i] !== null && s.values[i] !== undefined)
    .map((s) => ({ s, value: s.values[i], distance: Math.abs(u.valToPos(s.drawn[i], s.scale) - top) }));
  if (mode === 'none' || !rows.length) return null;
  const near = rows.reduce((a, b) => (b.distance < a.distance ? b : a));
  if (mode === 'single') rows = [near];
  if (hideZeros) rows = rows.filter((r) => r.value !== 0);
  if (sort !== 'none') rows.sort((a, b) => (sort === 'asc' ? a.value - b.value : b.value - a.value));
  const more = rows.length - 24;
  return [
    h(
      'table',
      {},
      rows
        .slice(0, 24)
        .map(({ s, value }) =>
          h(
            `tr${s === near.s && rows.length > 1 ? '.near' : ''}`,
            {},
            h('td', {}, h('span.swatch', { style: { background: s.color } })),
            h('td.tip-name', {}, s.x.label),
            h('td.number', {}, plainText(display(s.x, value))),
          ),
        ),
    ),
    more > 0 && h('div.dim', {}, `and ${more} more`),
  ];
}

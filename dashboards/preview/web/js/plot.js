// What graphs over time share: axes, the crosshair, zooming, annotations.
import { h } from './dom.js';
import { alpha, themeName } from './colors.js';
import { isBinary, formatter } from './units.js';
import { plainText } from './fields.js';
import { dateTime } from './time.js';

export const { uPlot } = window;
export const FONT = '12px Inter, system-ui, sans-serif';

const ink = () => (themeName() === 'dark' ? 'rgba(204,204,220,.75)' : 'rgba(36,41,46,.8)');
const gridInk = () => (themeName() === 'dark' ? 'rgba(240,250,255,.09)' : 'rgba(0,10,23,.09)');

const ruler = document.createElement('canvas').getContext('2d');
export function textWidth(text, font = FONT) {
  ruler.font = font;
  return ruler.measureText(text).width;
}

const two = (n) => String(n).padStart(2, '0');
function timeLabel(seconds, step, span) {
  const d = new Date(seconds * 1000);
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (step < 60) return `${clock}:${two(d.getSeconds())}`;
  const day = `${two(d.getMonth() + 1)}/${two(d.getDate())}`;
  if (step >= 86400 * 28 && span > 86400 * 365) return `${d.getFullYear()}-${two(d.getMonth() + 1)}`;
  if (step >= 86400) return day;
  return span > 86400 * 1.5 ? `${day} ${clock}` : clock;
}

// RIGHT is the room to the right of a graph, which half of the last label of its time axis needs.
const RIGHT = 18;

export function timeAxis(show = true) {
  return {
    show,
    stroke: ink,
    font: FONT,
    size: 28,
    gap: 8,
    space: (_, __, min, max, length) => {
      const label = max - min > 86400 * 1.5 ? 74 : max - min < 1200 ? 52 : 36;
      return Math.max(label + 24, length / 14);
    },
    grid: { stroke: gridInk, width: 1 },
    ticks: { show: false },
    values: (u, splits, _, __, step) => {
      const { min, max } = u.scales.x;
      const room = (t) => ((max - t) / (max - min)) * (u.bbox.width / devicePixelRatio || u.width) + RIGHT;
      const texts = splits.map((t) => timeLabel(t, step, max - min));
      return texts.map((text, i) => (textWidth(text) / 2 > room(splits[i]) ? '' : text)); // none is cut off
    },
  };
}

const SECONDS = [
  1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120,
  300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000,
  63072000, 315360000,
];
const BINARY = Array.from({ length: 62 }, (_, i) => 2 ** i);
const WHOLE = Array.from({ length: 15 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();

// tickTexts are the texts of ticks, with as few decimals as say where they are.
function tickTexts(unit, splits, decimals) {
  const format = formatter(unit);
  const all = (d) => splits.map((v) => (v === null ? { text: '' } : format(v, d)));
  const exact = all(9).map((t) => Number(t.text));
  const most = Math.max(...splits.map(Math.abs).filter(Number.isFinite), 0);
  // How far a text is from its tick, in the unit of the ticks: 1.5 K is 1500.
  const off = (t, i) => Math.abs((Number(t.text) - exact[i]) * (exact[i] ? splits[i] / exact[i] : 1));
  for (let d = 0; d <= 6; d++) {
    const texts = all(d);
    if (texts.every((t, i) => !(off(t, i) > 0.004 * most))) return texts.map(plainText);
  }
  return all(decimals).map(plainText);
}

export function valueAxis({ scale, unit, decimals, side = 3, label, grid = true, width = 0, whole = false }) {
  return {
    scale,
    side,
    stroke: ink,
    font: FONT,
    gap: 6,
    label: label || undefined,
    labelFont: FONT,
    labelSize: 20,
    grid: { show: grid, stroke: gridInk, width: 1 },
    ticks: { show: false },
    space: 28,
    incrs: isBinary(unit) ? BINARY : unit === 's' ? SECONDS : whole ? WHOLE : undefined,
    values: (_, splits) => tickTexts(unit, splits, decimals),
    size: (_, values) =>
      Math.max(width, Math.ceil(Math.max(16, ...(values ?? []).map((v) => textWidth(v ?? '')))) + 14),
  };
}

// What the graphs of a page do together: their cursors move, and one alone is zoomed.
const MOVES = new Set(['mousemove', 'mouseenter', 'mouseleave']);

// plotOptions are what every graph over time begins with. onZoom gets the dragged range in milliseconds.
export function plotOptions(env, width, height) {
  const touch = matchMedia('(pointer: coarse)').matches;
  return {
    width,
    height,
    padding: [8, RIGHT, 0, 0],
    legend: { show: false },
    tzDate: env.utc ? (t) => uPlot.tzDate(new Date(t * 1000), 'UTC') : undefined,
    cursor: {
      sync: env.crosshair
        ? { key: 'page', scales: ['x', null], setSeries: false, filters: { pub: (type) => MOVES.has(type) } }
        : undefined,
      drag: { x: !touch, y: false, setScale: false },
      focus: { prox: 20 },
      points: { size: 7, width: 1 },
      y: false,
      bind: { dblclick: () => () => (env.zoomOut(), null) },
    },
    scales: { x: { time: true, range: () => [env.time.from / 1000, env.time.to / 1000] } },
    hooks: {
      setSelect: [
        (u) => {
          if (u.select.width < 4) return;
          const at = (x) => u.posToVal(x, 'x') * 1000;
          env.zoom(at(u.select.left), at(u.select.left + u.select.width));
        },
      ],
      drawClear: [(u) => drawRegions(u, env.annotations ?? [])],
      draw: [(u) => drawMarks(u, env.annotations ?? [])],
      ready: [(u) => markAnnotations(u, env.annotations ?? [])],
    },
  };
}

const inside = (u, a) => a.to / 1000 >= u.scales.x.min && a.from / 1000 <= u.scales.x.max;

function clipped(u, draw) {
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  u.ctx.clip();
  draw(u.ctx);
  u.ctx.restore();
}

// regions are the stretches of annotations; those of a colour that overlap are one, so that none is painted twice.
function regions(u, annotations) {
  const out = [];
  for (const a of annotations.filter((x) => x.to > x.from && inside(u, x)).sort((x, y) => x.from - y.from)) {
    const last = out.find((r) => r.color === a.color && a.from <= r.to);
    if (last) last.to = Math.max(last.to, a.to);
    else out.push({ ...a });
  }
  return out;
}

function drawRegions(u, annotations) {
  clipped(u, (ctx) => {
    for (const a of regions(u, annotations)) {
      const [from, to] = [a.from, a.to].map((t) => u.valToPos(t / 1000, 'x', true));
      ctx.fillStyle = alpha(a.color, 0.1);
      ctx.fillRect(from, u.bbox.top, Math.max(1, to - from), u.bbox.height);
    }
  });
}

function drawMarks(u, annotations) {
  clipped(u, (ctx) => {
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.lineWidth = devicePixelRatio;
    for (const a of annotations.filter((x) => inside(u, x))) {
      ctx.strokeStyle = a.color;
      for (const t of a.to > a.from ? [a.from, a.to] : [a.from]) {
        const x = Math.round(u.valToPos(t / 1000, 'x', true));
        ctx.beginPath();
        ctx.moveTo(x, u.bbox.top);
        ctx.lineTo(x, u.bbox.top + u.bbox.height);
        ctx.stroke();
      }
    }
  });
}

const about = (a) =>
  h(
    'div.tip-note',
    {},
    h('div.tip-time', {}, a.to > a.from ? `${dateTime(a.from)} to ${dateTime(a.to).slice(11)}` : dateTime(a.from)),
    h('div', {}, h('span.swatch', { style: { background: a.color } }), ' ', h('strong', {}, a.title)),
    a.text && h('div', {}, a.text),
    a.tags.length > 0 &&
      h(
        'div.tags',
        {},
        a.tags.map((t) => h('span.tag', {}, t)),
      ),
  );

// markAnnotations puts a mark below the graph that says what an annotation is.
function markAnnotations(u, annotations) {
  for (const a of annotations.filter((x) => inside(u, x))) {
    const left = Math.max(0, u.valToPos(a.from / 1000, 'x'));
    const right = Math.min(u.over.clientWidth, u.valToPos(a.to / 1000, 'x'));
    const mark = h('button.annotation', {
      type: 'button',
      'aria-label': `${a.title}: ${a.text}`,
      style: {
        left: `${left}px`,
        width: a.to > a.from ? `${Math.max(6, right - left)}px` : undefined,
        background: a.color,
      },
    });
    mark.classList.toggle('point', !(a.to > a.from));
    const near = annotations.filter((b) => b.from <= a.to && b.to >= a.from);
    const show = () => showTip(mark.getBoundingClientRect(), near.slice(0, 6).map(about));
    mark.addEventListener('pointerenter', show);
    mark.addEventListener('focus', show);
    mark.addEventListener('pointerleave', hideTip);
    mark.addEventListener('blur', hideTip);
    u.over.append(mark);
  }
}

const tip = h('div.tip', { role: 'status', hidden: true });

export function showTip(at, content) {
  tip.replaceChildren(...content.flat(3).filter(Boolean));
  tip.hidden = false;
  if (!tip.isConnected) document.body.append(tip);
  const { offsetWidth: w, offsetHeight: h2 } = tip;
  const right = at.right + 14 + w < innerWidth;
  tip.style.left = `${Math.max(4, right ? at.right + 14 : at.left - w - 14)}px`;
  tip.style.top = `${Math.max(4, Math.min(at.top, innerHeight - h2 - 8))}px`;
}

export function hideTip() {
  tip.hidden = true;
}

// follow shows what content returns for the index under the cursor of this graph, and nothing for those of others.
export function follow(u, content) {
  let over = false;
  u.over.addEventListener('pointerenter', () => {
    over = true;
  });
  u.over.addEventListener('pointerleave', () => {
    over = false;
    hideTip();
  });
  return () => {
    const { left, top, idx } = u.cursor;
    if (!over || left < 0 || idx === null || idx === undefined) return;
    const rows = content(idx, top);
    if (!rows) return hideTip();
    const box = u.over.getBoundingClientRect();
    const [x, y] = [box.left + left, box.top + top];
    showTip({ left: x, right: x, top: y + 8 }, [h('div.tip-time', {}, dateTime(u.data[0][idx] * 1000)), ...rows]);
  };
}

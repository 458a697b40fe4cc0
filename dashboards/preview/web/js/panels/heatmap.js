// Histograms over time: how many in each bucket.
import { h, clear } from '../dom.js';
import { uPlot, plotOptions, timeAxis, valueAxis, follow, hideTip } from '../plot.js';
import { display, plainText } from '../fields.js';
import { formatter } from '../units.js';
import { color, mix, themeName } from '../colors.js';
import { number } from '../frames.js';

const SCHEMES = {
  Oranges: ['#fff5eb', '#fd8d3c', '#7f2704'],
  Blues: ['#f7fbff', '#6baed6', '#08306b'],
  Greens: ['#f7fcf5', '#74c476', '#00441b'],
  Reds: ['#fff5f0', '#fb6a4a', '#67000d'],
  Purples: ['#fcfbfd', '#9e9ac8', '#3f007d'],
  Spectral: ['#3288bd', '#ffffbf', '#d53e4f'],
  RdYlGn: ['#1a9850', '#ffffbf', '#d73027'],
  Turbo: ['#30123b', '#a2fc3c', '#7a0403'],
};

export function render(el, { frames, panel, env, state, size }) {
  const { options = {} } = panel;
  if (options.calculate) return { empty: true, problem: 'heatmaps that are calculated from series are not supported' };
  const f = frames[0];
  const time = f?.fields.find((x) => x.type === 'time');
  const buckets = f?.fields.filter((x) => x.type === 'number') ?? [];
  if (!time || !buckets.length || !time.values.length) return { empty: true };
  const most = Math.max(...buckets.flatMap((b) => b.values.filter(Number.isFinite)), 0);
  const scheme = SCHEMES[options.color?.scheme] ?? SCHEMES.Oranges;
  const ramp = themeName() === 'dark' && !options.color?.reverse ? [...scheme].reverse() : scheme;
  const colorOf = (v) => {
    if (options.color?.mode === 'opacity')
      return mix(
        color('panel'),
        color(options.color.fill ?? 'dark-orange'),
        (v / most) ** (options.color.exponent ?? 0.5),
      );
    const share = Math.sqrt(v / (most || 1));
    return share < 0.5 ? mix(ramp[0], ramp[1], share * 2) : mix(ramp[1], ramp[2], share * 2 - 1);
  };
  const unit = options.yAxis?.unit ?? buckets[0].config.unit;
  const names = buckets.map((b) =>
    Number.isFinite(number(b.name)) ? plainText(formatter(unit)(number(b.name), options.yAxis?.decimals)) : b.name,
  );
  const plot = h('div.plot');
  clear(el).append(h('div.graph', {}, plot));
  const o = plotOptions(env, plot.clientWidth, size.height);
  o.cursor.points = { show: false };
  o.scales.y = { range: () => [0, buckets.length] };
  const axis = valueAxis({ scale: 'y', grid: false });
  const every = Math.ceil((buckets.length * 18) / Math.max(18, size.height - 40));
  o.axes = [
    timeAxis(),
    {
      ...axis,
      splits: () => names.map((_, i) => i + 1).filter((i) => i % every === 0),
      values: (_, at) => at.map((i) => names[i - 1]),
    },
  ];
  o.series = [{}, { scale: 'y', paths: () => null, points: { show: false } }];
  const step = time.step ?? time.values[1] - time.values[0];
  o.hooks.draw.unshift((u) => {
    const each = u.bbox.height / buckets.length;
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    buckets.forEach((b, j) =>
      b.values.forEach((v, i) => {
        if (!(v > (options.filterValues?.le ?? 0))) return;
        const left = u.valToPos((time.values[i] - step) / 1000, 'x', true);
        const right = u.valToPos(time.values[i] / 1000, 'x', true);
        u.ctx.fillStyle = colorOf(v);
        u.ctx.fillRect(
          left,
          u.bbox.top + u.bbox.height - each * (j + 1),
          Math.max(1, right - left - 1),
          Math.max(1, each - 1),
        );
      }),
    );
    u.ctx.restore();
  });
  const u = new uPlot(o, [time.values.map((t) => t / 1000), time.values.map(() => null)], plot);
  state.plot?.destroy();
  state.plot = u;
  u.hooks.setCursor = [
    follow(u, (i, top) => {
      const j = buckets.length - 1 - Math.floor((top / u.over.clientHeight) * buckets.length);
      const b = buckets[j];
      return (
        b && [
          h(
            'div',
            {},
            j ? `${names[j - 1]} to ${names[j]}` : `up to ${names[j]}`,
            ': ',
            h(
              'b',
              {},
              b.values[i] === null
                ? 'no data'
                : plainText(
                    display({ ...b, config: { ...b.config, unit: options.cellValues?.unit ?? 'short' } }, b.values[i]),
                  ),
            ),
          ),
        ]
      );
    }),
  ];
  return { empty: false, series: buckets.length, destroy: () => (hideTip(), u.destroy()) };
}

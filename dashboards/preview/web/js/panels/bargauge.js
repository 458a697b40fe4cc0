// Bars, one for each series.
import { h, clear } from '../dom.js';
import { display, plainText } from '../fields.js';
import { alpha, steps, threshold } from '../colors.js';
import { textWidth } from '../plot.js';
import { link } from '../links.js';
import { figures } from './stat.js';

const CELLS = 40; // of a bar drawn as a row of lights

export function render(el, { frames, panel, env, size }) {
  const { options = {} } = panel;
  const list = figures(frames, options.reduceOptions, panel);
  if (!list.length) return { empty: true };
  const upright =
    options.orientation === 'vertical' ||
    ((options.orientation ?? 'auto') === 'auto' && size.width > size.height * 1.6);
  const shown = list.map((f) => ({ ...f, d: display(f.x, f.value) }));
  const room = upright ? 0 : Math.min(size.width * 0.4, Math.max(0, ...shown.map((f) => textWidth(f.label))) + 12);
  const values =
    Math.max(40, ...shown.map((f) => textWidth(plainText(f.d), '500 15px Inter, system-ui, sans-serif'))) + 8;
  clear(el).append(
    h(
      `div.bars${upright ? '.upright' : ''}`,
      { style: { '--name': `${room}px`, '--value': `${values}px` } },
      shown.map((f) => bar(f, options, env, upright)),
    ),
  );
  return { empty: false, missing: list.every((f) => f.nothing), series: list.length };
}

function bar(f, options, env, upright) {
  const { x, d } = f;
  const share = Math.max(0, Math.min(1, (d.numeric - x.min) / (x.max - x.min || 1))) || 0;
  const mode = options.displayMode ?? 'gradient';
  const track = h(`div.bar-track${options.showUnfilled === false ? '.open' : ''}`);
  const direction = upright ? '0deg' : '90deg';
  if (mode === 'lcd') {
    const list = steps(x.config.thresholds, x.min, x.max);
    for (let i = 0; i < CELLS; i++) {
      const c = threshold(list, x.min + ((x.max - x.min) * (i + 0.5)) / CELLS);
      track.append(h('span.light', { style: { background: alpha(c, i / CELLS < share ? 1 : 0.15) } }));
    }
    track.classList.add('lights');
  } else {
    track.append(
      h('div.bar-fill', {
        style: {
          [upright ? 'height' : 'width']: `${100 * share}%`,
          borderColor: d.color,
          background:
            mode === 'gradient'
              ? `linear-gradient(${direction}, ${alpha(d.color, 0.25)}, ${alpha(d.color, 0.85)})`
              : alpha(d.color, 0.55),
        },
      }),
    );
  }
  const to = x.config.links?.[0];
  const name = h(
    'div.bar-name',
    { title: f.label },
    to ? link(to, env, { x, row: f.row, value: f.value }, [f.label]) : f.label,
  );
  const value =
    options.valueMode !== 'hidden' &&
    h('div.bar-value', { style: { color: options.valueMode === 'text' ? undefined : d.color } }, plainText(d));
  return h('div.bar', {}, upright ? [value, track, name] : [name, track, value]);
}

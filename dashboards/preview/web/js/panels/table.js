// Tables: sorted by a click on a column, coloured by thresholds, with links in cells.
import { h, clear } from '../dom.js';
import { display, plainText } from '../fields.js';
import { alpha, on, mix } from '../colors.js';
import { compare } from '../transform.js';
import { reduce } from '../reduce.js';
import { link } from '../links.js';
import { inline } from '../markdown.js';
import { spark } from './stat.js';

// cells draw the content of a cell by the type in custom.cellOptions.
export const cells = {
  auto: (d) => plainText(d),
  'color-text': (d, { td }) => {
    if (!d.missing) td.style.color = d.color;
    return plainText(d);
  },
  'color-background': (d, { td, options }) => {
    if (d.missing) return plainText(d);
    td.style.background =
      options.mode === 'gradient' ? `linear-gradient(120deg, ${mix(d.color, '#000000', 0.2)}, ${d.color})` : d.color;
    td.style.color = on(d.color);
    if (options.applyToRow) td.dataset.row = '';
    return plainText(d);
  },
  gauge: (d, { x, options }) => {
    const share = Math.max(0, Math.min(1, (d.numeric - x.min) / (x.max - x.min || 1))) || 0;
    return h(
      'div.cell-gauge',
      {},
      h(
        'div.cell-bar',
        {},
        h('div', {
          style: {
            width: `${100 * share}%`,
            background:
              options.mode === 'gradient' ? `linear-gradient(90deg, ${alpha(d.color, 0.4)}, ${d.color})` : d.color,
          },
        }),
      ),
      options.valueDisplayMode === 'hidden'
        ? null
        : h('span', { style: { color: options.valueDisplayMode === 'text' ? undefined : d.color } }, plainText(d)),
    );
  },
  sparkline: (d, { x, value }) =>
    Array.isArray(value?.values) ? spark({ x, line: value }, d.color, 120, 48) : plainText(d),
  'json-view': (d, { value }) => h('code', {}, typeof value === 'object' ? JSON.stringify(value) : plainText(d)),
  markdown: (d, { env }) => inline(plainText(d), env.uids),
  'data-links': (d, { x, row, value, env }) =>
    h(
      'span.cell-links',
      {},
      (x.config.links ?? []).map((l) => link(l, env, { x, row, value })),
    ),
  pill: (d) => h('span.tag', { style: d.missing ? {} : { background: alpha(d.color, 0.25) } }, plainText(d)),
};

function oneFrame(frames, index) {
  if (frames.length <= 1) return frames[0];
  if (frames.every((f) => f.length === 1 && f.fields.length === 2 && f.fields[0].type === 'time')) {
    // Series that were not asked for as a table: one row for each.
    const all = frames.map((f) => f.fields[1]);
    const names = [...new Set(all.flatMap((x) => Object.keys(x.labels)))].sort();
    const column = (name, values) => ({
      name,
      label: name,
      type: 'string',
      labels: {},
      values,
      config: { custom: {} },
    });
    return {
      length: frames.length,
      fields: [
        ...names.map((l) =>
          column(
            l,
            all.map((x) => x.labels[l] ?? ''),
          ),
        ),
        { ...all[0], label: 'Value', values: all.map((x) => x.values[0]) },
      ],
    };
  }
  return frames[index] ?? frames[0];
}

const WHERE = ['environment', 'app_service'];

// inSight are the columns in their order. On a telephone the first two names come first, then all figures, then other
// names, and last what says the same in every row: the first columns are what is read.
function inSight(f) {
  if (innerWidth > 700) return f.fields;
  // Of a single row, what says where it is, if something else says what it is about.
  const named = f.fields.some((x) => x.type === 'string' && !WHERE.includes(x.name) && x.values.some(Boolean));
  const place = (x) => x.name === WHERE[0] || (named && WHERE.includes(x.name));
  const same = (x) =>
    x.type === 'string' && x.values.every((v) => v === x.values[0]) && (f.length > 1 || place(x));
  const rest = f.fields.filter((x) => !same(x));
  const names = rest.filter((x) => x.type === 'string');
  const figures = rest.filter((x) => x.type !== 'string');
  return [...names.slice(0, 2), ...figures, ...names.slice(2), ...f.fields.filter(same)];
}

export function render(el, context) {
  const { frames, panel, env, state } = context;
  const { options = {} } = panel;
  const f = oneFrame(frames, options.frameIndex ?? 0);
  if (!f || !f.length) return { empty: true };
  const columns = inSight(f).filter((x) => !x.config.custom.hidden && !x.config.custom.hideFrom?.viz);
  for (const x of columns) x.frame = f;
  const first = options.sortBy?.[0];
  state.sort ??= first ? { label: first.displayName, desc: Boolean(first.desc) } : null;
  const order = Array.from({ length: f.length }, (_, i) => i);
  const by = state.sort && columns.find((x) => x.label === state.sort.label);
  if (by) order.sort((a, b) => compare(by.values[a], by.values[b]) * (state.sort.desc ? -1 : 1));
  const right = (x) =>
    x.config.custom.align && x.config.custom.align !== 'auto'
      ? x.config.custom.align
      : x.type === 'number'
        ? 'right'
        : 'left';
  const sortBy = (x) => () => {
    const same = state.sort?.label === x.label;
    state.sort = !same
      ? { label: x.label, desc: x.type === 'number' }
      : state.sort.desc !== (x.type === 'number')
        ? null
        : { label: x.label, desc: !state.sort.desc };
    render(el, context);
  };
  const width = (x) => ({
    width: x.config.custom.width ? `${x.config.custom.width}px` : undefined,
    minWidth: x.config.custom.minWidth ? `${Math.min(160, x.config.custom.minWidth)}px` : undefined,
  });
  const head =
    options.showHeader !== false &&
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        columns.map((x) =>
          h(
            'th',
            {
              style: { textAlign: right(x), ...width(x) },
              title: x.config.description,
              'aria-sort': by === x ? (state.sort.desc ? 'descending' : 'ascending') : undefined,
            },
            h(
              'button.sort',
              { type: 'button', onclick: sortBy(x) },
              x.label,
              by === x && h('span.arrow', {}, state.sort.desc ? ' ▼' : ' ▲'),
            ),
          ),
        ),
      ),
    );
  const most = 500; // rows; more make a page slow and are not read
  const body = h(
    'tbody',
    {},
    order.slice(0, most).map((row) => tableRow(columns, row, right, env)),
  );
  const footer =
    options.footer?.show &&
    h(
      'tfoot',
      {},
      h(
        'tr',
        {},
        columns.map((x) =>
          h(
            'td',
            { style: { textAlign: right(x) } },
            x.type === 'number' ? plainText(display(x, reduce(options.footer.reducer?.[0] ?? 'sum', x.values))) : '',
          ),
        ),
      ),
    );
  const scroll = el.querySelector('.table-scroll')?.scrollTop ?? 0;
  clear(el).append(
    h(
      `div.table-scroll.${options.cellHeight ?? 'sm'}`,
      { tabindex: 0 },
      h('table.data', {}, head, body, footer),
      f.length > most && h('div.dim.more-rows', {}, `${f.length - most} more rows are not drawn`),
    ),
  );
  el.firstChild.scrollTop = scroll;
  return { empty: false, series: f.length };
}

function tableRow(columns, row, right, env) {
  const tr = h('tr');
  for (const x of columns) {
    const value = x.values[row];
    const options = x.config.custom.cellOptions ?? {};
    const td = h(x.type === 'number' ? 'td.number' : 'td', { style: { textAlign: right(x) } });
    const d = display(x, value);
    const draw = cells[options.type] ?? cells.auto;
    const content = draw(d, { td, x, row, value, options, env });
    const to = options.type !== 'data-links' && !d.missing && x.config.links?.[0];
    td.append(
      ...[to ? link(to, env, { x, row, value }, [content]) : content]
        .flat()
        .filter((c) => c !== null && c !== undefined),
    );
    tr.append(td);
  }
  const filled = tr.querySelector('td[data-row]');
  if (filled) {
    tr.style.background = filled.style.background;
    tr.style.color = filled.style.color;
  }
  return tr;
}

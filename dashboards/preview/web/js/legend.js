// The legend of a graph: a list or a table with calculations, whose items hide and isolate series.
import { h } from './dom.js';
import { calcs, reduce } from './reduce.js';
import { display, plainText } from './fields.js';

// legend makes an element of items {label, color, x, hidden}. onToggle gets the index and whether others stay.
export function legend(options, items, onToggle) {
  const { displayMode = 'list', calcs: wanted = [], placement = 'bottom' } = options;
  const name = (item, i) =>
    h(
      'button.legend-name',
      {
        type: 'button',
        title: item.label,
        'aria-pressed': String(!item.hidden),
        onclick: (e) => onToggle(i, e.ctrlKey || e.metaKey || e.shiftKey),
      },
      h('span.swatch', { style: { background: item.color } }),
      h('span.legend-text', {}, item.label),
    );
  const value = (item, calc) =>
    plainText(
      display(
        {
          ...item.x,
          config: { ...item.x.config, mappings: item.x.config.mappings, unit: calcs[calc]?.unit ?? item.x.config.unit },
        },
        reduce(calc, item.x.values),
      ),
    );
  const known = wanted.filter((c) => calcs[c]);
  if (displayMode === 'table') {
    const sort = options.sortBy && known.find((c) => calcs[c].label === options.sortBy || c === options.sortBy);
    const order = items.map((_, i) => i);
    if (sort)
      order.sort(
        (a, b) => (reduce(sort, items[a].x.values) - reduce(sort, items[b].x.values)) * (options.sortDesc ? -1 : 1),
      );
    return h(
      `div.legend.${placement}.as-table`,
      {},
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', {}, 'Name'),
            known.map((c) => h('th.number', {}, calcs[c].label)),
          ),
        ),
        h(
          'tbody',
          {},
          order.map((i) =>
            h(
              `tr${items[i].hidden ? '.off' : ''}`,
              {},
              h('td', {}, name(items[i], i)),
              known.map((c) => h('td.number', {}, value(items[i], c))),
            ),
          ),
        ),
      ),
    );
  }
  return h(
    `div.legend.${placement}.as-list`,
    {},
    items.map((item, i) =>
      h(
        `div.legend-item${item.hidden ? '.off' : ''}`,
        {},
        name(item, i),
        known.map((c) => h('span.legend-calc', {}, `${calcs[c].label}: `, h('b', {}, value(item, c)))),
      ),
    ),
  );
}

// toggled returns which series are hidden after a click: that one alone is shown, or with a key held it changes alone.
export function toggled(hidden, all, name, keep) {
  const next = new Set(hidden);
  if (keep) {
    if (!next.delete(name)) next.add(name);
    return next;
  }
  const others = all.filter((n) => n !== name);
  const alone = !next.has(name) && others.every((n) => next.has(n));
  return alone ? new Set() : new Set(others);
}

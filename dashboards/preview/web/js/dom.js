// Builds elements. Text is always a text node, so that no value of a label can become markup.

const SVG = 'http://www.w3.org/2000/svg';

// h makes an HTML element: h('a.link', {href: '/'}, 'text', child).
export function h(what, props = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  return fill(document.createElement(tag || 'div'), classes, props, children);
}

// s makes an SVG element.
export function s(what, props = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  return fill(document.createElementNS(SVG, tag), classes, props, children);
}

function fill(el, classes, props, children) {
  if (classes.length) el.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [k, v] of Object.entries(value)) setStyle(el, k, v);
    else if (name === 'dataset') Object.assign(el.dataset, value);
    else if (name === 'value' || name === 'checked') el[name] = value;
    else el.setAttribute(name, value === true ? '' : value);
  }
  append(el, children);
  return el;
}

function setStyle(el, name, value) {
  if (value === undefined || value === null) return;
  if (name.startsWith('--')) el.style.setProperty(name, value);
  else el.style[name] = value;
}

export function append(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    el.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function clear(el) {
  el.replaceChildren();
  return el;
}

const ICONS = {
  menu: 'M3 5h18v2H3zm0 6h18v2H3zm0 6h18v2H3z',
  clock:
    'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16zm-1 3h2v4.6l3.2 3.2-1.4 1.4L11 12.4z',
  refresh:
    'M12 4a8 8 0 0 1 6.9 4H16v2h6V4h-2v2.4A10 10 0 0 0 2 12h2a8 8 0 0 1 8-8zm8 8a8 8 0 0 1-14.9 4H8v-2H2v6h2v-2.4' +
    'A10 10 0 0 0 22 12z',
  sun:
    'M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v4h-2zm0 18h2v4h-2zM1 11h4v2H1zm18 0h4v2h-4zM3.5 4.9l1.4-1.4 2.8 2.8' +
    '-1.4 1.4zm12.8 12.8 1.4-1.4 2.8 2.8-1.4 1.4zM3.5 19.1l2.8-2.8 1.4 1.4-2.8 2.8zM16.3 6.3l2.8-2.8 1.4 1.4-2.8 2.8z',
  bell: 'M12 2a7 7 0 0 0-7 7v5l-2 3v1h18v-1l-2-3V9a7 7 0 0 0-7-7zm-3 17a3 3 0 0 0 6 0z',
  info: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1 5h2v2h-2zm0 4h2v6h-2z',
  warn: 'M12 2 1 21h22zm-1 7h2v6h-2zm0 8h2v2h-2z',
  down: 'M6 9l6 6 6-6-1.4-1.4L12 12.2 7.4 7.6z',
  right: 'M9 6l6 6-6 6-1.4-1.4 4.6-4.6-4.6-4.6z',
  more: 'M12 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm0 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm0 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  close: 'M6.4 5 5 6.4l5.6 5.6L5 17.6 6.4 19l5.6-5.6 5.6 5.6 1.4-1.4-5.6-5.6L19 6.4 17.6 5 12 10.6z',
  wall: 'M3 4h18v12H3zm2 2v8h14V6zm3 12h8v2H8z',
  zoomout: 'M10 3a7 7 0 1 0 4.2 12.6l5.1 5 1.4-1.4-5-5.1A7 7 0 0 0 10 3zm0 2a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM7 9h6v2H7z',
  out: 'M14 3h7v7h-2V6.4l-9.3 9.3-1.4-1.4L17.6 5H14zM5 5h5v2H5v12h12v-5h2v7H3V5z',
  filter: 'M3 5h18l-7 8v6l-4 2v-8z',
};

export function icon(name, size = 16) {
  return s(
    'svg.icon',
    { viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true' },
    s('path', { d: ICONS[name], fill: 'currentColor' }),
  );
}

// popover shows content below its anchor until a click elsewhere or Escape. It returns a function that closes it.
export function popover(anchor, content, className = '') {
  closePopover();
  const box = h(`div.popover${className && '.' + className}`, { role: 'dialog' }, content);
  document.body.append(box);
  const at = anchor.getBoundingClientRect();
  const width = Math.min(box.offsetWidth, window.innerWidth - 16);
  if (box.offsetWidth > width) box.style.maxWidth = `${width}px`;
  box.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
  const room = window.innerHeight - at.bottom - 12;
  if (room < 180 && at.top > room) {
    box.style.maxHeight = `${at.top - 12}px`;
    box.style.bottom = `${window.innerHeight - at.top + 4}px`;
  } else {
    box.style.maxHeight = `${room}px`;
    box.style.top = `${at.bottom + 4}px`;
  }
  const outside = (e) => !box.contains(e.target) && !anchor.contains(e.target) && closePopover();
  const escape = (e) => e.key === 'Escape' && closePopover();
  document.addEventListener('pointerdown', outside, true);
  document.addEventListener('keydown', escape);
  open = {
    anchor,
    close() {
      document.removeEventListener('pointerdown', outside, true);
      document.removeEventListener('keydown', escape);
      box.remove();
      anchor.setAttribute('aria-expanded', 'false');
    },
  };
  anchor.setAttribute('aria-expanded', 'true');
  return closePopover;
}

let open = null;

export function closePopover() {
  const was = open;
  open = null;
  was?.close();
  return was?.anchor;
}

// toggle is the listener of a button that opens and closes its own popover.
export function toggle(content, className) {
  return (e) => {
    const anchor = e.currentTarget;
    if (closePopover() !== anchor) popover(anchor, content(), className);
  };
}

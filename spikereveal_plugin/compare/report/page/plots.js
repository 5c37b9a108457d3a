'use strict';
/* Plots are drawn as SVG from the scores, so that they follow the chosen column and the reader's colours. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#999999', '#b5a300'];
const colourOf = (method) => COLOURS[data.methods.indexOf(method) % COLOURS.length];
const SIZE = { width: 520, height: 300, left: 64, right: 20, top: 14, bottom: 42 };

function shape(tag, attributes, text = '') {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.textContent = text;
  return node;
}

function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i += 1) found.push(Number((i * step).toPrecision(12)));
  return found;
}

function extent(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  return [low - room, high + room];
}

/* A linear axis; a place is a pixel. */
const scale = ([low, high], from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);

function frame(caption, height = SIZE.height) {
  const svg = shape('svg', { viewBox: `0 0 ${SIZE.width} ${height}`, role: 'img', 'aria-label': caption });
  return { svg, figure: element('figure', {}, element('figcaption', {}, caption), svg) };
}

function mark(svg, x, y, method, text) {
  const dot = shape('circle', { cx: x, cy: y, r: 5, fill: colourOf(method) });
  dot.append(shape('title', {}, text));
  svg.append(dot);
}

/* A text near a place, where no earlier one of `names` (left, right, height) lies; inside the plot. */
function label(svg, names, text, x, y, attributes) {
  const width = 7.5 * text.length;
  const left = attributes['text-anchor'] === 'end' ? x - width : x;
  const isFree = (height) => height > SIZE.top + 8 && height < SIZE.height - SIZE.bottom - 2
    && names.every(([a, b, other]) => Math.abs(other - height) > 13 || left > b || left + width < a);
  const offsets = [-8, ...Array.from({ length: 24 }, (_, i) => (i % 2 ? -1 : 1) * 14 * Math.ceil((i + 1) / 2) + (i % 2 ? -8 : 2))];
  const height = offsets.map((offset) => y + offset).find(isFree) ?? y - 8;
  names.push([left, left + width, height]);
  svg.append(shape('text', { x, y: height, ...attributes }, text));
}

/* A text cut to a width in pixels. */
function short(text, width) {
  const letters = Math.max(3, Math.floor(width / 7.5));
  return text.length > letters ? `…${text.slice(1 - letters)}` : text;
}

/* Means with their intervals, best first. */
function intervals(column) {
  const methods = ranking(column).filter((method) => Number.isFinite(meanOf(method, column)));
  if (!methods.length) return [];
  const height = 30 * methods.length + 52;
  const { svg, figure } = frame(`${nameOf(column)}, mean and interval`, height);
  const ends = methods.flatMap((m) => [meanOf(m, column), ...(cellOf(m, column).interval ?? [])].map(number));
  const range = extent(ends);
  const x = scale(range, 150, SIZE.width - SIZE.right);
  for (const tick of ticks(...range)) {
    svg.append(shape('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: 8, y2: height - 36 }),
      shape('text', { class: 'soft', x: x(tick), y: height - 20, 'text-anchor': 'middle' }, tick));
  }
  methods.forEach((method, row) => {
    const y = 24 + 30 * row;
    const name = method.length > 20 ? `${method.slice(0, 19)}…` : method;
    svg.append(shape('text', { x: 142, y: y + 4, 'text-anchor': 'end' }, name));
    const around = cellOf(method, column).interval;
    if (around) {
      svg.append(shape('line', { x1: x(number(around[0])), x2: x(number(around[1])), y1: y, y2: y,
        stroke: colourOf(method), 'stroke-width': 3, 'stroke-linecap': 'round', opacity: 0.55 }));
    }
    mark(svg, x(meanOf(method, column)), y, method, `${method}: ${show(meanOf(method, column), digitsOf(column))}`);
  });
  return [figure];
}

/* Axes of a plot whose vertical axis is the column. */
function axes(svg, column, yRange, xTicks, xName) {
  const y = scale(yRange, SIZE.height - SIZE.bottom, SIZE.top);
  const [right, bottom] = [SIZE.width - SIZE.right, SIZE.height - SIZE.bottom];
  for (const tick of ticks(...yRange)) {
    svg.append(shape('line', { class: 'grid', x1: SIZE.left, x2: right, y1: y(tick), y2: y(tick) }),
      shape('text', { class: 'soft', x: SIZE.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, tick));
  }
  for (const [place, text] of xTicks) {
    svg.append(shape('line', { class: 'grid', x1: place, x2: place, y1: SIZE.top, y2: bottom }),
      shape('text', { class: 'soft', x: place, y: bottom + 16, 'text-anchor': 'middle' }, text));
  }
  const middle = (SIZE.top + bottom) / 2;
  svg.append(shape('text', { x: (SIZE.left + right) / 2, y: SIZE.height - 6, 'text-anchor': 'middle' }, xName),
    shape('text', { x: 14, y: middle, 'text-anchor': 'middle', transform: `rotate(-90 14 ${middle})` }, column.metric));
  return y;
}

/* The column against a cost, on a logarithmic axis. */
function against(column, cost) {
  const methods = data.methods.filter((m) => cost.of(m) > 0 && Number.isFinite(meanOf(m, column) ?? NaN));
  if (!methods.length) return [];
  const name = `${cost.name} [${cost.unit}]`;
  const { svg, figure } = frame(`${nameOf(column)} against ${cost.name.toLowerCase()}`);
  const logs = methods.map((m) => Math.log10(cost.of(m)));
  const range = [Math.min(...logs) - 0.35, Math.max(...logs) + 0.35];
  const x = scale(range, SIZE.left, SIZE.width - SIZE.right);
  const marks = [];
  for (let power = Math.floor(range[0]); power <= range[1]; power += 1) {
    for (const step of range[1] - range[0] > 2 ? [1] : [1, 2, 5]) {
      const place = Math.log10(step) + power;
      if (place >= range[0] && place <= range[1]) marks.push([x(place), Number((step * 10 ** power).toPrecision(3))]);
    }
  }
  const others = data.methods.filter((m) => !methods.includes(m) && Number.isFinite(meanOf(m, column) ?? NaN));
  const y = axes(svg, column, extent([...methods, ...others].map((m) => meanOf(m, column))), marks, name);
  const names = [];
  for (const method of others) {
    const height = y(meanOf(method, column));
    svg.append(shape('line', { x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: height, y2: height,
        stroke: colourOf(method), 'stroke-dasharray': '5 4' }));
    label(svg, names, method, SIZE.left + 6, height + 3, { class: 'soft' });
  }
  methods.forEach((method, index) => {
    const [px, py] = [x(logs[index]), y(meanOf(method, column))];
    mark(svg, px, py, method, `${method}: ${cost.of(method).toPrecision(4)} ${cost.unit}`);
    const isRight = px > SIZE.width * 0.7;
    label(svg, names, method, isRight ? px - 9 : px + 9, py, { 'text-anchor': isRight ? 'end' : 'start' });
  });
  return [figure];
}

/* One metric over the sets, such as spike cameras of several thresholds. */
function overSets(column) {
  const columns = data.columns.filter((other) => other.metric === column.metric);
  if (columns.length < 2) return [];
  const { svg, figure } = frame(`${column.metric} over the sets`);
  const place = scale([-0.3, columns.length - 0.7], SIZE.left, SIZE.width - SIZE.right);
  const points = new Map(data.methods.map((method) => [method, columns
    .map((other, index) => [index, meanOf(method, other)]).filter(([, mean]) => Number.isFinite(mean ?? NaN))]));
  const values = [...points.values()].flat().map(([, mean]) => mean);
  if (!values.length) return [];
  const y = axes(svg, column, extent(values), columns.map((other, index) => [place(index), short(other.set, (SIZE.width - SIZE.left) / columns.length)]), '');
  for (const [method, line] of points) {
    const path = line.map(([index, mean]) => `${place(index)},${y(mean)}`).join(' ');
    svg.append(shape('polyline', { points: path, fill: 'none', stroke: colourOf(method), 'stroke-width': 2 }));
    for (const [index, mean] of line) mark(svg, place(index), y(mean), method, `${method}: ${show(mean, digitsOf(column))}`);
  }
  const keys = data.methods.map((method) => element('span', {}, element('b', { style: `color:${colourOf(method)}` }, '● '),
    `${method}  `));
  figure.append(element('div', { className: 'hint' }, ...keys));
  return [figure];
}

/* The mean over the samples of each sequence, where there are several. */
function drawSequences(column) {
  const methods = data.methods.filter((method) => cellOf(method, column));
  const names = methods.length ? Object.keys(cellOf(methods[0], column).sequences) : [];
  at('sequence-part').hidden = names.length < 2;
  const head = [`${nameOf(column)}`, ...names, 'mean'].map((name) => element('th', { scope: 'col' }, name));
  const rows = methods.map((method) => element('tr', {}, element('th', { scope: 'row' }, method),
    ...[...names.map((name) => cellOf(method, column).sequences[name]), cellOf(method, column).mean]
      .map((value) => element('td', {}, show(number(value), digitsOf(column))))));
  at('sequences').replaceChildren(element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

function drawPlots() {
  const column = data.columns[Number(at('column').value)];
  drawSequences(column);
  at('plots').replaceChildren(...intervals(column), ...COSTS.flatMap((cost) => against(column, cost)), ...overSets(column));
}

function startPlots() {
  fillSelect(at('column'), data.columns.map((column, i) => [String(i), `${nameOf(column)}`]), '0');
  at('column').addEventListener('change', drawPlots);
  drawPlots();
}

'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);
const number = (value) => (value === 'inf' ? Infinity : value === '-inf' ? -Infinity : value);
const show = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : value > 0 ? '∞' : '-∞');
const nameOf = (column) => (column.set ? `${column.set}: ${column.metric}` : column.metric);
const digitsOf = (column) => (column.metric.toLowerCase().includes('psnr') ? 2 : 4);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'on') Object.entries(value).forEach(([event, act]) => node.addEventListener(event, act));
    else if (key in node && key !== 'list') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const cells = new Map(data.scores.map((s) => [JSON.stringify([s.method, s.set, s.metric]), s]));
const cellOf = (method, column) => cells.get(JSON.stringify([method, column.set, column.metric]));
const meanOf = (method, column) => {
  const cell = cellOf(method, column);
  return cell ? number(cell.mean) : null;
};
const groupOf = (method) => data.groups[method] ?? '';
const groups = [...new Set(data.methods.map(groupOf))];
/* Best first; of all methods, or of those under a heading. */
function ranking(column, group) {
  const sign = column.better === 'higher' ? -1 : 1;
  const scored = data.methods.filter((m) => cellOf(m, column) && (group === undefined || groupOf(m) === group));
  return scored.sort((a, b) => sign * (meanOf(a, column) - meanOf(b, column)) || 0);
}

/* The table. */
const COSTS = [
  ['Parameters', 'M', (c) => c.parameters && c.parameters / 1e6, 3], ['Work', 'GMACs', (c) => c.gmacs, 2],
  ['Time', 's/frame', (c) => c.seconds, 3], ['Memory', 'MB', (c) => c.megabytes, 0],
].map(([name, unit, of, digits]) => ({
  name, unit, digits, better: 'lower', of: (method) => (data.costs[method] ? of(data.costs[method]) ?? null : null),
})).filter((cost) => data.methods.some((method) => cost.of(method) !== null));

const fields = [
  { name: 'Method', set: '', of: (method) => method, better: 'lower' },
  ...data.columns.map((column) => ({
    name: column.metric, set: column.set, column, better: column.better, of: (method) => meanOf(method, column),
  })),
  ...COSTS.map((cost) => ({ ...cost, set: cost.unit, cost })),
];
let sorting = { field: -1, reverse: false };

function sortedMethods() {
  const field = fields[sorting.field];
  if (!field) return data.methods;
  const sign = (field.better === 'higher' ? -1 : 1) * (sorting.reverse ? -1 : 1);
  return [...data.methods].sort((a, b) => {
    const [x, y] = [field.of(a), field.of(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    if (typeof x === 'string') return sign * x.localeCompare(y, undefined, { sensitivity: 'base', numeric: true });
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  });
}

function scoreCell(method, field) {
  const value = field.of(method);
  if (value === null) return element('td', { className: 'none' }, '–');
  if (field.cost) return element('td', {}, show(value, field.digits));
  const cell = cellOf(method, field.column);
  const digits = digitsOf(field.column);
  const range = (pair) => `${show(number(pair[0]), digits)} … ${show(number(pair[1]), digits)}`;
  const node = element('td', {}, show(value, digits));
  if (cell.interval) node.append(element('small', {}, range(cell.interval)));
  if (cell.difference_to_best) node.title = `difference to the best, same samples: ${range(cell.difference_to_best)}`;
  if (meanOf(ranking(field.column, groupOf(method))[0], field.column) === value) node.classList.add('best');
  return node;
}

function drawTable() {
  const head = element('tr');
  fields.forEach((field, index) => {
    const isSorted = sorting.field === index;
    const isAscending = (field.better === 'higher') === sorting.reverse;
    const sign = field.column ? (field.better === 'higher' ? ' ↑' : ' ↓') : '';
    const button = element('button', { type: 'button', on: { click: () => sortBy(index) } },
      element('span', { className: 'set' }, field.set), field.name + sign,
      element('span', { className: 'arrow' }, isSorted ? (isAscending ? ' ▴' : ' ▾') : ''));
    const cell = element('th', { scope: 'col' }, button);
    if (isSorted) cell.setAttribute('aria-sort', isAscending ? 'ascending' : 'descending');
    if (field.column) cell.title = field.column.protocol;
    head.append(cell);
  });
  const rowOf = (method) => element('tr', {}, element('th', { scope: 'row' }, method),
    ...fields.slice(1).map((field) => scoreCell(method, field)));
  const rows = groups.flatMap((group) => [
    ...(group ? [element('tr', { className: 'group' }, element('td', { colSpan: fields.length }, group))] : []),
    ...sortedMethods().filter((method) => groupOf(method) === group).map(rowOf),
  ]);
  at('scores').replaceChildren(element('thead', {}, head), element('tbody', {}, ...rows));
}

function sortBy(index) {
  sorting = { field: index, reverse: sorting.field === index && !sorting.reverse };
  drawTable();
  at('scores').querySelectorAll('thead button')[index].focus();
}

/* Frames. */
const state = { view: 0, left: '', right: '', time: 0, timer: 0 };

function fillSelect(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => element('option', { value }, text)));
  select.value = chosen;
}

function chooseView(index, time) {
  const view = data.views[index];
  const labels = Object.keys(view.pictures);
  state.view = index;
  state.time = Math.min(time ?? view.middle, view.frames.length - 1);
  if (!labels.includes(state.left)) state.left = labels[0];
  if (!labels.includes(state.right)) state.right = view.best;
  if (state.left === state.right) state.left = labels.find((label) => label !== state.right) ?? state.left;
  at('sample').value = String(index);
  fillSelect(at('left'), labels.map((label) => [label, label]), state.left);
  fillSelect(at('right'), labels.map((label) => [label, label]), state.right);
  at('time').max = String(view.frames.length - 1);
  at('time-label').hidden = at('play').hidden = view.frames.length < 2;
  at('reason').textContent = `${view.sample}: ${view.reason}`;
  drawCrops(view);
  drawStage();
}

function drawStage() {
  const view = data.views[state.view];
  const score = (label) => view.scores[label]?.[state.time];
  const tag = (label) => {
    const value = number(score(label));
    return value === undefined ? label : `${label} · ${view.metric} ${show(value, digitsOf(view))}`;
  };
  const picture = (label) => view.pictures[label][Math.min(state.time, view.pictures[label].length - 1)];
  at('over').src = picture(state.left);
  at('under').src = picture(state.right);
  at('over').alt = at('tag-left').textContent = tag(state.left);
  at('under').alt = at('tag-right').textContent = tag(state.right);
  at('time').value = String(state.time);
  at('instant').textContent = view.frames.length > 1
    ? `frame ${view.frames[state.time]} (${state.time + 1}/${view.frames.length})` : '';
}

function divide(percent) {
  const part = Math.min(100, Math.max(0, percent));
  at('divider').value = String(part);
  at('over').style.clipPath = `inset(0 ${100 - part}% 0 0)`;
  at('handle').style.left = `${part}%`;
}

function drawCrops(view) {
  at('crops').replaceChildren(...view.crops.flatMap((crop) => [element('h3', {}, crop.title),
    element('div', { className: 'strip' }, ...Object.entries(crop.pictures).map(([label, src]) => element('figure', {},
      element('img', { src, alt: `${label}, ${crop.title}` }), element('figcaption', { title: label }, label))))]));
}

function play() {
  const isPlaying = Boolean(state.timer);
  clearInterval(state.timer);
  const step = () => {
    state.time = (state.time + 1) % data.views[state.view].frames.length;
    drawStage();
  };
  state.timer = isPlaying ? 0 : setInterval(step, 250);
  at('play').textContent = isPlaying ? 'Play' : 'Pause';
}

function startViewer() {
  if (!data.views.length) {
    at('viewer').hidden = true;
    return;
  }
  fillSelect(at('sample'), data.views.map((view, i) => [String(i), view.set ? `${view.set}: ${view.sample}` : view.sample]), '0');
  at('sample').addEventListener('change', () => chooseView(Number(at('sample').value)));
  for (const side of ['left', 'right']) {
    at(side).addEventListener('change', () => { state[side] = at(side).value; drawStage(); });
  }
  at('time').addEventListener('input', () => { state.time = Number(at('time').value); drawStage(); });
  at('divider').addEventListener('input', () => divide(Number(at('divider').value)));
  at('play').addEventListener('click', play);
  const follow = (event) => {
    const box = at('stage').getBoundingClientRect();
    divide((100 * (event.clientX - box.left)) / box.width);
  };
  at('stage').addEventListener('pointerdown', (event) => { at('stage').setPointerCapture(event.pointerId); follow(event); });
  at('stage').addEventListener('pointermove', (event) => { if (event.buttons) follow(event); });
  divide(50);
  chooseView(0);
}

/* Worst cases. */
function drawWorst() {
  const head = ['Method', 'Set', 'Metric', 'Sample', 'Score', 'Mean', ''].map((name) => element('th', { scope: 'col' }, name));
  const rows = data.worst.map((entry) => {
    const view = data.views.findIndex((v) => v.set === entry.set && v.sample === entry.sample);
    const jump = () => {
      state.right = entry.method;
      chooseView(view);
      at('viewer').scrollIntoView({ behavior: 'smooth' });
    };
    const digits = digitsOf(entry);
    const texts = [entry.method, entry.set, entry.metric, entry.sample, show(number(entry.value), digits),
      show(number(entry.mean), digits)];
    const last = view < 0 ? 'not on this page' : element('button', { type: 'button', on: { click: jump } }, 'Show');
    return element('tr', {}, ...texts.map((text) => element('td', {}, text)), element('td', {}, last));
  });
  at('worst').replaceChildren(element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

const samples = data.columns.length ? Object.keys(data.scores[0]?.samples ?? {}).length : 0;
const sets = [...new Set(data.columns.map((column) => column.set))];
at('summary').textContent = `${data.methods.length} methods, ${sets.length} set(s)${sets.some(Boolean) ? `: ${sets.join(', ')}` : ''}; `
  + `${samples} sample(s) in the first`;
at('protocols').append(...data.protocols.map((line) => element('li', {}, line)));
drawTable();
startViewer();
drawWorst();
startPlots();

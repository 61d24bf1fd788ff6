// Figure: one chart with its choices, its table and its downloads.
'use strict';

const BUILDERS = {
  lines: linesOption, scatter: scatterOption, bars: barsOption, heatmap: heatmapOption,
  surface: surfaceOption,
};
// More lines than this hide each other: the rest waits in the legend.
const MOST_SHOWN = 12;
const PAPER_WIDTH = 1000;

let paper = false;  // while printing
const darkQuery = window.matchMedia('(prefers-color-scheme: dark)');

function currentTheme() {
  return darkQuery.matches && !paper ? DARK : LIGHT;
}

function figureEnv(figure) {
  return {width: paper ? 680 : figure.chartBox.clientWidth, theme: currentTheme(),
          hidden: figure.hidden, choice: figure.choice};
}

function drawFigure(figure) {
  if (!figure.chart) return;
  const env = figureEnv(figure);
  if (env.width < 50) return;
  const {option, height} = BUILDERS[figure.type](figure, env);
  figure.chartBox.style.height = `${height}px`;
  figure.chart.resize({width: env.width, height});
  figure.chart.setOption(option, true);
  if (figure.drawBody) figure.drawBody();
}

function save(name, type, content) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  document.getElementById('status').textContent = `${name} saved`;
}

/** The figure for a paper: light and of one width, whatever the screen is. */
function paperChart(figure, renderer) {
  const env = {width: PAPER_WIDTH, theme: LIGHT, hidden: figure.hidden, choice: figure.choice};
  const {option, height} = BUILDERS[figure.type](figure, env);
  const holder = document.createElement('div');
  const chart = echarts.init(holder, null, {renderer, width: PAPER_WIDTH, height,
                                            ssr: renderer === 'svg', devicePixelRatio: 2});
  chart.setOption(option);
  return chart;
}

function saveSvg(figure) {
  const chart = paperChart(figure, 'svg');
  save(`${figure.id}.svg`, 'image/svg+xml', chart.renderToSVGString());
  chart.dispose();
}

function savePng(figure) {
  const chart = paperChart(figure, 'canvas');
  const base64 = chart.getDataURL({type: 'png', pixelRatio: 2}).split(',')[1];
  save(`${figure.id}.png`, 'image/png', Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  chart.dispose();
}

function addDownloads(figure, holder) {
  const add = (text, action) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.setAttribute('aria-label', `${text} of ${figure.title}`);
    button.addEventListener('click', () => action(figure));
    holder.append(button);
  };
  add('Data (CSV)', () => save(`${figure.id}.csv`, 'text/csv', tableCsv(figure.table)));
  if (figure.type === 'table') return;
  add('Picture (SVG)', saveSvg);
  add('Picture (PNG)', savePng);
}

function addChoice(figure, name, label, values, texts, holder) {
  const wrapper = document.createElement('label');
  const select = document.createElement('select');
  select.dataset.choice = name;
  values.forEach((value, i) => {
    const option = document.createElement('option');
    option.value = String(value);
    option.textContent = String(texts[i]);
    select.append(option);
  });
  select.value = String(figure.choice[name]);
  select.addEventListener('change', () => {
    figure.choice[name] = select.value;
    drawFigure(figure);
  });
  wrapper.append(`${label} `, select);
  if (values.length > 1) holder.append(wrapper);
}

/** A selection for each column that the figure lets its reader choose by. */
function addChoices(figure, holder) {
  const o = figure.options;
  for (const name of o.choose || []) {
    const values = distinct(column(figure.table, name));
    const preferred = values.includes(o.chosen) ? o.chosen : values[0];
    figure.choice[name] = preferred;
    const texts = values.map((v) => KIND_TITLES[v] || v);
    addChoice(figure, name, figure.table.columns.find((c) => c.name === name).label, values, texts,
              holder);
  }
  if (o.values) {
    figure.choice.value = o.values[0];
    const labels = o.values.map((v) => figure.table.columns.find((c) => c.name === v).label);
    addChoice(figure, 'value', 'colour', o.values, labels, holder);
  }
  if (o.surfaces) {
    const names = o.surfaces.map((one) => one.name);
    figure.choice.network = names[0];
    addChoice(figure, 'network', 'network', names, names, holder);
  }
}

/** Check boxes that do what a click on the legend does, for those without a mouse. */
function addToggles(figure, holder) {
  if (!figure.options.series) return;
  const names = distinct(column(figure.table, figure.options.series));
  if (names.length < 2) return;
  names.slice(MOST_SHOWN).forEach((name) => figure.hidden.add(name));
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  summary.textContent = 'Show or hide';
  details.append(summary);
  for (const name of names) {
    const label = document.createElement('label');
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = !figure.hidden.has(name);
    box.addEventListener('change', () => {
      figure.chart.dispatchAction({type: 'legendToggleSelect', name});
    });
    figure.toggles.set(name, box);
    label.append(box, ` ${name}`);
    details.append(label);
  }
  holder.append(details);
}

function onLegend(figure, event) {
  for (const [name, shown] of Object.entries(event.selected)) {
    if (shown) figure.hidden.delete(name); else figure.hidden.add(name);
    const box = figure.toggles.get(name);
    if (box) box.checked = shown;
  }
}

/** The table, open where there is no picture; made when it is first looked at. */
function addTable(figure, holder) {
  if (figure.type === 'table') {
    holder.append(makeTable(figure.table, figure.title));
    return;
  }
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  summary.textContent = 'The figures as a table';
  details.append(summary);
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) {
      details.append(makeTable(figure.table, figure.title));
    }
  });
  holder.append(details);
}

/** Fills the frame that the page has for the figure. */
function startFigure(json) {
  const frame = document.getElementById(`figure-${json.id}`);
  const part = (name) => frame.querySelector(`.${name}`);
  const figure = {...json, hidden: new Set(), toggles: new Map(), choice: {},
                  chartBox: part('chart')};
  figure.table = json.options.surfaces ? surfaceTable(json.options.surfaces) : readTable(json.table);
  addChoices(figure, part('controls'));
  addToggles(figure, part('controls'));
  addDownloads(figure, part('downloads'));
  addTable(figure, part('table'));
  if (!BUILDERS[figure.type]) return figure;
  figure.chartBox.setAttribute('role', 'img');
  figure.chartBox.setAttribute('aria-label', figure.summary);
  figure.chart = echarts.init(figure.chartBox, null, {renderer: 'svg', width: 600, height: 300});
  figure.chart.on('finished', () => { figure.chartBox.dataset.drawn = 'true'; });
  figure.chart.on('legendselectchanged', (event) => onLegend(figure, event));
  if (figure.type === 'surface') addBody(figure, part('turn'));
  return figure;
}

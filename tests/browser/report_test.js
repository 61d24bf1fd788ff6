// The report in a browser: what its reader sees, clicks and saves. Node's own test runner drives
// Chromium; pages come from the program, from a tiny study made on the spot.
'use strict';

const assert = require('node:assert');
const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {after, before, test} = require('node:test');
const {PATIENCE, launch, openTime} = require('./open_time.js');

const PROGRAM = process.env.FLATENN_PROGRAM;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'flatenn-browser-'));
const HOSTILE = '<img src=x onerror=alert(1)>';

const RECIPE = `
dataset = "synthetic"
epochs = 1
batch = 64
[network]
name = "mlp"
hidden = [16]
`;
const STUDY = `
[train]
dataset = "synthetic"
epochs = 1
batch = 64
[train.network]
name = "mlp"
hidden = [16]
[[arm]]
name = "standard"
[[arm]]
name = "standard-saq-code"
metric = "code"
radius = 0.01
[campaign]
kinds = ["flip", "stuck1"]
rates = [0.01, 0.02, 0.05]
maps = 4
images = 200
[validation]
maps = 2
images = 60
`;

let browser;

function flatenn(...words) {
  return execFileSync(PROGRAM, words, {cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
}

function sqlite(store, statement) {
  execFileSync('sqlite3', [path.join(folder, store), statement]);
}

/** Names that the program would not give, and a store that lost its trials, come from outside. */
function makePages() {
  fs.writeFileSync(path.join(folder, 'study.toml'), STUDY);
  flatenn('study', 'study.toml', '--out', 'study');
  flatenn('study', 'study.toml', '--out', 'guarded', '--set', 'protections=["secded:64"]');
  fs.writeFileSync(path.join(folder, 'recipe.toml'), RECIPE);
  flatenn('train', 'recipe.toml', '--out', 'net');
  const model = path.join(folder, 'net', 'model.safetensors');
  const faults = ['--rates', '0.01,0.05', '--maps', '3', '--images', '100'];
  flatenn('campaign', model, 'study/arms/standard-saq-code-seed0/model.safetensors', ...faults,
          '--store', 'hostile.db');
  sqlite('hostile.db', `UPDATE subject SET label = '${HOSTILE}' WHERE id = 1`);
  flatenn('report', 'hostile.db', '--out', 'hostile.html');
  flatenn('campaign', model, '--source', 'single', '--sample', '200', '--images', '50', '--store',
          'bits.db');
  flatenn('report', 'bits.db', '--out', 'bits.html');
  const small = ['images=100', 'line_points=5', 'plane_points=7', 'draws=2', 'restarts=1', 'steps=2',
                 'curvature_images=50', 'eigenvalues=1', 'trace_samples=2'];
  flatenn('analyze', model, '--out', 'analysis.json', ...small.flatMap((one) => ['--set', one]));
  flatenn('report', 'bits.db', '--analysis', 'analysis.json', '--out', 'analysis.html');
  flatenn('campaign', model, ...faults, '--store', 'partial.db');
  sqlite('partial.db', 'DELETE FROM trial');
  flatenn('report', 'partial.db', '--out', 'partial.html');
  flatenn('report', '--compare', 'study', 'hostile.db', '--out', 'compare.html');
}

before(async () => {
  makePages();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  fs.rmSync(folder, {recursive: true, force: true});
});

/** Opens a page of the folder, fails the test on any word in the console, waits until all is drawn. */
async function open(t, name, {width = 1100, dark = false} = {}) {
  const page = await browser.newPage();
  t.after(() => page.close());
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) said.push(`asks for ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    said.push(`dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  page.setDefaultTimeout(PATIENCE);
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: dark ? 'dark' : 'light'}]);
  await page.setViewport({width, height: 900});
  await page.goto(`file://${path.join(folder, name)}`, {waitUntil: 'load', timeout: PATIENCE});
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.chart')].every((chart) => chart.dataset.drawn));
  t.after(() => assert.deepStrictEqual(said, []));
  return page;
}

/** The chart's own state: which names its legend shows. */
function selected(page, id) {
  return page.$eval(`#figure-${id} .chart`, (chart) =>
    echarts.getInstanceByDom(chart).getOption().legend[0].selected);
}

/** What clicking the button of a figure saves, as text. */
async function saved(page, id, words) {
  await page.evaluate(() => {
    window.blobs = [];
    const original = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      window.blobs.push(blob);
      return original.call(URL, blob);
    };
    HTMLAnchorElement.prototype.click = function() { window.savedName = this.download; };
  });
  await page.evaluate((figure, text) => {
    const buttons = [...document.querySelectorAll(`#figure-${figure} .downloads button`)];
    buttons.find((button) => button.textContent.includes(text)).click();
  }, id, words);
  return page.evaluate(async () => ({name: window.savedName, text: await window.blobs[0].text(),
                                     size: window.blobs[0].size}));
}

test('the report of a study draws every chart', async (t) => {
  const page = await open(t, 'study/report.html');
  const drawn = await page.$$eval('.chart', (charts) =>
    charts.map((chart) => chart.querySelectorAll('svg path').length));
  assert.ok(drawn.length >= 3);
  for (const paths of drawn) assert.ok(paths > 10, `${drawn}`);
  const verdict = await page.$eval('.verdicts', (list) => list.textContent);
  assert.match(verdict, /[Hh]old/);
  assert.match(verdict, /points \[/);
});

test('it opens in less than two seconds of the processor\'s time', async () => {
  const {processor} = await openTime(browser, path.join(folder, 'study/report.html'));
  assert.ok(processor < 2, `${processor} s`);
});

test('a click on the legend and a check box hide the same line', async (t) => {
  const page = await open(t, 'study/report.html');
  assert.strictEqual((await selected(page, 'accuracy'))['standard-seed0'], true);
  await page.click('#figure-accuracy .controls summary');
  await page.click('#figure-accuracy .controls input');
  assert.strictEqual((await selected(page, 'accuracy'))['standard-seed0'], false);
  await page.$eval('#figure-accuracy .chart', (chart) => echarts.getInstanceByDom(chart)
      .dispatchAction({type: 'legendToggleSelect', name: 'standard-seed0'}));
  assert.strictEqual((await selected(page, 'accuracy'))['standard-seed0'], true);
  assert.ok(await page.$eval('#figure-accuracy .controls input', (box) => box.checked));
});

test('tables sort both ways', async (t) => {
  const page = await open(t, 'study/report.html');
  const cleans = () => page.$$eval('#figure-networks tbody tr',
                                   (rows) => rows.map((row) => Number(row.children[2].textContent)));
  const sorted = (values) => [...values].sort((a, b) => a - b);
  await page.click('#figure-networks th:nth-child(3) button');
  assert.deepStrictEqual(await cleans(), sorted(await cleans()));
  assert.strictEqual(await page.$eval('#figure-networks th:nth-child(3)',
                                      (cell) => cell.getAttribute('aria-sort')), 'ascending');
  await page.click('#figure-networks th:nth-child(3) button');
  assert.deepStrictEqual(await cleans(), sorted(await cleans()).reverse());
});

test('the CSV holds the figures of the store', async (t) => {
  const page = await open(t, 'study/report.html');
  const {name, text} = await saved(page, 'accuracy', 'CSV');
  assert.strictEqual(name, 'accuracy.csv');
  const [head, ...lines] = text.trim().split('\n').map((line) => line.split(','));
  const rows = lines.map((line) => Object.fromEntries(head.map((key, i) => [key, line[i]])));
  const {subjects} = JSON.parse(flatenn('report', 'study/faults.db', '--json'));
  let cells = 0;
  for (const subject of subjects) {
    for (const cell of subject.cells) {
      const row = rows.find((one) => one.network === subject.label && one.kind === cell.kind &&
                                     Number(one.rate) === cell.rate);
      assert.ok(row, `${subject.label} ${cell.kind} ${cell.rate}`);
      for (const [column, value] of Object.entries({mean: cell.mean, lo: cell.lo, hi: cell.hi,
                                                    maps: cell.maps, clean: subject.clean})) {
        assert.ok(Math.abs(Number(row[column]) - value) < 1e-9, `${column} ${row[column]} ${value}`);
      }
      cells++;
    }
  }
  assert.strictEqual(cells, rows.length);
});

test('pictures are saved as SVG and PNG', async (t) => {
  const page = await open(t, 'study/report.html', {dark: true});
  const svg = await saved(page, 'accuracy', 'SVG');
  assert.match(svg.text, /^<svg /);
  assert.match(svg.text, /standard-saq-code/);
  const png = await saved(page, 'accuracy', 'PNG');
  assert.strictEqual(png.name, 'accuracy.png');
  assert.ok(png.size > 10000);
});

test('dark mode is dark, and follows the reader', async (t) => {
  const page = await open(t, 'study/report.html', {dark: true});
  const ground = () => page.$eval('#figure-accuracy .chart svg rect', (rect) =>
    getComputedStyle(rect).fill);
  assert.strictEqual(await ground(), 'rgb(21, 25, 29)');
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: 'light'}]);
  await page.waitForFunction(() => getComputedStyle(
    document.querySelector('#figure-accuracy .chart svg rect')).fill === 'rgb(255, 255, 255)');
});

test('400 pixels need no sideways scrolling', async (t) => {
  for (const name of ['study/report.html', 'analysis.html', 'hostile.html', 'compare.html']) {
    const page = await open(t, name, {width: 400});
    const [scroll, client] = await page.evaluate(() =>
      [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(scroll <= client, `${name}: ${scroll} > ${client}`);
  }
});

test('the keyboard reaches everything', async (t) => {
  const page = await open(t, 'study/report.html');
  const reached = new Set();
  for (let i = 0; i < 120; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => {
      const element = document.activeElement;
      const figure = element.closest('figure');
      return `${figure ? figure.dataset.figure : ''} ${element.tagName} ${element.textContent}`;
    }));
  }
  const found = [...reached].join('\n');
  for (const words of ['A Skip to the figures', 'accuracy SUMMARY Show or hide',
                       'accuracy BUTTON Data (CSV)', 'accuracy SUMMARY The figures as a table',
                       'networks BUTTON quantized, %']) {
    assert.ok(found.includes(words), words);
  }
});

test('charts say in words what they show, and have a table', async (t) => {
  const page = await open(t, 'study/report.html');
  const figures = await page.$$eval('figure', (all) => all.map((figure) => ({
    id: figure.dataset.figure,
    label: figure.querySelector('.chart')?.getAttribute('aria-label'),
    role: figure.querySelector('.chart')?.getAttribute('role'),
    chart: figure.querySelector('.chart') !== null,
    table: figure.querySelector('.table').children.length,
  })));
  for (const figure of figures) {
    assert.ok(figure.table > 0, figure.id);
    if (!figure.chart) continue;
    assert.ok(figure.label.length > 20, figure.id);
    assert.strictEqual(figure.role, 'img');
  }
});

/** What the tooltip of a mark says: the arm's, in the panel of that axis. */
function markTooltip(page, arm, axis) {
  return page.$eval('#figure-pareto .chart', (chart, wanted) => {
    const option = echarts.getInstanceByDom(chart).getOption();
    const panel = option.xAxis.findIndex((one) => one.name === wanted.axis);
    const series = option.series.find((one) => one.type === 'scatter' && one.name === wanted.arm &&
                                               one.xAxisIndex === panel);
    return option.tooltip[0].formatter({data: series.data[0], marker: ''});
  }, {arm, axis});
}

test('defences are compared: three fronts, and marks that say who they are', async (t) => {
  const page = await open(t, 'study/report.html');
  const drawn = await page.$eval('#figure-pareto .chart', (chart) => {
    const option = echarts.getInstanceByDom(chart).getOption();
    return {axes: option.xAxis.map((one) => one.name),
            fronts: option.series.filter((one) => one.type === 'line')
                .map((one) => ({points: one.data.length, step: one.step}))};
  });
  assert.deepStrictEqual(drawn.axes, ['clean accuracy, %', 'sparsity, %', 'training time, s']);
  assert.deepStrictEqual(drawn.fronts.map((one) => one.step), ['start', 'start', 'end']);
  for (const front of drawn.fronts) assert.ok(front.points >= 1);
  const tip = await markTooltip(page, 'standard-saq-code-seed0', 'training time, s');
  assert.match(tip, /standard-saq-code-seed0.*training time, s [0-9.]+.*under faults, % .*\[/);
  assert.match(tip, /on the front|beaten/);
});

test('defences are those that compare prints', async (t) => {
  const page = await open(t, 'study/report.html');
  const {fronts, pairs} = JSON.parse(flatenn('compare', 'study', '--json'));
  const csv = (text) => text.trim().split('\n').map((line) => line.split(','));
  const [head, ...rows] = csv((await saved(page, 'defences', 'CSV')).text);
  const onFront = rows.filter((row) => row[head.indexOf('front_all')] === 'on the front')
      .map((row) => row[0]);
  assert.deepStrictEqual(onFront, fronts.at(-1).front);
  const [names, ...lines] = csv((await saved(page, 'defence-pairs', 'CSV')).text);
  assert.strictEqual(lines.length, pairs.length);
  assert.strictEqual(Number(lines[0][names.indexOf('points')]), pairs[0].points);
  assert.strictEqual(Number(lines[0][names.indexOf('p_adjusted')]), pairs[0].p_adjusted);
});

test('protections are set against training, in stored bits and rate by rate', async (t) => {
  const page = await open(t, 'guarded/report.html');
  const state = (id, pick) => page.$eval(`#figure-${id} .chart`, (chart, key) =>
    echarts.getInstanceByDom(chart).getOption()[key].map((one) => one.name), pick);
  assert.deepStrictEqual(await state('pareto', 'xAxis'), [
    'clean accuracy, %', 'sparsity, %', 'training time, s', 'stored memory, bits']);
  const drawn = await state('payoff', 'series');
  const {payoff} = JSON.parse(flatenn('compare', 'guarded', '--json'));
  const text = await page.$eval('#defences-section', (section) => section.textContent);
  assert.strictEqual(payoff.length, 2);
  for (const one of payoff) {
    assert.ok(drawn.includes(one.arm), one.arm);
    assert.ok(text.includes(one.words), one.words);
  }
});

test('a name with markup stays a name', async (t) => {
  const page = await open(t, 'hostile.html');
  assert.strictEqual(await page.$('img'), null);
  const names = await page.$eval('#figure-networks', (figure) => figure.textContent);
  assert.ok(names.includes(HOSTILE), names);
  const tip = await page.$eval('#figure-accuracy .chart', (chart) => {
    const instance = echarts.getInstanceByDom(chart);
    instance.dispatchAction({type: 'showTip', seriesIndex: 2, dataIndex: 0});
    return chart.querySelectorAll('img').length;
  });
  assert.strictEqual(tip, 0);
  const mark = await markTooltip(page, HOSTILE, 'clean accuracy, %');
  assert.ok(mark.includes('&lt;img') && !mark.includes('<img'), mark);
});

test('single bits become a heat map', async (t) => {
  const page = await open(t, 'bits.html');
  const cells = await page.$eval('#figure-bits-measured .chart', (chart) =>
    echarts.getInstanceByDom(chart).getOption().series[0].data.length);
  assert.ok(cells > 4);
  await page.select('#figure-bits-measured select[data-choice=value]', 'worst_loss');
  const {text} = await saved(page, 'bits-measured', 'CSV');
  assert.match(text, /^network,kind,tensor,bit,/);
});

test('a landscape is a map, and a surface that the keyboard turns', async (t) => {
  const page = await open(t, 'analysis.html');
  const chart = (selector, what) => page.$eval(selector, (element, words) => {
    const option = echarts.getInstanceByDom(element).getOption();
    return words === 'cells' ? option.series[0].data.length : option.grid3D[0].viewControl.beta;
  }, what);
  assert.strictEqual(await chart('#figure-plane .chart', 'cells'), 49);
  await page.click('#figure-plane .turn button');
  await page.waitForFunction(() => document.querySelector('#figure-plane .body').dataset.drawn);
  const before = await chart('#figure-plane .body', 'angle');
  await page.keyboard.press('ArrowRight');
  assert.strictEqual(await chart('#figure-plane .body', 'angle'), before + 10);
  const {text} = await saved(page, 'plane', 'CSV');
  assert.strictEqual(text.trim().split('\n').length, 50);
});

test('a store without trials says what is missing', async (t) => {
  const page = await open(t, 'partial.html');
  assert.match(await page.$eval('main', (main) => main.textContent), /flatenn campaign/);
});

test('two stores stand side by side', async (t) => {
  const page = await open(t, 'compare.html');
  const titles = await page.$eval('#figure-accuracy .chart', (chart) =>
    echarts.getInstanceByDom(chart).getOption().title.map((one) => one.text));
  assert.ok(titles.includes('study: flipped bits') && titles.includes('hostile: flipped bits'),
            `${titles}`);
});

test('print shows everything in black on white', async (t) => {
  const page = await open(t, 'study/report.html', {dark: true});
  await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  const ground = await page.$eval('#figure-accuracy .chart svg rect', (rect) =>
    getComputedStyle(rect).fill);
  assert.strictEqual(ground, 'rgb(255, 255, 255)');
  await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
  const pdf = await page.pdf({format: 'A4', timeout: PATIENCE});
  assert.ok(pdf.length > 20000);
});

// How long a page takes to open in Chromium. As a program: prints the median, lowest and highest of
// several openings of one file, each in a fresh page.
//
//   NODE_PATH=build/dev/web/node_modules node tests/browser/open_time.js REPORT.html [OPENINGS]
'use strict';

const path = require('node:path');
const puppeteer = require('puppeteer-core');

const PATIENCE = 120000;  // milliseconds, on a busy machine

function launch() {
  return puppeteer.launch({
    executablePath: process.env.FLATENN_BROWSER || '/usr/bin/chromium', headless: true, timeout: PATIENCE,
    protocolTimeout: PATIENCE,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--use-angle=swiftshader',
           '--enable-unsafe-swiftshader'],
  });
}

/**
 * Seconds until a file is there and what is in sight is drawn: of a clock from the start of its
 * navigation, and of the processor's time of the page's main thread. `all`: of a clock, until the
 * charts below the fold are drawn too.
 */
async function openTime(browser, file) {
  const page = await browser.newPage();
  try {
    await page.setViewport({width: 1100, height: 900});
    const client = await page.createCDPSession();
    await client.send('Performance.enable', {timeDomain: 'threadTicks'});
    const start = performance.now();
    await page.goto(`file://${path.resolve(file)}`, {waitUntil: 'load', timeout: PATIENCE});
    const clock = (performance.now() - start) / 1000;
    const {metrics} = await client.send('Performance.getMetrics');
    const processor = metrics.find((one) => one.name === 'TaskDuration').value;
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.chart')].every((chart) => chart.dataset.drawn),
      {timeout: PATIENCE, polling: 20});
    return {clock, processor, all: (performance.now() - start) / 1000};
  } finally {
    await page.close();
  }
}

async function main(file, openings) {
  const browser = await launch();
  const times = [];
  for (let i = 0; i < openings; i++) times.push(await openTime(browser, file));
  await browser.close();
  for (const [key, words] of [['clock', 'until it is there'], ['all', 'until every chart is drawn'],
                              ['processor', 'processor time of the former']]) {
    const sorted = times.map((one) => one[key]).sort((a, b) => a - b);
    const median = (sorted[(openings - 1) >> 1] + sorted[openings >> 1]) / 2;
    console.log(`${words}: ${median.toFixed(2)} s (${sorted[0].toFixed(2)} to ` +
                `${sorted[openings - 1].toFixed(2)}, ${openings} openings)`);
  }
}

if (require.main === module) main(process.argv[2], Number(process.argv[3] || 9));

module.exports = {PATIENCE, launch, openTime};

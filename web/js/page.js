// Page: starts the figures and keeps them fitting the window, the colour scheme and the paper.
'use strict';

(() => {
  const report = JSON.parse(document.getElementById('data').textContent);
  const figures = report.figures.map(startFigure);
  const drawAll = () => figures.forEach(drawFigure);

  // What is in sight is drawn at once, the rest one by one when the page is there.
  const charts = figures.filter((figure) => figure.chart);
  const inSight = (figure) => figure.chartBox.getBoundingClientRect().top < window.innerHeight;
  const waiting = charts.filter((figure) => !inSight(figure));
  charts.filter(inSight).forEach(drawFigure);
  const drawNext = () => {
    if (waiting.length === 0) return;
    drawFigure(waiting.shift());
    setTimeout(drawNext);
  };
  window.addEventListener('load', () => setTimeout(drawNext));
  darkQuery.addEventListener('change', drawAll);

  let width = document.body.clientWidth, asked = false;
  window.addEventListener('resize', () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      if (document.body.clientWidth === width) return;
      width = document.body.clientWidth;
      drawAll();
    });
  });

  const setPaper = (on) => () => {
    paper = on;
    drawAll();
  };
  window.addEventListener('beforeprint', setPaper(true));
  window.addEventListener('afterprint', setPaper(false));
})();

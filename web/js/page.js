// Page: starts the figures and keeps them fitting the window, the colour scheme and the paper.
'use strict';

(() => {
  const report = JSON.parse(document.getElementById('data').textContent);
  const figures = report.figures.map(startFigure);
  const drawAll = () => figures.forEach(drawFigure);
  drawAll();
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

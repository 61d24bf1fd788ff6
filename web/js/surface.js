// Surface: loss over a plane, as a map of colours and as a body that can be turned.
'use strict';

function planeOf(figure, env) {
  return figure.options.surfaces.find((one) => one.name === env.choice.network);
}

/** Losses span powers of ten: colours and heights follow the logarithm. */
function logLoss(loss) {
  return typeof loss === 'number' ? Math.log10(Math.max(loss, 1e-6)) : null;
}

function planeScale(plane, theme) {
  const known = plane.loss.map(logLoss).filter((v) => v !== null);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  return {
    min: low, max: high > low ? high : low + 1, calculable: false, inRange: {color: VIRIDIS},
    textStyle: {color: theme.text}, precision: 4,
    text: [logLabel(high), `loss: ${logLabel(low)}`],
  };
}

function surfaceOption(figure, env) {
  const plane = planeOf(figure, env), theme = env.theme;
  const n = plane.positions.length;
  const side = Math.min(env.width - 90, 440);
  const labels = plane.positions.map((p) => formatValue(Number(p.toPrecision(3))));
  const axis = (name, gap) => ({
    type: 'category', data: labels, name, nameLocation: 'middle', nameGap: gap,
    nameTextStyle: {color: theme.faint}, axisLabel: {color: theme.text, interval: Math.max(1, Math.round(n / 10)) - 1},
    axisTick: {interval: Math.max(1, Math.round(n / 10)) - 1},
    axisLine: {lineStyle: {color: theme.faint}}, splitArea: {show: false},
  });
  const base = baseOption(theme);
  return {
    height: side + 118,
    option: {
      ...base,
      grid: {left: 60, top: 10, width: side, height: side},
      xAxis: axis('along the first direction', 28),
      yAxis: axis('along the second direction', 42),
      visualMap: {...planeScale(plane, theme), orient: 'horizontal', left: 60, bottom: 4,
                  itemWidth: 14, itemHeight: Math.min(220, 0.45 * env.width)},
      series: [{
        type: 'heatmap', progressive: 0, data: plane.loss.map((loss, i) =>
          [i % n, Math.floor(i / n), logLoss(loss) ?? '-']),
      }],
      tooltip: {...base.tooltip, trigger: 'item', formatter: (one) =>
        `at (${labels[one.value[0]]}, ${labels[one.value[1]]})<br>loss <b>` +
        `${formatValue(plane.loss[one.value[1] * n + one.value[0]])}</b>`},
    },
  };
}

/** The same as a body; alpha and beta are the angles of view in degrees. */
function bodyOption(figure, env, alpha, beta) {
  const plane = planeOf(figure, env), theme = env.theme;
  const n = plane.positions.length;
  const axis = (name) => ({
    type: 'value', name, nameTextStyle: {color: theme.text, fontSize: 12},
    axisLabel: {color: theme.text, fontSize: 11}, axisLine: {lineStyle: {color: theme.faint}},
    splitLine: {lineStyle: {color: theme.grid}},
  });
  return {
    backgroundColor: theme.ground, animation: false,
    visualMap: {...planeScale(plane, theme), show: false, dimension: 2},
    xAxis3D: axis('first'), yAxis3D: axis('second'),
    zAxis3D: {...axis('loss'), scale: true, axisLabel: {color: theme.text, formatter: logLabel}},
    grid3D: {boxHeight: 70, viewControl: {alpha, beta, animation: false, distance: 220},
             light: {main: {intensity: 0.7, shadow: false}, ambient: {intensity: 0.7}}},
    series: [{
      type: 'surface', wireframe: {show: false}, shading: 'lambert',
      dataShape: [n, n],
      data: plane.loss.map((loss, i) =>
        [plane.positions[i % n], plane.positions[Math.floor(i / n)], logLoss(loss)]),
    }],
  };
}

/** The library that draws bodies lies in the page as text: it costs time only where it is wanted. */
function loadBodies() {
  const text = document.getElementById('echarts-gl');
  if (!text) return;
  const script = document.createElement('script');
  script.textContent = text.textContent;
  text.remove();
  document.head.append(script);
}

/** A button that shows the body. It is turned by dragging, or with the arrow keys. */
function addBody(figure, holder) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Show as a surface to turn';
  holder.append(button);
  button.addEventListener('click', () => {
    const view = document.createElement('div');
    view.className = 'body';
    view.tabIndex = 0;
    view.setAttribute('role', 'img');
    view.setAttribute('aria-label', `${figure.summary} Arrow keys turn it.`);
    holder.replaceChildren(view);
    loadBodies();
    const chart = echarts.init(view, null, {renderer: 'canvas'});
    // The angles lie in the chart: dragging changes them too.
    const angles = () => chart.getOption()?.grid3D[0].viewControl ?? {alpha: 35, beta: 30};
    figure.drawBody = () => {
      const {alpha, beta} = angles();
      chart.setOption(bodyOption(figure, figureEnv(figure), alpha, beta), true);
    };
    chart.on('finished', () => { view.dataset.drawn = 'true'; });
    figure.drawBody();
    view.focus();
    view.addEventListener('keydown', (event) => {
      const turn = {ArrowLeft: [0, -10], ArrowRight: [0, 10], ArrowUp: [10, 0], ArrowDown: [-10, 0]};
      if (!turn[event.key]) return;
      event.preventDefault();
      const {alpha, beta} = angles();
      const [up, round] = turn[event.key];
      chart.setOption({grid3D: {viewControl: {alpha: Math.max(-90, Math.min(90, alpha + up)),
                                              beta: beta + round}}});
    });
  });
}

// Theme: colours for light, dark and paper, and the look of each line.
'use strict';

// Colours of Okabe and Ito, told apart by colour-blind readers; brighter ones on dark ground.
const LIGHT = {
  dark: false, text: '#1c2126', faint: '#5b6570', grid: '#d9dee3', ground: '#ffffff',
  colours: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b98600', '#3d9bd1', '#7a5a28'],
};
const DARK = {
  dark: true, text: '#e4e8ec', faint: '#a4aeb8', grid: '#3a424b', ground: '#15191d',
  colours: ['#4ea8e6', '#ff8f4a', '#2ecfa0', '#e9a6cb', '#f0bd45', '#9bd6ff', '#cfae78'],
};
const DASHES = ['solid', [7, 4], [2, 3], [10, 3, 2, 3]];
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle', 'emptyRect', 'emptyTriangle'];
// Viridis: even steps of lightness, so that it reads in grey as well.
const VIRIDIS = ['#440154', '#482878', '#3e4a89', '#31688e', '#26828e', '#1f9e89', '#35b779',
                 '#6ece58', '#b5de2b', '#fde725'];
const FONT = 'system-ui, "Segoe UI", "Liberation Sans", sans-serif';

/** A name looks the same in every figure that draws the same column, and no two of 28 names alike. */
const styleIndex = new Map();
function lineStyle(column, name, theme) {
  const key = JSON.stringify([column, name]);
  if (!styleIndex.has(key)) {
    styleIndex.set(key, [...styleIndex.keys()].filter((k) => JSON.parse(k)[0] === column).length);
  }
  const i = styleIndex.get(key), round = Math.floor(i / theme.colours.length);
  return {
    colour: theme.colours[i % theme.colours.length],
    dash: DASHES[(i + 2 * round) % DASHES.length],
    symbol: SYMBOLS[(i + 3 * round) % SYMBOLS.length],
  };
}

let measuring = null;
/** Width of a text in pixels as the charts write it. */
function textWidth(text, size) {
  measuring = measuring || document.createElement('canvas').getContext('2d');
  measuring.font = `${size}px ${FONT}`;
  return measuring.measureText(text).width;
}

/** What every chart begins with. */
function baseOption(theme) {
  return {
    animation: false,
    backgroundColor: theme.ground,
    textStyle: {fontFamily: FONT, color: theme.text},
    tooltip: {
      confine: true, backgroundColor: theme.ground, borderColor: theme.grid,
      textStyle: {color: theme.text, fontSize: 12},
    },
  };
}

/** A legend over the chart and the height that its lines take. */
function legendOption(names, hidden, width, theme, mark = 28) {
  const size = 12, between = 12;
  let lines = 1, used = 0;
  for (const name of names) {
    const item = Math.min(textWidth(name, size), width - mark - 20) + mark + 5 + between;
    if (used > 0 && used + item > width - 10) {
      lines++;
      used = 0;
    }
    used += item;
  }
  const option = {
    data: names, top: 0, left: 0, width: width - 10, itemWidth: mark, itemHeight: 10, padding: 5,
    itemGap: between, selected: Object.fromEntries(names.map((name) => [name, !hidden.has(name)])),
    textStyle: {color: theme.text, fontSize: size, width: width - mark - 20, overflow: 'truncate'},
    inactiveColor: theme.grid,
  };
  return {option, height: 10 + lines * 26};
}

/** Round steps: {min, max, step} that hold [low, high]. */
function niceRange(low, high) {
  if (!(high > low)) {
    const around = Math.abs(low) || 1;
    return niceRange(low - 0.5 * around, low + 0.5 * around);
  }
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  return {min: Math.floor(low / step + 1e-9) * step, max: Math.ceil(high / step - 1e-9) * step, step};
}

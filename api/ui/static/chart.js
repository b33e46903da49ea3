// The chart of the hash rate.

import uPlot from './uplot/uPlot.esm.js';
import { h } from './dom.js';
import { rateText } from './format.js';
import { on, state } from './state.js';

const windows = [['5 min', 300], ['1 h', 3600]];

// colorsOf are style.css' colours as they are now in an element: a canvas can't look
// them up.
function colorsOf(element) {
  const color = (name) => {
    element.style.color = `var(${name})`;
    return getComputedStyle(element).color;
  };
  const colors = { faint: color('--faint'), line: color('--line'), accent: color('--accent'), wash: color('--accent-wash') };
  element.style.removeProperty('color');
  return colors;
}

// chart is the element, which follows the rates until the signal is aborted.
export function chart(signal) {
  let seconds = windows[0][1];
  let plot = null;
  const canvas = h('div', { class: 'chart', role: 'img' });
  const choice = h('div', { class: 'segments', role: 'group', 'aria-label': 'Time shown' },
    windows.map(([name, length]) => h('button', {
      type: 'button', 'aria-pressed': String(length === seconds),
      onclick: (event) => {
        seconds = length;
        for (const button of choice.children) button.setAttribute('aria-pressed', String(button === event.currentTarget));
        update();
      },
    }, name)));

  function build() {
    plot?.destroy();
    plot = new uPlot(options(canvas.clientWidth, canvas.clientHeight, colorsOf(canvas)), shown(), canvas);
  }

  function shown() {
    const { times, ten, minute } = state.rates;
    const last = times.at(-1) ?? 0;
    let first = times.findIndex((time) => time >= last - seconds);
    if (first < 0) first = 0;
    return [times.slice(first), ten.slice(first), minute.slice(first)];
  }

  function update() {
    if (!plot) return;
    const data = shown();
    plot.setData(data, false);
    const last = data[0].at(-1) ?? Date.now() / 1000;
    plot.batch(() => {
      // What the page has seen fills the chart, once that is a minute.
      plot.setScale('x', { min: Math.max(last - seconds, Math.min(data[0][0] ?? last, last - 60)), max: last });
      plot.setScale('y', { min: 0, max: Math.max(1, ...data[1], ...data[2]) * 1.15 });
    });
    const rates = data[1];
    canvas.setAttribute('aria-label', rates.length === 0 ? 'Hash rate: nothing measured yet'
      : `Hash rate: now ${rateText(rates.at(-1))}, lowest ${rateText(Math.min(...rates))}, highest ${rateText(Math.max(...rates))}`);
  }

  const sizes = new ResizeObserver(() => {
    if (canvas.clientWidth === 0) return;
    if (plot) plot.setSize({ width: canvas.clientWidth, height: canvas.clientHeight });
    else build();
    update();
  });
  sizes.observe(canvas);
  on(['mining'], update, signal);
  addEventListener('themechange', () => { if (plot) { build(); update(); } }, { signal });
  signal.addEventListener('abort', () => {
    sizes.disconnect();
    plot?.destroy();
  });
  return h('div', { class: 'chart-box' }, choice, canvas);
}

const clock = (time) => new Date(time * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

function options(width, height, colors) {
  const axis = { stroke: colors.faint, font: '12px system-ui, sans-serif', ticks: { show: false } };
  return {
    width, height,
    legend: { show: false },
    padding: [8, 24, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { auto: false }, y: { auto: false } },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 80, values: (_, values) => values.map(clock) },
      { ...axis, grid: { stroke: colors.line, width: 1 }, size: 78, space: 42, values: (_, values) => values.map((v) => (v === 0 ? '0' : rateText(v))) },
    ],
    series: [
      {},
      { stroke: colors.accent, width: 2, fill: colors.wash, points: { show: false } },
      { stroke: colors.faint, width: 1, dash: [4, 4], points: { show: false } },
    ],
  };
}

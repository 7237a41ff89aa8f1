// The chart of demand against what serves: what could not be read is a gap. It draws on a canvas; the page says the same in words and in a table.

/* global uPlot */

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

// hatch makes a pattern, so that the areas differ by more than colour.
function hatch(line, ground, step, up) {
  const c = document.createElement('canvas')
  c.width = c.height = step
  const g = c.getContext('2d')
  if (ground) { g.fillStyle = ground; g.fillRect(0, 0, step, step) }
  g.strokeStyle = line
  g.lineWidth = step / 3.5
  for (const o of [-step, 0, step]) {
    g.beginPath()
    if (up) { g.moveTo(o, step); g.lineTo(o + step, 0) } else { g.moveTo(o, 0); g.lineTo(o + step, step) }
    g.stroke()
  }
  return g.createPattern(c, 'repeat')
}

// signs are the shapes of marks, in units of their size, from the point that they mark.
const signs = {
  decision: [[-1, -1.5], [1, -1.5], [0, 0]],
  order: [[0, 0], [1, -1.2], [0, -2.4], [-1, -1.2]],
  deployment: [[-0.9, 0], [-0.9, -1.8], [0.9, -1.8], [0.9, 0]],
  scaling: [[-1.1, 0], [0, -1.9], [1.1, 0]],
}

export class Chart {
  // tell is called with what the pointer is at, zoom with the seconds selected, own with the options.
  constructor(el, tell, zoom, own = (o) => o) {
    Object.assign(this, { el, tell, zoom, own })
    this.marks = []
    this.lit = null
    new ResizeObserver(() => this.plot && this.plot.setSize(this.size())).observe(el)
    document.addEventListener('themechange', () => this.rebuild())
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.rebuild())
  }

  size() { return { width: Math.max(260, this.el.clientWidth), height: this.el.clientWidth < 600 ? 260 : 320 } }

  show(data, marks, from, to) {
    this.data = data
    this.marks = marks
    this.from = from
    this.to = to
    if (!this.plot) this.rebuild()
    else this.plot.setData(data)
  }

  light(at) { this.lit = at; if (this.plot) this.plot.redraw(false) }

  rebuild() {
    if (!this.data) return
    if (this.plot) this.plot.destroy()
    const stepped = uPlot.paths.stepped({ align: 1 })
    const none = { show: false }
    const axis = { stroke: css('--dim'), grid: { stroke: css('--line'), width: 1 }, ticks: { stroke: css('--line'), width: 1 }, font: '12px system-ui, "Liberation Sans", sans-serif' }
    const most = this.data[4]
    this.plot = new uPlot(this.own({
      ...this.size(),
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), 'Etc/UTC'),
      legend: none,
      padding: [18, 30, 0, 0],
      cursor: { drag: { x: true, y: false, setScale: false }, points: none, y: false },
      scales: { x: { time: true, range: () => [this.from, this.to] }, y: { range: (u, lo, hi) => [0, Math.max(4, (hi || most || 0) * 1.1)] } },
      axes: [{ ...axis, values: [
        [86400, '{MMM} {D}', null, null, null, null, null, null, 1],
        [3600, '{HH}:{mm}', '\n{MMM} {D}', null, '\n{MMM} {D}', null, null, null, 1],
        [60, '{HH}:{mm}', '\n{MMM} {D}', null, '\n{MMM} {D}', null, null, null, 1],
        [1, '{HH}:{mm}:{ss}', '\n{MMM} {D}', null, '\n{MMM} {D}', null, null, null, 1],
      ] }, { ...axis, size: 52, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10000] }],
      series: [{},
        { paths: stepped, points: none, stroke: css('--leaving'), width: 1, fill: hatch(css('--leaving'), css('--card'), 10, true) },
        { paths: stepped, points: none, stroke: css('--ondemand'), width: 1.5, fill: hatch(css('--ondemand'), css('--ondemand-bg'), 8, true) },
        { paths: stepped, points: none, stroke: css('--spot-line'), width: 1.5, fill: css('--spot') },
        { paths: stepped, points: none, stroke: css('--wanted'), width: 2, dash: [7, 4] },
        { paths: stepped, points: none, width: 0 },
      ],
      bands: [{ series: [4, 5], fill: hatch(css('--missing'), css('--card'), 6, false) }],
      hooks: {
        drawClear: [(u) => this.drawGaps(u)],
        draw: [(u) => this.drawMarks(u)],
        setCursor: [(u) => this.tell(u.cursor.idx ?? null, u.cursor.left >= 0 ? u.posToVal(u.cursor.left, 'x') : null)],
        setSelect: [(u) => {
          if (u.select.width > 8) this.zoom(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'))
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        }],
      },
    }), this.data, this.el)
  }

  // drawMarks puts a small triangle over each decision, notice and failure, a sign on the time axis for each order, deployment and
  // scaling, and a line where one is looked at.
  drawMarks(u) {
    const g = u.ctx
    const r = devicePixelRatio
    const { top, height } = u.bbox
    const floor = top + height
    g.save()
    for (const m of this.marks) {
      const at = Date.parse(m.at) / 1000
      if (at < this.from || at > this.to) continue
      const x = Math.round(u.valToPos(at, 'x', true))
      const lit = m.id === this.lit
      const s = (lit ? 7 : 4.5) * r
      g.fillStyle = css(m.level === 'critical' ? '--critical' : m.level === 'warning' ? '--warning' : m.kind === 'deployment' || m.kind === 'scaling' ? '--text' : '--covering')
      g.beginPath()
      const sign = signs[m.kind] || signs.decision
      for (const [k, [dx, dy]] of sign.entries()) g[k ? 'lineTo' : 'moveTo'](x + dx * s, (sign === signs.decision ? top - 2 * r : floor - 2 * r) + dy * s)
      g.closePath()
      g.fill()
      if (sign !== signs.decision) { // it lies on the areas
        g.strokeStyle = css('--card')
        g.lineWidth = r
        g.stroke()
      }
      if (lit) {
        g.strokeStyle = css('--covering')
        g.lineWidth = 2 * r
        g.beginPath()
        g.moveTo(x, top)
        g.lineTo(x, floor)
        g.stroke()
      }
    }
    g.restore()
  }

  // drawGaps hatches the time of which nothing is known.
  drawGaps(u) {
    const [times, , , spot] = this.data
    const g = u.ctx
    g.save()
    g.fillStyle = hatch(css('--line'), css('--bg'), 8 * devicePixelRatio, true)
    for (let i = 0; i + 1 < times.length; i++) {
      if (spot[i] !== null) continue
      const a = Math.max(u.valToPos(times[i], 'x', true), u.bbox.left)
      const b = Math.min(u.valToPos(times[i + 1], 'x', true), u.bbox.left + u.bbox.width)
      if (b > a) g.fillRect(a, u.bbox.top, b - a, u.bbox.height)
    }
    g.restore()
  }
}

// One lane a policy: what served over time, and its figures.

import { h, count, usd } from 'app'
import { Chart } from 'chart'

export const day = 86400
const two = (n) => String(n).padStart(2, '0')

// moment says a time of the run; of a run of one day the day goes without saying.
export function moment(seconds, whole, short) {
  const s = Math.floor(seconds)
  const time = `${two(Math.floor(s % day / 3600))}:${two(Math.floor(s % 3600 / 60))}` + (short ? '' : ':' + two(s % 60))
  return whole > day ? `Day ${Math.floor(s / day) + 1}, ${time}` : s >= day ? '24:00' + (short ? '' : ':00') : time
}

// axis writes the texts under a chart.
export const axis = (view) => (u, splits, k, space, step) => splits.map((s) => s > view.seconds ? '' : step >= day ? 'Day ' + (s / day + 1)
  : s % day === 0 && view.seconds > day ? 'Day ' + (s / day + 1) : s === day ? '24:00' : `${two(s % day / 3600 | 0)}:${two(Math.floor(s % 3600 / 60))}` + (step < 60 ? ':' + two(s % 60) : ''))

// before is the place of the last of times that is not after t, -1 if there is none.
export function before(times, t) {
  let a = 0, b = times.length
  while (a < b) { const m = (a + b) >> 1; if (times[m] <= t) a = m + 1; else b = m }
  return a - 1
}

export const tenths = (n) => n > 0 && n < 9.95 ? Math.max(0.1, n).toFixed(1) : count(Math.round(n))
export const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`

// Cursor is the line that shows the time in a chart, by shares of its width.
export class Cursor {
  constructor(view) { this.view = view; this.el = h('div', { class: 'at' }) }
  ready(u) { u.over.append(this.el); this.move(this.view.at) }
  move(t) {
    const { from, to } = this.view
    this.el.style.display = t < from || t > to ? 'none' : ''
    this.el.style.left = 100 * (t - from) / (to - from) + '%'
  }
}

// Plot is a chart that is as high as it is told to be, and with something laid over each plot that it makes.
export class Plot extends Chart {
  constructor(el, view, zoom, height, laid, most = () => view.most) {
    super(el, () => {}, zoom, (o) => {
      o.axes[0].values = axis(view)
      o.axes[0].size = 26
      o.axes[1].size = 46
      o.scales.y.range = () => [0, most()]
      o.padding = [10, 20, 0, 0]
      return o
    })
    this.height = height
    this.laid = laid
  }

  size() { return { ...super.size(), height: this.height } }
  rebuild() { super.rebuild(); if (this.plot) this.laid(this.plot) }
}

const marksMax = 250

export class Lane {
  // choose is called when the lane is chosen, at a time where one was pointed at; zoom with the time that was dragged over.
  constructor(parent, policy, view, choose, zoom) {
    this.policy = policy
    this.view = view
    this.run = null
    this.cursor = new Cursor(view)
    this.button = h('button', { type: 'button', 'aria-pressed': 'false', onclick: (e) => { e.stopPropagation(); choose(policy.name) } }, policy.title)
    this.figures = h('span', { class: 'fig' }, 'playing')
    this.chartEl = h('div', { class: 'chart', role: 'img', 'aria-label': 'Chart of ' + policy.title })
    this.el = h('div', { class: 'lane', 'data-policy': policy.name }, h('div', { class: 'lane-head' }, h('h3', null, this.button), this.figures), this.chartEl)
    parent.append(this.el)
    let dragged = false
    this.chart = new Plot(this.chartEl, view, (from, to) => { dragged = true; zoom(from, to) }, 116, (u) => {
      this.cursor.ready(u)
      u.over.addEventListener('click', (e) => {
        if (!dragged) choose(policy.name, u.posToVal(e.clientX - u.over.getBoundingClientRect().left, 'x'))
        dragged = false
      })
    })
  }

  choose(yes) { this.el.classList.toggle('chosen', yes); this.button.setAttribute('aria-pressed', String(yes)) }

  show(run) {
    this.run = run
    this.el.classList.remove('late')
    const bad = run.missing_task_minutes > 0.05
    this.figures.replaceChildren(h('b', null, usd(run.cost_usd)), ` (${percent(run.cost_ratio)} of on-demand alone) · `, h('span', { class: bad ? 'bad' : '' }, h('b', null, tenths(run.missing_task_minutes)), ' task-minutes missing'),
      ' · ', h('b', null, percent(run.on_demand_share)), ' on on-demand')
    this.draw()
  }

  draw() {
    const r = this.run
    if (!r) return
    const { from, to } = this.view
    // What lies outside of the view is not drawn, but for a neighbour on either side.
    const a = Math.max(0, before(r.times, from)), b = Math.min(r.times.length, before(r.times, to) + 2)
    const cut = (list) => list.slice(a, b)
    const times = cut(r.times), spot = cut(r.spot), demand = cut(r.demand)
    const total = cut(r.on_demand).map((n, i) => n + spot[i])
    const met = demand.map((n, i) => Math.min(n, total[i]))
    if (times[times.length - 1] < to) for (const list of [times, spot, demand, total, met]) list.push(list === times ? to : list[list.length - 1])
    this.chart.show([times, total, total, spot, demand, met], this.marks(from, to), from, to)
    this.cursor.move(this.view.at)
  }

  // marks are the decisions in the view, at most one every few pixels.
  marks(from, to) {
    const out = []
    let last = -Infinity
    for (const c of this.run.choices) {
      if (c.at < from || c.at > to || c.at - last < (to - from) / marksMax) continue
      out.push({ at: new Date(1000 * c.at).toISOString(), kind: 'decision' })
      last = c.at
    }
    return out
  }

  // counts is what held at a time.
  counts(t) {
    const r = this.run
    if (!r) return null
    const i = Math.max(0, before(r.times, t))
    return { demand: r.demand[i], spot: r.spot[i], onDemand: r.on_demand[i], missing: Math.max(0, r.demand[i] - r.spot[i] - r.on_demand[i]) }
  }

  // choice is the place of the last decision before a time, -1 if there is none.
  choice(t) {
    if (!this.run) return -1
    let a = 0, b = this.run.choices.length
    while (a < b) { const m = (a + b) >> 1; if (this.run.choices[m].at <= t) a = m + 1; else b = m }
    return a - 1
  }
}

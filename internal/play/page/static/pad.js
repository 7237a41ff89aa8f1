// The chart on which room for Spot tasks is drawn, with a mouse, a finger or the keyboard.

import { $, h, count } from 'app'
import { Cursor, Plot, moment } from 'lanes'
import { draw, top } from 'curve'

// enough is how far a pointer must go, in pixels, before a trace is taken to be drawn on.
const enough = 6

export class Pad {
  // changed is called while the curve is drawn, and with true when that is over; begins makes what is shown something to draw on, if it can; look is
  // called with a time that was pointed at.
  constructor(view, changed, begins, look) {
    Object.assign(this, { view, changed, begins, look })
    this.curve = null // null: what is shown is not drawn on
    this.tasks = 0
    this.slot = 0
    this.cursor = new Cursor(view)
    this.slotEl = h('div', { class: 'slot' })
    this.el = $('pad')
    this.chart = new Plot($('room'), view, () => {}, 180, (u) => { this.cursor.ready(u); u.over.append(this.slotEl); this.place() }, () => Math.ceil(1.3 * Math.max(4, this.tasks)))
    this.el.addEventListener('mousedown', (e) => e.stopPropagation(), true) // no zooming here
    this.listen()
  }

  // show draws a course; curve is what is drawn on.
  show(course, curve, tasks) {
    this.course = course
    this.curve = curve
    this.tasks = tasks
    const shown = course.capacity.map((v, i) => v < 0 ? top(tasks) : Math.min(v, top(tasks)))
    const { from, to } = this.view
    this.chart.show([course.times, shown, shown, shown, course.demand, course.demand], [], from, to)
    this.el.classList.toggle('fixed', !curve)
    this.cursor.move(this.view.at)
    this.place()
  }

  point(e) {
    const u = this.chart.plot
    const box = u.over.getBoundingClientRect()
    return [u.posToVal(e.clientX - box.left, 'x'), u.posToVal(e.clientY - box.top, 'y')]
  }

  listen() {
    let last = null, from = 0
    this.el.addEventListener('pointerdown', (e) => {
      if (e.button || !this.chart.plot) return
      this.el.setPointerCapture(e.pointerId)
      last = this.point(e)
      from = e.clientX
      if (this.curve) this.mark(last, last, false)
    })
    this.el.addEventListener('pointermove', (e) => {
      if (!last || !this.curve && (Math.abs(e.clientX - from) < enough || !this.begins())) return
      const p = this.point(e)
      this.mark(last, p, false)
      last = p
    })
    for (const kind of ['pointerup', 'pointercancel']) {
      this.el.addEventListener(kind, () => {
        if (last && this.curve) this.changed(true)
        else if (last && kind === 'pointerup') this.look(last[0])
        last = null
      })
    }
    this.el.addEventListener('keydown', (e) => this.key(e))
    this.el.addEventListener('focus', () => this.place())
  }

  mark(a, b, over) { draw(this.curve, this.tasks, a, b); this.slot = Math.floor(b[0] / this.curve.step); this.place(); this.changed(over) }

  key(e) {
    const large = e.shiftKey ? 6 : 1
    const moves = { ArrowLeft: -large, ArrowRight: large, Home: -1e9, End: 1e9 }
    const step = Math.max(1, Math.round(this.tasks / 20))
    const by = { ArrowUp: step * large, ArrowDown: -step * large, PageUp: 1e9, PageDown: -1e9, 0: -1e9 }
    if (!(e.key in moves) && !(e.key in by) || e.ctrlKey || e.metaKey || e.altKey) return
    e.preventDefault()
    if (!this.curve && !this.begins()) return
    this.slot = Math.min(this.curve.values.length - 1, Math.max(0, this.slot + (moves[e.key] || 0)))
    if (e.key in by) {
      const t = (this.slot + 0.5) * this.curve.step
      const to = [t, this.curve.values[this.slot] + by[e.key]]
      this.mark(to, to, true)
    }
    this.place()
  }

  // place says and shows where the keyboard is.
  place() {
    const c = this.curve
    if (!c) { this.el.setAttribute('aria-valuetext', 'begins to draw on this trace'); return }
    this.slot = Math.min(this.slot, c.values.length - 1)
    const { from, to } = this.view
    this.slotEl.style.left = 100 * (this.slot * c.step - from) / (to - from) + '%'
    this.slotEl.style.width = 100 * c.step / (to - from) + '%'
    const v = c.values[this.slot]
    this.el.setAttribute('aria-valuemax', top(this.tasks))
    this.el.setAttribute('aria-valuenow', v)
    this.el.setAttribute('aria-valuetext', `${moment(this.slot * c.step, c.seconds, true)}: ${v >= top(this.tasks) ? 'no limit' : 'room for ' + count(v)}`)
  }
}

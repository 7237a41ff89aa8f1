// The capacity that is drawn: a number of tasks for each step of time, and the trace file that it is.

export const hour = 3600
export const day = 24 * hour

// steps are how finely a length is drawn, in seconds.
const steps = [[6 * hour, 300], [day, 600], [7 * day, 3600], [Infinity, 4 * hour]]

export function newCurve(seconds, tasks) {
  const step = steps.find(([most]) => seconds <= most)[1]
  return { step, seconds, values: new Array(Math.ceil(seconds / step)).fill(top(tasks)) }
}

// top is the value from which on nothing limits Spot.
export const top = (tasks) => Math.ceil(tasks * 1.1)

// sketch draws lines between points [hours, share of the tasks wanted].
function sketch(seconds, tasks, spells) {
  const c = newCurve(seconds, tasks)
  for (const [from, to, low] of spells) {
    for (let i = Math.floor(from * hour / c.step); i < Math.min(c.values.length, to * hour / c.step); i++) c.values[i] = Math.round(low * tasks)
  }
  return c
}

export const examples = {
  day: ['A bad day', (tasks) => sketch(day, tasks, [[3, 3.5, 0.9], [9, 9.5, 0.75], [9.5, 11, 0.4], [11, 12, 0.6], [12, 12.5, 0.85],
    ...[0, 1, 2, 3].map((k) => [15 + k * 0.5, 15.17 + k * 0.5, 0.55]), [19, 20.5, 0], [20.5, 21, 0.5]])],
  gone: ['Spot is gone for two hours', (tasks) => sketch(6 * hour, tasks, [[2, 4, 0]])],
  flap: ['Spot comes and goes', (tasks) => sketch(6 * hour, tasks, [...Array(10).keys()].map((k) => [0.75 + k * 0.5, 1 + k * 0.5, k % 3 ? 0.5 : 0.15]))],
  empty: ['An empty day to draw on', (tasks) => newCurve(day, tasks)],
}

// The names of the zones that can be drawn one by one. A curve with zones has an array of values for each, and each holds a third of the tasks.
export const zones = ['a', 'b', 'c']
const third = (tasks) => Math.ceil(tasks / zones.length)

// part is what is drawn on: the curve, or one zone of it, with the tasks that it is drawn for. Its values are the curve's own.
export const part = (c, zone, tasks) => c.zones ? { curve: { ...c, values: c.zones[zone] }, tasks: third(tasks) } : { curve: c, tasks }

// split makes three zones of a curve, and joined one curve of its zones.
export function split(c, tasks) {
  const v = c.values.map((v) => v >= top(tasks) ? top(third(tasks)) : Math.round(v / zones.length))
  return { ...c, zones: zones.map(() => [...v]) }
}
export function joined(c, tasks) {
  const most = top(third(tasks))
  return { ...c, zones: null, values: c.values.map((_, i) => c.zones.every((z) => z[i] >= most) ? top(tasks) : Math.min(top(tasks), c.zones.reduce((sum, z) => sum + Math.min(z[i], third(tasks)), 0))) }
}

// csv is the trace that a curve is (docs/traces.md).
export function csv(c, tasks) {
  const columns = c.zones || [c.values]
  const most = top(c.zones ? third(tasks) : tasks)
  const rows = ['# drawn by hand for ' + tasks + ' tasks (backstop play)', 'seconds,' + (c.zones ? zones.map((z) => 'spot/' + z).join() : 'spot')]
  let last
  for (let i = 0; i < columns[0].length; i++) {
    const text = columns.map((v) => v[i] >= most ? 'inf' : String(v[i])).join()
    if (text !== last) rows.push(`${i * c.step},${text}`)
    last = text
  }
  rows.push(`${c.seconds},${last}`)
  return rows.join('\n') + '\n'
}

// traced samples a course onto a curve, so that it can be drawn on.
export function traced(course, seconds, tasks) {
  const c = newCurve(seconds, tasks)
  let k = 0
  for (let i = 0; i < c.values.length; i++) {
    let least = top(tasks)
    while (k + 1 < course.times.length && course.times[k + 1] <= i * c.step) k++
    for (let j = k; j < course.times.length && course.times[j] < (i + 1) * c.step; j++) if (course.capacity[j] >= 0) least = Math.min(least, course.capacity[j])
    c.values[i] = least
  }
  return c
}

// draw sets the steps from one point to another; a point is [seconds, tasks].
export function draw(c, tasks, [t0, v0], [t1, v1]) {
  const slot = (t) => Math.min(c.values.length - 1, Math.max(0, Math.floor(t / c.step)))
  const a = slot(t0), b = slot(t1)
  const d = a <= b ? 1 : -1
  for (let i = a; ; i += d) {
    const v = a === b ? v1 : v0 + (v1 - v0) * (i - a) / (b - a)
    c.values[i] = v < tasks / 30 ? 0 : Math.min(top(tasks), Math.round(v)) // nothing is easily aimed at
    if (i === b) return
  }
}

// rescaled keeps a curve's shape for another number of tasks.
export function rescaled(c, before, tasks) {
  const by = (v, a, b) => v >= top(a) ? top(b) : Math.round(v * b / a)
  return { ...c, values: c.values.map((v) => by(v, before, tasks)), zones: c.zones && c.zones.map((z) => z.map((v) => by(v, third(before), third(tasks)))) }
}

// drawn is what the chart shows of a curve.
export function drawn(c, tasks) {
  const times = [], values = []
  c.values.forEach((v, i) => { if (!i || v !== values[values.length - 1]) { times.push(i * c.step); values.push(v) } })
  times.push(c.seconds)
  values.push(values[values.length - 1])
  return { times, capacity: values, demand: times.map(() => tasks) }
}
